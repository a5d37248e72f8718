"""What an Evolution server has stored of its messages, newest first, page by page."""

from typing import Any

from channels.twins.evolution_instance import Instance
from channels.twins.replies import Reply
from channels.twins.state import Message

Json = dict[str, Any]
KEYS = ("id", "fromMe", "remoteJid")
PAGE = 50


def remembered(instance: Instance, given: Json) -> Reply:
    """POST chat/findMessages: `where.key` filters, `offset` is how many a page has."""
    wanted = (given.get("where") or {}).get("key") or {}
    size, page = int(given.get("offset") or PAGE), int(given.get("page") or 1)
    known = [m for m in instance.messages.values() if m.raw and _is(m.raw["key"], wanted)]
    known.sort(key=lambda m: (-int(m.raw["messageTimestamp"]), -m.seq))
    shown = known[size * (page - 1) : size * page]
    found = {
        "total": len(known),
        "pages": -(-len(known) // size),
        "currentPage": page,
        "records": [_record(instance, m) for m in shown],
    }
    return Reply(200, {"messages": found})


def _is(key: Json, wanted: Json) -> bool:
    # What is false filters nothing.
    return all(not wanted.get(k) or key.get(k) == wanted[k] for k in KEYS)


def _record(instance: Instance, message: Message) -> Json:
    raw = message.raw
    names = ("key", "pushName", "messageType", "message", "messageTimestamp", "source")
    updates = [{"status": message.status.upper()}] if message.side == "business" else []
    return {
        "id": f"cm{message.seq:023}",
        **{n: raw.get(n) for n in names},
        "instanceId": instance.id,
        "contextInfo": raw.get("contextInfo"),
        "MessageUpdate": updates,
    }
