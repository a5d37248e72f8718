"""What the phones show and what went over the wire: in memory, bounded, with a feed of changes."""

import asyncio
import itertools
import os
import time
from collections import OrderedDict, deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from typing import Any

import orjson

from channels.twins.files import File, Files
from channels.twins.options import Options
from channels.twins.people import Person, digits, invented, person

Json = dict[str, Any]
CHATS = 5000
FEED = 1000
PEOPLE = 50_000


@dataclass(slots=True)
class Message:
    """A message as the person's phone shows it; `raw` is the network's own shape."""

    id: str
    network: str
    account: str
    chat: str
    side: str = "person"  # person | business
    by: str = "person"  # person | api | human (typed on the business's own phone)
    author: str = ""
    kind: str = "text"
    text: str = ""
    entities: list[Json] = field(default_factory=list)
    file: File | None = None
    place: Json | None = None
    card: Json | None = None
    rich: list[Json] = field(default_factory=list)
    buttons: list[Json] = field(default_factory=list)
    reply_to: str | None = None
    at: float = 0.0
    status: str = "sent"  # queued | sent | delivered | read | failed
    error: str | None = None
    edits: list[Json] = field(default_factory=list)
    reactions: dict[str, str] = field(default_factory=dict)
    deleted: bool = False
    callback: str | None = None
    seq: int = 0
    raw: Json = field(default_factory=dict)

    def seen(self) -> Json:
        """For the page and the tests."""
        names = (n for n in self.__slots__ if n not in ("raw", "file"))
        return {n: getattr(self, n) for n in names} | {
            "file": self.file.seen() if self.file else None
        }


@dataclass(slots=True)
class Chat:
    """The messages of one chat with one account, newest last."""

    messages: OrderedDict[str, Message] = field(default_factory=OrderedDict)
    title: str = ""
    typing_until: float = 0.0
    draft: Json | None = None
    last_inbound: float = 0.0


class State:
    """Everything that the twins remember and share."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.origin = options.base_url.rstrip("/")
        self.files = Files()
        self.people: dict[str, dict[str, Person]] = {}
        self.chats: OrderedDict[tuple[str, str, str], Chat] = OrderedDict()
        self.calls: deque[Json] = deque(maxlen=options.keep)
        self.deliveries: deque[Json] = deque(maxlen=options.keep)
        self.feeds: set[asyncio.Queue[Json]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._numbers = itertools.count(1)
        self._log: int | None = None
        self.reset()

    def reset(self) -> None:
        """As at the start; the durable log stays."""
        for task in self._tasks:
            task.cancel()
        self.people = {n: invented(n) for n in self.options.networks}
        self.chats.clear()
        self.calls.clear()
        self.deliveries.clear()
        self.files.clear()

    def number(self) -> int:
        """A number that only grows."""
        return next(self._numbers)

    async def sleep(self, seconds: float) -> None:
        """Wait as long as a provider would, scaled."""
        await asyncio.sleep(max(0.0, seconds * self.options.speed))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside; ends with the application or a reset."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def busy(self) -> bool:
        """Something runs beside."""
        return bool(self._tasks)

    async def close(self) -> None:
        """Stop what runs beside and close the log."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._log is not None:
            os.close(self._log)
            self._log = None

    # People

    def person(self, network: str, given: str | int | Json) -> Person:
        """Who is meant; unknown people come into being."""
        more = dict(given) if isinstance(given, dict) else {"id": str(given)}
        key = str(more.pop("id", "") or more.get("phone") or more.get("lid") or "")
        key = self.resolve(network, key or next(iter(self.people[network])))
        known = self.people[network].get(key)
        more = {k: v for k, v in more.items() if k in Person.__dataclass_fields__}
        found = replaced(known, **more) if known else person(network, key, **more)
        self.people[network][key] = found
        if len(self.people[network]) > PEOPLE:
            self.people[network].pop(next(iter(self.people[network])))
        return found

    def resolve(self, network: str, address: str) -> str:
        """The chat key behind a phone number, LID or business-scoped id."""
        key = digits(address) if network != "telegram" else address
        people = self.people[network]
        if network == "telegram" or key in people or key.isdigit():
            return key
        return next((p.id for p in people.values() if key in (p.lid, p.bsuid)), key)

    # Messages

    def chat(self, network: str, account: str, chat: str) -> Chat:
        """The chat, made when it is new."""
        key = (network, account, chat)
        found = self.chats.get(key)
        if found is None:
            found = self.chats[key] = Chat()
            if len(self.chats) > CHATS:
                self.chats.popitem(last=False)
        return found

    def add(self, message: Message) -> Message:
        """Show a new message."""
        chat = self.chat(message.network, message.account, message.chat)
        message.seq = self.number()
        message.at = message.at or time.time()
        if message.side == "person":
            chat.last_inbound = max(chat.last_inbound, message.at)
        else:
            chat.typing_until = 0.0
            chat.draft = None
        chat.messages[message.id] = message
        if len(chat.messages) > self.options.keep:
            chat.messages.popitem(last=False)
        self.changed(message)
        return message

    def find(self, network: str, account: str, chat: str, message_id: str) -> Message | None:
        """A message by its network's id."""
        known = self.chats.get((network, account, chat))
        return known.messages.get(message_id) if known else None

    def edit(self, message: Message, text: str, entities: list[Json] | None = None) -> None:
        """Replace the text; what it was stays readable."""
        message.edits.append({"text": message.text, "at": time.time()})
        del message.edits[:-200]
        message.text, message.entities = text, entities or []
        self.changed(message)

    def changed(self, message: Message) -> None:
        """Tell whoever watches."""
        if self.feeds:
            self.publish("message", message.seen())

    def typing(self, network: str, account: str, chat: str, seconds: float) -> None:
        """Show that an answer is being written."""
        self.chat(network, account, chat).typing_until = time.time() + seconds
        shown = {"network": network, "account": account, "chat": chat, "seconds": seconds}
        self.publish("typing", shown)

    def draft(self, network: str, account: str, chat: str, shown: Json) -> None:
        """What an answer says so far, until a message is sent or its time is over."""
        self.chat(network, account, chat).draft = shown
        self.publish("draft", {"network": network, "account": account, "chat": chat, **shown})

    # Logs and feed

    def accepted(self, op: str, message: Message) -> None:
        """One durable line for each send, edit or delete, written before the caller's answer."""
        if self.options.log_path is None:
            return
        if self._log is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            self._log = os.open(self.options.log_path, flags, 0o600)
        names = ("network", "account", "chat", "id", "kind", "text", "reply_to", "callback", "seq")
        line = {n: getattr(message, n) for n in names} | {"op": op, "at": time.time()}
        os.write(self._log, orjson.dumps(line) + b"\n")

    def publish(self, kind: str, data: Json) -> None:
        """To every open feed; a slow one loses its oldest events."""
        for feed in self.feeds:
            if feed.full():
                feed.get_nowait()
            feed.put_nowait({"event": kind, "data": data})
