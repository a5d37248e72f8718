"""A crowd of one account, or of one network that hangs, makes nobody else wait: counted in pick-ups, not in seconds."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from hub.chat.inbound.webhooks import Verdict
from hub.config import Settings
from hub.jobs.slots import UNKNOWN, Slots
from hub.store import turns
from tests.fakes.model import FakeModel, says
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import telegram, zapi
from tests.flows.world import World, make

Json = dict[str, Any]
CROWD = 500


def from_chat(n: int, text: str) -> Json:
    body = telegram(text)
    body["message"]["from"]["id"] = body["message"]["chat"]["id"] = 10_000 + n
    return body


def from_phone(n: int, text: str) -> Json:
    return zapi(text) | {"phone": f"55119{n:08d}", "chatLid": f"{n}@lid"}


async def floods(w: World, count: int) -> None:
    got = await asyncio.gather(*(w.knock("telegram", from_chat(n, f"crowd {n}")) for n in range(count)))
    assert set(got) == {Verdict.STORED}


async def neighbour(r: Rig) -> World:
    """Another account on the same hub, with the same model."""
    other = await make(r.w.hub, r.net)
    await r.db.run("update gateways set parameters = $1", {"baseAddress": f"{r.model.url}/v1", "modelName": "fake-1"})
    return other


class Slow:
    """A model that holds the crowd's questions back until the end; `asked` are all questions, in order."""

    def __init__(self, model: FakeModel) -> None:
        self.asked: list[str] = []
        self.go = asyncio.Event()
        model.default = self.act

    async def act(self, request: web.Request, body: Json) -> web.StreamResponse:
        question = str(body["messages"][-1]["content"])
        self.asked.append(question)
        if "crowd" in question:
            await self.go.wait()
        return await says("an answer")(request, body)

    def since(self, question: str, before: int) -> int | None:
        """How many of the crowd were picked up between that moment and the question."""
        found = [n for n, q in enumerate(self.asked) if question in q]
        return found[0] - before if found else None


@pytest.mark.parametrize("workers", [1, 2])
async def test_another_accounts_first_answer_comes_after_at_most_one_pick_up(settings: Settings, workers: int) -> None:
    slow_turns = settings.changed(jobs=6, turn_seconds=60, lease_seconds=60, drain_seconds=0)
    async with rig(slow_turns, work=workers == 1) as r:
        slow, other = Slow(r.model), await neighbour(r)
        for _ in range(workers if workers > 1 else 0):
            r.start("worker")
        await floods(r.w, CROWD)
        # All but one place of each worker are taken, and nothing more can be.
        await r.w.until(lambda: len(slow.asked) >= 5 * workers)
        before = len(slow.asked)
        assert await other.knock("zapi", zapi("a quiet one")) is Verdict.STORED
        await r.w.until(lambda: any("an answer" in str(s) for s in r.net.sent("send-text")))
        assert (slow.since("a quiet one", before) or 0) <= 1, slow.asked
        slow.go.set()


async def test_a_network_that_hangs_leaves_places_to_the_accounts_others(settings: Settings) -> None:
    async with rig(settings.changed(jobs=12, wire_seconds=30, lease_seconds=60, drain_seconds=0), work=True) as r:
        r.net.patience, begun = 25.0, list[str]()

        def plan(path: str) -> str:
            begun.append(path)
            return "hang" if "/bot" in path else "ok"

        r.net.plan = plan
        await floods(r.w, 60)
        await r.w.until(lambda: len(begun) >= 8)
        answered = len(r.model.calls)
        assert await r.w.knock("zapi", zapi("on another network #b1-1")) is Verdict.STORED
        await r.w.until(lambda: r.net.sent("send-text"))
        assert len(r.model.calls) - answered <= 2, "its answer, and at most one of the crowd's"


async def test_sends_that_hang_leave_places_to_other_integrations(settings: Settings) -> None:
    """Only sends wait: what was answered while the network was away."""
    async with rig(settings.changed(jobs=12, wire_seconds=30, lease_seconds=60, drain_seconds=0)) as r:
        r.start("worker", jobs=40)
        r.net.plan = lambda path: "busy"
        await floods(r.w, 40)
        await r.w.knock("zapi", zapi("hello #b1-1"))
        await r.w.until(lambda: _waits(r, 41))
        r.children[-1].kill()
        r.net.patience = 25.0
        r.net.plan = lambda path: "hang" if "/bot" in path else "ok"
        r.net.calls.clear()
        await r.db.run("update outbox set not_before = null where state = 'queued'")
        await r.hurry()
        r.start("worker")
        r.start("worker")
        await r.w.until(lambda: r.net.sent("send-text"))


async def test_another_accounts_answer_goes_out_while_a_crowds_sends_hang(settings: Settings) -> None:
    """Two workers, and more sends that hang than both have places: the other's answer, and each part of it, comes after
    at most one pick-up of each."""
    hanging = settings.changed(jobs=8, wire_seconds=60, lease_seconds=60, drain_seconds=0)
    async with rig(hanging) as r:
        other, begun = await neighbour(r), []
        r.net.patience = 60.0

        def plan(path: str) -> str:
            begun.append(path)
            return "hang" if path.endswith("send-text") else "ok"

        r.net.plan = plan
        for _ in range(2):
            r.start("worker")
        got = await asyncio.gather(*(r.w.knock("zapi", from_phone(n, f"crowd {n}")) for n in range(CROWD // 5)))
        assert set(got) == {Verdict.STORED}
        # All but one place of each worker are taken, and nothing more can be.
        await r.w.until(lambda: len(begun) >= 2 * 7)
        for n in range(3):
            begun.clear()
            assert await other.knock("telegram", telegram(f"a quiet one #b1-{n}")) is Verdict.STORED
            await r.w.until(lambda n=n: any(f"#b1-{n}" in text for text in r.net.final()))
            crowds = [path for path in begun if path.endswith("send-text")]
            assert len(crowds) <= 2, "one pick-up of each worker"


async def _waits(r: Rig, count: int) -> bool:
    return bool(await r.db.value("select count(*) >= $1 from outbox where state = 'queued' and attempt > 0", count))


async def test_a_sweep_takes_turns_between_integrations(settings: Settings) -> None:
    async with rig(settings) as r:
        other = await neighbour(r)
        await floods(r.w, 60)
        await other.knock("zapi", zapi("a quiet one"))
        due, after = await turns.sweep(r.db, 10)
        assert {a for _, _, a, _ in due} == {r.w.account, other.account} and after.int == 0
        seen: Counter[UUID] = Counter()
        where = UUID(int=0)
        for _ in range(3):
            due, where = await turns.sweep(r.db, 10, where, 1)
            seen.update({a for _, _, a, _ in due})
        assert set(seen) == {r.w.account, other.account}, "one lane after the other"


def test_places_are_shared_fairly_and_none_is_left_idle_but_the_reserve() -> None:
    slots = Slots(100)
    busy, quiet = ("busy", "telegram"), ("quiet", "zapi")
    while slots.fits(busy):
        slots.take(busy)
    assert slots.total == 81
    while slots.fits(("busy", "kapso")):
        slots.take(("busy", "kapso"))
    assert slots.total == 90, "the busiest account never has the rest"
    while slots.fits(quiet):
        slots.take(quiet)
    assert 97 <= slots.total <= 99 and slots.fits(("third", ""))
    for n in range(300):
        slots.wait(busy, ("turn", uuid4()))
        if n < 30:
            slots.wait(quiet, ("turn", uuid4()))
        slots.wait(UNKNOWN, ("turn", uuid4()))
    took: Counter[str] = Counter()
    for _ in range(40):
        slots.give(busy)
        while (following := slots.next()) is not None:
            slots.take(following[0])
            took[following[0][0]] += 1
    assert took["quiet"] == 30, "until both have the same, every place goes to who has fewer"
    left = 0
    while slots.total:
        slots.give(next(lane for lane in (busy, quiet, ("busy", "kapso")) if slots.holds(lane)))
        left += slots.next() is not None
    assert took["busy"] + left <= 100, "of one lane no more waits than there are places"


def test_a_single_place_serves_everybody_in_turns() -> None:
    slots = Slots(1)
    assert slots.fits(("a", ""))
    slots.take(("a", ""))
    for _ in range(5):
        slots.wait(("a", ""), ("turn", uuid4()))
    slots.wait(("b", ""), ("turn", uuid4()))
    order = ["a"]
    for _ in range(6):
        slots.give((order[-1], ""))
        following = slots.next()
        assert following is not None
        slots.take(following[0])
        order.append(following[0][0])
    assert order.index("b") <= 2, "the one that was picked up, and one more"
