"""One question, one answer: context, model, tools. Every channel and the API come through here."""

import time
from contextlib import AsyncExitStack

from hub.engine import brand
from hub.engine.ask import Answer, Ask, Sink
from hub.engine.gather import gather
from hub.engine.loop import Loop
from hub.engine.tool_calls import Calls
from hub.llm.types import Delta
from hub.runtime import Hub


async def answer(hub: Hub, ask: Ask, sink: Sink | None = None) -> Answer:
    """Answer; `sink` gets the pieces as they come. Raise Upstream when the model fails for good."""
    started, banned = time.monotonic(), brand.banned_of(ask.gateway)
    heard = brand.held(sink) if banned else sink
    async with AsyncExitStack() as stack:
        ctx = await gather(hub, ask, stack)
        asked = time.monotonic()
        calls = Calls(hub, ctx, heard)
        ctx.invoke = calls.invoke
        loop = Loop(hub, ctx, heard, calls)
        await loop.run()
        made = loop.answer(started, asked)
    if banned:
        made = await brand.checked(hub, ask, made, banned)
        if sink is not None and made.text:
            await sink(Delta(made.text))
    return made
