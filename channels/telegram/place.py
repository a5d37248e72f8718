"""Where a message goes: "chat" or "chat:topic", and in answer to what."""

from dataclasses import dataclass, replace
from typing import Any

from channels.base import ChannelError


@dataclass(frozen=True, slots=True)
class Place:
    chat: int | str
    thread: int | None = None
    reply_to: int | None = None

    @classmethod
    def of(cls, chat: str, reply_to: str | None = None) -> "Place":
        name, _, thread = chat.partition(":")
        if not name.startswith("@") and not _whole(name) or (thread and not _whole(thread)):
            raise ChannelError("This is not a Telegram chat.", permanent=True, code="bad_chat")
        return cls(
            name if name.startswith("@") else int(name),
            int(thread) if thread else None,
            int(reply_to) if reply_to and _whole(reply_to) else None,
        )

    def moved(self, chat: int) -> "Place":
        """The same in the supergroup that a group became; topics and message ids are new there."""
        return replace(self, chat=chat, thread=None, reply_to=None)

    def topless(self) -> "Place":
        """The same chat without its topic, which is closed or gone, and with it what was answered to."""
        return replace(self, thread=None, reply_to=None)

    def arguments(self) -> dict[str, Any]:
        """For any send method."""
        answer = None
        if self.reply_to is not None:
            # A deleted original must not stop the answer.
            answer = {"message_id": self.reply_to, "allow_sending_without_reply": True}
        return {
            "chat_id": self.chat,
            "message_thread_id": self.thread,
            "reply_parameters": answer,
        }


def message_number(text: str) -> int:
    if not _whole(text):
        raise ChannelError("This is not a Telegram message.", permanent=True, code="gone")
    return int(text)


def _whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 19
