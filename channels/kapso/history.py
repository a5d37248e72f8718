"""What Kapso remembers of a number: whether a message of ours is there."""

from datetime import timedelta
from typing import Any

from channels.loose import first, obj, objs, same_words, text
from channels.meta.content import read
from channels.outbound import Outbound, Sought

Json = dict[str, Any]
SKEW = timedelta(minutes=2)  # clocks differ


def look(answer: Any, out: Outbound) -> tuple[Sought, str | None]:
    """Read one page of the list of messages; and the cursor of the next one, if there is any."""
    body = obj(answer)
    if not isinstance(body.get("data"), list):
        return Sought(False), None
    ids, told = [], True
    for message in objs(body["data"]):
        is_it = _is(message, out)
        if is_it is None:
            told = False
        elif is_it and (id := text(message.get("id"))):
            ids.append(id)
    paging = obj(body.get("paging"))
    following = text(obj(paging.get("cursors")).get("after")) if paging.get("next") else None
    return Sought(told, tuple(ids)), following


def _is(message: Json, out: Outbound) -> bool | None:
    """Whether it is the part; None where the words are the same and it is not told to whom."""
    kapso = obj(message.get("kapso"))
    statuses = objs(kapso.get("statuses"))
    keys = [s.get("biz_opaque_callback_data") for s in (*statuses, message)]
    if out.key and out.key in keys:
        return True
    if first(*(text(k) for k in keys)) or kapso.get("direction") == "inbound" or kapso.get("status") == "failed":
        return False
    if out.template:
        return message.get("type") == "template" and _to(message, statuses) == out.chat
    said = read(message)
    if bool(said.attachments) is not (out.file is not None):
        return False
    if not any(same_words(said.text, w) for w in (out.text, out.plain)):
        return False
    to = _to(message, statuses)
    return None if to is None or not out.chat.isdigit() else to == out.chat


def _to(message: Json, statuses: list[Json]) -> str | None:
    kapso = obj(message.get("kapso"))
    told = first(message.get("to"), kapso.get("phone_number"), *(s.get("recipient_id") for s in statuses))
    return _digits(told) if told else None


def _digits(address: str) -> str:
    return "".join(c for c in address if c.isdigit()) or address
