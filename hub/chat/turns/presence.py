"""While an answer is made: typing, and where the network needs it a placeholder to be edited."""

import asyncio
import logging
import time
from typing import Any, Self

from channels.base import ChannelError, Outbound
from hub.chat.clients.link import open_link
from hub.chat.outbound.delivery import PLACEHOLDER
from hub.runtime import Hub
from hub.store import strays, turns
from hub.store.turns import Claim
from hub.task_groups import end

log = logging.getLogger(__name__)

EVERY = 4.0
# Of an answer that is there sooner nobody would see that it was typed.
LATE = 0.5


class Presence:
    """Runs beside the model; a network that does not answer never holds the answer up."""

    def __init__(self, hub: Hub, claimed: Claim) -> None:
        self._hub = hub
        self._claimed = claimed
        self._placeholder: str | None = claimed.session["placeholder"]
        self._typing: asyncio.Task[None] | None = None
        self._placing: asyncio.Task[None] | None = None
        self._quiet = 0.0

    async def __aenter__(self) -> Self:
        batch, integration = self._claimed.batch, self._claimed.integration
        if integration is not None and batch and not batch[0]["command"]:
            self._typing = asyncio.create_task(self._type(integration))
            # An earlier answer is still on its way: a placeholder now would stand above it.
            behind = self._claimed.session["behind"]
            if integration["mode"] == "placeholder_edit" and not self._placeholder and not behind:
                self._placing = asyncio.create_task(self._place(integration))
        return self

    async def __aexit__(self, *_: object) -> None:
        await end([self._typing, self._placing])

    async def finish(self) -> str | None:
        """Stop typing; the placeholder's message id, waiting for it if it is on its way."""
        if self._typing is not None:
            self._typing.cancel()
        if self._placing is not None:
            await asyncio.gather(self._placing, return_exceptions=True)
        return self._placeholder

    def quiet(self) -> float:
        """Seconds for which the network still wants to hear nothing."""
        return max(0.0, self._quiet - time.monotonic())

    async def _type(self, integration: dict[str, Any]) -> None:
        channel, link = self._hub.channels[integration["channel"]], open_link(self._hub, integration)
        last = self._claimed.batch[-1]
        if not channel.reads:
            await asyncio.sleep(LATE)
        try:
            while True:
                await channel.typing(link, self._claimed.session["chat"], last["network_id"])
                await asyncio.sleep(EVERY)
        except ChannelError as e:
            log.info("typing not shown: %s", e)

    async def _place(self, integration: dict[str, Any]) -> None:
        channel, link = self._hub.channels[integration["channel"]], open_link(self._hub, integration)
        last = self._claimed.batch[-1]
        reply_to = last["network_id"] if last["body"].get("group") else None
        out = Outbound(self._claimed.session["chat"], "", PLACEHOLDER, PLACEHOLDER, reply_to=reply_to)
        try:
            async with asyncio.timeout(self._hub.settings.wire_seconds):
                self._placeholder = await channel.send(link, out)
        except (ChannelError, TimeoutError) as e:
            log.info("no placeholder: %s", e or "the network did not answer in time")
            if isinstance(e, TimeoutError) or e.ambiguous:
                await strays.mark(self._hub.db, self._claimed.session_id)
            if isinstance(e, ChannelError) and e.retry_after:
                self._quiet = time.monotonic() + e.retry_after
            return
        if not await turns.placeholder(self._hub.db, self._claimed, self._placeholder):
            standing, self._placeholder = self._placeholder, None
            try:
                await channel.delete(link, self._claimed.session["chat"], standing)
            except ChannelError as e:
                log.info("placeholder not removed: %s", e)
