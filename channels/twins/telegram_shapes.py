"""Users, chats, files and contents as the Bot API writes them."""

import secrets
from typing import Any

from channels.twins.files import File
from channels.twins.people import Group, Person
from channels.twins.said import Said

Json = dict[str, Any]
# What a file id begins with says what it is.
PREFIX = {
    "photo": "AgAC",
    "voice": "AwAC",
    "audio": "CQAC",
    "document": "BQAC",
    "video": "BAAC",
    "video_note": "DQAC",
    "animation": "CgAC",
    "sticker": "CAAC",
}
FOLDER = {"photo": "photos", "voice": "voice", "audio": "music", "sticker": "stickers"}
KIND = {"photo": "image"}  # the phone's word for it
FIELD = {v: k for k, v in KIND.items()}
NO_GIFTS = dict.fromkeys(
    (
        *("unlimited_gifts", "limited_gifts", "unique_gifts"),
        *("premium_subscription", "gifts_from_channels"),
    ),
    False,
)


def user(person: Person) -> Json:
    """A person."""
    found: Json = {"id": int(person.id), "is_bot": False, "first_name": person.first}
    if person.last:
        found["last_name"] = person.last
    if person.username:
        found["username"] = person.username
    if person.language:
        found["language_code"] = person.language
    return found


def private(person: Person) -> Json:
    """The private chat with a person."""
    names = ("id", "first_name", "last_name", "username")
    return {k: v for k, v in user(person).items() if k in names} | {"type": "private"}


def group(where: Group) -> Json:
    """A basic group, a supergroup or a channel, as its id says."""
    if where.id.startswith("-100"):
        return {"id": int(where.id), "title": where.title, "type": "supergroup"}
    return {
        "id": int(where.id),
        "title": where.title,
        "type": "group",
        "all_members_are_administrators": False,
        "accepted_gift_types": dict(NO_GIFTS),
    }


def file_id(field: str) -> tuple[str, str]:
    """A file id of the right kind and its unique id."""
    return (
        f"{PREFIX[field]}AgEAAxkBAAIB{secrets.token_urlsafe(30)}",
        f"AgAD{secrets.token_urlsafe(8)}",
    )


def media(field: str, file: File, ids: tuple[str, str], small: tuple[str, str]) -> Any:
    """The content of a media field; a photo is a list of sizes."""
    tail = {"file_id": ids[0], "file_unique_id": ids[1], "file_size": file.size}
    if field == "photo":
        thumb = {"file_id": small[0], "file_unique_id": small[1], "file_size": min(file.size, 1400)}
        sizes = [thumb | {"width": 90, "height": 60}]
        # Pictures below the thumbnail's size have one size only.
        return sizes if file.size <= 1400 else [*sizes, tail | {"width": 1280, "height": 853}]
    head: Json = {}
    if field in ("voice", "audio", "video", "video_note", "animation"):
        head["duration"] = file.seconds or 1
    if field in ("video", "animation"):
        head |= {"width": 480, "height": 848}
    if field == "video_note":
        return head | {"length": 384} | tail
    if field == "sticker":
        return _sticker() | tail
    if field in ("audio", "document", "video", "animation"):
        head["file_name"] = file.name
    return head | {"mime_type": file.mime.partition(";")[0]} | tail


def _sticker() -> Json:
    kind = {"width": 512, "height": 512, "emoji": "🙂", "is_animated": False, "is_video": False}
    return kind | {"type": "regular"}


def place(given: Json) -> Json:
    """A location, or a venue when it has a name."""
    spot = {"latitude": given["latitude"], "longitude": given["longitude"]}
    if not given.get("name"):
        return {"location": spot}
    venue = {"location": spot, "title": given["name"], "address": given.get("address", "")}
    return {"venue": venue, "location": spot}


def card(given: Json) -> Json:
    """A contact."""
    first, _, last = given["name"].partition(" ")
    found = {"phone_number": given["phone"], "first_name": first}
    if last:
        found["last_name"] = last
    if given.get("vcard"):
        found["vcard"] = given["vcard"]
    return {"contact": found}


def entities(said: Said, username: str) -> list[Json]:
    """What Telegram marks in a plain text by itself: a command, a mention of the bot."""
    found = []
    first = said.text.split(" ", 1)[0]
    if first.startswith("/") and len(first) > 1:
        found.append({"offset": 0, "length": len(first), "type": "bot_command"})
    name = f"@{username}"
    if (at := said.text.find(name)) >= 0:
        offset = len(said.text[:at].encode("utf-16-le")) // 2
        found.append({"offset": offset, "length": len(name), "type": "mention"})
    return found


def forwarded(at: int) -> Json:
    """From someone who hides who they are."""
    return {
        "forward_origin": {"type": "hidden_user", "sender_user_name": "Someone", "date": at - 600},
        "forward_sender_name": "Someone",
        "forward_date": at - 600,
    }
