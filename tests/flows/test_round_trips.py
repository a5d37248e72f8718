"""How often a message makes the hub wait for its servers: counted on the wire."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis

from hub import ids
from hub.chat.inbound.webhooks import Verdict
from hub.config import Settings
from hub.outreach import admission
from hub.store import files
from hub.store.db import Db
from tests.fakes.model import says
from tests.flows import proxy
from tests.flows.proxy import Flights
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import say, telegram

CLOCKWORK = re.compile(
    r"worker_beats|from documents|stray_placeholders|left_placeholders|o\.asked|handoff_until <= now|sweep\(|reap\("
    r"|from ares_lessons|unnest\(\$1::uuid\[\]|update sources|from webhook_facts|from embedders|from readings"
    r"|human_requests|greet_at|left_arrivals|push_subscriptions|^\s*with over|pg_database_size"
    r"|typeinfo_tree|current_setting\('jit'\)"  # a connection's first
)
LEFT = """
    select (select count(*) from sessions where due_at is not null or lease_until is not null)
        + (select count(*) from outbox where state in ('queued', 'sending'))
"""
POLL = "ZRANGEBYSCORE"
RUNG, HEARD, TOLD = "RPUSH PUBLISH PUBLISH", "LPOP", "PUBLISH PUBLISH"


@dataclass
class Wires:
    """A world whose two servers are reached through counting proxies."""

    r: Rig
    postgres: Flights
    redis: Flights
    beside: Db
    bells: Redis

    async def counted(self, channel: str, text: str = "hello #a1-1") -> tuple[list[str], list[str]]:
        """What one message asked of PostgreSQL and of Valkey, the clockwork left out."""
        self.postgres.take()
        self.redis.take()
        assert await say(self.r.w, channel, text)
        await self.settled()
        return [named(q) for q in self.postgres.take() if not CLOCKWORK.search(q)], self.redis.take()

    async def settled(self) -> None:
        """Both servers are asked on ways of their own, which are not counted."""
        async with asyncio.timeout(60):
            while await self.beside.value(LEFT) or await self.bells.zcard(self.r.w.hub.queue.name(False)):
                await asyncio.sleep(0.03)
        await asyncio.sleep(0.1)  # the last answer is on its way to who asked


def named(sql: str) -> str:
    """A statement by its stored function or by its first words."""
    found = re.match(r"\s*select (?:[\w, ]+ from )?(\w+)\(", sql) or re.search(r"\bfrom (ingest_direct)\(", sql)
    return found[1] if found else " ".join(sql.split()[:2])


@pytest.fixture
async def wires(settings: Settings, owner: Db, redis_url: str) -> AsyncIterator[Wires]:
    folder = Path(tempfile.mkdtemp(prefix="hub-wire-", dir="/tmp"))
    slow = settings.changed(sweep_seconds=60, lease_seconds=60)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        dsn, postgres = await stack.enter_async_context(
            proxy.postgres(settings.database_url.get_secret_value(), folder)
        )
        url, redis = await stack.enter_async_context(proxy.redis(settings.redis_url.get_secret_value()))
        r = await stack.enter_async_context(rig(slow.changed(database_url=dsn, redis_url=url), work=True))
        bells = Redis.from_url(redis_url)
        stack.push_async_callback(bells.aclose)
        one = Wires(r, postgres, redis, owner, bells)
        await asyncio.sleep(0.3)
        yield one


async def _warm(wires: Wires, channel: str) -> None:
    """Connections are open, statements prepared, the receiver knows the integration."""
    for _ in range(2):
        await say(wires.r.w, channel, "hello")
        await wires.settled()
    wires.r.w.receiver._known = {k: (at + 60, v) for k, (at, v) in wires.r.w.receiver._known.items()}


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("mode", ["reconcile", "at_most_once"])
async def test_a_message_costs_three_flights_and_one_for_each_part(wires: Wires, mode: str, parts: int) -> None:
    await _answering(wires, mode, parts)
    await _warm(wires, "zapi")
    asked, _ = await wires.counted("zapi")
    assert asked == ["ingest_direct", "claim_all", "complete_each", *["sent_each"] * parts]


@pytest.mark.parametrize("parts", [1, 3])
async def test_a_placeholder_is_remembered_before_it_is_filled_in(wires: Wires, parts: int) -> None:
    """One more flight for the first part, whose placeholder is remembered: 4 + k."""
    await _answering(wires, "placeholder_edit", parts)
    await _warm(wires, "telegram")
    asked, _ = await wires.counted("telegram")
    assert asked == ["ingest_direct", "claim_all", "place_each", "complete_each", *["sent_each"] * parts]


async def test_a_worker_looks_in_one_flight_whether_any_outreach_is_due(wires: Wires) -> None:
    """The statement that reads all that decides about one takes long to plan: it is asked where there is one."""
    await _warm(wires, "zapi")
    wires.postgres.take()
    assert await admission.run(wires.r.w.hub) == 0
    assert [named(q) for q in wires.postgres.take() if not CLOCKWORK.search(q)] == ["select exists"]


async def test_a_message_rings_once_is_heard_once_and_tells_once(wires: Wires) -> None:
    """arq also looks for jobs every half second, which is no message's doing and left out here."""
    await _answering(wires, "reconcile", 1)
    await _warm(wires, "zapi")
    for _ in range(3):
        _, asked = await wires.counted("zapi")
        assert sorted(a for a in asked if a != POLL) == sorted([RUNG, HEARD, TOLD])


async def test_a_crowd_shares_its_bells(wires: Wires) -> None:
    """Whoever writes at the same moment is taken up by few bells; no sweep helps here."""
    await _answering(wires, "reconcile", 1)
    await _warm(wires, "telegram")
    wires.redis.take()
    asked = len(wires.r.model.calls)
    chats = [telegram(f"hello {n}") for n in range(24)]
    for n, body in enumerate(chats):
        body["message"]["from"]["id"] = body["message"]["chat"]["id"] = 10_000 + n
    assert set(await asyncio.gather(*(wires.r.w.knock("telegram", c) for c in chats))) == {Verdict.STORED}
    await wires.r.w.until(lambda: len(wires.r.model.calls) == asked + len(chats))
    await wires.settled()
    asked_of_valkey = wires.redis.take()
    for one in (RUNG, HEARD):
        assert 0 < asked_of_valkey.count(one) <= len(chats) / 3, asked_of_valkey


async def _answering(wires: Wires, mode: str, parts: int) -> None:
    await wires.r.w.parameters(splitAnswerIntoMessageChunks=True)
    await wires.r.db.run("update integrations set mode = $1", mode)
    wires.r.model.default = says("\n\n".join(["one", "two", "three"][:parts]))


async def test_an_album_is_one_part(wires: Wires) -> None:
    """Its files are read one by one, and what became of it is written once."""
    await wires.r.db.run("update integrations set mode = 'reconcile'")
    address = wires.r.w.hub.settings.address
    for n in (1, 2, 3):
        await files.add(
            wires.r.db, ids.uuid7(), wires.r.w.account, None, None, token=f"trip-{n}", name=f"{n}.png",
            mime="image/png", kind="image", sha256=b"x" * 32, content=b"\x89PNG\r\n\x1a\n", seconds=86400.0,
        )
    pictures = "\n".join(f"![{n}]({address}/media/trip-{n}/{n}.png)" for n in (1, 2, 3))
    wires.r.model.default = says(pictures)
    await _warm(wires, "telegram")
    asked, _ = await wires.counted("telegram")
    reads = [q for q in asked if q.startswith("select")]
    assert [q for q in asked if q not in reads] == ["ingest_direct", "claim_all", "complete_each", "sent_each"], asked
    assert len(reads) == 3, asked


async def test_a_reaction_while_an_answer_is_made_asks_the_database_nothing(wires: Wires) -> None:
    await _answering(wires, "reconcile", 1)
    await wires.r.w.parameters(acknowledgement="thumbs")
    await _warm(wires, "zapi")
    asked, _ = await wires.counted("zapi")
    assert asked == ["ingest_direct", "claim_all", "complete_each", "sent_each"]
    assert any(c.path.endswith("/send-reaction") for c in wires.r.net.calls)
