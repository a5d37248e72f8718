"""Any interleaving of two workers, their deaths and a network's echoes, held against a model in a few lines."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hub import ids
from hub.processes.embedded import Server
from hub.store import doubts, inbox, outbox, turns
from hub.store.db import Db, open_db
from hub.store.turns import Claim
from tests.conftest import at, owning
from tests.store.rows import Bench, part, straight

Json = dict[str, Any]
WORKERS = st.sampled_from(["anna", "bert"])
CHATS = st.sampled_from(["5511", "5522"])
MODES = st.sampled_from(["at_most_once", "at_least_once", "reconcile", "placeholder_edit"])
RESENT = ("at_least_once", "placeholder_edit")
LOST = "update outbox set wire_deadline = now() - interval '1 second' where state = 'sending'"
ECHOLESS = """
    update outbox set wire_deadline = now() - interval '1 second' where state = 'unknown' and closed_at is null
"""
EXPIRED = """
    update sessions set lease_until = now() - interval '1 second', due_at = now()
    where id = $1 and lease_until is not null
"""
SESSIONS = "select chat, last_seq, done_seq, epoch, lease_until is not null, crash_count from sessions"
EMPTY = "truncate accounts, inbox_dedupe, attempts cascade"


@dataclass
class Part:
    """What the model knows of an outgoing part; `attempt` counts how often it was handed out."""

    id: int
    mode: str
    state: str = "queued"
    attempt: int = 0
    held: bool = False
    given_up: bool = False

    @property
    def _open(self) -> bool:
        return self.state == "unknown" and not self.given_up

    @property
    def blocks(self) -> bool:
        """Whether what is behind it must wait."""
        return self.state in ("queued", "sending") or (self._open and self.mode == "reconcile")


@dataclass
class Talk:
    """The model of one session."""

    said: int = 0
    done: int = 0
    epoch: int = 0
    leased: bool = False
    expired: bool = False
    crashes: int = 0
    owner: str = ""
    parts: list[Part] = field(default_factory=list)

    def next(self) -> Part | None:
        """The part that may go now."""
        first = next((p for p in self.parts if p.blocks), None)
        return first if first is not None and first.state == "queued" else None

    def hand_out(self) -> Part | None:
        found = self.next()
        if found is not None:
            found.state, found.attempt = "sending", found.attempt + 1
        return found


@dataclass
class Work:
    """A claim as a worker holds it, perhaps long after somebody else has taken over."""

    chat: str
    claim: Claim
    epoch: int
    done: int
    upto: int


class Pipeline(RuleBasedStateMachine):
    """Steps of the real stored functions beside the same steps of the model."""

    dsn = ""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.opened = open_db(self.dsn, size=2)
        self.db: Db = self.do(self.opened.__aenter__())
        self.talks: dict[str, Talk] = {}
        self.sessions: dict[str, UUID] = {}
        self.work: dict[str, list[Work]] = {"anna": [], "bert": []}
        self.sends: dict[str, list[tuple[str, Json]]] = {"anna": [], "bert": []}
        self.exts: list[tuple[str, str]] = []

    def do(self, step: Any) -> Any:
        return self.loop.run_until_complete(step)

    async def _emptied(self) -> None:
        async with owning(self.dsn) as owner:
            await owner.run(EMPTY)

    def teardown(self) -> None:
        self.do(self.opened.__aexit__(None, None, None))
        self.loop.close()

    @initialize()
    def begin(self) -> None:
        self.do(self._emptied())
        self.bench = self.do(Bench(self.db).make())
        for chat in ("5511", "5522"):
            self.talks[chat] = Talk()
            self._say(chat, f"m:{uuid4()}")

    def _say(self, chat: str, ext: str) -> str:
        item = self.bench.item(ext=ext, ids=[f"phone:{chat}"], chat=chat, per_hour=0, max_messages=0)
        [got] = self.do(inbox.ingest(self.db, [item]))
        if got.outcome == "accepted":
            self.talks[chat].said += 1
            assert got.seq == self.talks[chat].said
            self.sessions[chat] = got.session_id
            self.exts.append((chat, ext))
        return str(got.outcome)

    @rule(chat=CHATS)
    def ingest(self, chat: str) -> None:
        assert self._say(chat, f"m:{uuid4()}") == "accepted"

    @rule(data=st.data())
    def ingest_again(self, data: st.DataObject) -> None:
        chat, ext = data.draw(st.sampled_from(self.exts))
        assert self._say(chat, ext) == "duplicate"

    @rule(worker=WORKERS, chat=CHATS)
    def claim(self, worker: str, chat: str) -> None:
        talk = self.talks[chat]
        got = self.do(turns.claim(self.db, self.sessions[chat], worker, 60, 5))
        free = not talk.leased or talk.expired
        assert (got is not None) == (free and talk.said > talk.done)
        if got is None:
            return
        # Nobody has told that they live: another one takes over from the dead, nobody from themselves.
        talk.crashes += talk.leased and talk.owner != worker
        talk.owner = worker
        talk.epoch += 1
        talk.leased, talk.expired = True, False
        assert got.epoch == talk.epoch and got.session["crash_count"] == talk.crashes
        alone = talk.crashes >= 2 or got.session["attempts"] >= 4
        assert got.upto == (talk.done + 1 if alone else talk.said)
        assert [row["seq"] for row in got.batch] == list(range(talk.done + 1, got.upto + 1))
        self.work[worker].append(Work(chat, got, talk.epoch, talk.done, got.upto))

    @precondition(lambda self: any(self.work.values()))
    @rule(mode=MODES, parts=st.integers(0, 3), data=st.data())
    def complete(self, mode: str, parts: int, data: st.DataObject) -> None:
        worker, mine = data.draw(st.sampled_from([(w, one) for w, held in self.work.items() for one in held]))
        self.work[worker].remove(mine)
        talk, message = self.talks[mine.chat], ids.uuid7()
        turn = {"id": str(ids.uuid7()), "outcome": "answered"}
        said = [{"id": str(message), "role": "assistant", "source": "model", "content": {"text": "x"}}]
        rows = [part(str(n), message, mode) for n in range(parts)]
        closed = self.do(turns.complete(self.db, mine.claim, worker, turn, said, rows, 60))
        assert closed.ok == (mine.epoch == talk.epoch and mine.done == talk.done)
        if not closed.ok:
            return
        talk.done, talk.leased, talk.expired, talk.crashes = mine.upto, False, False, 0
        assert closed.more == (talk.said > talk.done)
        new = self.do(self.db.fetch("select id from outbox where turn_id = $1 order by id", UUID(turn["id"])))
        talk.parts += [Part(row["id"], mode) for row in new]
        self._given(worker, mine.chat, closed.part, asked=parts > 0)

    def _given(self, worker: str, chat: str, got: Json | None, asked: bool = True) -> None:
        """A part was handed out, exactly if the model hands out the same."""
        expected = self.talks[chat].hand_out() if asked else None
        assert (got and got["id"]) == (expected and expected.id)
        if got and expected:
            assert got["attempt"] == expected.attempt
            self.sends[worker].append((chat, got))

    @precondition(lambda self: any(self.work.values()))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        worker, mine = data.draw(st.sampled_from([(w, one) for w, held in self.work.items() for one in held]))
        self.work[worker].remove(mine)
        talk = self.talks[mine.chat]
        held = mine.epoch == talk.epoch and talk.leased
        assert self.do(turns.release(self.db, mine.claim, 0)) == held
        if held:
            talk.leased = talk.expired = False

    @precondition(lambda self: any(talk.parts for talk in self.talks.values()))
    @rule(worker=WORKERS, data=st.data())
    def send_next(self, worker: str, data: st.DataObject) -> None:
        chat = data.draw(st.sampled_from([chat for chat, talk in self.talks.items() if talk.parts]))
        self._given(worker, chat, self.do(outbox.claim(self.db, self.sessions[chat], worker, 60)))

    @precondition(lambda self: any(self.sends.values()))
    @rule(state=st.sampled_from(["sent", "queued", "unknown", "dead"]), data=st.data())
    def close_part(self, state: str, data: st.DataObject) -> None:
        worker, (chat, mine) = data.draw(
            st.sampled_from([(w, one) for w, sends in self.sends.items() for one in sends])
        )
        self.sends[worker].remove((chat, mine))
        known = next(p for p in self.talks[chat].parts if p.id == mine["id"])
        settles = {"sending": True, "unknown": state in ("sent", "dead"), "sent": state == "sent"}
        fenced = known.attempt != mine["attempt"] or not settles.get(known.state, False)
        if not fenced:
            known.state = state
        got = self.do(outbox.sent(self.db, mine, worker, state, 60, after=60 if state == "unknown" else 0))
        self._given(worker, chat, got, asked=not fenced)

    @rule(chat=CHATS)
    def lease_runs_out(self, chat: str) -> None:
        """Its worker died, or sleeps."""
        talk = self.talks[chat]
        assert self.do(self.db.run(EXPIRED, self.sessions[chat])) == int(talk.leased)
        talk.expired = talk.leased

    @precondition(lambda self: bool(self._parts("sending")))
    @rule()
    def senders_are_lost(self) -> None:
        self.do(self.db.run(LOST))
        self.do(turns.reap(self.db, 60))
        for known in self._parts("sending"):
            known.state = "queued" if known.mode in RESENT else "unknown"

    @precondition(lambda self: any(p.mode == "reconcile" for p in self._parts("unknown")))
    @rule()
    def echoes_do_not_come(self) -> None:
        self.do(self.db.run(ECHOLESS))
        for doubt in self.do(doubts.due(self.db, 1000, 5, 15)):
            state, how = ("queued", "resent") if doubt.part["attempt"] < 2 else ("unknown", None)
            assert self.do(doubts.settle(self.db, doubt.part, state, how, None, None, None))
        for known in self._parts("unknown"):
            if known.mode == "reconcile":
                known.given_up = known.given_up or known.attempt >= 2
                known.state = "unknown" if known.given_up else "queued"

    def _parts(self, state: str) -> list[Part]:
        return [p for talk in self.talks.values() for p in talk.parts if p.state == state]

    @precondition(lambda self: bool(self.talks))
    @invariant()
    def agrees(self) -> None:
        """Sessions, parts and turns are as the model says."""
        for row in self.do(self.db.fetch(SESSIONS)):
            talk = self.talks[row["chat"]]
            assert tuple(row)[1:] == (talk.said, talk.done, talk.epoch, talk.leased, talk.crashes)
        known = {p.id: p for talk in self.talks.values() for p in talk.parts}
        for row in self.do(self.db.fetch("select id, state, attempt from outbox")):
            assert (row["state"], row["attempt"]) == (known[row["id"]].state, known[row["id"]].attempt)
        for talk in self.talks.values():
            assert sum(p.state == "sending" for p in talk.parts) <= 1, "never two in flight"
        due = {s for kind, s, *_ in self.do(turns.sweep(self.db, 50))[0] if kind == "turn"}
        waiting = {self.sessions[c] for c, t in self.talks.items() if t.said > t.done and (not t.leased or t.expired)}
        assert due == waiting, "the sweep finds all that waits and nothing else"
        self.do(straight(self.db))


async def _database(server: Server) -> str:
    name = f"t{uuid4().hex}"
    admin: Any = await asyncpg.connect(server.url)
    try:
        await admin.execute(f"create database {name} template template_hub strategy file_copy")
        await admin.execute(f"alter database {name} set synchronous_commit = off")  # nothing crashes here
    finally:
        await admin.close()
    return at(server.url, name)


def test_two_workers_in_any_order(servers: tuple[Server, Server]) -> None:
    class Machine(Pipeline):
        dsn = asyncio.run(_database(servers[0]))

    bounds = settings(
        max_examples=30,
        stateful_step_count=40,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # making a failure small could take longer than the test may
    )
    run_state_machine_as_test(Machine, settings=bounds)
