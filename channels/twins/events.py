"""The live feed of the page: server-sent events."""

import asyncio

import orjson
from aiohttp import web

from channels.twins.state import FEED, Json, State

BEAT = 15.0


async def stream(state: State, request: web.Request) -> web.StreamResponse:
    """Every change until the reader leaves."""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    feed: asyncio.Queue[Json] = asyncio.Queue(FEED)
    state.feeds.add(feed)
    try:
        await response.write(b": hello\n\n")
        while True:
            try:
                event = await asyncio.wait_for(feed.get(), BEAT)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            if event["event"] == "end":
                break
            name, data = event["event"].encode(), orjson.dumps(event["data"])
            await response.write(b"event: " + name + b"\ndata: " + data + b"\n\n")
    except (ConnectionError, asyncio.CancelledError):
        pass  # the reader left, or the twins are stopping
    finally:
        state.feeds.discard(feed)
    return response
