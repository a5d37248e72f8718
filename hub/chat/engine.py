"""One question, one answer: context, model, tools. Every channel and the API come through here."""

import time
from contextlib import AsyncExitStack

from hub.chat.ask import Answer, Ask, Sink
from hub.chat.calls import Calls
from hub.chat.gather import gather
from hub.chat.loop import Loop
from hub.runtime import Hub


async def answer(hub: Hub, ask: Ask, sink: Sink | None = None) -> Answer:
    """Answer; `sink` gets the pieces as they come. Raise Upstream when the model fails for good."""
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        scene = await gather(hub, ask, stack)
        asked = time.monotonic()
        calls = Calls(hub, scene, sink)
        scene.invoke = calls.invoke
        loop = Loop(hub, scene, sink, calls)
        await loop.run()
        return loop.answer(started, asked)
