"""What the model may call to write to the person later."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hub.domain import Json
from hub.store import clients, people, schedules
from hub.tools.base import Context, Result, Tool, ToolFailed, schema
from hub.tools.schedule import book, recurrence, targets, words
from hub.tools.schedule.book import Change, Kind, Wanted
from hub.tools.schedule.targets import Target

MOST = 50
CLOSEST = timedelta(minutes=15)
JUST_NOW = timedelta(minutes=30)
TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 4000}
WHEN: Json = {
    "type": "string", "minLength": 1, "maxLength": 200,
    "description": "The time in the person's own words ('amanhã às 9', 'in 2 hours', 'el lunes a las 10') or as ISO "
    "8601 local time ('2026-03-21T15:00'). Do not convert time zones: the person's zone is known.",
}
EVERY: Json = {
    "type": "string", "minLength": 1, "maxLength": 200,
    "description": "How often and at what time, in words ('every second Monday at 9', 'todo dia 5 às 8', 'cada dos "
    "semanas el lunes a las 10') or as five-field cron ('0 9 * * 1'), on the person's wall clock.",
}
ZONE: Json = {
    "type": "string", "maxLength": 60,
    "description": "IANA time zone, only when the person asks for another zone than their own.",
}
ASKED: Json = {
    "type": "boolean",
    "description": "true only if the person asked, in this conversation, for a message at this time.",
}


def offered(context: Context) -> list[Tool]:
    """The tools, in a conversation whose person can be written to; whether the chat client allows
    them (`allowScheduledContinuations`) is for the caller to know, and is looked at again at each call."""
    if context.client_id is None or context.session_id is None or not context.external_user:
        return []
    return list(TOOLS)


async def schedule_message(context: Context, arguments: Json) -> Result:
    to = await _target(context, arguments.get("zone"))
    now = datetime.now(UTC)
    at = await book.when_of(arguments["when"], to.zone, now, to.language or context.language, "when")
    await _room(context, to)
    wanted = await _wanted(context, arguments, "reason", to)
    id = await book.once(context.hub.db, context.account_id, _client(context), to, at, wanted)
    return Result(f"Scheduled for {words.at(at, to.zone)}, {words.away(at, now)}. id: {id}. Tell the person this time.")


async def schedule_recurring(context: Context, arguments: Json) -> Result:
    to = await _target(context, arguments.get("zone"))
    now = datetime.now(UTC)
    rule = book.rule_of(arguments["every"], to.zone, now, "every")
    _not_too_often(rule, now)
    await _room(context, to)
    wanted = await _wanted(context, arguments, "job_description", to)
    wanted = replace(wanted, max_executions=arguments.get("max_executions"))
    id = await book.recurring(context.hub.db, context.account_id, _client(context), to, rule, wanted)
    return Result(f"Scheduled: {words.rule(rule)}. {_next(rule, now)} id: {id}. Tell the person when it comes.")


async def list_scheduled(context: Context, arguments: Json) -> Result:
    to = await _target(context, None)
    rows = await _theirs(context, to)
    if not rows:
        return Result("Nothing is scheduled for this person.")
    return Result("\n".join(_line(row) for row in rows))


async def cancel_scheduled(context: Context, arguments: Json) -> Result:
    row = await _own(context, arguments["id"])
    await book.remove(context.hub.db, context.account_id, _client(context), row["kind"], row["id"])
    return Result(f"Cancelled: {_line(row)}")


async def move_scheduled(context: Context, arguments: Json) -> Result:
    """Another time for a one-time message, another repetition for a recurring task."""
    row, now = await _own(context, arguments["id"]), datetime.now(UTC)
    kind: Kind = row["kind"]
    to = await _target(context, arguments.get("zone"))
    zone = arguments.get("zone") and to.zone or row["zone"]
    if kind == "once":
        at = await book.when_of(arguments["when"], zone, now, to.language or context.language, "when")
        change, said = Change(at=at, zone=zone), words.at(at, zone)
    else:
        rule = book.rule_of(arguments["when"], zone, now, "when")
        _not_too_often(rule, now)
        change, said = Change(rule=rule), f"{words.rule(rule)}. {_next(rule, now)}"
    await book.change(context.hub.db, context.account_id, _client(context), kind, row["id"], change)
    return Result(f"Moved to {said}. Tell the person this.")


async def set_time_zone(context: Context, arguments: Json) -> Result:
    to = await _target(context, None)
    if to.person is None:
        raise ToolFailed("This person is not known well enough to remember a time zone; pass `zone` each time.")
    zone = book.zone_of(arguments["zone"], "zone")
    await people.set_zone(context.hub.db, context.account_id, to.person, zone)
    return Result(f"Remembered: it is {words.at(datetime.now(UTC), zone)} for this person.")


def _client(context: Context) -> UUID:
    assert context.client_id is not None
    return context.client_id


async def _target(context: Context, zone: str | None) -> Target:
    """Who is spoken with, and their zone (or another one asked for). Raise ToolFailed when not allowed."""
    assert context.session_id is not None
    client = await clients.get(context.hub.db, context.account_id, _client(context))
    if client is None or not client.parameters.get("allowScheduledContinuations"):
        raise ToolFailed("Scheduling is switched off for this chat client.")
    to = await targets.of_session(
        context.hub.db, context.account_id, client.id, context.session_id, context.external_user
    )
    if zone:
        return replace(to, zone=book.zone_of(zone, "zone"))
    return replace(to, zone=context.zone) if to.zone == "UTC" else to


async def _room(context: Context, to: Target) -> None:
    """Raise ToolFailed for who has opted out, and when too much is scheduled already."""
    known = await people.get(context.hub.db, context.account_id, to.person) if to.person else None
    if known and known["opted_out_at"]:
        raise ToolFailed(
            "The person has opted out of messages, so nothing can be scheduled. If they want it, they must first send "
            "START (VOLTAR, VOLVER)."
        )
    rows = await _theirs(context, to)
    if len(rows) >= MOST:
        raise ToolFailed(f"There are {MOST} scheduled messages for this person already; cancel some first.")


async def _wanted(context: Context, arguments: Json, field: str, to: Target) -> Wanted:
    """`asked` is only believed while the person really is here."""
    assert context.session_id is not None
    row = await schedules.session(context.hub.db, context.account_id, _client(context), context.session_id)
    last = row["last_user_at"] if row else None
    here = last is not None and datetime.now(UTC) - last < JUST_NOW
    asked = bool(arguments.get("asked_by_person")) and here
    return Wanted(arguments[field], arguments.get("context"), asked=asked, origin="model")


async def _theirs(context: Context, to: Target) -> list[Json]:
    """What is scheduled for the person."""
    return await schedules.of_user(
        context.hub.db, context.account_id, _client(context), to.external_user, to.person, MOST
    )


def _not_too_often(rule: recurrence.Rule, now: datetime) -> None:
    gap = recurrence.closest(rule, now)
    if gap is not None and gap < CLOSEST:
        raise ToolFailed("That is more often than every 15 minutes, which nobody wants to be written to.")


def _next(rule: recurrence.Rule, now: datetime) -> str:
    times = recurrence.upcoming(rule, now, 3)
    return "Next times: " + "; ".join(words.short(t, rule.zone) for t in times) + f" ({rule.zone})."


def _line(row: Mapping[str, Any]) -> str:
    said = row["instruction"][:200]
    paused = " (paused)" if row["state"] == "paused" else ""
    when = words.at(row["next_at"], row["zone"]) if row["next_at"] else "ended"
    if row["kind"] == "once":
        return f"{row['id']}: once, {when}{paused}: {said}"
    rule = recurrence.Rule.of(row)
    return f"{row['id']}: {words.rule(rule)}, next {when}{paused}: {said}"


async def _own(context: Context, id: str) -> Json:
    """A schedule of this very person by its id, or by the beginning of one. Raise ToolFailed."""
    to = await _target(context, None)
    rows = await _theirs(context, to)
    found = [r for r in rows if str(r["id"]).startswith(id.strip().lower()) and len(id.strip()) >= 8]
    if len(found) != 1:
        raise ToolFailed(f"There is no scheduled message with the id {id[:40]}; list_scheduled shows them.")
    return found[0]


ID: Json = {"type": "string", "minLength": 8, "maxLength": 40, "description": "The id that scheduling or listing gave."}
REASON = TEXT | {"description": "What to say or do then, as an instruction to yourself."}
CONTEXT = TEXT | {"description": "Facts you will need then: names, order numbers, what was agreed."}
OTHER_WHEN = WHEN | {"description": f"{WHEN['description']} For a recurring task: how often and at what time."}
TOOLS: tuple[Tool, ...] = (
    Tool(
        "schedule_message",
        "Write to this person once, later. You will be woken at that time with `reason` and `context`, and your "
        "answer then is sent to the person. The result says for when it was understood: confirm that to the person.",
        schema(["when", "reason"], when=WHEN, reason=REASON, context=CONTEXT, zone=ZONE, asked_by_person=ASKED),
        schedule_message,
    ),
    Tool(
        "schedule_recurring",
        "Write to this person again and again. You will be woken each time with `job_description`.",
        schema(
            ["every", "job_description"], every=EVERY, job_description=REASON, context=CONTEXT, zone=ZONE,
            asked_by_person=ASKED,
            max_executions={"type": "integer", "minimum": 1, "maximum": 10_000, "description": "Then it ends."},
        ),
        schedule_recurring,
    ),
    Tool(
        "list_scheduled", "All that is scheduled for this person, soonest first, with ids.", schema([]),
        list_scheduled, effect=False,
    ),
    Tool("cancel_scheduled", "Cancel a scheduled message or recurring task.", schema(["id"], id=ID), cancel_scheduled),
    Tool(
        "move_scheduled",
        "Move a scheduled message to another time, or a recurring task to another repetition.",
        schema(["id", "when"], id=ID, when=OTHER_WHEN, zone=ZONE),
        move_scheduled,
    ),
    Tool(
        "set_time_zone",
        "Remember this person's time zone, when they say where they are.",
        schema(["zone"], zone=ZONE | {"description": "IANA time zone, such as Europe/Lisbon."}),
        set_time_zone,
    ),
)
