"""One bot as Telegram keeps it: its webhook, its messages, the updates that wait."""

import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Any

from channels.twins.files import File

Json = dict[str, Any]
WAITING = 10_000
DAY = 86_400
# Without a list in setWebhook these are not sent.
UNASKED = ("chat_member", "message_reaction", "message_reaction_count")


@dataclass(slots=True)
class Update:
    """One update and when it is given up."""

    id: int
    kind: str
    body: Json
    chat: str
    queue: str
    expires: float


@dataclass(slots=True)
class Bot:
    """A bot; `messages` are by chat and number."""

    id: str
    token: str
    url: str = ""
    secret: str = ""
    allowed: list[str] = field(default_factory=list)
    connections: int = 40
    registered: float = 0.0
    seen: float = 0.0
    error: str = ""
    error_at: int = 0
    next_message: int = 100
    next_update: int = 900_000_000
    waiting: deque[Update] = field(default_factory=lambda: deque(maxlen=WAITING))
    flying: set[int] = field(default_factory=set)
    messages: OrderedDict[tuple[str, int], Json] = field(default_factory=OrderedDict)
    files: OrderedDict[str, tuple[str, str, File]] = field(default_factory=OrderedDict)
    callbacks: dict[str, float] = field(default_factory=dict)
    last_sent: dict[str, float] = field(default_factory=dict)
    commands: list[Json] = field(default_factory=list)

    @property
    def username(self) -> str:
        """Made of the id, as bots have one."""
        return f"twin_{self.id}_bot"

    def user(self) -> Json:
        """The bot as a user."""
        return {
            "id": int(self.id),
            "is_bot": True,
            "first_name": f"Twin Bot {self.id[-4:]}",
            "username": self.username,
        }

    def me(self) -> Json:
        """getMe."""
        return self.user() | {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def number(self) -> int:
        """The next message's number; private chats and basic groups share one count."""
        self.next_message += 1
        return self.next_message

    def keep(self, message: Json, limit: int) -> Json:
        """Remember a message."""
        self.messages[str(message["chat"]["id"]), message["message_id"]] = message
        while len(self.messages) > limit:
            self.messages.popitem(last=False)
        return message

    def keep_file(self, ids: tuple[str, str], path: str, file: File) -> None:
        """Remember what a file id means."""
        self.files[ids[0]] = (ids[1], path, file)
        while len(self.files) > 5000:
            self.files.popitem(last=False)

    def wants(self, kind: str) -> bool:
        """Whether the webhook asked for such updates."""
        return kind in self.allowed if self.allowed else kind not in UNASKED

    def update(self, kind: str, body: Json, chat: str, queue: str) -> Update:
        """A new update; ids only grow."""
        self.next_update += 1
        life = 150 if kind == "callback_query" else DAY
        expires = time.time() + life
        content = {"update_id": self.next_update, kind: body}
        return Update(self.next_update, kind, content, chat, queue, expires)

    def info(self) -> Json:
        """getWebhookInfo."""
        found: Json = {
            "url": self.url,
            "has_custom_certificate": False,
            "pending_update_count": len(self.waiting) + len(self.flying),
        }
        if not self.url:
            return found
        if self.error:
            found |= {"last_error_date": self.error_at, "last_error_message": self.error}
        found |= {"max_connections": self.connections, "ip_address": "127.0.0.1"}
        if self.allowed:
            found["allowed_updates"] = self.allowed
        return found
