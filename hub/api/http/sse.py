"""Server-sent events: kept alive by comments, given up when the client goes away."""

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from aiohttp import web

log = logging.getLogger(__name__)

PING_SECONDS, LOOK_SECONDS = 15.0, 1.0
DONE = "[DONE]"
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", "X-Accel-Buffering": "no",
}
_ENDS, _ALL_ENDS = re.compile(rb"\r\n|\r|\n"), re.compile(r"[\r\n\0]")
T = TypeVar("T")
Put = Callable[[T], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event with an id, from which `Last-Event-ID` resumes."""

    id: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Named:
    """An event with a name of its own, and perhaps an id."""

    name: str
    data: dict[str, Any] | str = ""
    id: int | None = None


Event = bytes | str | dict[str, Any] | Numbered | Named


async def stream(
    request: web.Request, events: AsyncIterator[Event], ping: float = PING_SECONDS, name: str | None = None
) -> web.StreamResponse:
    """Send events as they come. `Sse-Stream-Options: no-ping` asks for no comments in between.

    When the client goes away, `events` is closed: an asynchronous generator cleans up in its
    `finally`. An error after the first byte cannot become an error answer any more; whoever makes
    the events says it in an event of its own.
    """
    pings = "no-ping" not in request.headers.get("Sse-Stream-Options", "").lower()
    response = web.StreamResponse(headers=HEADERS)
    await response.prepare(request)
    if request.method == "HEAD":
        if isinstance(events, AsyncGenerator):
            await events.aclose()
        return response
    last = time.monotonic()
    async with contextlib.aclosing(_ticking(events)) as ticking:
        try:
            async for event in ticking:
                if event is not None:
                    await response.write(encode(event, name))
                elif gone(request):
                    break
                elif pings and time.monotonic() - last >= ping:
                    await response.write(b": ping\n\n")
                else:
                    continue
                last = time.monotonic()
            else:
                await response.write_eof()
        except ConnectionError:
            log.debug("the client went away")
    return response


def gone(request: web.Request) -> bool:
    """Whether the client has closed the connection."""
    return request.transport is None or request.transport.is_closing()


def encode(event: Event, name: str | None = None) -> bytes:
    """One event; dicts become JSON, the line ends of a text, of which there are three kinds, lines of data."""
    if isinstance(event, Named):
        return _head("id", event.id) + encode(event.data, event.name)
    if isinstance(event, Numbered):
        return _head("id", event.id) + encode(event.data, name)
    raw = orjson.dumps(event) if isinstance(event, dict) else event
    if isinstance(raw, str):
        raw = raw.encode("utf-8", "replace")
    data = b"\n".join(b"data: " + line for line in _ENDS.split(raw))
    return _head("event", name) + data + b"\n\n"


def _head(field: str, value: str | int | None) -> bytes:
    """A field of one line; none for no value."""
    return f"{field}: {_ALL_ENDS.sub(' ', str(value))}\n".encode("utf-8", "replace") if value not in (None, "") else b""


async def _ticking(events: AsyncIterator[Event]) -> AsyncGenerator[Event | None, None]:
    """The events, and None whenever none came for a second."""
    pending: asyncio.Future[Event] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({pending}, timeout=LOOK_SECONDS)
            if not done:
                yield None
                continue
            finished, pending = pending, None
            try:
                event = finished.result()
            except StopAsyncIteration:
                return
            yield event
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def produced(work: Callable[[Put[T]], Awaitable[None]], finish: bool = False) -> AsyncGenerator[T, None]:
    """What `work(put)` puts, as it puts it. Its error comes last. Closing cancels it, or, with
    `finish`, waits for its end: it matters even when nobody listens any more."""
    queue: asyncio.Queue[T | None] = asyncio.Queue(1000)
    left = False

    async def run() -> None:
        try:
            await work(queue.put)
        finally:
            # However it ends, whoever reads is told; where nobody does any more, the queue may be full.
            if not left:
                await queue.put(None)

    task = asyncio.create_task(run())
    try:
        while (item := await queue.get()) is not None:
            yield item
        await task
    finally:
        try:
            while finish and not (task.done() and queue.empty()) and await queue.get() is not None:
                pass
        finally:
            left = True
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
