"""A flood of webhooks is refused where it arrives, and nobody else with it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from aiohttp import web

from hub.api.app import build_app
from hub.api.http.app_keys import CROWD, RECEIVER
from hub.chat.inbound.crowd import AT_ONCE, MOST, Crowd
from hub.chat.inbound.intake import Intake
from hub.config import Settings
from hub.errors import Overloaded
from hub.processes.connections import serve
from hub.processes.embedded import free_port
from hub.processes.refusals import ANSWER, refusing
from hub.runtime import open_hub
from hub.sealing import digest
from hub.task_groups import end

LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def call(client: UUID, channel: str = "telegram", more: bytes = b"", body: bytes = b'{"update_id": 1}') -> bytes:
    path = f"POST /api/v1/webhooks/{channel}/{client}/secret HTTP/1.1\r\nHost: x\r\n".encode()
    return path + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


@asynccontextmanager
async def flooded(crowd: Crowd, client: UUID) -> AsyncIterator[None]:
    """As many calls of one address as it may have, of which none gets on."""
    over = asyncio.Event()

    async def one(of: UUID) -> None:
        while not over.is_set():
            try:
                async with crowd.one(of):
                    await over.wait()
            except Overloaded:
                await asyncio.sleep(0)

    tasks = [asyncio.create_task(one(uuid4())) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(one(client)) for _ in range(MOST + 200)]
    while not crowd.refuses(client):
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        over.set()
        await end(tasks)


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
    return head + await reader.readexactly(length)


async def test_a_call_of_a_full_address_is_refused_at_once_and_the_connection_stays(settings: Settings) -> None:
    port, full, other = free_port(), uuid4(), uuid4()
    async with open_hub(settings) as hub:
        intake = Intake(hub.db, hub.queue)
        app = build_app(hub, intake)
        refuse = refusing(app)
        assert refuse(call(full)) is None, "nobody waits: everything goes the usual way"
        known(app, full)
        known(app, full, "kapso")
        async with serve(app, "127.0.0.1", port, 10.0, 75.0, 1.0), flooded(app[CROWD], full):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            intake.behind.taken()
            said = []
            for sent in (LIVE, call(full), call(full), LIVE, call(full)):
                writer.write(sent)
                said.append(await _answer(reader))
            assert [s.split(b" ")[1] for s in said] == [b"200", b"503", b"503", b"200", b"503"]
            assert said[1] == ANSWER and b"Retry-After: 5\r\n" in said[1]
            assert not intake.behind, "Telegram tells of nothing that was sent"
            writer.write(call(full, "kapso"))
            assert await _answer(reader) == ANSWER
            assert intake.behind.places == {(full, "kapso")}, "what was refused is not known here"
            # Somebody else is heard: who that is, the database says.
            writer.write(call(other))
            assert (await _answer(reader)).startswith(b"HTTP/1.1 404")
            # In two pieces it goes the usual way, to the same end.
            whole = call(full)
            writer.write(whole[:60])
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(whole[60:])
            assert (await _answer(reader)).startswith(b"HTTP/1.1 503")
            writer.close()
        await intake.close()


def known(app: web.Application, client: UUID, channel: str = "telegram") -> None:
    """As if a call of its with this secret had been found good."""
    app[RECEIVER]._good[client, channel] = digest("secret")


def after(client: UUID, length: bytes) -> bytes:
    """A call with another length behind the right one."""
    right = b"Content-Length: 16\r\n"
    return call(client).replace(right, right + b"Content-Length: %b\r\n" % length)


SHAPES: dict[str, Callable[[UUID], bytes]] = {
    "Z-API never sends again": lambda c: call(c, "zapi"),
    "a body that is still to come": lambda c: call(c)[:-1],
    "two at once": lambda c: call(c) * 2,
    "chunks": lambda c: call(c, more=b"Transfer-Encoding: chunked\r\n"),
    "two lengths": lambda c: call(c, more=b"Content-Length: 3\r\n"),
    "the right length and another": lambda c: after(c, b"3"),
    "the right length and none": lambda c: after(c, b"+16"),
    "a space before a colon": lambda c: call(c, more=b"Transfer-Encoding : chunked\r\n"),
    "a folded line": lambda c: call(c, more=b"X-A: b\r\n c\r\n"),
    "a bare line feed": lambda c: call(c, more=b"X-A: b\nTransfer-Encoding: chunked\r\n"),
    "a bare carriage return": lambda c: call(c, more=b"X-A: b\rTransfer-Encoding: chunked\r\n"),
    "a NUL": lambda c: call(c, more=b"X-A: \0\r\n"),
    "a hundred to be told first": lambda c: call(c, more=b"Expect: 100-continue\r\n"),
    "a last call": lambda c: call(c, more=b"Connection: close\r\n"),
    "half of the headers": lambda c: call(c)[:40],
    "a wrong secret": lambda c: call(c).replace(b"/secret ", b"/guessed "),
    "another network's": lambda c: call(c, "kapso"),
    "no address": lambda c: call(c).replace(str(c).encode(), b"x"),
    "another door": lambda c: LIVE,
    "a body that looks like one": lambda c: b"x" + call(c),
}


async def test_everything_else_goes_the_usual_way(settings: Settings) -> None:
    client = uuid4()
    async with open_hub(settings) as hub:
        intake = Intake(hub.db, hub.queue)
        app = build_app(hub, intake)
        known(app, client)
        async with flooded(app[CROWD], client):
            assert refusing(app)(call(client)) == ANSWER
            assert [shape for shape, sent in SHAPES.items() if refusing(app)(sent(client)) is not None] == []
        await intake.close()


async def test_strangers_calls_do_not_count(settings: Settings) -> None:
    """However many guess at an address: who has its secret is not refused for them."""
    client = uuid4()
    async with open_hub(settings) as hub:
        intake = Intake(hub.db, hub.queue)
        app = build_app(hub, intake)
        known(app, client)
        refuse, guessed = refusing(app), call(client).replace(b"/secret ", b"/guessed ")
        assert [refuse(guessed) for _ in range(MOST + 5)] == [None] * (MOST + 5)
        assert [refuse(call(client)) for _ in range(MOST + 5)].count(ANSWER) == 5
        await intake.close()
