"""Schedules made, moved, paused and taken back: the same for the model's tools and for operators."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from hub import ids
from hub.domain import Json
from hub.errors import Conflict, Invalid, NotFound
from hub.store import schedules
from hub.store.db import Call, Db
from hub.tools.schedule import recurrence, repeats
from hub.tools.schedule.moments import moment
from hub.tools.schedule.recurrence import Rule, following
from hub.tools.schedule.targets import Target
from hub.tools.schedule.tokens import Unclear
from hub.tools.schedule.zones import check as check_zone

CatchUp = Literal["skip", "once", "all"]
Kind = Literal["once", "recurring"]
WITHIN = 15 * 60
NONE: Mapping[str, str] = {"once": "Schedule not found.", "recurring": "Recurring task not found."}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be said and how. within: seconds after which a missed time is not made up for; None
    with catch_up `all` is however late."""

    instruction: str
    context: str | None = None
    catch_up: CatchUp = "once"
    within: int | None = WITHIN
    max_executions: int | None = None
    asked: bool = False
    origin: Literal["operator", "model"] = "operator"


async def when_of(text: str, zone: str, now: datetime, language: str | None, field: str) -> datetime:
    """A moment in words or ISO 8601. Raise Invalid naming the field."""
    try:
        # Beside the loop: the first one brings in dateparser and its tables, which takes a fifth of a second.
        return await asyncio.to_thread(moment, text, zone, now, language=language)
    except Unclear as e:
        raise Invalid(f"{field}: {e}.", field=field) from None


def rule_of(text: str, zone: str, now: datetime, field: str) -> Rule:
    """A repetition in words or cron that comes at least once more. Raise Invalid naming the field."""
    try:
        found = repeats.rule(text, zone, now)
    except Unclear as e:
        raise Invalid(f"{field}: {e}.", field=field) from None
    if following(found, now) is None:
        raise Invalid(f"{field} names times that never come.", field=field)
    return found


def cron_of(cron: str, zone: str, field: str = "cronExpression") -> Rule:
    """Five-field cron. Raise Invalid naming the field."""
    try:
        rule = Rule(recurrence.check(cron), zone)
    except ValueError as e:
        raise Invalid(f"{field} {e}.", field=field) from None
    if following(rule, datetime.now(UTC)) is None:
        raise Invalid(f"{field} names a date that never comes.", field=field)
    return rule


def zone_of(name: str, field: str = "timeZone") -> str:
    """Raise Invalid naming the field."""
    try:
        return check_zone(name)
    except ValueError as e:
        raise Invalid(f"{field} {e}.", field=field) from None


async def once(db: Call, account: UUID, client: UUID, to: Target, at: datetime, wanted: Wanted) -> UUID:
    """Write a one-time schedule; the same one written twice is one."""
    return await _add(db, account, client, to, wanted, {
        "kind": "once", "zone": to.zone, "cron": None, "every": 1, "unit": "day", "anchor": date(2024, 1, 1),
        "scheduled_at": at, "next_at": at,
    })


async def recurring(db: Call, account: UUID, client: UUID, to: Target, rule: Rule, wanted: Wanted) -> UUID:
    """Write a recurring task; the same one written twice is one."""
    return await _add(db, account, client, to, wanted, {
        "kind": "recurring", "zone": rule.zone, **_columns(rule), "scheduled_at": None,
        "next_at": following(rule, datetime.now(UTC)),
    })


def _columns(rule: Rule) -> Json:
    return {"cron": rule.cron, "every": rule.every, "unit": rule.unit, "anchor": rule.anchor}


async def _add(db: Call, account: UUID, client: UUID, to: Target, wanted: Wanted, times: Json) -> UUID:
    row = times | {
        "external_user": to.external_user, "channel": to.channel, "address": to.address, "names": to.names,
        "contact_id": to.contact_id, "instruction": wanted.instruction, "context": wanted.context,
        "catch_up": wanted.catch_up, "within_seconds": wanted.within, "max_executions": wanted.max_executions,
        "asked": wanted.asked, "origin": wanted.origin,
    }
    # A turn that is run again after a crash writes what it has written before.
    if wanted.origin == "model" and (before := await schedules.twin(db, account, client, row)) is not None:
        return before
    id = ids.uuid7()
    if not await schedules.add(db, account, client, id, row):
        raise NotFound
    return id


@dataclass(frozen=True, slots=True)
class Change:
    """What changes of a schedule; None leaves it. `clear` names nullable fields that are set to null."""

    at: datetime | None = None
    rule: Rule | None = None
    zone: str | None = None
    instruction: str | None = None
    context: str | None = None
    catch_up: CatchUp | None = None
    within: int | None = None
    max_executions: int | None = None
    paused: bool | None = None
    clear: frozenset[str] = frozenset()


async def change(db: Db, account: UUID, client: UUID, kind: Kind, id: UUID, wanted: Change) -> Json:
    """Move, pause, resume or reword. Raise NotFound, Conflict when it is over."""
    async with db.transaction() as tx:
        row = await schedules.lock(tx, account, client, kind, id)
        if row is None:
            raise NotFound(NONE[kind])
        if row["state"] == "done":
            raise Conflict("This has been activated or has ended and cannot be changed; make a new one.")
        new = changed(row, wanted, datetime.now(UTC))
        await schedules.edit(tx, account, new)
    return new


def changed(row: Json, wanted: Change, now: datetime) -> Json:
    """The row as it is after a change. Pure. Raise Conflict when its time has passed meanwhile."""
    new = row | {
        name: value
        for name, value in (
            ("instruction", wanted.instruction), ("context", wanted.context), ("catch_up", wanted.catch_up),
            ("within_seconds", wanted.within), ("max_executions", wanted.max_executions),
        )
        if value is not None or name in wanted.clear
    }
    resumed = wanted.paused is False and row["state"] == "paused"
    if wanted.paused is not None:
        new["state"] = "paused" if wanted.paused else "active"
    if row["kind"] == "once":
        return _moved(row, new, wanted, now)
    rule = wanted.rule or Rule.of(row)
    rule = replace(rule, zone=wanted.zone or rule.zone)
    new |= {**_columns(rule), "zone": rule.zone}
    if wanted.rule or wanted.zone or resumed:
        new["next_at"] = following(rule, now)
    limit = new["max_executions"]
    if limit is not None and limit <= row["execution_count"]:
        raise Conflict(f"maxExecutions must be more than the {row['execution_count']} executions there have been.")
    return new


def _moved(row: Json, new: Json, wanted: Change, now: datetime) -> Json:
    at = wanted.at or row["scheduled_at"]
    if wanted.zone and wanted.zone != row["zone"]:
        new["zone"] = wanted.zone
    if new["state"] == "active" and at <= now and (wanted.at or wanted.paused is False):
        raise Conflict("Its time has passed; give a new scheduledTime.")
    return new | {"scheduled_at": at, "next_at": at}


async def remove(db: Call, account: UUID, client: UUID, kind: Kind, id: UUID) -> None:
    """Take back what has not been activated. Raise NotFound."""
    if not await schedules.remove(db, account, client, kind, id):
        raise NotFound(NONE[kind])


def preview(row: Mapping[str, Any], now: datetime, count: int) -> list[datetime]:
    """The next times of a schedule, those its maxExecutions leave."""
    if row["next_at"] is None or row["state"] == "done":
        return []
    if row["kind"] == "once":
        return [row["next_at"]]
    if row["max_executions"] is not None:
        count = min(count, max(0, row["max_executions"] - row["execution_count"]))
    rule = Rule.of(row)
    start = now if row["state"] == "paused" else max(row["next_at"], now) - timedelta(microseconds=1)
    return recurrence.upcoming(rule, start, count)


def wall(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))
