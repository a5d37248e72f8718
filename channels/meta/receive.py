"""Meta's raw bodies: as Meta sends them, and as Kapso forwards them to webhooks of the kind "meta"."""

from dataclasses import replace
from typing import Any

from channels import calling, loose
from channels.base import Link
from channels.inbound import RESUMED, STOPPED, Inbound, Kind
from channels.loose import moment, obj, objs, text
from channels.meta.messages import fate, foreign, received, sent
from channels.meta.who import Who, person, who

Json = dict[str, Any]
# What is kept of a change that is no message: of templates, of the number, of a group.
TOLD = (
    "event", "reason", "message_template_name", "message_template_language", "new_quality_score", "current_limit",
    "display_phone_number", "decision", "group_id", "type", "subject", "timestamp",
)
CONSENTS = {("marketing_messages", "stop"): STOPPED, ("marketing_messages", "resume"): RESUMED}
TEMPLATES = "message_template"


def receive(link: Link, body: Json) -> list[Inbound]:
    """The items of all changes of all entries."""
    changes = ((text(entry.get("id")), c) for entry in objs(body.get("entry")) for c in objs(entry.get("changes")))
    return [item for account, change in changes for item in _change(link, account, change)]


def _change(link: Link, account: str | None, change: Json) -> list[Inbound]:
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
    found += [_echo(m) for m in objs(value.get("message_echoes")) or objs(value.get("smb_message_echoes"))]
    if found:
        return [*found, *(_error(change, e) for e in objs(value.get("errors")))]
    field = text(change.get("field")) or "unknown"
    if field.startswith(TEMPLATES) and account not in (None, link.settings.get("businessAccountId") or account):
        # An app may hear of several business accounts, whose templates may be called the same.
        return [replace(foreign(account or "", change, {}), ignore="another business account")]
    found += [_preference(p, profiles) for p in objs(value.get("user_preferences"))]
    found += [_call(c, profiles) for c in objs(value.get("calls"))]
    found += [_error(change, e) for e in objs(value.get("errors"))]
    if found:
        return found
    # The history of a connected phone comes in bulk and is nobody's question.
    ignore = "history" if "history" in value else None
    ext = loose.key("u", loose.digest(change))
    about = next(iter(objs(value.get("groups"))), value)
    detail = loose.scalars(about, *TOLD)
    return [Inbound(Kind.EVENT, ext, event=f"meta.{field[:60]}", detail=detail, ignore=ignore)]


def _error(change: Json, error: Json) -> Inbound:
    """What went wrong at the account, of which no message and no status tells."""
    detail = loose.scalars({**obj(error.get("error_data")), **error}, "code", "title", "message", "details")
    return Inbound(Kind.EVENT, loose.key("u", loose.digest([change, error])), event="meta.error", detail=detail)


def _preference(given: Json, profiles: list[Json]) -> Inbound:
    """What somebody told WhatsApp about being written to."""
    addressed = {"from": given.get("wa_id"), "from_user_id": given.get("user_id")}
    about = who(addressed, person(profiles, addressed))
    name = CONSENTS.get((text(given.get("category")) or "", text(given.get("value")) or ""), "preference.other")
    return Inbound(
        Kind.EVENT, loose.key("p", loose.digest(given)), chat=about.chat, contact=about.contact,
        at=moment(given.get("timestamp")), event=name, text=text(given.get("detail")) or "",
        detail=loose.scalars(given, "category", "value"),
    )


def _call(given: Json, profiles: list[Json]) -> Inbound:
    """A call rang or ended; a bot does not pick up."""
    about = who(given, person(profiles, given))
    event = (text(given.get("event")) or "unknown")[:60]
    return Inbound(
        Kind.EVENT, loose.key("c", loose.digest(given)), chat=about.chat, contact=about.contact,
        at=moment(given.get("timestamp")), event=f"call.{event}",
        detail=loose.scalars(given, "id", "direction", "status", "duration"),
    )


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
