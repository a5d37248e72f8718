"""What a network's class needs, and what it need not write: a base for adapters that live elsewhere.

A package of its own adds a network: a class after this one, named by an entry point of the group `hub.channels`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import aiohttp

from channels.base import ChannelError, Download, Fetch, Hook, Link, Setting
from channels.inbound import Attachment, Inbound
from channels.outbound import Outbound, Sought, Style


@dataclass(frozen=True, slots=True)
class Tools:
    """http: for addresses that the adapter knows itself. guarded: the session for an address of a customer's choice;
    raises ValueError for one that may not be called. fetch: a GET of any address, guarded and limited."""

    http: aiohttp.ClientSession
    guarded: Callable[[str], aiohttp.ClientSession]
    fetch: Fetch


class Plug(ABC):
    """A network that can do nothing but what its class adds. See `channels.base.Channel` for what each is for."""

    name = ""
    title = ""
    kind = ""
    target = ""
    note = ""
    asks: tuple[Setting, ...] = ()
    window = False
    style = Style("plain", 4096, 1024)
    mode = "at_most_once"
    echoes = False
    renew = 4.0
    typing_reads = False

    def __init__(self, tools: Tools) -> None:
        self.tools = tools

    def prove(self, link: Link, headers: Mapping[str, str]) -> None:
        """Nothing stands in the headers."""
        return

    def vouch(self, link: Link, hook: Hook) -> Sequence[str] | None:
        """Each call is read as it comes."""
        return None

    @abstractmethod
    def receive(self, link: Link, hook: Hook) -> list[Inbound]:
        """Verify and parse one webhook call. Raise BadSignature or Unreadable, and nothing else."""

    @abstractmethod
    async def send(self, link: Link, out: Outbound) -> str:
        """Send one part; return the network's message id. Raise ChannelError, and nothing else."""

    async def find(self, link: Link, out: Outbound, since: datetime) -> Sought:
        return Sought(False)

    async def edit(self, link: Link, out: Outbound, message_id: str) -> None:
        raise self.unsupported("edit messages")

    async def delete(self, link: Link, chat: str, message_id: str) -> None:
        raise self.unsupported("delete messages")

    async def typing(self, link: Link, chat: str, message_id: str | None) -> None:
        """Nothing is shown."""
        return

    async def seen(self, link: Link, chat: str, message_id: str) -> None:
        """Nobody sees who has read."""
        return

    async def acknowledge(self, link: Link, callback: str) -> None:
        """There is no spinner."""
        return

    async def register(self, link: Link) -> str | None:
        return None

    async def unregister(self, link: Link) -> None:
        """Nothing was registered."""
        return

    async def alive(self, link: Link) -> bool:
        return True

    async def check(self, link: Link) -> str:
        return f"{self.title}: the settings are stored."

    async def fetch_media(self, link: Link, attachment: Attachment, message_id: str | None) -> Download:
        if not (attachment.url or "").startswith("https://"):
            raise ChannelError("There is no file to fetch.", permanent=True, code="media_gone")
        found = await self.tools.fetch(attachment.url or "", {}, 20 << 20)
        return Download(found.content, attachment.mime or found.mime, attachment.name or found.name)

    async def close(self) -> None:
        """Nothing was opened."""
        return

    def unsupported(self, done: str) -> ChannelError:
        """The refusal of what this network cannot do."""
        return ChannelError(f"{self.title} cannot {done}.", permanent=True, code="unsupported")
