"""What is due passes the policy and goes into its conversation, in groups, each one transaction."""

import asyncio
import base64
import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from channels import jid
from hub import ids
from hub.chat import choices, timespan
from hub.chat.clients.networks import WINDOWED
from hub.chat.operators import replies
from hub.chat.outbound import delivery, media_origins
from hub.live.queue import Bell, turn_bell
from hub.outreach import messages, policy, rules
from hub.outreach.rules import GO, Facts, Number, Verdict
from hub.runtime import Hub
from hub.sealing import digest
from hub.store import activations, contact_panel, people
from hub.store.db import CLASH, Call
from hub.tools.schedule.zones import zone_of

log = logging.getLogger(__name__)

Json = dict[str, Any]
GROUP = 100
WEB_SECONDS = 86400.0
SESSIONS_KEY = "sessions.key"
STATES = {"refuse": "refused", "fail": "failed", "cancel": "cancelled", "later": "due", "wait": "waiting"}


async def run(hub: Hub, rounds: int = 100) -> int:
    """Let out what may go; how many were looked at. Several workers may do it at once."""
    looked = 0
    if not await activations.due(hub.db):
        return looked
    for _ in range(rounds):
        found = await _group(hub)
        looked += found
        if found < GROUP:
            break
    return looked


async def _group(hub: Hub) -> int:
    for left in (2, 1, 0):
        try:
            return await _once(hub)
        except CLASH:
            if not left:
                raise
            await asyncio.sleep(0.05)
    return 0


async def _once(hub: Hub) -> int:
    async with hub.db.transaction() as tx:
        rows = await activations.take(tx, GROUP)
        if not rows:
            return 0
        await _named(tx, rows)
        known = await people.lock(tx, sorted({r["person_id"] for r in rows}))
        verdicts = [(row, _judged(row, known)) for row in rows]
        verdicts = await _paced(tx, verdicts)
        await activations.decide(tx, [_decided(row, v) for row, v in verdicts])
        news = [(row, v) for row, v in verdicts if v.reason and v.reason != row["reason"]]
        await activations.note(tx, [_noted(row, v) for row, v in news])
        going = sorted((row for row, v in verdicts if v is GO), key=_order)
        await _with_fields(tx, going)
        let_out = await activations.admit(tx, await asyncio.to_thread(_items, hub, going))
    await hub.queue.ring(_bells(let_out))
    return len(rows)


async def _named(tx: Call, rows: list[Json]) -> None:
    """Whoever was never heard of is a person from now on, who is written to only so often."""
    new = [row for row in rows if row["person_id"] is None]
    if not new:
        return
    made = await people.ensure(tx, [(r["account_id"], _names(r)) for r in new], "outreach")
    for row, person in zip(new, made, strict=True):
        row["person_id"] = person


async def _with_fields(tx: Call, rows: list[Json]) -> None:
    """What fields of a person hold is a variable of theirs, where the campaign's message says it."""
    wanting = [r for r in rows if r["campaign"] and messages.of_person(r["campaign"]["message"])]
    kept = await contact_panel.values_of_many(tx, [r["person_id"] for r in wanting]) if wanting else {}
    for row in wanting:
        row["variables"] = (row["variables"] or {}) | replies.of_fields(kept.get(row["person_id"], {}))


def _names(row: Json) -> list[str]:
    """As they are written: a phone is sent to in the form that was given."""
    phone = jid.phone(row["address"]) if row["channel"] != "telegram" else None
    written = [f"phone:{phone}" if n.startswith("phone:") and phone else n for n in row["names"]]
    return written or [f"user:{row['external_user'] or row['address']}"]


def _order(row: Json) -> tuple[str, str]:
    return str(row["integration_id"] or row["client_id"]), str((row["names"] or [row["external_user"]])[0])


def _judged(row: Json, known: dict[UUID, Json]) -> Verdict:
    """The verdict on one activation; one that goes counts for the next of the same person."""
    person = known.get(row["person_id"], {})
    rule = policy.read(row["outreach"])
    found = rules.verdict(facts(row, person), rule, row["now"])
    if found is GO and person and not row["asked"]:
        person["day"] += 1
        person["week"] += 1
    return found


def facts(row: Json, person: Json) -> Facts:
    """A row of `activations.take` (or of a campaign's plan) as the rules want it."""
    schedule, campaign = row.get("schedule"), row.get("campaign")
    ignored = (row.get("parameters") or {}).get("maxScheduledIgnoredZone")
    limit = (row.get("limits") or {}).get("maxMessages", 300)
    direct = campaign is not None and not messages.is_instruction(campaign["message"])
    network = row["channel"] != "web"
    return Facts(
        fire_at=row["fire_at"],
        zone=contact_zone(row, person),
        recurring=schedule is not None and schedule["kind"] == "recurring",
        asked=row["asked"],
        web=not network,
        campaign=campaign["state"] if campaign else None,
        scheduled=bool(schedule or campaign),
        connected=bool(row["integration_id"]) or not network,
        speaks=direct or row["gateway_id"] is not None,
        handoff=bool(row["handoff"]),
        full=bool(row["open"]) and limit > 0 and (row["message_count"] or 0) >= limit,
        behind=row["behind"],
        opted_out=person.get("opted_out_at"),
        last_said=row["last_said_at"],
        last_user=row["last_user_at"],
        ignored_zone=timedelta(seconds=timespan.seconds(ignored)) if ignored else None,
        day=person.get("day", 0),
        week=person.get("week", 0),
        window=window(row) if row["channel"] in WINDOWED else None,
        template=bool((row["settings"] or {}).get("continuedMessagesTemplateId"))
        or bool(campaign and campaign["message"].get("template")),
    )


def contact_zone(row: Json, person: Json) -> str:
    """What was said, else the contact's area, else the chat client's, else the schedule's own."""
    schedule = row.get("schedule") or {}
    client = (row.get("parameters") or {}).get("timeZone")
    fallback = schedule.get("zone") if schedule.get("zone") not in (None, "UTC") else None
    phone = row.get("phone") or next((n[6:] for n in row["names"] if n.startswith("phone:")), None)
    return zone_of(person.get("zone"), phone, client or fallback, row.get("language"))


def window(row: Json) -> bool:
    """Whether WhatsApp's 24 hours since the contact's last message are still running."""
    last: datetime | None = row["last_user_at"]
    return last is not None and row["now"] - last < rules.WINDOW


async def _paced(tx: Call, verdicts: list[tuple[Json, Verdict]]) -> list[tuple[Json, Verdict]]:
    """Each number's places are given in turn; who has one already keeps it."""
    waiting = {r["integration_id"] for r, v in verdicts if v is GO and r["integration_id"] and not r["paced"]}
    if not waiting:
        return verdicts
    kept = await people.paces(tx, sorted(waiting))
    found = []
    for row, v in verdicts:
        if v is GO and row["integration_id"] in kept and not row["paced"]:
            v = _placed(row, kept)
        found.append((row, v))
    await people.set_paces(tx, list(kept.values()))
    return found


def _placed(row: Json, kept: dict[UUID, Json]) -> Verdict:
    state = kept[row["integration_id"]]
    number = Number(state["first_day"], state["slot_at"], state["day"], state["day_count"])
    pace = policy.read(row["outreach"]).numbers.of(row["channel"])
    at, number = rules.place(pace, number, row["now"])
    state |= {"slot_at": number.slot, "day": number.day, "day_count": number.count}
    if at <= row["now"]:
        return GO
    return Verdict("later", "pacing", "Waiting: its number sends no faster (outreach policy, numbers)", at)


def _decided(row: Json, v: Verdict) -> Json:
    return {
        "id": str(row["id"]),
        "state": "due" if v is GO else STATES[v.kind],
        "reason": v.reason,
        "result": v.text,
        "not_before": v.until.isoformat() if v.until else None,
        "paced": v.reason == "pacing",
        "person_id": str(row["person_id"]),
        "contact_id": str(row["contact_id"]) if row["contact_id"] else None,
    }


def _noted(row: Json, v: Verdict) -> Json:
    kind = "postponed" if v.kind in ("later", "wait") else "refused"
    return {
        "id": str(row["id"]), "account_id": str(row["account_id"]), "client_id": str(row["client_id"]),
        "integration_id": str(row["integration_id"]) if row["integration_id"] else None,
        "session_id": str(row["session_id"]) if row["session_id"] else None, "kind": kind,
        "detail": {"reason": v.reason, "text": v.text, "until": v.until.isoformat() if v.until else None},
    }


def _items(hub: Hub, rows: list[Json]) -> list[Json]:
    return [_item(hub, row) for row in rows]


def _item(hub: Hub, row: Json) -> Json:
    """What `admit` needs to find or open the session and to put the message into it."""
    item: Json = {
        "id": str(row["id"]), "account": str(row["account_id"]), "client": str(row["client_id"]),
        "integration": str(row["integration_id"]) if row["integration_id"] else None,
        "contact": str(row["contact_id"]) if row["contact_id"] else None,
        "who": {
            "id": str(ids.uuid7()), "said": _names(row), "chat": row["address"],
            "phone": jid.phone(row["address"]) if row["channel"] != "telegram" else None,
        },
        "chat": row["chat"] or row["address"], "tag": row["tag"] or row["external_user"],
        "new_session": str(ids.uuid7()), "session_s": row["session_seconds"] or WEB_SECONDS,
    }
    if row["integration_id"] is None:
        key = ids.access_key()
        sealed = hub.sealer.seal(SESSIONS_KEY, UUID(item["new_session"]), key)
        item |= {"key_hash": _b64(digest(key)), "key_sealed": _b64(sealed)}
    closed = row["channel"] in WINDOWED and not window(row)
    if row["campaign"] and not messages.is_instruction(row["campaign"]["message"]):
        return item | messages.direct(row, _to(hub, row, item["chat"]), closed)
    return item | {"body": messages.instruction(row, closed)}


def _to(hub: Hub, row: Json, chat: str) -> delivery.Address:
    origins = media_origins.of(hub.settings.address, row["parameters"])
    style, settings = hub.channels[row["channel"]].style, row["settings"] or {}
    buttons = choices.delivered(style, "at_most_once", settings, group=False)
    return delivery.Address(chat, "at_most_once", style, origins=origins, buttons=buttons)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _bells(let_out: list[Json]) -> list[Bell]:
    bells = [turn_bell(r["session_id"], r["seq"]) for r in let_out if r["outcome"] == "admitted"]
    said = [r for r in let_out if r["outcome"] == "said"]
    return bells + [Bell("send", (str(r["session_id"]),), f"s:{r['session_id']}:{r['activation']}") for r in said]
