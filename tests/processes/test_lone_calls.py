"""A call that comes alone is acknowledged once it is kept, and folded at once by the process that kept it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hub.api.http.app_keys import ALONE, JOURNAL, RECEIVER
from hub.chat.inbound import journal
from hub.processes.short_calls import LATER, ShortCalls
from tests.conftest import owning
from tests.flows.test_answers import BODIES
from tests.processes.test_quick_webhooks import HELD, Street, street
from tests.processes.test_short_calls import Heard, call

__all__ = ["street"]
SAID = """
    select coalesce(array_agg(i.body->>'text' order by i.seq), '{}') from inbox i join sessions s on s.id = i.session_id
    where s.client_id = $1
"""
EPOCHS = "select case when is_called then last_value else 0 end from arrival_epochs"
ASIDE = "select count(*) from quarantine where account_id = $1"


async def known(s: Street) -> ShortCalls:
    """Its integrations are remembered, so that calls for them are taken where they arrive."""
    for channel in ("telegram", "evolution"):
        assert (await s.call(channel, BODIES[channel]("first")))[0] == 200
    receiver = s.app[RECEIVER]
    receiver._known = {k: (at + 60, v) for k, (at, v) in receiver._known.items()}
    return ShortCalls(s.app)


async def said(s: Street, count: int) -> list[str]:
    """Once so many messages are in their conversations."""
    async with asyncio.timeout(60):
        while len(found := await s.w.hub.db.value(SAID, s.w.client)) < count:
            await asyncio.sleep(0.01)
    return list(found)


async def epochs(s: Street) -> int:
    """How many leases were taken, tries included."""
    async with owning(s.w.hub.settings.database_url.get_secret_value()) as owner:
        return int(await owner.value(EPOCHS))


async def answered(short: ShortCalls, *calls: bytes) -> None:
    """One after the other, each as soon as the one before it is acknowledged."""
    for one in calls:
        heard = Heard()
        assert short.meets(one, heard) is LATER
        async with asyncio.timeout(60):
            await heard.rang.wait()
        assert (heard.all[0] or b"").startswith(b"HTTP/1.1 200 ")


@asynccontextmanager
async def locked(s: Street, table: str) -> AsyncIterator[None]:
    async with owning(s.w.hub.settings.database_url.get_secret_value()) as owner, owner.transaction() as tx:
        await tx.run(f"lock table {table} in exclusive mode")
        yield


async def test_it_is_acknowledged_before_it_is_folded_and_nobody_takes_a_lease(street: Street) -> None:
    short = await known(street)
    before = await epochs(street)
    async with locked(street, "inbox"):
        await answered(short, call(street, "alone"))
        assert await street.kept() == 1
    assert "alone" in await said(street, 3)
    await street.app[ALONE].close()
    assert await street.kept() == 0 and await epochs(street) == before


async def test_who_writes_again_once_acknowledged_is_heard_in_order_and_once(street: Street) -> None:
    short = await known(street)
    texts = [f"n{n}" for n in range(12)]
    calls = [call(street, text) for text in texts]
    async with locked(street, "inbox"):  # all of them wait for the first
        await answered(short, *calls[:6])
    await answered(short, *calls[6:], *calls[3:5])
    assert [t for t in await said(street, 14) if t != "first"] == texts
    await street.app[ALONE].close()
    await street.app[JOURNAL].close()
    async with asyncio.timeout(60):
        while await street.kept():
            await asyncio.sleep(0.01)
    assert len(await said(street, 14)) == 14, "what came twice is there once"


async def test_of_more_than_a_few_the_others_are_left_to_whoever_folds(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "CALM", 2)
    short = await known(street)
    before = await epochs(street)
    async with locked(street, "inbox"):
        await answered(short, *(call(street, f"n{n}") for n in range(5)))
    assert [t for t in await said(street, 7) if t != "first"] == [f"n{n}" for n in range(5)]
    assert await epochs(street) > before


async def test_what_cannot_be_read_goes_aside_and_what_is_behind_it_goes_on(street: Street) -> None:
    short = await known(street)
    good = call(street, "good")
    length = len(good.partition(b"\r\n\r\n")[2])
    bad = good.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + b"{" * length
    await answered(short, bad, good)
    assert "good" in await said(street, 3)
    assert await street.w.hub.db.value(ASIDE, street.w.account) == 1


POISONED = """
    create function poisoned() returns trigger language plpgsql as $$ begin
        raise exception 'no' using errcode = '%s'; end $$;
    create trigger poisoned before insert on inbox for each row execute function poisoned();
"""


@pytest.mark.parametrize(("state", "aside"), [("P0001", 0), ("22000", 2)])
async def test_trouble_of_the_database_is_waited_for_and_what_it_says_itself_is_not(
    street: Street, state: str, aside: int
) -> None:
    short = await known(street)
    async with owning(street.w.hub.settings.database_url.get_secret_value()) as owner:
        await owner.run(POISONED % state)
        try:
            await answered(short, call(street, "one"), call(street, "two"))
            async with asyncio.timeout(60):
                while await owner.value(ASIDE, street.w.account) < aside or (not aside and await street.kept() < 2):
                    await asyncio.sleep(0.01)
        finally:
            await owner.run("drop trigger poisoned on inbox; drop function poisoned()")
    await answered(short, call(street, "three"))
    wanted = ["three"] if aside else ["one", "two", "three"]
    assert [t for t in await said(street, 2 + len(wanted)) if t != "first"] == wanted
    assert await street.w.hub.db.value(ASIDE, street.w.account) == aside


async def test_while_another_process_folds_it_is_left_to_that_and_others_are_not(street: Street) -> None:
    short, db = await known(street), street.w.hub.db
    await db.run(HELD + " and channel = 'telegram'", street.w.client)
    await answered(short, call(street, "one"), call(street, "two"), call(street, "other", channel="evolution"))
    assert "other" in await said(street, 3) and await street.kept() == 2
    await db.run("update arrival_folders set until = now()")
    assert [t for t in await said(street, 5) if t in ("one", "two")] == ["one", "two"]


async def test_of_an_integration_that_is_removed_meanwhile_nothing_is_in_the_way(street: Street) -> None:
    short = await known(street)
    async with owning(street.w.hub.settings.database_url.get_secret_value()) as owner:
        async with locked(street, "inbox"):
            await answered(short, call(street, "gone"), call(street, "stays", channel="evolution"))
        assert "stays" in await said(street, 3)
        await owner.run("delete from integrations where client_id = $1 and channel = 'telegram'", street.w.client)
    heard = Heard()
    assert short.meets(call(street, "late"), heard) is LATER
    async with asyncio.timeout(60):
        await heard.rang.wait()
    assert not (heard.all[0] or b"").startswith(b"HTTP/1.1 200 "), "nothing is there that it could be kept for"
    await answered(short, call(street, "on", channel="evolution"))
    assert "on" in await said(street, 5)
    await street.app[ALONE].close()
    assert (street.app[JOURNAL]._backlogs.own, street.app[JOURNAL]._backlogs.count) == (0, 0)


ELSEWHERE = """
    insert into arrivals (account_id, integration_id, headers, body)
    select account_id, id, '{}', $2 from integrations where client_id = $1 and channel = 'telegram'
"""


async def test_what_another_process_kept_in_between_stays_in_between(street: Street) -> None:
    """It was acknowledged there before the last one came here."""
    short = await known(street)
    async with locked(street, "inbox"):
        await answered(short, call(street, "n0"), call(street, "n1"))  # the second waits for the first
        elsewhere = call(street, "elsewhere").partition(b"\r\n\r\n")[2]
        await street.w.hub.db.run(ELSEWHERE, street.w.client, elsewhere)
        await answered(short, call(street, "n2"))
    assert [t for t in await said(street, 6) if t != "first"] == ["n0", "n1", "elsewhere", "n2"]
