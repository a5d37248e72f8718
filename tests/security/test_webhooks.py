"""Webhooks: nothing is read or kept of who is not known; what fails for the hub's own reasons is not lost."""

import asyncio
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import orjson
import pytest

from hub.api.http.budget import Budget
from hub.chat.inbound.crowd import AT_ONCE, Crowd
from hub.errors import Overloaded
from hub.store import inbox
from hub.store.db import Db
from tests.api.test_webhooks import signed
from tests.conftest import owning
from tests.flows.test_answers import BODIES
from tests.security.conftest import Opening
from tests.security.doors import Doors

NETWORKS = ("telegram", "zapi", "evolution", "kapso")
REFUSED = {"telegram": 401, "zapi": 200, "evolution": 401, "kapso": 401}
UNKNOWN = {"telegram": 404, "zapi": 200, "evolution": 404, "kapso": 404}
MIB = 1 << 20


def told(channel: str, raw: bytes) -> dict[str, str]:
    return {n.replace("-", "_"): v for n, v in signed(channel, raw).items()}


USUAL = "?usual"  # it is not taken by its connection, and so stored before it is answered


async def post(doors: Doors, channel: str, text: str = "Hi", path: str | None = None, more: str = "") -> int:
    raw = orjson.dumps(BODIES[channel](text))
    return (await doors.send((path or doors.hook(channel)) + more, io.BytesIO(raw), **told(channel, raw)))[0]


async def answered_before_the_body(doors: Doors, path: str, **headers: str) -> bytes:
    """The first line of an answer to a body of 60 MB of which nothing is sent."""
    address = urlsplit(doors.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {60 * MIB}"]
    writer.write("\r\n".join([*lines, *(f"{n}: {v}" for n, v in headers.items()), "", ""]).encode())
    try:
        async with asyncio.timeout(10):
            return await reader.readline()
    finally:
        writer.close()


@pytest.mark.parametrize("channel", ["telegram", "evolution", "kapso"])
async def test_an_unknown_address_is_refused_before_its_body_is_read(doors: Doors, channel: str) -> None:
    assert b" 404 " in await answered_before_the_body(doors, doors.hook(channel, uuid4()))


@pytest.mark.parametrize("channel", ["telegram", "evolution", "kapso"])
async def test_a_wrong_secret_is_refused_before_the_body_is_read(doors: Doors, channel: str) -> None:
    assert b" 401 " in await answered_before_the_body(doors, doors.hook(channel, secret="x" * 48))


@pytest.mark.parametrize(
    ("channel", "headers"),
    [
        ("telegram", {}),
        ("telegram", {"X-Telegram-Bot-Api-Secret-Token": "wrong"}),
        ("evolution", {"X-Hub-Secret": "wrong"}),
        ("evolution", {"Authorization": "Bearer a.b.c"}),
        ("kapso", {}),
    ],
    ids=["Telegram without its header", "Telegram's wrong", "Evolution's wrong", "a wrong token", "Kapso unsigned"],
)
async def test_what_the_headers_do_not_prove_is_refused_before_the_body_is_read(
    doors: Doors, channel: str, headers: dict[str, str]
) -> None:
    assert b" 401 " in await answered_before_the_body(doors, doors.hook(channel), **headers)


@pytest.mark.parametrize("channel", NETWORKS)
async def test_nothing_is_kept_of_calls_for_an_address_nobody_has(doors: Doors, channel: str) -> None:
    before = await doors.value("select count(*) from quarantine")
    found = [await post(doors, channel, "x" * 10_000, doors.hook(channel, uuid4())) for _ in range(5)]
    assert set(found) == {UNKNOWN[channel]}
    assert await doors.value("select count(*) from quarantine") == before


async def test_a_hash_and_a_kilobyte_are_kept_of_a_refused_call_and_not_of_each(doors: Doors) -> None:
    path = doors.hook("zapi", secret="x" * 48)
    assert {await post(doors, "zapi", "y" * 30_000, path) for _ in range(150)} == {200}
    sizes = await doors.there(doors.hub.db.fetch("select length(raw) as n, length(sha256) as h from quarantine"))
    assert 1 <= len(sizes) <= 120 and all(r["n"] <= 1024 and r["h"] == 32 for r in sizes)


async def test_what_is_put_aside_goes_by_age_and_by_size(doors: Doors) -> None:
    mine, other = doors.w.account, await doors.value("select id from accounts where name = 'Boreal'")
    add = """
        insert into quarantine (id, account_id, at, sha256, raw, reason)
        select gen_random_uuid(), $1, now() - make_interval(days => $2), '', convert_to(repeat('x', $3), 'UTF8'), 'test'
        from generate_series(1, $4)
    """
    await doors.there(doors.hub.db.run("delete from quarantine"))
    for account, days, size, rows in ((mine, 31, 10, 3), (mine, 1, 1_000_000, 60), (other, 1, 10, 2)):
        await doors.there(doors.hub.db.run(add, account, days, size, rows))
    await doors.there(inbox.forget_held(doors.hub.db))
    count = "select count(*) from quarantine where account_id = $1"
    assert await doors.value(count, mine) == 50, "the newest 50 MB stay"
    assert await doors.value(count, other) == 2, "another account's stay"
    await doors.there(doors.hub.db.run("delete from quarantine"))


# One condition of each class that a statement can end with.
CLASSES = {
    "08 connection": "08006", "0A feature not supported": "0A000", "22 data": "22003", "23 constraint": "23514",
    "25 transaction": "25006", "28 authorization": "28000", "40 rollback": "40001",
    "42 access": "42501",
    "53 resources": "53100", "53 too many clients": "53300", "54000 limits": "54000",
    "54 too complex": "54001", "55 state": "55P03",
    "57 operator": "57014", "57 shutting down": "57P01", "58 system": "58030",
    "P0 raised": "P0001", "XX internal": "XX000",
}


@pytest.fixture
def failing(doors: Doors) -> Iterator[Any]:
    """Let the database fail with an SQLSTATE for a message with the word `trap`."""

    async def arm(state: str) -> None:
        fail = f"if new.body->>'text' = 'trap' then raise exception 'trap' using errcode = '{state}'; end if"
        head = "create or replace function trap() returns trigger language plpgsql as"
        when = "create trigger trap before insert on inbox for each row"
        async with owning(doors.hub.settings.database_url.get_secret_value()) as db:
            await db.run(f"{head} $$ begin {fail}; return new; end $$")
            await db.run("drop trigger if exists trap on inbox")
            await db.run(f"{when} execute function trap()")

    yield arm
    asyncio.run(_disarm(doors))


async def _disarm(doors: Doors) -> None:
    async with owning(doors.hub.settings.database_url.get_secret_value()) as db:
        await db.run("drop trigger if exists trap on inbox")


@pytest.mark.parametrize("name", CLASSES)
async def test_only_errors_of_the_data_put_a_webhook_aside(doors: Doors, failing: Any, name: str) -> None:
    await doors.there(failing(CLASSES[name]))
    data = name.startswith(("22", "23", "54000"))
    count = "select count(*) from quarantine where reason like 'could not be stored%'"
    before = await doors.value(count)
    for channel in ("telegram", "evolution", "kapso"):
        assert await post(doors, channel, "trap", more=USUAL) == (200 if data else 503), channel
    assert await doors.value(count) == before + (3 if data else 0)
    stored = await doors.value("select count(*) from inbox")
    assert await post(doors, "telegram", "fine", more=USUAL) == 200
    assert await doors.value("select count(*) from inbox") == stored + 1


class Full:
    """A pool that gets no connection, for a reason of the server's."""

    def __init__(self, reason: Exception) -> None:
        self.reason = reason

    async def acquire(self, timeout: float) -> None:
        raise self.reason


REASONS = (
    asyncpg.TooManyConnectionsError("sorry, too many clients already"), asyncpg.CannotConnectNowError("starting up"),
    asyncpg.InvalidPasswordError("changed"), asyncpg.InvalidCatalogNameError("no such database"),
    asyncpg.ConnectionDoesNotExistError("gone"), OSError("refused"), TimeoutError(),
)


@pytest.mark.parametrize("reason", REASONS, ids=lambda r: type(r).__name__)
async def test_a_connection_that_cannot_be_had_is_overload(reason: Exception) -> None:
    with pytest.raises(Overloaded):
        await Db(Full(reason), 1.0).value("select 1")


async def test_zapi_is_kept_on_disk_whatever_else_fails_and_comes_by_itself(doors: Doors, failing: Any) -> None:
    """Nobody sends another webhook; and others of the network are answered meanwhile, in order."""
    await doors.there(failing("53300"))
    for text in ("trap", "second", "third"):
        assert await post(doors, "zapi", text, more=USUAL) == 200
    mine = "body->>'text' in ('trap', 'second', 'third')"
    texts = f"select array_agg(body->>'text' order by seq) from inbox where {mine}"
    assert await doors.value(texts) is None, "what came later waits behind it"
    assert await post(doors, "telegram", "not held up") == 200
    await _disarm(doors)

    async def come() -> bool:
        return bool(await doors.value(texts) == ["trap", "second", "third"])

    await doors.until(come)


async def test_thirty_bodies_of_sixty_megabytes_do_not_fill_the_memory(opening: Opening) -> None:
    """With the right secret: what does not fit the budget is told to come again, and the budget is given back."""
    with opening(bodies_mb=64) as doors:
        body = b'{"instance": "hub", "event": "x", "data": {"a": "' + b"a" * (30 * MIB) + b'"}}'
        found = await asyncio.gather(
            *(doors.send(doors.hook("evolution"), io.BytesIO(body), Content_Type="application/json") for _ in range(10))
        )
        assert {s for s, _ in found} <= {0, 200, 503} and any(s in (0, 503) for s, _ in found)
        assert await post(doors, "evolution") == 200, "a small one is taken all the same"
        assert doors.held == 0


async def test_one_caller_does_not_take_the_whole_budget() -> None:
    budget = Budget(400 << 20)
    with pytest.raises(Overloaded):
        budget.hold("one", 101 << 20)
    budget.hold("other", 90 << 20)
    budget.free("one", 101 << 20)
    budget.free("other", 90 << 20)
    budget.hold("one", 99 << 20)
    assert budget.held == 99 << 20


async def test_a_flood_is_stored_or_told_to_come_again(doors: Doors) -> None:
    found = await asyncio.gather(*(post(doors, "kapso", f"flood {n}") for n in range(300)))
    assert set(found) <= {200, 503} and 200 in found, "those that are begun are finished"
    await _folded(doors)
    count = "select count(*) from inbox where body->>'text' like 'flood %'"
    assert await doors.value(count) >= found.count(200), "nothing that was answered with 200 is missing"


async def _folded(doors: Doors) -> None:
    """What was acknowledged as it came is in its conversation."""
    while await doors.value("select count(*) from arrivals"):
        await asyncio.sleep(0.02)


SLOW = """
    create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return new; end $$;
    create trigger slow before insert on inbox for each row execute function slow();
"""


async def test_a_flood_into_a_slow_database_is_stored_as_fast_as_it_can_be(doors: Doors) -> None:
    """A group that takes longer than a second is not refused, all of it, to come again."""
    async with owning(doors.hub.settings.database_url.get_secret_value()) as owner:
        await owner.run(SLOW)
        try:
            found = await asyncio.gather(*(post(doors, "kapso", f"slow flood {n}") for n in range(300)))
            await _folded(doors)
        finally:
            await owner.run("drop trigger slow on inbox; drop function slow()")
    assert set(found) <= {200, 503}
    stored = await doors.value("select count(*) from inbox where body->>'text' like 'slow flood %'")
    assert stored >= found.count(200) >= 16, "no wave of them is refused as a whole"
    assert found.count(200) * 2 >= stored, "and little is stored for nothing"


async def test_the_line_lets_an_address_with_few_calls_in_first_and_refuses_at_once_when_it_is_long() -> None:
    crowd, one, other = Crowd(), uuid4(), uuid4()
    entered: list[object] = []
    leave = asyncio.Event()

    async def come(client: object) -> None:
        async with crowd.one(client) as _:  # type: ignore[arg-type]  # a UUID
            entered.append(client)
            await leave.wait()

    flood = [asyncio.create_task(come(one)) for _ in range(AT_ONCE + 3)]
    await asyncio.sleep(0)
    late = asyncio.create_task(come(other))
    await asyncio.sleep(0)
    assert entered == [one] * AT_ONCE
    leave.set()
    await asyncio.gather(*flood, late)
    assert entered[AT_ONCE] == other, "it waits for nobody's flood"


async def test_what_waits_too_long_in_line_is_refused_and_takes_no_place() -> None:
    crowd, one = Crowd(), uuid4()
    leave, entered = asyncio.Event(), []

    async def come() -> None:
        async with crowd.one(one) as waited:
            entered.append(waited)
            await leave.wait()

    inside = [asyncio.create_task(come()) for _ in range(AT_ONCE)]
    ends = await asyncio.gather(*(come() for _ in range(5)), return_exceptions=True)
    assert {type(e) for e in ends} == {Overloaded} and len(entered) == AT_ONCE
    leave.set()
    await asyncio.gather(*inside, *(come() for _ in range(AT_ONCE)))
    assert len(entered) == 2 * AT_ONCE, "every place is there again"
