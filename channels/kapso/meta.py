"""Meta's raw bodies, which Kapso forwards as they are to webhooks of the kind "meta"."""

from dataclasses import replace
from typing import Any

from channels import calling, loose
from channels.base import Inbound, Kind, Link
from channels.kapso.messages import fate, foreign, received, sent
from channels.kapso.who import Who, person, who
from channels.loose import obj, objs, text

Json = dict[str, Any]


def receive(link: Link, body: Json) -> list[Inbound]:
    """The items of all changes of all entries."""
    changes = (c for entry in objs(body.get("entry")) for c in objs(entry.get("changes")))
    return [item for change in changes for item in _change(link, change)]


def _change(link: Link, change: Json) -> list[Inbound]:
    value = obj(change.get("value"))
    number = text(obj(value.get("metadata")).get("phone_number_id"))
    if number not in (None, link.settings.get("phoneNumberId")):
        return [foreign(number or "", change, {})]
    profiles = objs(value.get("contacts"))
    ours = calling.ids([text(obj(value.get("metadata")).get("display_phone_number"))])
    known = (*link.ours, *ours)
    found = [received(m, person(profiles, m)) for m in objs(value.get("messages"))]
    found = [replace(calling.called(item, known), ours=ours) if item.group else item for item in found]
    found += [_status(s, profiles) for s in objs(value.get("statuses"))]
    found += [_echo(m) for m in objs(value.get("message_echoes"))]
    if found:
        return found
    field = text(change.get("field")) or "unknown"
    # The history of a connected phone comes in bulk and is nobody's question.
    ignore = "history" if "history" in value else None
    ext = loose.key("u", loose.digest(change))
    return [Inbound(Kind.EVENT, ext, event=f"meta.{field[:60]}", ignore=ignore)]


def _status(status: Json, profiles: list[Json]) -> Inbound:
    addressed = {
        "from": status.get("recipient_id"),
        "from_user_id": status.get("recipient_user_id"),
    }
    about = who(addressed, person(profiles, addressed))
    if text(status.get("recipient_type")) == "group":
        chat = text(status.get("recipient_id")) or ""
        about = Who(chat, None, chat)
    return fate(status, about)


def _echo(message: Json) -> Inbound:
    """A message that a human sent from the business's own WhatsApp app."""
    kapso = {"direction": "outbound", "origin": "business_app"}
    return sent({**message, "kapso": kapso}, {})
