"""What the three WhatsApp networks share: ids, addresses, files and how a message grows ticks."""

import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from channels.twins.files import File
from channels.twins.said import MEDIA, Said
from channels.twins.state import Message, State

Json = dict[str, Any]
BUSINESS = "5511988880000"
BUSINESS_NAME = "Twin Store"
DELIVERED = 0.3
RANK = {"queued": 0, "sent": 1, "delivered": 2, "read": 3}


class BadMedia(ValueError):
    """The file given is neither an address nor base64."""


def new_id(head: str = "3EB0") -> str:
    """A message id as WhatsApp's programs make them."""
    return head + secrets.token_hex(9)[: 20 - len(head)].upper()


def file_of(state: State, source: str, mime: str = "", name: str = "") -> File:
    """The file behind a data: address, plain base64 or a web address (which is not fetched)."""
    if source.startswith(("http://", "https://")):
        last = source.partition("?")[0].rpartition("/")[2]
        return state.files.put(b"", mime, name or last, size=48_213, seconds=3, source=source)
    if source.startswith("data:"):
        head, _, source = source.partition(",")
        mime = head.removeprefix("data:").removesuffix(";base64") or mime
    try:
        content = base64.b64decode(source, validate=True)
    except (binascii.Error, ValueError) as e:
        raise BadMedia("neither an address nor base64") from e
    if not content:
        raise BadMedia("the file is empty")
    return state.files.put(content, mime, name, seconds=3 if "audio" in mime else None)


def heard(said: Said, network: str, message_id: str, raw: Json) -> Message:
    """What a person said, for the phone; typed by the business's human when `from_me`."""
    return Message(
        id=message_id,
        network=network,
        account=said.account,
        chat=said.chat,
        side="business" if said.from_me else "person",
        by="human" if said.from_me else "person",
        author=BUSINESS_NAME if said.from_me else said.person.name,
        kind="text" if said.kind == "button" else said.kind,
        text=said.button["text"] if said.kind == "button" else said.text,
        file=said.file if said.kind in MEDIA else None,
        place=said.place or None,
        card=said.card or None,
        reply_to=said.reply_to or (said.target if said.kind == "button" else None),
        at=said.at,
        raw=raw,
    )


def raised(state: State, message: Message, status: str) -> bool:
    """Set a later status; whether it was one."""
    if message.status == "failed" or RANK[status] <= RANK[message.status]:
        return False
    message.status = status
    state.changed(message)
    return True


def unread(state: State, network: str, account: str, chat: str) -> list[Message]:
    """What the person has not seen of the business's messages."""
    known = state.chats.get((network, account, chat))
    found = known.messages.values() if known else ()
    return [m for m in found if m.side == "business" and m.status in ("sent", "delivered")]


async def ticks(
    state: State, message: Message, told: Callable[[Message, str], Awaitable[None] | None]
) -> None:
    """Sent, delivered and perhaps read, each told as it happens."""
    person = state.people[message.network].get(message.chat)
    reachable = person is None or person.state == "active"
    stages = ["sent"]
    if reachable:
        stages += ["delivered", "read"] if state.options.auto_read else ["delivered"]
    for stage in stages:
        if raised(state, message, stage):
            told(message, stage)
        await state.sleep(DELIVERED)


def act(state: State, said: Said, network: str) -> Message:
    """The message that an edit, deletion or reaction is about, already changed on the phone."""
    seen = state.find(network, said.account, said.chat, said.target)
    if seen is None:
        raise ValueError(f"there is no message {said.target} in this chat")
    if said.kind == "edit":
        state.edit(seen, said.text)
    elif said.kind == "delete":
        seen.deleted = True
        state.changed(seen)
    elif said.kind == "reaction":
        seen.reactions["business" if said.from_me else "person"] = said.emoji
        state.changed(seen)
    return seen
