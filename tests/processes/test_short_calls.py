"""Calls of a crowd are taken where they arrive: only plain ones, each answered once it is kept, in their order."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson
import pytest

from channels.base import Hook, Link
from channels.telegram.send import Telegram
from hub.api.http.app_keys import CROWD, INTAKE, JOURNAL
from hub.config import Settings
from hub.processes import short_calls
from hub.processes.connections import left_of
from hub.processes.refusals import ANSWER
from hub.processes.short_calls import LATER, ShortCalls
from tests.conftest import owning
from tests.flows.test_answers import BODIES
from tests.flows.world import SECRET
from tests.processes.test_quick_webhooks import Street, crowd, opened, street

__all__ = ["street"]
TEXTS = """
    select convert_from(body, 'utf8')::json->'message'->>'text' as t from arrivals where body <> '{'
    order by id desc limit 7
"""
_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")


def call(s: Street, text: str = "hi", channel: str = "telegram", path: str = "", **headers: str) -> bytes:
    body = orjson.dumps(BODIES[channel](text))
    lines = {"Host": "hub", "X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"} | headers
    lines.setdefault("Content-Length", str(len(body)))
    head = "".join(f"{n.rstrip('_')}: {v}\r\n" for n, v in lines.items() if v != "none")
    path = path or f"/api/v1/webhooks/{channel}/{s.w.client}/{SECRET}"
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


class Heard:
    """What a connection is told."""

    def __init__(self) -> None:
        self.all: list[bytes | None] = []
        self.rang = asyncio.Event()

    def __call__(self, answer: bytes | None) -> None:
        self.all.append(answer)
        self.rang.set()


async def test_a_plain_call_is_answered_once_it_is_kept(street: Street) -> None:
    _, alone = await street.call("telegram", BODIES["telegram"]("alone"))
    await crowd(street)
    before, heard, short = await street.kept(), Heard(), ShortCalls(street.app)
    assert short.meets(call(street, **{"X-Request-Id": "mine-1"}), heard) is LATER and heard.all == []
    await heard.rang.wait()
    told = heard.all[0] or b""
    assert told.startswith(b"HTTP/1.1 200 OK\r\n") and told.endswith(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in told.decode().split("\r\n")[1:-2])
    assert fields.pop("X-Request-Id") == "mine-1" and fields.pop("Date") and fields == alone, "as one that came alone"
    assert await street.kept() == before + 1 and sum(street.app[CROWD]._coming) == 0


@pytest.mark.parametrize("changed", [
    {"Transfer-Encoding": "chunked"}, {"Expect": "100-continue"}, {"Content-Encoding": "gzip"}, {"Connection": "close"},
    {"Content-Length": "1"}, {"Content-Length": "99999"}, {"Content-Length": "none"}, {"Host": "none"},
    {"X-A": "\u20ac"}, {"X-A": "1", "X-A_": "2"}, {"X-A": "1\r\n 2"}, {"X A": "1"},
    {"X-Telegram-Bot-Api-Secret-Token": "wrong"},
], ids=str)
async def test_any_other_goes_the_usual_way(street: Street, changed: dict[str, str]) -> None:
    await crowd(street)
    heard, short = Heard(), ShortCalls(street.app)
    assert short.meets(call(street, **changed), heard) is None
    assert heard.all == [] and sum(street.app[CROWD]._coming) == 0


async def test_nothing_of_a_stranger_is_taken_and_nothing_while_nobody_waits(street: Street) -> None:
    heard, short = Heard(), ShortCalls(street.app)
    assert short.meets(call(street), heard) is None, "no crowd"
    await crowd(street)
    assert short.meets(call(street, path=f"/api/v1/webhooks/telegram/{street.w.client}/wrong"), heard) is None
    assert short.meets(call(street, path=f"/api/v1/webhooks/telegram/{street.w.account}/{SECRET}"), heard) is None
    assert short.meets(call(street).replace(b"POST", b"GET "), heard) is None


async def test_above_the_backlog_it_is_refused_at_once_or_kept_on_disk(street: Street) -> None:
    await crowd(street)
    short, backlogs, heard = ShortCalls(street.app), street.app[JOURNAL]._backlogs, Heard()
    assert backlogs.bounds is not None
    backlogs.bounds = type(backlogs.bounds)(1, 1, 1, 1)
    assert short.meets(call(street), heard) == ANSWER
    assert short.meets(call(street, channel="zapi"), heard) is None, "Z-API never sends again"
    assert short.meets(call(street, channel="evolution"), heard) == ANSWER
    assert (street.w.client, "evolution") in street.app[INTAKE].behind.places, "what it tells is not known"
    assert heard.all == [] and sum(street.app[CROWD]._coming) == 0


async def test_heads_of_strangers_are_not_remembered(street: Street) -> None:
    await crowd(street)
    short, heard = ShortCalls(street.app), Heard()
    for n in range(5):
        assert short.meets(call(street, path=f"/api/v1/webhooks/telegram/{street.w.client}/wrong{n}"), heard) is None
        assert short.meets(call(street, **{"X-Telegram-Bot-Api-Secret-Token": f"wrong{n}"}), heard) is None
        assert short.meets(call(street, path=f"/api/v1/webhooks/telegram/{street.w.account}/{n}"), heard) is None
        assert short.meets(call(street, **{"X-A": f"{n}" * 4000}), heard) is LATER
    assert not short._heads
    assert short.meets(call(street), heard) is LATER and len(short._heads) == 1


CHANGES = {
    "another secret": "update integrations set secret_hash = sha256('another') where client_id = $1",
    "removed": "delete from integrations where client_id = $1",
    "a client that is gone": "delete from clients where id = $1",
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_head_that_was_proved_counts_no_longer_than_what_it_was_proved_for(street: Street, change: str) -> None:
    await crowd(street)
    heard, short = Heard(), ShortCalls(street.app)
    assert short.meets(call(street), heard) is LATER
    await heard.rang.wait()
    assert short._heads, "it is remembered"
    async with owning(street.w.hub.settings.database_url.get_secret_value()) as owner:
        await owner.run(CHANGES[change], street.w.client)
    async with asyncio.timeout(60):
        while (told := await raw(street, call(street), answers=1))[0] not in ("401", "404"):  # for a second it is known
            await asyncio.sleep(0.05)
    assert told == (["401"] if change == "another secret" else ["404"])
    assert short.meets(call(street), heard) is None and [short._place(h, b"") for h in short._heads.values()] == [None]


class BrokenTelegram(Telegram):
    def vouch(self, link: Link, hook: Hook) -> Sequence[str] | None:
        raise KeyError("nobody thought of it")


async def test_a_fault_of_an_adapter_goes_the_usual_way_and_counts_for_nothing(street: Street) -> None:
    await crowd(street)
    heard, short = Heard(), ShortCalls(street.app)
    whole = street.w.hub.channels["telegram"]
    whole.__class__ = BrokenTelegram
    assert short.meets(call(street), heard) is None and sum(street.app[CROWD]._coming) == 0
    assert await raw(street, call(street), answers=1) == ["503"], "it is sent again"
    whole.__class__ = Telegram
    assert await raw(street, call(street), answers=1) == ["200"]


async def test_who_cannot_be_told_is_in_nobodys_way(street: Street) -> None:
    await crowd(street)
    before, heard, short = await street.kept(), Heard(), ShortCalls(street.app)

    def broken(answer: bytes | None) -> None:
        raise RuntimeError("the connection is gone")

    assert short.meets(call(street, "one"), broken) is LATER and short.meets(call(street, "two"), heard) is LATER
    async with asyncio.timeout(60):
        await heard.rang.wait()
    assert (heard.all[0] or b"").startswith(b"HTTP/1.1 200") and await street.kept() == before + 2


@asynccontextmanager
async def stuck(s: Street) -> AsyncIterator[None]:
    """Nothing can be written into the journal."""
    async with owning(s.w.hub.settings.database_url.get_secret_value()) as owner, owner.transaction() as tx:
        await tx.run("lock table arrivals in exclusive mode")
        yield


async def test_what_takes_too_long_is_told_so_once_and_kept_all_the_same(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_calls, "SECONDS", 0.05)
    await crowd(street)
    before, short, heard, other = await street.kept(), ShortCalls(street.app), Heard(), Heard()
    async with stuck(street):
        assert short.meets(call(street, "late"), heard) is LATER
        assert short.meets(call(street, channel="zapi"), other) is LATER
        await heard.rang.wait()
        await other.rang.wait()
        assert heard.all == [ANSWER] and other.all == [None] and sum(street.app[CROWD]._coming) == 0
    await street.app[JOURNAL].close()
    assert heard.all == [ANSWER] and other.all == [None] and await street.kept() == before + 2


async def raw(s: Street, *pieces: bytes, answers: int) -> list[str]:
    """How these pieces are answered over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(s.url.rsplit(":", 1)[1]))
    told = b""
    try:
        for n, piece in enumerate(pieces):
            writer.write(piece)
            await writer.drain()
            if n + 1 < len(pieces):
                await asyncio.sleep(0.05)  # another packet
        async with asyncio.timeout(60):
            while len(_LINE.findall(told)) < answers and (more := await reader.read(65536)):
                told += more
    finally:
        writer.close()
        await writer.wait_closed()
    return [status.decode() for status in _LINE.findall(told)]


async def test_what_comes_behind_a_call_on_its_connection_is_answered_behind_it(street: Street) -> None:
    await crowd(street)
    before = await street.kept()
    live = b"GET /health/nothing HTTP/1.1\r\nHost: hub\r\n\r\n"
    one, two = call(street, "one"), call(street, "two")
    ok, none = "200", "404"
    assert await raw(street, one + live + two, answers=3) == [ok, none, ok]
    assert await raw(street, one, live + two, one, answers=4) == [ok, none, ok, ok]
    assert await raw(street, one[:200], one[200:], two, live, answers=3) == [ok, ok, none]
    assert await street.kept() == before + 7
    got = [r["t"] for r in await street.w.hub.db.fetch(TEXTS)]
    assert list(reversed(got)) == ["one", "two", "one", "two", "one", "one", "two"]


async def test_a_call_within_another_message_is_part_of_that(street: Street) -> None:
    """Else somebody who shares a proxy's connection is told what was meant for another."""
    await crowd(street)
    before, inner = await street.kept(), call(street)
    body = f"POST /nothing HTTP/1.1\r\nHost: hub\r\nContent-Length: {len(inner)}\r\n\r\n".encode()
    assert len(await raw(street, body, inner, b"GET /nothing HTTP/1.1\r\nHost: hub\r\n\r\n", answers=2)) == 2
    header = b"GET /nothing HTTP/1.1\r\nX-A: "
    assert await raw(street, header, inner, answers=1) == ["404"]
    assert await street.kept() == before


POST, THREE = b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nContent-Length: 3\r\n"


@pytest.mark.parametrize(("pieces", "left"), [
    ([b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"], 0), ([b"GET / HTTP/1.1\r\nHost: h\r\n"], None),
    ([THREE + b"\r\n", b"ab", b"c"], 0), ([POST + b"content-length:3\r\n\r\na"], 2),
    ([THREE + b"\r\nabcG"], None), ([THREE + b"\r\n", b"abcd"], None),
    ([THREE + b"Content-Length: 3\r\n\r\nabc"], None), ([POST + b"Content-Length: +3\r\n\r\nabc"], None),
    ([POST + b"Transfer-Encoding: chunked\r\n\r\n"], None),
    ([b"POST / HTTP/1.1\nContent-Length: 3\n\nabc"], None), ([b"GET / HTTP/1.0\r\nHost: h\r\n\r\n"], None),
    ([b"GET / HTTP/1.1\r\nHost : h\r\n\r\n"], None), ([b"GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n"], None),
])
def test_where_a_message_ends_is_known_or_given_up_for_good(pieces: list[bytes], left: int | None) -> None:
    at: int | None = 0
    for piece in pieces:
        at = left_of(at, piece)
    assert at == left
    if left is None:
        assert left_of(at, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n") is None


async def test_a_call_that_is_being_kept_is_answered_when_the_process_ends(settings: Settings) -> None:
    async with opened(settings, zapi="at_most_once") as (s, serving):
        app, w = s.app, s.w
        await serving.__aenter__()
        with app[JOURNAL].past(w.client), pytest.MonkeyPatch.context() as patch:
            patch.setattr("hub.chat.inbound.journal.CALM", 1)
            assert await raw(s, call(s, "first"), answers=1) == ["200"]
            async with stuck(s):
                asked = asyncio.create_task(raw(s, call(s), answers=1))
                while not sum(app[CROWD]._coming):
                    await asyncio.sleep(0.01)
                ending = asyncio.create_task(serving.__aexit__(None, None, None))
                await asyncio.sleep(0.05)
                assert not asked.done() and not ending.done()
            assert await asked == ["200"]
            await ending
