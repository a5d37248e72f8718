"""The stored functions of the hot path: dedupe, order, leases, fences, sends."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from hub import ids
from hub.processes.backups.replay import NAMED
from hub.store import arrivals, doubts, inbox, outbox, replays, turns
from hub.store.arrivals import Kept
from hub.store.db import Db
from tests.store.rows import Bench, Json, answer, part


@pytest.fixture
async def bench(db: Db) -> AsyncIterator[Bench]:
    yield await Bench(db).make()


def session_of(stored: inbox.Stored) -> UUID:
    assert stored.session_id
    return stored.session_id


async def test_a_duplicate_is_stored_once(bench: Bench) -> None:
    first, again = await inbox.ingest(bench.db, [bench.item(ext="m:1"), bench.item(ext="m:1")])
    assert (first.outcome, again.outcome) == ("accepted", "duplicate")


async def test_concurrent_duplicates_become_one_message(bench: Bench) -> None:
    item = bench.item(ext="m:1")
    got = await asyncio.gather(*(inbox.ingest(bench.db, [item | {"id": str(ids.uuid7())}]) for _ in range(8)))
    assert sorted(g[0].outcome for g in got) == ["accepted"] + ["duplicate"] * 7


async def test_sequence_is_dense_under_concurrency(bench: Bench) -> None:
    got = await asyncio.gather(*(inbox.ingest(bench.db, [bench.item()]) for _ in range(20)))
    assert sorted(g[0].seq or 0 for g in got) == list(range(1, 21))
    assert len({g[0].session_id for g in got}) == 1


async def test_two_names_of_one_person_are_one_conversation(bench: Bench) -> None:
    [phone] = await inbox.ingest(bench.db, [bench.item(ids=["phone:55"])])
    [both] = await inbox.ingest(bench.db, [bench.item(ids=["lid:9", "phone:55"])])
    [lid] = await inbox.ingest(bench.db, [bench.item(ids=["lid:9"])])
    assert phone.session_id == both.session_id == lid.session_id


async def test_two_contacts_that_turn_out_to_be_one_are_merged(bench: Bench) -> None:
    [a] = await inbox.ingest(bench.db, [bench.item(ids=["phone:55"])])
    [b] = await inbox.ingest(bench.db, [bench.item(ids=["lid:9"])])
    assert a.session_id != b.session_id
    [c] = await inbox.ingest(bench.db, [bench.item(ids=["lid:9", "phone:55"])])
    assert c.session_id == a.session_id
    assert await bench.db.value("select count(distinct root_id) from people") == 1
    [d] = await inbox.ingest(bench.db, [bench.item(ids=["lid:9"])])
    assert d.session_id == a.session_id


async def test_claim_answers_a_batch_once(bench: Bench) -> None:
    [m, _] = await inbox.ingest(bench.db, [bench.item("one"), bench.item("two")])
    assert m.session_id
    claimed = await turns.claim(bench.db, m.session_id, "me", 30, 50)
    assert claimed and [r["body"]["text"] for r in claimed.batch] == ["one", "two"]
    assert await turns.claim(bench.db, m.session_id, "you", 30, 50) is None
    closed = await turns.complete(bench.db, claimed, "me", *answer(), wire=5)
    assert closed.ok and closed.part and closed.part["state"] == "sending" and not closed.more
    assert not (await turns.complete(bench.db, claimed, "me", *answer(), wire=5)).ok
    assert await turns.claim(bench.db, m.session_id, "me", 30, 50) is None


async def test_debounce_restarts_but_has_an_end(bench: Bench) -> None:
    [a] = await inbox.ingest(bench.db, [bench.item(debounce=10, max_wait=60)])
    assert a.due_in and 9 < a.due_in <= 10 and a.session_id
    assert await turns.claim(bench.db, a.session_id, "me", 30, 50) is None
    await bench.db.run("update sessions set oldest_at = now() - interval '55 seconds'")
    [b] = await inbox.ingest(bench.db, [bench.item(debounce=10, max_wait=60)])
    assert b.due_in and 4 < b.due_in <= 5


async def test_a_message_during_the_turn_waits_for_the_next(bench: Bench) -> None:
    [a] = await inbox.ingest(bench.db, [bench.item("one")])
    assert a.session_id
    claimed = await turns.claim(bench.db, a.session_id, "me", 30, 50)
    await inbox.ingest(bench.db, [bench.item("two")])
    assert claimed and await turns.claim(bench.db, a.session_id, "you", 30, 50) is None
    closed = await turns.complete(bench.db, claimed, "me", *answer(), wire=5)
    assert closed.ok and closed.more
    later = await turns.claim(bench.db, a.session_id, "me", 30, 50)
    assert later and [r["body"]["text"] for r in later.batch] == ["two"]


async def test_an_expired_lease_is_taken_over_and_the_late_answer_fenced(bench: Bench) -> None:
    [a] = await inbox.ingest(bench.db, [bench.item()])
    assert a.session_id
    slow = await turns.claim(bench.db, a.session_id, "slow", 0.05, 50)
    await asyncio.sleep(0.1)
    quick = await turns.claim(bench.db, a.session_id, "quick", 30, 50)
    assert slow and quick and quick.epoch == slow.epoch + 1 and quick.session["crash_count"] == 1
    assert not (await turns.complete(bench.db, slow, "slow", *answer("late"), wire=5)).ok
    assert (await turns.complete(bench.db, quick, "quick", *answer("first"), wire=5)).ok
    assert await bench.db.value("select count(*) from turns") == 1


async def test_a_message_that_kills_its_worker_is_set_aside(bench: Bench) -> None:
    [a, _] = await inbox.ingest(bench.db, [bench.item("bad"), bench.item("good")])
    assert a.session_id
    for crash in range(4):
        claimed = await turns.claim(bench.db, a.session_id, f"me-{crash}", 0.02, 50)
        assert claimed and claimed.poison == (crash == 3)
        await asyncio.sleep(0.04)
    assert claimed
    assert [r["body"]["text"] for r in claimed.batch] == ["bad"]
    turn, messages, parts = answer("sorry")
    assert (await turns.complete(bench.db, claimed, "me-3", turn | {"batch_state": "dead"}, messages, parts, wire=5)).ok
    left = await turns.claim(bench.db, a.session_id, "me", 30, 50)
    assert left and [r["body"]["text"] for r in left.batch] == ["good"] and not left.poison


CUT_OFF = """
    update sessions set lease_until = now() - interval '1 second', due_at = now()
    where id = $1 and lease_until is not null
"""
LIVED = """
    insert into worker_beats (id, kind, at, began, since)
    values ($1, 'worker', now() - $2::interval, now() - $3::interval, now() - $4::interval)
"""


@pytest.mark.parametrize(
    ("beats", "died"),
    [
        ([], True),  # it never told that it lives, or has left
        ([("owner", 0, 60, 60)], False),
        ([("owner", 2, 60, 60)], True),
        ([("owner", 2, 60, 60), ("other", 0, 60, 60)], True),
        ([("owner", 2, 60, 60), ("other", 0, 60, 1)], False),  # the other was silent as well: the database was away
        ([("owner", 2, 60, 60), ("me", 2, 60, 60)], False),
        ([("owner", 2, 60, 60), ("new", 0, 1, 1)], True),  # begun afterwards: it tells nothing of that time
        ([("owner", 86_400, 90_000, 90_000)], False),  # the database was started since: nobody could tell
    ],
)
async def test_only_a_death_of_the_process_counts_as_one(
    bench: Bench, beats: list[tuple[str, int, int, int]], died: bool
) -> None:
    # Of the time before its database was started nobody could tell.
    while not await bench.db.value("select pg_postmaster_start_time() < now() - interval '3 seconds'"):
        await asyncio.sleep(0.1)
    async with bench.db.transaction() as tx:  # all at one moment, however busy the machine is
        for name, *times in beats:
            await tx.run(LIVED, name, *(timedelta(seconds=t) for t in times))
        assert await tx.value("select has_died('owner', 'me', 2)") is died
        assert await tx.value("select has_died('owner', 'owner', 2)") is False


@pytest.mark.parametrize("lives", [True, False])
async def test_a_try_that_was_cut_off_bears_a_mark_only_of_a_death_or_after_long(bench: Bench, lives: bool) -> None:
    """Of workers that are held up again and again: their leases run out, while they tell that they live."""
    kept = [(await inbox.ingest(bench.db, [bench.item(w, ids=[w], tag=w)]))[0] for w in ("one", "two")]
    both = [a.session_id for a in kept if a.session_id]
    assert len(set(both)) == 2
    long_ago = "update inbox set received_at = now() - interval '11 minutes' where session_id = $1"
    await bench.db.run(long_ago, both[1])
    for n in range(9):
        if lives:
            await bench.db.run(LIVED, f"w-{n}", *(timedelta(seconds=t) for t in (0, 60, 60)))
        for session in both:
            await bench.db.run(CUT_OFF, session)
        found = [await turns.claim(bench.db, session, f"w-{n}", 30, 50) for session in both]
    assert [f is not None and f.poison for f in found] == [not lives, True]
    assert [f and f.session["crash_count"] for f in found] == [0 if lives else 8] * 2


async def test_what_is_handed_back_is_fenced_and_bears_no_mark(bench: Bench) -> None:
    [a, b] = [(await inbox.ingest(bench.db, [bench.item(w)]))[0] for w in ("one", "two")]
    assert a.session_id and b.session_id
    for _ in range(8):
        cut = await turns.claim(bench.db, a.session_id, "one", 30, 50)
        assert cut and not cut.poison and cut.session["crash_count"] == 0
        [(session, epoch)] = await turns.hand_back(bench.db, "one")
        assert session == a.session_id and epoch == cut.epoch + 1
        assert not (await turns.complete(bench.db, cut, "one", *answer("late"), wire=5)).ok
    assert await turns.hand_back(bench.db, "two") == []
    # What is cut off for ever is set aside some day.
    await bench.db.run("update inbox set received_at = now() - interval '1 hour'")
    for n in range(6):
        cut = await turns.claim(bench.db, a.session_id, "one", 30, 50)
        assert cut and cut.poison == (n == 5)
        await turns.hand_back(bench.db, "one")


async def test_limits_are_counted_in_the_statement(bench: Bench) -> None:
    got = await asyncio.gather(*(inbox.ingest(bench.db, [bench.item(per_hour=5)]) for _ in range(12)))
    assert sorted(g[0].outcome for g in got) == ["accepted"] * 5 + ["ignored"] * 7
    told = await bench.db.fetch("select body from outbox")
    assert [t["body"]["text"] for t in told] == ["slow down"], "said once, not seven times"


async def test_a_full_session_is_blocked_but_can_be_reset(bench: Bench) -> None:
    await inbox.ingest(bench.db, [bench.item()])
    await bench.db.run("update sessions set message_count = 10")
    [full] = await inbox.ingest(bench.db, [bench.item(max_messages=10)])
    [reset] = await inbox.ingest(bench.db, [bench.item("/reset", max_messages=10, command="reset")])
    assert (full.outcome, reset.outcome) == ("ignored", "accepted")


async def test_a_command_is_a_batch_of_its_own(bench: Bench) -> None:
    [a, *_] = await inbox.ingest(
        bench.db, [bench.item("one"), bench.item("/reset", command="reset"), bench.item("two")]
    )
    assert a.session_id
    seen = []
    while claimed := await turns.claim(bench.db, a.session_id, "me", 30, 50):
        seen.append([r["body"]["text"] for r in claimed.batch])
        await turns.complete(bench.db, claimed, "me", {"id": str(ids.uuid7()), "outcome": "x"}, [], [], wire=5)
    assert seen == [["one"], ["/reset"], ["two"]]


async def test_a_conversation_that_is_over_starts_anew(bench: Bench) -> None:
    [a] = await inbox.ingest(bench.db, [bench.item()])
    claimed = await turns.claim(bench.db, session_of(a), "me", 30, 50)
    assert claimed
    await turns.complete(bench.db, claimed, "me", *answer(), wire=5)
    await bench.db.run("update sessions set expires_at = now() - interval '1 second'")
    [b] = await inbox.ingest(bench.db, [bench.item()])
    assert b.session_id != a.session_id and b.outcome == "accepted"


async def _parts(bench: Bench, *texts: str, mode: str = "reconcile") -> Json:
    [a] = await inbox.ingest(bench.db, [bench.item()])
    claimed = await turns.claim(bench.db, session_of(a), "me", 30, 50)
    assert claimed
    message = ids.uuid7()
    turn = {"id": str(ids.uuid7()), "outcome": "answered"}
    said = [{"id": str(message), "role": "assistant", "source": "model", "content": {"text": " ".join(texts)}}]
    closed = await turns.complete(bench.db, claimed, "me", turn, said, [part(t, message, mode) for t in texts], wire=5)
    assert closed.part
    return closed.part


async def test_parts_leave_in_order_one_at_a_time(bench: Bench) -> None:
    one = await _parts(bench, "1", "2", "3")
    assert await outbox.claim(bench.db, one["session_id"], "you", 5) is None, "never two in flight"
    two = await outbox.sent(bench.db, one, "me", "sent", 5, network_id="n1")
    assert two and two["body"]["text"] == "2"
    three = await outbox.sent(bench.db, two, "me", "dead", 5, code="400", error="no")
    assert three and three["body"]["text"] == "3"
    assert await outbox.sent(bench.db, three, "me", "sent", 5) is None
    assert await outbox.sent(bench.db, three, "me", "sent", 5) is None, "closing twice changes nothing"
    states = await bench.db.fetch("select state from outbox order by id")
    assert [s["state"] for s in states] == ["sent", "dead", "sent"]


async def test_a_part_to_be_tried_again_holds_the_ones_behind_it(bench: Bench) -> None:
    one = await _parts(bench, "1", "2")
    assert await outbox.sent(bench.db, one, "me", "queued", 5, after=60, error="busy") is None
    assert await outbox.claim(bench.db, one["session_id"], "me", 5) is None
    await bench.db.run("update outbox set not_before = now() where body->>'text' = '1'")
    again = await outbox.claim(bench.db, one["session_id"], "me", 5)
    assert again and again["body"]["text"] == "1" and again["attempt"] == 2


@pytest.mark.parametrize(
    ("mode", "state", "next_goes"),
    [
        ("at_most_once", "unknown", True),
        ("at_least_once", "queued", False),
        ("placeholder_edit", "queued", False),
        ("reconcile", "unknown", False),
    ],
)
async def test_a_lost_sender_is_handled_by_mode(bench: Bench, mode: str, state: str, next_goes: bool) -> None:
    one = await _parts(bench, "1", "2", mode=mode)
    await bench.db.run("update outbox set wire_deadline = now() - interval '1 second' where state = 'sending'")
    assert await turns.reap(bench.db, 60) == [one["session_id"]] or True
    assert await bench.db.value("select state from outbox order by id limit 1") == state
    following = await outbox.claim(bench.db, one["session_id"], "me", 5)
    text = following["body"]["text"] if following else None
    assert text == ("2" if next_goes else "1" if state == "queued" else None)


async def test_reconcile_is_settled_by_an_echo(bench: Bench) -> None:
    one = await _parts(bench, "1", "2")
    await outbox.sent(bench.db, one, "me", "unknown", 5, code="timeout", error="?", after=60)
    [echo] = await inbox.ingest(bench.db, [bench.item(kind="own", by="human", sha="sha-1", network_id="net-1")])
    assert echo.outcome == "echo"
    row = await bench.db.row("select state, network_id, resolution from outbox order by id limit 1")
    assert row and tuple(row) == ("sent", "net-1", "echo")
    following = await outbox.claim(bench.db, one["session_id"], "me", 5)
    assert following and following["body"]["text"] == "2"


async def test_reconcile_without_an_echo_sends_once_more_then_gives_up(bench: Bench) -> None:
    one = await _parts(bench, "1")
    await outbox.sent(bench.db, one, "me", "unknown", 5, after=0)
    await asyncio.sleep(0.01)
    assert await turns.reap(bench.db, 60) == []
    [doubt] = await doubts.due(bench.db, 10, 5, 15)
    assert not doubt.heard and await doubts.due(bench.db, 10, 5, 15) == [], "nobody else has it meanwhile"
    assert await doubts.settle(bench.db, doubt.part, "queued", "resent", None, None, None)
    again = await outbox.claim(bench.db, one["session_id"], "me", 5)
    assert again and again["attempt"] == 2
    assert not await doubts.settle(bench.db, doubt.part, "unknown", None, None, None, None), "it goes on"
    await outbox.sent(bench.db, again, "me", "unknown", 5, after=0)
    await asyncio.sleep(0.01)
    [doubt] = await doubts.due(bench.db, 10, 5, 15)
    assert await doubts.settle(bench.db, doubt.part, "unknown", None, None, "unconfirmed", "?")
    row = await bench.db.row("select state, code, closed_at is not null from outbox")
    assert row and tuple(row) == ("unknown", "unconfirmed", True)


WEB = """
    insert into worker_beats (id, kind, at, began, since, behind_at)
    values ($1, 'web', now() - $2::interval, now() - $3::interval, now() - $4::interval, now() - $5::interval)
"""


@pytest.mark.parametrize(
    ("others", "there"),
    [
        ([], True),
        ([(0, 20, 20, 17)], True),  # was behind long ago
        ([(0, 20, 20, 0.7)], False),  # was behind meanwhile
        ([(1, 20, 20, None)], False),  # died meanwhile
        ([(10, 20, 20, None)], True),  # died before
        ([(0, 20, 0.8, None)], False),  # was away meanwhile
        ([(0, 0.8, 0.8, None)], True),  # a new one
    ],
)
async def test_receivers_were_there_only_if_none_was_away_or_behind(bench: Bench, others: Any, there: bool) -> None:
    def ago(seconds: float | None) -> timedelta | None:
        return None if seconds is None else timedelta(seconds=seconds)

    asked = "select receivers_were_there(now() - interval '1.5 seconds', 0.5)"
    assert not await bench.db.value(asked), "nobody was there all the time"
    for n, (at, began, since, behind) in enumerate(others):
        await bench.db.run(WEB, f"o{n}", ago(at), ago(began), ago(since), ago(behind))
    await bench.db.run(WEB, "all", ago(0), ago(900), ago(900), None)
    assert await bench.db.value(asked) is there


async def test_calls_of_one_integration_that_wait_leave_doubts_about_no_other(bench: Bench) -> None:
    """Refused or kept on disk lately, or acknowledged and not read yet: only its own echoes may be among them."""
    other = await Bench(bench.db).make()
    await bench.db.run(WEB, "all", timedelta(), timedelta(minutes=9), timedelta(minutes=9), None)
    asked = "select receivers_were_there(now() - interval '1 second', 0.5, $1)"

    async def there() -> list[bool]:
        return [await bench.db.value(asked, i) for i in (bench.integration, other.integration)]

    assert await there() == [True, True]
    for places, on_disk in (([(bench.client, "zapi")], []), ([], [bench.client.hex[-12:]])):
        await turns.lag(bench.db, places, on_disk)
        assert await there() == [False, True]
        await bench.db.run("update integration_lags set at = now() - interval '1 minute'")
        assert await there() == [True, True]
    await arrivals.keep(bench.db, [Kept(bench.integration, {}, None, b"{}")])
    assert await there() == [False, True]


async def test_a_human_answer_is_recorded_and_not_answered(bench: Bench) -> None:
    [got] = await inbox.ingest(bench.db, [bench.item("I am Bob", kind="own", by="human", sha="other")])
    assert got.outcome == "taken" and got.session_id
    row = await bench.db.row("select role, source from messages")
    assert row and tuple(row) == ("assistant", "human")
    assert await turns.claim(bench.db, got.session_id, "me", 30, 50, now=True) is None


async def test_statuses_move_forward_only_and_name_the_failure(bench: Bench) -> None:
    one = await _parts(bench, "1")
    await outbox.sent(bench.db, one, "me", "sent", 5, network_id="net-1")
    for state, expected in (("read", "read"), ("delivered", "read"), ("failed", "failed")):
        fate = {"state": state, "message_ids": ["net-1"], "callback": None, "code": "131047", "text": "closed"}
        await inbox.ingest(bench.db, [bench.item(kind="status", fate=fate)])
        assert await bench.db.value("select fate from outbox") == expected
    row = await bench.db.row("select state, code from outbox")
    assert row and tuple(row) == ("dead", "131047")


async def test_a_closed_window_sends_the_template_and_keeps_the_text(bench: Bench) -> None:
    one = await _parts(bench, "1")
    template = await outbox.hold_for_template(
        bench.db, one["id"], one["attempt"], "me", ids.uuid7(), {"template": "hi"}, "closed", 5
    )
    assert template and template["state"] == "sending"
    assert await outbox.sent(bench.db, template, "me", "sent", 5, network_id="t1") is None
    assert (await turns.sweep(bench.db, 10))[0] == [], "the text waits for the contact"
    await inbox.ingest(bench.db, [bench.item("yes?", release=True)])
    text = await outbox.claim(bench.db, one["session_id"], "me", 5)
    assert text and text["body"]["text"] == "1"


async def test_an_edit_before_the_answer_replaces_the_text(bench: Bench) -> None:
    item = bench.item("helo", debounce=10)
    [a] = await inbox.ingest(bench.db, [item])
    await inbox.ingest(bench.db, [bench.item("hello", kind="edit", network_id=item["network_id"])])
    claimed = await turns.claim(bench.db, session_of(a), "me", 30, 50, now=True)
    assert claimed and [r["body"]["text"] for r in claimed.batch] == ["hello"]


async def test_a_message_deleted_before_the_answer_is_not_answered(bench: Bench) -> None:
    item = bench.item("oops", debounce=10)
    [a] = await inbox.ingest(bench.db, [item])
    await inbox.ingest(bench.db, [bench.item("", kind="revoke", network_id=item["network_id"])])
    claimed = await turns.claim(bench.db, session_of(a), "me", 30, 50, now=True)
    assert claimed and claimed.batch == []


async def test_text_that_postgres_cannot_hold_is_stored_readably(bench: Bench) -> None:
    [a] = await inbox.ingest(bench.db, [bench.item("a\x00b\ud800c")])
    claimed = await turns.claim(bench.db, session_of(a), "me", 30, 50)
    assert claimed and claimed.batch[0]["body"]["text"] == "a\ufffdb\ufffdc"


@pytest.mark.parametrize(("network", "there"), [("kapso", 1), ("webhook", 0), ("pager", 0)])
async def test_only_what_has_a_twin_is_said_again_to_a_copy(db: Db, network: str, there: int) -> None:
    """A rehearsal says again what was answered last: what was written over a network without a twin fails none."""
    bench = await Bench(db, network).make()
    [stored] = await inbox.ingest(db, [bench.item("Are you open?")])
    assert stored.session_id
    claimed = await turns.claim(db, stored.session_id, "me", 30, 50, True)
    assert claimed
    await turns.complete(db, claimed, "me", *answer(), wire=5)
    assert len(await replays.recent(db, 10, list(NAMED))) == there
