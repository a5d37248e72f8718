"""A conversation in a person's hands: nothing of the assistant's gets past it, and it comes back with what waits."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from hub import ids
from hub.store import handoffs, inbox, outbox, turns
from hub.store.db import Db
from tests.store.rows import Bench, Json, answer, part

SAID = "select content->>'text' as text from messages where session_id = $1 order by position"


@pytest.fixture
async def bench(db: Db) -> AsyncIterator[Bench]:
    yield await Bench(db).make()


async def arrived(bench: Bench, *texts: str, **more: Any) -> UUID:
    stored = await inbox.ingest(bench.db, [bench.item(t, **more) for t in texts])
    assert stored[-1].session_id
    return stored[-1].session_id


async def switch(bench: Bench, session: UUID, active: bool = True, ends: bool = False) -> None:
    async with bench.db.transaction() as tx:
        assert await handoffs.switch(tx, bench.account, None, session, active, None, ends)


async def claim(bench: Bench, session: UUID) -> turns.Claim | None:
    return await turns.claim(bench.db, session, "me", 30, 50, now=True)


async def said(bench: Bench, session: UUID) -> list[str]:
    return [r["text"] for r in await bench.db.fetch(SAID, session)]


def own(bench: Bench, text: str = "It is me", **more: Any) -> Json:
    return bench.item(text, kind="own", by="human", sha=f"own-{text}", **more)


async def test_what_waits_when_a_person_takes_over_is_theirs(bench: Bench) -> None:
    session = await arrived(bench, "one", "two", debounce=60)
    await switch(bench, session)
    assert await claim(bench, session) is None and await said(bench, session) == ["one", "two"]
    row = await bench.db.row("select last_seq = done_seq as done, due_at, oldest_at, lease_until from sessions")
    assert row and dict(row) == {"done": True, "due_at": None, "oldest_at": None, "lease_until": None}
    assert await bench.db.value("select array_agg(distinct state || ':' || rule) from inbox") == ["ignored:handoff"]
    await switch(bench, session, False)
    assert await claim(bench, session) is None, "given back by hand, only what comes now is answered"


@pytest.mark.parametrize("phone", [True, False])
async def test_a_turn_that_runs_cannot_commit_after_it(bench: Bench, phone: bool) -> None:
    session = await arrived(bench, "one")
    claimed = await claim(bench, session)
    assert claimed
    await arrived(bench, "two")
    if phone:
        [got] = await inbox.ingest(bench.db, [own(bench)])
        assert got.outcome == "taken"
    else:
        await switch(bench, session)
    closed = await turns.complete(bench.db, claimed, "me", *answer(), wire=5)
    assert not closed.ok and closed.taken
    assert not await turns.release(bench.db, claimed, 0)
    assert await turns.renew(bench.db, {session: claimed.epoch}, 30, "me") == set()
    assert await claim(bench, session) is None
    assert await said(bench, session) == ["one", "two", *["It is me"] * phone]


async def test_a_crashed_turn_is_not_answered_again(bench: Bench) -> None:
    session = await arrived(bench, "one")
    assert await claim(bench, session)
    # As an older process leaves it: switched, and the lease runs out.
    await bench.db.run("update sessions set handoff_at = now(), lease_until = now() - interval '1 second'")
    assert await claim(bench, session) is None and await said(bench, session) == ["one"]


async def test_commands_are_heard_all_the_same(bench: Bench) -> None:
    session = await arrived(bench, "one")
    await arrived(bench, "/reset", command="reset")
    await arrived(bench, "two")
    await switch(bench, session)
    claimed = await claim(bench, session)
    assert claimed and [r["body"]["text"] for r in claimed.batch] == ["/reset"]
    closed = await turns.complete(
        bench.db, claimed, "me", {"id": str(ids.uuid7()), "outcome": "command:reset"}, [], [], 5
    )
    assert closed.ok and await claim(bench, session) is None
    later = await arrived(bench, "/usage", command="usage")
    assert later == session and await claim(bench, session)


async def test_parts_that_wait_are_not_sent(bench: Bench) -> None:
    session = await arrived(bench, "one")
    claimed = await claim(bench, session)
    assert claimed
    turn, messages, _ = answer("1 2 3")
    parts = [part(t, UUID(messages[0]["id"])) for t in "123"]
    closed = await turns.complete(bench.db, claimed, "me", turn, messages, parts, wire=5)
    assert closed.part
    await switch(bench, session)
    async with bench.db.transaction() as tx:
        message = ids.uuid7()
        await handoffs.add(tx, bench.account, session, message, {"text": "Bea here"})
        await outbox.enqueue(tx, bench.account, session, ids.uuid7(), message, {"text": "Bea here"}, "b", "reconcile")
    following = await outbox.sent(bench.db, closed.part, "me", "sent", 5, network_id="n1")
    assert following and following["body"]["text"] == "Bea here"
    states = [(r["state"], r["code"]) for r in await bench.db.fetch("select state, code from outbox order by id")]
    assert states == [("sent", None), ("cancelled", "handoff"), ("cancelled", "handoff"), ("sending", None)]


async def test_a_part_that_failed_is_not_tried_again_but_by_hand(bench: Bench) -> None:
    session = await arrived(bench, "one")
    claimed = await claim(bench, session)
    assert claimed
    one = (await turns.complete(bench.db, claimed, "me", *answer(), wire=5)).part
    assert one
    await switch(bench, session)
    assert await outbox.sent(bench.db, one, "me", "queued", 5, after=0, error="busy") is None
    assert await bench.db.value("select state || ':' || code from outbox") == "cancelled:handoff"
    assert await outbox.replay(bench.db, bench.account, UUID(one["key"])) == session
    assert await outbox.claim(bench.db, session, "me", 5)


async def test_a_command_is_answered_while_a_person_has_it(bench: Bench) -> None:
    session = await arrived(bench, "/usage", command="usage")
    await switch(bench, session)
    claimed = await claim(bench, session)
    assert claimed
    turn, messages, parts = answer("12 messages")
    closed = await turns.complete(bench.db, claimed, "me", turn | {"outcome": "command:usage"}, messages, parts, wire=5)
    assert closed.part and closed.part["body"]["text"] == "12 messages"


async def test_what_may_be_an_echo_or_is_old_takes_nothing_over(bench: Bench) -> None:
    session = await arrived(bench, "one")
    claimed = await claim(bench, session)
    assert claimed and (await turns.complete(bench.db, claimed, "me", *answer(), wire=5)).part
    await arrived(bench, "two")
    [echo] = await inbox.ingest(bench.db, [own(bench)])
    await bench.db.run("update outbox set state = 'sent'")
    hour = await bench.db.value("select now() - interval '1 hour'")
    [old] = await inbox.ingest(bench.db, [own(bench, "long ago", at=hour.isoformat())])
    assert (echo.outcome, old.outcome) == ("recorded", "recorded")
    again = await claim(bench, session)
    assert again and [r["body"]["text"] for r in again.batch] == ["two"]
    [fresh] = await inbox.ingest(bench.db, [own(bench, "now", at=(await bench.db.value("select now()")).isoformat())])
    assert fresh.outcome == "taken"


@pytest.mark.parametrize("lazy", [True, False])
async def test_back_after_its_time_what_nobody_answered_is_answered(bench: Bench, lazy: bool) -> None:
    session = await arrived(bench, "one")
    await switch(bench, session, ends=True)
    async with bench.db.transaction() as tx:
        await handoffs.add(tx, bench.account, session, ids.uuid7(), {"text": "Bea here"})
    await arrived(bench, "two", "three")
    assert await handoffs.take_back(bench.db) == []
    await bench.db.run("update sessions set handoff_until = now() - interval '1 second'")
    if lazy:
        await arrived(bench, "four")
    else:
        [row] = await handoffs.take_back(bench.db)
        assert row["id"] == session and row["seq"] == 3
        assert await handoffs.take_back(bench.db) == []
    claimed = await claim(bench, session)
    assert claimed and [r["body"]["text"] for r in claimed.batch] == ["two", "three", *["four"] * lazy]
    assert [h["content"]["text"] for h in claimed.history] == ["one", "Bea here"]
    turn, messages, parts = answer("The bot again")
    asked = [{"id": r["id"], "role": "user", "source": "contact", "content": r["body"]} for r in claimed.batch]
    assert (await turns.complete(bench.db, claimed, "me", turn, [*asked, *messages], parts, wire=5)).ok
    assert await said(bench, session) == ["one", "Bea here", "two", "three", *["four"] * lazy, "The bot again"]


async def test_a_turn_without_a_word_leaves_the_contacts_the_last(bench: Bench) -> None:
    session = await arrived(bench, "one")
    claimed = await claim(bench, session)
    assert claimed
    asked = [{"id": r["id"], "role": "user", "source": "contact", "content": r["body"]} for r in claimed.batch]
    turn = {"id": str(ids.uuid7()), "outcome": "cancelled"}
    assert (await turns.complete(bench.db, claimed, "me", turn, asked, [], wire=5)).ok
    assert await bench.db.value("select last_user_at = last_message_at from sessions where id = $1", session)


async def test_what_nobody_asked_for_is_put_off(bench: Bench) -> None:
    session = await arrived(bench, "one", debounce=60)
    act, schedule = ids.uuid7(), ids.uuid7()
    await bench.db.run(
        "insert into schedules (id, account_id, client_id, kind, external_user, channel, address, instruction,"
        " execution_count, max_executions, state) values ($1, $2, $3, 'once', 't', 'zapi', '5511', 'x', 1, 1, 'done')",
        schedule, bench.account, bench.client,
    )
    await bench.db.run(
        "insert into activations (id, account_id, client_id, schedule_id, fire_at, channel, address, state,"
        " admitted_at, session_id) values ($1, $2, $3, $4, now(), 'zapi', '5511', 'admitted', now(), $5)",
        act, bench.account, bench.client, schedule, session,
    )
    await bench.db.run(
        "insert into inbox (id, account_id, session_id, seq, command, body) values ($1, $2, $3, 2, 'activation', '{}')",
        act, bench.account, session,
    )
    await bench.db.run("update sessions set last_seq = 2")
    await switch(bench, session)
    row = await bench.db.row("select state, reason, not_before > now() as later, admitted_at from activations")
    assert row and tuple(row) == ("due", "handoff", True, None)
    assert await bench.db.value("select execution_count from schedules") == 0
    assert await bench.db.value("select count(*) from inbox where command = 'activation'") == 0
    assert await said(bench, session) == ["one"] and await claim(bench, session) is None
