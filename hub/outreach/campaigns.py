"""Campaigns: written, looked at before anything goes out, started, paused, resumed, stopped."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hub import ids
from hub.chat.clients import templates
from hub.chat.clients.networks import WINDOWED
from hub.errors import Conflict, Invalid, NotFound
from hub.outreach import firing, messages, policy, rules
from hub.outreach.admission import contact_zone
from hub.outreach.policy import Policy
from hub.outreach.recipients import Recipient, read
from hub.outreach.rules import Facts, Number
from hub.runtime import Hub
from hub.store import campaigns, clients, schedules
from hub.store.db import Call, Db
from hub.translations import told

Json = dict[str, Any]
CHUNK = 2000
SHOWN = 200
UNSEEN = "The template could not be looked at, so its variables are not checked: the network did not list it."


@dataclass(frozen=True, slots=True)
class Wanted:
    """message: {text}, {template, language?, parameters?, values?} or {instruction}; a template that was looked up is
    stored as `templates.fitted` says. per_minute: pace of this campaign; the number's own pace holds as well."""

    client_id: UUID
    name: str
    channel: str
    message: Json
    recipients: str
    per_minute: int
    starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to one recipient. at: the earliest time; refusal: (reason, words)."""

    recipient: Recipient
    person: str | None
    contact: str | None
    at: datetime | None
    through: str
    refusal: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The dry run: numbers over the whole list, and its beginning row by row. preview: how the template reads. note:
    what stands in the way of it, or why it could not be looked at."""

    size: int
    going: int
    refused: dict[str, int]
    ends_at: datetime | None
    rows: list[Planned]
    preview: str | None = None
    note: str | None = None


async def create(hub: Hub, account: UUID, wanted: Wanted) -> tuple[UUID, Plan]:
    """Write a campaign as a draft and say what it would do; nothing goes out before it is started."""
    wanted, found, plan = await _looked_at(hub, account, wanted)
    id = ids.uuid7()
    async with hub.db.transaction() as tx:
        row = {
            "name": wanted.name, "channel": wanted.channel, "message": wanted.message, "size": len(found),
            "per_minute": wanted.per_minute, "starts_at": wanted.starts_at,
        }
        if not await campaigns.add(tx, account, wanted.client_id, id, row):
            raise NotFound
        for start in range(0, len(found), CHUNK):
            rows = [_row(r) for r in found[start : start + CHUNK]]
            await campaigns.add_recipients(tx, account, id, rows)
    return id, plan


async def dry_run(hub: Hub, account: UUID, wanted: Wanted) -> Plan:
    """What it would do; nothing is stored."""
    return (await _looked_at(hub, account, wanted))[2]


async def _looked_at(hub: Hub, account: UUID, wanted: Wanted) -> tuple[Wanted, list[Recipient], Plan]:
    """As it would be stored, its list, and what it would do."""
    wanted, note = await _fitted(hub, account, wanted)
    found = await _checked(hub.db, account, wanted)
    plan = await _plan(hub.db, account, wanted, found)
    return wanted, found, replace(plan, note=note, preview=wanted.message.get("preview"))


async def _fitted(hub: Hub, account: UUID, wanted: Wanted) -> tuple[Wanted, str | None]:
    """With its template's values in their places, and what stands in its way now. Raise Invalid where they do not
    fit."""
    message = wanted.message
    if not message.get("template") or wanted.channel not in WINDOWED:
        return wanted, None
    try:
        found = await templates.chosen(
            hub, account, wanted.client_id, wanted.channel, message["template"], message.get("language")
        )
    except NotFound:
        return wanted, None  # not connected: said where the rest is looked at
    if found is None:
        if message.get("values"):
            raise Invalid(f"{UNSEEN} Give the body's values as parameters.", field="message.values")
        return wanted, UNSEEN
    fitted = templates.fitted(found, message.get("parameters") or (), message.get("values") or {})
    return replace(wanted, message=message | fitted), found.why_not()


async def _checked(db: Call, account: UUID, wanted: Wanted) -> list[Recipient]:
    """The list. Raise NotFound for a client that is not the account's, Invalid naming the field."""
    if await clients.get(db, account, wanted.client_id) is None:
        raise NotFound("webChatId is no chat client of this account.", field="webChatId")
    if wanted.channel not in await schedules.networks(db, account, wanted.client_id):
        raise Invalid("target: the chat client is not connected to this network; connect it first.", field="target")
    if wanted.message.get("template") and wanted.channel not in WINDOWED:
        raise Invalid(
            "message.template is for WhatsApp_Kapso and WhatsApp_Cloud; use message.text.", field="message.template"
        )
    names = messages.names(wanted.message)
    # A long list takes a second, in which others are served.
    return await asyncio.to_thread(read, wanted.recipients, wanted.channel, wanted.client_id, names)


async def going(db: Call, account: UUID, campaign: Json) -> int:
    """How many a draft would be written to if it were started now: without who cannot, or does not want to, be."""
    wanted = Wanted(
        campaign["client_id"], campaign["name"], campaign["channel"], campaign["message"], "", campaign["per_minute"],
        campaign["starts_at"],
    )
    count, place = 0, 0
    while rows := await campaigns.recipients(db, account, campaign["id"], ["waiting"], place, CHUNK):
        place = rows[-1]["place"]
        found = [
            Recipient(r["place"], r["address"], list(r["names"]), r["external_user"], r["variables"] or {})
            for r in rows
        ]
        count += (await _plan(db, account, wanted, found)).going
    return count


def _row(r: Recipient) -> Json:
    reason, words = r.refusal or (None, None)
    return {
        "id": str(ids.uuid7()), "place": r.place, "external_user": r.external_user, "address": r.address,
        "names": r.names, "variables": dict(r.variables), "reason": reason, "result": words,
    }


async def _plan(db: Call, account: UUID, wanted: Wanted, found: list[Recipient]) -> Plan:
    rule, now = await policy.load(db, account), datetime.now(UTC)
    client = await clients.get(db, account, wanted.client_id)
    assert client is not None
    at = max(now, wanted.starts_at or now)
    pace = rule.numbers.of(wanted.channel)
    number, step = Number(at.date(), at - timedelta(days=1), at.date(), 0), timedelta(seconds=60 / wanted.per_minute)
    rows: list[Planned] = []
    refused: dict[str, int] = {}
    last: datetime | None = None
    for start in range(0, len(found), CHUNK):
        chunk = found[start : start + CHUNK]
        known = await campaigns.plan(db, account, wanted.client_id, wanted.channel, [_row(r) for r in chunk])
        for recipient, facts in zip(chunk, known, strict=True):
            refusal, quiet = _refusal(recipient, facts, wanted, rule, client.parameters, at, client.gateway_id)
            when = None
            if refusal is None:
                slot, number = rules.place(pace, number, at)
                when = last = max(slot, quiet or slot)
                at += step
            else:
                refused[refusal[0]] = refused.get(refusal[0], 0) + 1
            if len(rows) < SHOWN:
                rows.append(_planned(recipient, facts, when, refusal, wanted))
    return Plan(len(found), len(found) - sum(refused.values()), refused, last, rows)


def _refusal(
    recipient: Recipient, row: Json, wanted: Wanted, rule: Policy, parameters: Json, at: datetime,
    gateway: UUID | None,
) -> tuple[tuple[str, str] | None, datetime | None]:
    """Why this recipient would get nothing, or until when it would be put off."""
    if recipient.refusal is not None:
        return recipient.refusal, None
    last = row["last_user_at"]
    settings = row["settings"] or {}
    facts = Facts(
        fire_at=at,
        zone=_zone(recipient, row, parameters),
        campaign="running",
        speaks=not messages.is_instruction(wanted.message) or gateway is not None,
        opted_out=row["opted_out_at"],
        day=row["day"],
        week=row["week"],
        window=(last is not None and at - last < rules.WINDOW) if wanted.channel in WINDOWED else None,
        template=bool(wanted.message.get("template") or settings.get("continuedMessagesTemplateId")),
    )
    found = rules.verdict(facts, rule, at)
    if found.kind in ("refuse", "fail"):
        return (found.reason or "", found.text or ""), None
    return None, found.until


def _zone(recipient: Recipient, row: Json, parameters: Json) -> str:
    known = {"phone": row["phone"], "language": row["language"], "names": recipient.names, "parameters": parameters}
    return contact_zone(known, {"zone": row["person_zone"]})


def _planned(
    recipient: Recipient, row: Json, at: datetime | None, refusal: tuple[str, str] | None, wanted: Wanted
) -> Planned:
    through = "instruction turn"
    if wanted.message.get("template"):
        through = f"template {wanted.message['template']}"
    elif not messages.is_instruction(wanted.message):
        through = "text"
    named = sorted(recipient.names, key=lambda n: not n.startswith("phone:"))
    person = row["person"] or (named[0] if named else None)
    return Planned(recipient, person, row["name"], at, through, refusal)


async def one(db: Call, account: UUID, id: UUID) -> Json:
    """Raise NotFound."""
    found = await campaigns.get(db, account, id)
    if found is None:
        raise NotFound("Campaign not found.")
    return found


async def start(hub: Hub, account: UUID, id: UUID) -> None:
    """Raise Conflict unless it is a draft, and where WhatsApp would not take its template."""
    await _sendable(hub, account, await one(hub.db, account, id))
    await _move(hub.db, account, id, "running", ("draft",), "Only a draft can be started; resume a paused campaign.")
    await firing.ring(hub)


async def _sendable(hub: Hub, account: UUID, campaign: Json) -> None:
    """Its template is looked at once more: it may have been paused, or changed, since it was written."""
    message = campaign["message"]
    if not message.get("template"):
        return
    try:
        found = await templates.chosen(
            hub, account, campaign["client_id"], campaign["channel"], message["template"], message.get("language")
        )
        if found is None:
            return
        if "fills" in message:
            wanted = [(s.place, s.kind, s.name, s.index) for s in found.slots]
            if wanted != [(f["place"], f["kind"], f["name"], f["index"]) for f in message["fills"]]:
                raise Conflict(f"The template {found.name} has changed: it wants other variables; write it anew.")
        if why := found.why_not():
            raise Conflict(told("%(why)s The campaign was not started.", why=told(why)))
    except NotFound:
        return
    except Invalid as e:
        raise Conflict(told("%(why)s The campaign was not started.", why=told(str(e)))) from None


async def pause(db: Db, account: UUID, id: UUID) -> None:
    """Nobody further gets it until it is resumed."""
    await _move(db, account, id, "paused", ("running",), "Only a running campaign can be paused.")


async def resume(hub: Hub, account: UUID, id: UUID) -> None:
    """Go on with who has not had it. Raise Conflict where WhatsApp would not take its template."""
    await _sendable(hub, account, await one(hub.db, account, id))
    await _move(hub.db, account, id, "running", ("paused",), "Only a paused campaign can be resumed.")


async def stop(db: Db, account: UUID, id: UUID) -> None:
    """End it for good; what is queued and not sent is taken back."""
    whence = ("draft", "running", "paused")
    await _move(db, account, id, "stopped", whence, "The campaign has ended already.")
    async with db.transaction() as tx:
        await campaigns.cancel(tx, account, id)


async def remove(db: Db, account: UUID, id: UUID) -> None:
    """Raise Conflict while it runs."""
    await one(db, account, id)
    if not await campaigns.remove(db, account, id):
        raise Conflict("A running or paused campaign cannot be deleted; stop it first.")


async def _move(db: Db, account: UUID, id: UUID, state: str, whence: tuple[str, ...], words: str) -> None:
    await one(db, account, id)
    if not await campaigns.move(db, account, id, state, whence):
        raise Conflict(words)
