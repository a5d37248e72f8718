"""What the model says, shown to a web session's pages while it is said: in pieces, at most some twenty a second."""

import asyncio
import time
from uuid import UUID

from hub.live.drafts import Drafts
from hub.llm.types import Delta
from hub.runtime import Hub

PAUSE = 0.05


class Broadcast:
    """The pages' view of one turn. `say` never waits for them longer than one round trip to Redis."""

    def __init__(self, hub: Hub, session: UUID, turn: UUID) -> None:
        self._hub = hub
        self._turn = turn
        self._topic = f"s:{session}"
        self._drafts = Drafts(hub.redis, hub.settings.queue, session)
        self._waiting = ""
        self._at = 0
        self._last = 0.0
        self._later: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self._at, self._waiting = 0, ""
        await self._drafts.begin(self._turn)

    async def say(self, delta: Delta) -> None:
        if delta.event is not None:
            await self._hub.events.publish(self._topic, {"type": "tool", "turn": str(self._turn), "tool": delta.event})
        if delta.restart:
            await self.settle()
            await self.begin()
        self._waiting += delta.text
        if not self._waiting or self._later is not None:
            return
        if time.monotonic() - self._last >= PAUSE:
            await self._flush()
        else:
            self._later = asyncio.create_task(self._soon())

    async def end(self) -> None:
        """The turn is stored: pages read it from there."""
        await self._drafts.end()

    async def withdraw(self) -> None:
        """The turn is not stored. What another process says meanwhile stays."""
        await self.settle()
        await self._drafts.drop(self._turn)

    async def _soon(self) -> None:
        await asyncio.sleep(PAUSE)
        self._later = None
        await self._flush()

    async def _flush(self) -> None:
        text, self._waiting = self._waiting, ""
        at, self._at = self._at, self._at + len(text.encode("utf-16-le", "surrogatepass")) // 2
        self._last = time.monotonic()
        await self._drafts.add(self._turn, at, text)

    async def settle(self) -> None:
        """Nothing more is shown behind what is told now."""
        if self._later is not None:
            self._later.cancel()
            await asyncio.gather(self._later, return_exceptions=True)
            self._later = None
