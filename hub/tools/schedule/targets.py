"""To whom a scheduled message goes: a user of a chat client on one of its networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from channels import jid
from channels.registry import described
from hub import phones
from hub.domain import Json
from hub.errors import Invalid, NotFound
from hub.store import clients, people, schedules
from hub.store.db import Call
from hub.tools.schedule.zones import zone_of

# Documented names of the networks.
TARGETS: Mapping[str, str] = {
    "telegram": "Telegram", "zapi": "WhatsApp_ZApi", "evolution": "WhatsApp_Evolution", "kapso": "WhatsApp_Kapso",
    "web": "WebChat", **{one.name: one.target for one in described()},
}
CHANNELS: Mapping[str, str] = {name: channel for channel, name in TARGETS.items()}


def known(name: str) -> str:
    """A documented name of a network. Raise ValueError for any other."""
    if name not in CHANNELS:
        raise ValueError(f"must be one of {', '.join(CHANNELS)}")
    return name


@dataclass(frozen=True, slots=True)
class Target:
    """external_user: the tag of the user's sessions. address: chat id or phone; names: ids of the
    contact, by which it is found or made. zone: the user's. active_at: when they last wrote."""

    external_user: str
    channel: str
    address: str
    names: list[str]
    contact_id: UUID | None
    zone: str
    language: str | None = None
    person: UUID | None = None


async def of_session(db: Call, account: UUID, client: UUID, session: UUID, external_user: str | None) -> Target:
    """The user of a running conversation. Raise NotFound."""
    row = await schedules.session(db, account, client, session)
    if row is None:
        raise NotFound("No such session.")
    user = row["tag"] or external_user
    if not user:
        raise Invalid("This conversation has no external user id; nobody could be written to later.")
    return await _seen(db, account, client, row, user, None)


async def of_user(
    db: Call, account: UUID, client: UUID, user: str, target: str | None, identifier: str | None
) -> Target:
    """The user an operator names. `target` and `identifier` may be left out for one who has written.

    Raise NotFound for a client that is not the account's, Invalid naming what is missing.
    """
    if await clients.get(db, account, client) is None:
        raise NotFound
    channel = CHANNELS[target] if target else None
    row = await schedules.user(db, account, client, phones.users(user), channel)
    if row is not None and (not identifier or _same(row, identifier)):
        return await _seen(db, account, client, row, user, None)
    if channel is None:
        raise Invalid("target is missing; this user has not written yet, so say on which network.", field="target")
    if channel == "web":
        person = await people.user(db, account, user)
        zone = await _zone(db, account, client, person, None, None)
        return Target(user, channel, identifier or user, [], None, zone, None, person)
    if channel not in await schedules.networks(db, account, client):
        raise Invalid(f"target: the chat client is not connected to {target}; connect it first.", field="target")
    address, names = named(channel, identifier)
    phone = next((n[6:] for n in names if n.startswith("phone:")), None)
    person = await people.find(db, account, names)
    zone = await _zone(db, account, client, person, phone, None)
    return Target(user, channel, address, names, None, zone, None, person)


def named(channel: str, identifier: str | None) -> tuple[str, list[str]]:
    """The address a network sends to and the contact's ids. Raise Invalid for what it cannot be."""
    text = (identifier or "").strip()
    if channel == "telegram":
        if not text.lstrip("-").isdigit() or len(text) > 20 or text.startswith("+"):
            raise Invalid(
                "targetIdentifier must be the number of a Telegram chat, such as 700000001; bots cannot write to "
                "phone numbers or to people who have never written.", field="targetIdentifier",
            )
        return text, [f"tg:{text}"]
    lid, phone = jid.lid(text), jid.phone(text)
    if lid is None and phone is None:
        raise Invalid(
            "targetIdentifier must be a phone number with its country code, such as +5511999990000.",
            field="targetIdentifier",
        )
    return phone or text, phones.names(jid.ids(lid, phone))


def shown(channel: str, address: str) -> str:
    """`targetIdentifier`: phones with their `+`."""
    return f"+{address}" if channel not in ("telegram", "web") and address.isdecimal() else address


def _same(row: Json, identifier: str) -> bool:
    if row["channel"] == "web":
        return True
    try:
        address, names = named(row["channel"], identifier)
    except Invalid:
        return False
    return bool(address == row["chat"] or set(names) & set(row["names"]))


async def _seen(db: Call, account: UUID, client: UUID, row: Json, user: str, zone: str | None) -> Target:
    person = row["person_id"]
    zone = zone or await _zone(db, account, client, person, row["phone"], row["language"])
    return Target(
        user, row["channel"], row["chat"] or user, list(row["names"]), row["contact_id"], zone, row["language"], person
    )


async def _zone(
    db: Call, account: UUID, client: UUID, person: UUID | None, phone: str | None, language: str | None
) -> str:
    """What was chosen for the person, the phone's area, the chat client's zone, the language's."""
    known = await people.get(db, account, person) if person else None
    owner = await clients.get(db, account, client)
    parameters = owner.parameters if owner else {}
    said = known["zone"] if known else None
    return zone_of(said, phone, parameters.get("timeZone"), language or parameters.get("languageCode"))
