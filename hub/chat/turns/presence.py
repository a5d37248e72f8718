"""While an answer is made: the question marked as read, typing, where the mode needs it a placeholder to be edited."""

import asyncio
import contextlib
import logging
import time
from types import MappingProxyType
from typing import Any, Self

from channels.base import ChannelError, Reacts
from channels.outbound import Outbound
from hub.chat.clients.link import open_link
from hub.chat.outbound.delivery import PLACEHOLDER
from hub.chat.turns.drafting import Drafting, mode_in
from hub.errors import Overloaded
from hub.runtime import Hub
from hub.store import strays
from hub.store.turns import Claim
from hub.task_groups import end

log = logging.getLogger(__name__)

# Seconds of silence before anything is shown: most answers of rules and commands are there by then.
START = 0.5
# Seconds that the mark of an answer which came sooner may take after it.
MARKING = 2.0
READS = ("all", "read")
EYES = "👀"
# Reactions by the chat client's `acknowledgement`.
SIGNS = MappingProxyType({"eyes": EYES, "thumbs": "👍"})


class Presence:
    """Runs beside the model; a network that does not answer never holds the answer up."""

    def __init__(self, hub: Hub, claimed: Claim, drafts: Drafting | None = None) -> None:
        self._drafts = drafts
        self._hub = hub
        self._claimed = claimed
        self._placeholder: str | None = claimed.session["placeholder"]
        self._typing: asyncio.Task[None] | None = None
        self._marking: asyncio.Task[None] | None = None
        self._marked = False
        self._placing: asyncio.Task[None] | None = None
        self._began = time.monotonic()
        self._astray = False  # one may stand there whose id nobody knows
        self._quiet = 0.0
        self._signing: asyncio.Task[None] | None = None
        self._done = asyncio.Event()

    async def __aenter__(self) -> Self:
        batch, integration = self._claimed.batch, self._claimed.integration
        if integration is not None and batch and not batch[0]["command"]:
            if integration["presence"] != "none" or self._drafts is not None:
                self._typing = asyncio.create_task(self._show(integration))
            sign = SIGNS.get(self._claimed.client["parameters"].get("acknowledgement") or "")
            if sign and batch[-1]["network_id"]:
                self._signing = asyncio.create_task(self._sign(integration, sign))
            # An earlier answer is still on its way: a placeholder now would stand above it.
            behind = self._claimed.session["behind"]
            channel, chat = self._hub.channels[integration["channel"]], self._claimed.session["chat"]
            edits = mode_in(integration["mode"], channel, chat) == "placeholder_edit"
            if edits and not self._placeholder and not behind:
                self._placing = asyncio.create_task(self._place(integration))
        return self

    async def __aexit__(self, *_: object) -> None:
        # What was signed while the answer was made is taken back with it, by whoever makes it.
        await end([self._typing, self._placing, None if self._done.is_set() else self._signing])
        await self._look_for_it()

    async def finish(self) -> str | None:
        """Stop typing; the placeholder's message id, waiting for it if it is on its way."""
        self._done.set()
        if self._typing is not None:
            self._typing.cancel()
            integration = self._claimed.integration
            if integration is not None and integration["presence"] in READS and not self._marked:
                self._marking = asyncio.create_task(self._mark(integration))
        if self._placing is not None:
            await asyncio.gather(self._placing, return_exceptions=True)
        return self._placeholder

    async def _look_for_it(self) -> None:
        """Note that one may stand there. Whoever was cut off may be late: who has the conversation now may have
        answered long ago. A database that is away holds no answer up, and is told once more when it is sent."""
        if self._astray:
            try:
                await strays.mark(self._hub.db, self._claimed.session_id, time.monotonic() - self._began)
                self._astray = False
            except Overloaded as e:
                log.warning("a placeholder may be left: %s", e)

    async def over(self) -> None:
        """The answer is sent: a mark that is still on its way gets a moment more."""
        await self._look_for_it()
        late = [task for task in (self._marking, self._signing) if task is not None]
        if late:
            await asyncio.wait(late, timeout=MARKING)
            await end(late)

    def quiet(self) -> float:
        """Seconds for which the network still wants to hear nothing."""
        return max(0.0, self._quiet - time.monotonic())

    async def _show(self, integration: dict[str, Any]) -> None:
        """Drafts where there are any; else from half a second on read and typing, as the integration wants it."""
        if self._drafts is not None:
            await self._drafts.run()
        if integration["presence"] == "none":
            return
        await asyncio.sleep(START)
        self._marked = True
        if integration["presence"] == "read":
            await self._mark(integration)
            return
        channel, link = self._hub.channels[integration["channel"]], open_link(self._hub, integration)
        reads = integration["presence"] in READS
        named = self._claimed.batch[-1]["network_id"] if reads else None
        try:
            while True:
                began = time.monotonic()
                await channel.typing(link, self._claimed.session["chat"], named)
                # Read is read: the next ones only type.
                named = named if channel.typing_reads else None
                await asyncio.sleep(max(0.0, channel.renew - (time.monotonic() - began)))
        except ChannelError as e:
            log.info("typing not shown: %s", e)

    async def _sign(self, integration: dict[str, Any], sign: str) -> None:
        """A reaction to the question: a thumb stays, eyes look while the answer is made."""
        channel, link = self._hub.channels[integration["channel"]], open_link(self._hub, integration)
        chat, named = self._claimed.session["chat"], self._claimed.batch[-1]["network_id"]
        if not isinstance(channel, Reacts):
            return
        try:
            if sign == EYES:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._done.wait(), START)
                    return
            await channel.react(link, chat, named, sign)
            if sign == EYES:
                await self._done.wait()
                await channel.react(link, chat, named, "")
        except ChannelError as e:
            log.info("not acknowledged: %s", e)

    async def _mark(self, integration: dict[str, Any]) -> None:
        named = self._claimed.batch[-1]["network_id"]
        if not named:
            return
        channel, link = self._hub.channels[integration["channel"]], open_link(self._hub, integration)
        try:
            await channel.seen(link, self._claimed.session["chat"], named)
        except ChannelError as e:
            log.info("not marked as read: %s", e)

    async def _place(self, integration: dict[str, Any]) -> None:
        channel, link = self._hub.channels[integration["channel"]], open_link(self._hub, integration)
        last = self._claimed.batch[-1]
        reply_to = last["network_id"] if last["body"].get("group") else None
        out = Outbound(self._claimed.session["chat"], "", PLACEHOLDER, PLACEHOLDER, reply_to=reply_to)
        self._astray = True
        try:
            async with asyncio.timeout(self._hub.settings.wire_seconds):
                self._placeholder = await channel.send(link, out)
        except (ChannelError, TimeoutError) as e:
            log.info("no placeholder: %s", e or "the network did not answer in time")
            self._astray = isinstance(e, TimeoutError) or e.ambiguous
            if isinstance(e, ChannelError) and e.retry_after:
                self._quiet = time.monotonic() + e.retry_after
            return
        if await self._hub.outcomes.placeholder(self._claimed, self._placeholder):
            self._astray = False
        else:
            standing, self._placeholder = self._placeholder, None
            await strays.leave(self._hub.db, self._claimed.session_id, standing)
            self._astray = False
            await take_back(self._hub, self._claimed, standing)


async def take_back(hub: Hub, claimed: Claim, placeholder: str) -> None:
    """Remove a placeholder that is noted as left; what the network refuses now, a sweep asks for later."""
    assert claimed.integration is not None
    link = open_link(hub, claimed.integration)
    try:
        await hub.channels[claimed.integration["channel"]].delete(link, claimed.session["chat"], placeholder)
    except ChannelError as e:
        log.info("placeholder not removed: %s", e)
        return
    await strays.taken(hub.db, claimed.session_id, placeholder)
