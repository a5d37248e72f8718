"""Who a Cloud API message is from: phone, business-scoped id, username."""

import re
from dataclasses import dataclass
from typing import Any

from channels import jid
from channels.inbound import Contact
from channels.loose import first, obj, text

Json = dict[str, Any]

BSUID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]+")
# How Cloud API group ids begin: "capi_group:" in base64, whose last sign depends on what follows.
GROUP = "Y2FwaV9ncm91cD"


@dataclass(frozen=True, slots=True)
class Who:
    chat: str
    contact: Contact | None
    group: str | None


def who(message: Json, conversation: Json) -> Who:
    """Chat and contact; Kapso's samples leave out `from`, and people with usernames the phone."""
    kapso = obj(message.get("kapso"))
    sender = text(message.get("from"))
    # What the business itself sent says from whom in `from` and to whom elsewhere.
    own = kapso.get("direction") == "outbound"
    places = (
        message.get("to") if own else sender,
        conversation.get("phone_number"),
        kapso.get("phone_number"),
        message.get("phone_number"),
    )
    phone = next((p for v in places if (p := jid.phone(text(v)))), None)
    bsuid = first(
        None if own else message.get("from_user_id"),
        message.get("to_user_id") if own else None,
        conversation.get("business_scoped_user_id"),
        sender if sender and BSUID.fullmatch(sender) and not own else None,
    )
    group = text(message.get("group_id"))
    name = first(obj(conversation.get("kapso")).get("contact_name"), kapso.get("contact_name"))
    username = first(message.get("username"), conversation.get("username"))
    # The business-scoped id is first: it is made anew when the phone passes to someone else.
    ids = [f"{kind}:{v}" for kind, v in (("bsuid", bsuid), ("phone", phone)) if v]
    if not ids and username:
        ids = [f"username:{username.lstrip('@').lower()}"]
    contact = Contact(tuple(ids), name=name, phone=phone, username=username) if ids else None
    if group and own:
        contact = None
    hidden = f"@{username.lstrip('@')}" if username else ""
    return Who(group or phone or bsuid or hidden, contact, group)


def person(profiles: list[Json], message: Json) -> Json:
    """Meta's contact entry of the author, in the shape of Kapso's conversation."""
    addresses = {text(message.get(n)) for n in ("from", "from_user_id")} - {None}
    match = next(
        (p for p in profiles if {text(p.get("wa_id")), text(p.get("user_id"))} & addresses),
        profiles[0] if len(profiles) == 1 else {},
    )
    profile = obj(match.get("profile"))
    return {
        "phone_number": match.get("wa_id"),
        "business_scoped_user_id": match.get("user_id"),
        "username": first(profile.get("username"), match.get("username")),
        "kapso": {"contact_name": profile.get("name")},
    }
