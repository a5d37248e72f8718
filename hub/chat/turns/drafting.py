"""An answer shown in a contact's chat while it is made, where the network has drafts: a few times a second at most.

A draft is a sight of the answer and nothing more. It is never stored, never counts as sent, and whatever becomes of it,
the answer goes out as it would without it.
"""

import asyncio
import contextlib
import logging
import time
from typing import Any
from uuid import UUID

from channels.base import Channel, ChannelError, Streams
from channels.markup import Piece, split
from hub.chat.clients.link import open_link
from hub.llm.types import Delta
from hub.runtime import Hub
from hub.store.turns import Claim

log = logging.getLogger(__name__)

DRAFT = "draft"
PAUSE = 0.5
# Seconds without a word after which the network shows that somebody thinks.
THINKING = 0.5
# A draft that nobody changes is shown for thirty seconds.
RENEW = 15.0
# How long what is on its way may hold the answer up: it must not arrive behind it.
ENDING = 1.0
# A bot that may not show drafts is not asked again for so long.
REFUSED = 600.0
TRIES = 2
LONGEST_WAIT = 10.0
# Characters that are rendered beside the loop, and from the end of the text at all.
SHORT, TAIL = 1000, 8000
# Refusals that are about one person or chat; they say nothing of the bot.
PERSONAL = frozenset({"blocked", "chat_not_found", "no_topic", "bad_chat", "bad_markup"})


def streams(channel: Channel, chat: str) -> bool:
    """Whether answers can be shown as drafts in this chat."""
    return isinstance(channel, Streams) and channel.drafts(chat)


def mode_in(mode: str, channel: Channel, chat: str) -> str:
    """How parts are sent in a chat. What was shown as a draft goes out whole, once, and is asked for when nobody knows
    whether it did; where there are no drafts, as in groups, a placeholder is edited."""
    if mode != DRAFT:
        return mode
    return "reconcile" if streams(channel, chat) else "placeholder_edit"


class Drafting:
    """The contact's view of one turn. `say` never waits; `run` shows what there is until it is settled."""

    def __init__(self, hub: Hub, claimed: Claim, turn: UUID, channel: Streams) -> None:
        assert claimed.integration is not None
        self._hub, self._claimed, self._channel = hub, claimed, channel
        self._account = UUID(claimed.account["id"])
        self._refused = f"drafts:{claimed.integration['id']}"
        self._link = open_link(hub, claimed.integration)
        self._style = hub.channels[claimed.integration["channel"]].style
        self._number = turn.int & 0x3FFFFFFF | 1  # ids of drafts are not 0
        self._said = ""
        self._shown: tuple[int, str] | None = None
        self._at = 0.0
        self._failures = 0
        self._heard = asyncio.Event()
        self._over = False
        self._call: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Nothing is shown before there is something, or a while has passed."""

    async def say(self, delta: Delta) -> None:
        if delta.restart:
            self._said = ""
        if delta.restart or delta.event is not None:
            # What a tool sends takes the draft away: what was said is said again, under another id.
            self._number += 2
        self._said += delta.text
        if self._said:
            self._heard.set()

    async def run(self) -> None:
        """Until the end. Comes back before it where there are no drafts (any more): then somebody types instead."""
        if await self._hub.cache.get(self._account, self._refused):
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(THINKING):
                await self._heard.wait()
        while not self._over:
            if self._due() and not await self._put():
                return
            await asyncio.sleep(PAUSE)

    async def settle(self) -> None:
        """Nothing is shown behind what is there now."""
        self._over = True
        if self._call is not None:
            await asyncio.wait([self._call], timeout=ENDING)
            self._call.cancel()

    async def end(self) -> None:
        """The answer takes the draft's place."""

    async def withdraw(self) -> None:
        """It goes by itself."""
        await self.settle()

    def _due(self) -> bool:
        return self._shown != (self._number, self._said) or time.monotonic() - self._at > RENEW

    async def _put(self) -> bool:
        """Show what was said so far; False where that is no use any more."""
        number, said = self._number, self._said
        piece = await self._drawn(said)
        if self._over:
            return False
        self._call = asyncio.create_task(
            self._channel.draft(
                self._link, self._claimed.session["chat"], number, piece.text, piece.plain, piece.rich
            )
        )
        try:
            await asyncio.shield(self._call)
        except ChannelError as e:
            return await self._failed(e, number, said)
        self._shown, self._at, self._failures = (number, said), time.monotonic(), 0
        return True

    async def _failed(self, e: ChannelError, number: int, said: str) -> bool:
        log.info("draft not shown: %s", e)
        if e.permanent and not said and e.code != "no_method":
            # An older server takes no empty ones.
            self._shown, self._at = (number, said), time.monotonic()
            return True
        if e.permanent:
            if e.code not in PERSONAL:
                await self._hub.cache.put(self._account, self._refused, True, REFUSED)
            return False
        self._failures += 1
        if e.retry_after:
            await asyncio.sleep(min(e.retry_after, LONGEST_WAIT))
        return self._failures < TRIES

    async def _drawn(self, said: str) -> Piece:
        """The message as it will look; of a long answer the part that is being written."""
        if len(said) > SHORT:
            pieces = await asyncio.to_thread(split, said[-TAIL:], self._style)
        else:
            pieces = split(said, self._style)
        return pieces[-1] if pieces else Piece("", "")


def drafting(hub: Hub, claimed: Claim, turn: UUID) -> Drafting | None:
    """The drafts of a turn, None where it has none: another sending mode, a group, nothing that was asked."""
    one: dict[str, Any] | None = claimed.integration
    if one is None or one["mode"] != DRAFT or not claimed.batch or claimed.batch[0]["command"]:
        return None
    channel = hub.channels[one["channel"]]
    # What an earlier answer still sends would take every draft away.
    if claimed.session["behind"] or not isinstance(channel, Streams) or not channel.drafts(claimed.session["chat"]):
        return None
    return Drafting(hub, claimed, turn, channel)
