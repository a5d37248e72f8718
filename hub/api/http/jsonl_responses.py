"""Answers that are made while they are sent: files of JSON lines, and how far a long piece of work has come."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import orjson
from aiohttp import web

from hub.api.http.sse import gone, stream
from hub.domain import Json
from hub.errors import HubError

EVENTS, LINES = "text/event-stream", "application/x-ndjson"


async def download(request: web.Request, lines: AsyncIterator[bytes], name: str) -> web.StreamResponse:
    """Send the lines as a file as they come."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/jsonl; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
    )
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    async for line in lines:
        await response.write(line)
    await response.write_eof()
    return response


def followed(request: web.Request) -> bool:
    """Whether the client wants to hear how far the work has come."""
    accept = request.headers.get("Accept", "")
    return EVENTS in accept or LINES in accept


async def progress(request: web.Request, states: AsyncGenerator[Json, None]) -> web.StreamResponse:
    """Send each state as an event or as a line, as the client accepts it.

    What fails before the first state is an ordinary error; later it is a last state `failed`.
    """
    first = await anext(states)
    if EVENTS in request.headers.get("Accept", ""):
        return await stream(request, _states(first, states))
    response = web.StreamResponse(headers={"Content-Type": f"{LINES}; charset=utf-8", "Cache-Control": "no-cache"})
    await response.prepare(request)
    async with aclosing(_states(first, states)) as following:
        async for state in following:
            if gone(request):
                break
            await response.write(orjson.dumps(state, option=orjson.OPT_APPEND_NEWLINE))
        else:
            await response.write_eof()
    return response


async def _states(first: Json, rest: AsyncGenerator[Json, None]) -> AsyncGenerator[Json, None]:
    async with aclosing(rest):
        yield first
        try:
            async for state in rest:
                yield state
        except HubError as e:
            yield {"state": "failed", "error": str(e), "code": e.code}
