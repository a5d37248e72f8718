"""Whatever comes over a connection, in whatever pieces: it is answered as if nothing met it before HTTP is read."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise
from typing import Any

import orjson
from aiohttp import web

from hub.api.http.app_keys import JOURNAL
from hub.api.quick_webhooks import Front
from hub.processes.connections import Connection
from hub.processes.refusals import refusing
from hub.processes.short_calls import ShortCalls
from tests.flows.test_answers import BODIES
from tests.flows.world import SECRET
from tests.processes.test_quick_webhooks import Street, crowd, street

__all__ = ["street"]
KEPT = """
    select coalesce(array_agg(coalesce(substring(b from '"text":"([a-z0-9-]+)"'), '?') order by id), '{}')
    from (select id, convert_from(body, 'utf8') as b from arrivals where body <> '{' and id > $1) a
"""
LAST = "select coalesce(max(id), 0) from arrivals"
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) ")
END = b"GET /nothing/at-the-end HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"
ROUNDS, SEED = 40, 7


def call(s: Street, text: str, more: str = "", length: str = "", secret: str = SECRET) -> bytes:
    body = orjson.dumps(BODIES["telegram"](text))
    return (
        f"POST /api/v1/webhooks/telegram/{s.w.client}/{secret} HTTP/1.1\r\nHost: hub\r\n{more}"
        f"X-Telegram-Bot-Api-Secret-Token: {SECRET}\r\nContent-Length: {length or len(body)}\r\n\r\n"
    ).encode() + body


def chunked(s: Street, text: str) -> bytes:
    head, _, body = call(s, text).partition(b"\r\n\r\n")
    head = re.sub(rb"Content-Length: [0-9]+", b"Transfer-Encoding: chunked", head)
    return head + b"\r\n\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def within(s: Street, text: str) -> bytes:
    inner = call(s, text)
    return b"POST /nothing HTTP/1.1\r\nHost: hub\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner


def absolute(s: Street, text: str) -> bytes:
    return call(s, text).replace(b"POST /", b"POST http://hub/", 1)


REFUSED = "a wrong secret"
Shape = Callable[[Street, str], bytes]
# Such as are followed by others on their connection, and such as end it.
PLAIN: dict[str, Shape] = {
    "a call": call,
    "another": partial(call, more="X-Request-Id: mine\r\nX-Empty:\r\nX-Tab:\ta b\t\r\n"),
    "lower case": lambda s, t: call(s, t).replace(b"Content-Length", b"content-LENGTH").replace(b"X-Tele", b"x-tele"),
    "zeros before its length": lambda s, t: re.sub(rb"(?<=Length: )(?=[0-9])", b"0" * 9, call(s, t)),
    REFUSED: partial(call, secret="wrong"),
    "chunks": chunked,
    "a call in a body": within,
    "absolute": absolute,
    "a question": lambda s, t: b"GET /nothing HTTP/1.1\r\nHost: hub\r\nX-A: b\r\n\r\n",
    "with a body": lambda s, t: b"GET /nothing HTTP/1.1\r\nHost: hub\r\nContent-Length: 2\r\n\r\n{}",
    "a tunnel": lambda s, t: b"CONNECT hub:80 HTTP/1.1\r\nHost: hub\r\n\r\n",
    "lines before it": lambda s, t: b"\r\n" + call(s, t),
}
LAST_ONES: dict[str, Shape] = {
    "two lengths": lambda s, t: call(s, t).replace(b"Content-Length", b"Content-Length: 2\r\nContent-Length"),
    "the same length twice": lambda s, t: re.sub(rb"(Content-Length: [0-9]+\r\n)", rb"\1\1", call(s, t)),
    "lengths and chunks": partial(call, more="Transfer-Encoding: chunked\r\n"),
    "a sign before its length": lambda s, t: call(s, t).replace(b"Length: ", b"Length: +"),
    "a folded line": partial(call, more="X-A: b\r\n c\r\n"),
    "a bare line feed": partial(call, more="X-A: b\nContent-Length: 2\r\n"),
    "a space before the colon": partial(call, more="Transfer-Encoding : chunked\r\n"),
    "a NUL": partial(call, more="X-A: \0\r\n"),
    "an old one": lambda s, t: call(s, t).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "the last": partial(call, more="Connection: close\r\n"),
    "no HTTP": lambda s, t: b"\x16\x03\x01\x02\x00" + call(s, t),
    "a very long header": partial(call, more=f"X-A: {'a' * 9000}\r\n"),
}


@asynccontextmanager
async def both(s: Street) -> AsyncIterator[tuple[int, int]]:
    """The ports of two listeners over one application: what is served, and aiohttp alone."""
    loop, app = asyncio.get_running_loop(), s.app
    more: dict[str, Any] = {"access_log": None, "lingering_time": 5.0, "loop": loop}
    behind = app._make_handler(loop=loop)
    behind.request_handler = Front(app, behind.request_handler)  # as in `serve`
    refuses, short = refusing(app), ShortCalls(app)
    one = await loop.create_server(lambda: Connection(behind, 10.0, refuses, short, **more), "127.0.0.1", 0)
    two = await loop.create_server(lambda: web.RequestHandler(behind, **more), "127.0.0.1", 0)
    try:
        yield one.sockets[0].getsockname()[1], two.sockets[0].getsockname()[1]
    finally:
        one.close()
        two.close()


async def told(port: int, pieces: list[bytes], first: int) -> list[str]:
    """How these are answered until the connection ends; the last one goes once so many are (of what comes with what is
    no HTTP, aiohttp answers nothing)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    try:
        async with asyncio.timeout(60):
            for piece in pieces[:-1]:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.002)  # mostly another packet
            while len(_STATUS.findall(got)) < first and (more := await reader.read(65536)):
                got += more
            writer.write(pieces[-1])
            while more := await reader.read(65536):
                got += more
    except TimeoutError:
        got += b"HTTP/1.1 000 "  # nothing more, and it stays open
    finally:
        writer.close()
    return [status.decode() for status in _STATUS.findall(got)]


def stream(s: Street, dice: random.Random, n: int) -> tuple[list[str], list[bytes]]:
    """Messages, and their bytes in pieces; the last message is one."""
    names = [dice.choice(list(PLAIN)) for _ in range(dice.randint(1, 5))]
    whole = [PLAIN[name](s, f"r{n}-{at}") for at, name in enumerate(names)]
    last = dice.choice([None, *LAST_ONES])
    ends = END if last is None else LAST_ONES[last](s, f"r{n}-last")
    data, pieces = b"".join(whole), []
    if dice.random() < 0.5 or REFUSED in names:  # whose connection ends where its body is still to come
        pieces = whole  # as networks send them
    else:
        cuts = sorted(dice.sample(range(1, len(data)), min(len(data) - 1, dice.randint(0, 6))))
        pieces = [data[a:b] for a, b in pairwise([0, *cuts, len(data)])]
    return [*names, last or "the end"], [*pieces, ends]


async def test_any_stream_is_answered_and_kept_as_if_it_went_the_usual_way(street: Street) -> None:
    await crowd(street)
    db, dice = street.w.hub.db, random.Random(SEED)
    kept = 0

    async def tried(port: int, pieces: list[bytes], first: int) -> tuple[list[str], list[str]]:
        before = await db.value(LAST)
        answers = await told(port, pieces, first)
        await street.app[JOURNAL].close()
        return answers, await db.value(KEPT, before)

    async with both(street) as (served, usual):
        for n in range(ROUNDS):
            names, pieces = stream(street, dice, n)
            first = len(names) - 1
            got, wanted = await tried(served, pieces, first), await tried(usual, pieces, first)
            assert got == wanted, (n, names, pieces)
            kept += len(got[1])
    assert kept > ROUNDS, "most hold calls that are kept"


async def test_zeros_before_a_length_do_not_hide_the_body(street: Street) -> None:
    """Else what stands in the body would be answered as the next message."""
    await crowd(street)
    inner = call(street, "inner")
    body = orjson.dumps(BODIES["telegram"]("outer"))
    head = call(street, "outer", length=f"{0:09d}{len(body) + len(inner)}").partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    async with both(street) as (served, usual):
        for port in (served, usual):
            assert await told(port, [head, body + inner, END], 1) == ["200", "404"]
