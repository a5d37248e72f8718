"""A-03 to A-07: scheduled activations of a chat client, and what operators do with them."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.api.aivax.paths import either
from hub.api.aivax.schemas.schedules import (
    Held,
    Made,
    Overview,
    Preview,
    PreviewOf,
    PreviewQuery,
    Ran,
    RecurringEdit,
    RecurringIn,
    RecurringOut,
    ScheduleEdit,
    ScheduleIn,
    ScheduleOut,
    ScheduleQuery,
    one_of,
    seconds,
)
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.clients import clients, templates
from hub.errors import Invalid
from hub.outreach import forecast, schedules
from hub.store.db import Db
from hub.tools.schedule import book, recurrence, targets, words
from hub.tools.schedule.book import Change, Kind, Wanted

TAG = "Hook schedules"


@endpoint(id="A-03", tag=TAG, pages=True)
async def listing(request: web.Request, id: UUID, query: ScheduleQuery) -> Overview:
    """List scheduled activations, recurring tasks and inactive users of a chat client.

    `limit` and `X-Total-Count` count schedules and recurring tasks together; inactive users are always whole.
    """
    db, account = request.app[HUB].db, caller(request).account_id
    found = await schedules.overview(db, account, id, query.external_user_id, query.before, query.limit)

    async def count() -> int:
        return await schedules.count(db, account, id, query.external_user_id)

    await pagination.shown(
        request, found["ids"], query.limit, query.before is None, count, lambda page: {"before": str(page[-1])}
    )
    return Overview.of(found)


@endpoint(id="A-04", tag=TAG)
async def view(request: web.Request, id: UUID, schedule_id: UUID) -> ScheduleOut:
    """View a schedule."""
    db, account = request.app[HUB].db, caller(request).account_id
    return await _once(db, account, id, schedule_id)


@endpoint(id="A-05", tag=TAG, says="Schedule cancelled.")
async def cancel(request: web.Request, id: UUID, schedule_id: UUID) -> None:
    """Cancel a pending schedule."""
    await book.remove(request.app[HUB].db, caller(request).account_id, id, "once", schedule_id)


@endpoint(id="A-06", tag=TAG)
async def view_recurring(request: web.Request, id: UUID, task_id: UUID) -> RecurringOut:
    """View a recurring task."""
    db, account = request.app[HUB].db, caller(request).account_id
    return await _recurring(db, account, id, task_id)


@endpoint(id="A-07", tag=TAG, says="Recurring task cancelled.")
async def cancel_recurring(request: web.Request, id: UUID, task_id: UUID) -> None:
    """Cancel a recurring task."""
    await book.remove(request.app[HUB].db, caller(request).account_id, id, "recurring", task_id)


@endpoint(tag=TAG)
async def create(request: web.Request, id: UUID, body: ScheduleIn) -> Made:
    """Schedule a message.

    At the time the assistant gets `reason` and `context` as an instruction in the user's conversation; what it
    answers is sent. The zone is the user's own unless `timeZone` is given.
    """
    db, account, now = request.app[HUB].db, caller(request).account_id, datetime.now(UTC)
    to = await targets.of_user(db, account, id, body.external_user_id, body.target, body.target_identifier)
    zone = book.zone_of(body.time_zone) if body.time_zone else to.zone
    at = await _moment(body.scheduled_time, body.when, zone, now)
    assert at is not None
    wanted = Wanted(body.reason, body.context, body.catch_up, body.within())
    made = await book.once(db, account, id, replace(to, zone=zone), at, wanted)
    note = await templates.opener(request.app[HUB], account, id, to.channel)
    return await _made(db, account, id, "once", made, zone, words.at(at, zone), note)


@endpoint(tag=TAG)
async def create_recurring(request: web.Request, id: UUID, body: RecurringIn) -> Made:
    """Schedule a recurring task; by five-field cron (in `timeZone`, default UTC) or in words (in the user's zone)."""
    db, account, now = request.app[HUB].db, caller(request).account_id, datetime.now(UTC)
    to = await targets.of_user(db, account, id, body.external_user_id, body.target, body.target_identifier)
    zone = book.zone_of(body.time_zone) if body.time_zone else "UTC" if body.cron_expression else to.zone
    rule = _rule(body.cron_expression, body.every, zone, now)
    assert rule is not None
    wanted = Wanted(body.job_description, body.context, body.catch_up, body.within(), body.max_executions)
    made = await book.recurring(db, account, id, to, rule, wanted)
    note = await templates.opener(request.app[HUB], account, id, to.channel)
    return await _made(db, account, id, "recurring", made, zone, words.rule(rule), note)


@endpoint(tag=TAG, errors=(409,))
async def edit(request: web.Request, id: UUID, schedule_id: UUID, body: ScheduleEdit) -> ScheduleOut:
    """Move, pause, resume or reword a schedule that has not been activated."""
    db, account = request.app[HUB].db, caller(request).account_id
    one_of(body.scheduled_time, body.when, "scheduledTime and when")
    row = await schedules.one(db, account, id, "once", schedule_id)
    zone = book.zone_of(body.time_zone) if body.time_zone else None
    change = Change(
        at=await _moment(body.scheduled_time, body.when, zone or row["zone"], datetime.now(UTC)), zone=zone,
        instruction=body.reason, context=body.context, catch_up=body.catch_up, within=seconds(body.catch_up_within),
        paused=body.paused, clear=_cleared(body.model_fields_set),
    )
    await book.change(db, account, id, "once", schedule_id, change)
    return await _once(db, account, id, schedule_id)


@endpoint(tag=TAG, errors=(409,))
async def edit_recurring(request: web.Request, id: UUID, task_id: UUID, body: RecurringEdit) -> RecurringOut:
    """Move, pause, resume or reword a recurring task."""
    db, account = request.app[HUB].db, caller(request).account_id
    one_of(body.cron_expression, body.every, "cronExpression and every")
    row = await schedules.one(db, account, id, "recurring", task_id)
    zone = book.zone_of(body.time_zone) if body.time_zone else None
    change = Change(
        rule=_rule(body.cron_expression, body.every, zone or row["zone"], datetime.now(UTC)), zone=zone,
        instruction=body.job_description, context=body.context, catch_up=body.catch_up,
        within=seconds(body.catch_up_within), max_executions=body.max_executions, paused=body.paused,
        clear=_cleared(body.model_fields_set),
    )
    await book.change(db, account, id, "recurring", task_id, change)
    return await _recurring(db, account, id, task_id)


async def _once(db: Db, account: UUID, client: UUID, id: UUID) -> ScheduleOut:
    row = await schedules.one(db, account, client, "once", id)
    return ScheduleOut.of(row, await forecast.of(db, account, row))


async def _recurring(db: Db, account: UUID, client: UUID, id: UUID) -> RecurringOut:
    row = await schedules.one(db, account, client, "recurring", id)
    return RecurringOut.of(row, await forecast.of(db, account, row))


async def _made(
    db: Db, account: UUID, client: UUID, kind: Kind, id: UUID, zone: str, said: str, note: str | None
) -> Made:
    seen = await forecast.of(db, account, await schedules.one(db, account, client, kind, id))
    return Made(id=id, time_zone=zone, in_words=said, next_activation=seen.at, policy=Held.of(seen), note=note)


@endpoint(tag=TAG, errors=(409,))
async def run_now(request: web.Request, id: UUID, schedule_id: UUID) -> Ran:
    """Activate a schedule at once; the outreach policy applies as always."""
    account = caller(request).account_id
    return Ran(activation_id=await schedules.run_now(request.app[HUB], account, id, "once", schedule_id))


@endpoint(tag=TAG, errors=(409,))
async def run_recurring_now(request: web.Request, id: UUID, task_id: UUID) -> Ran:
    """Run a recurring task once more, now."""
    account = caller(request).account_id
    return Ran(activation_id=await schedules.run_now(request.app[HUB], account, id, "recurring", task_id))


@endpoint(tag=TAG)
async def preview(request: web.Request, id: UUID, schedule_id: UUID, query: PreviewQuery) -> Preview:
    """When a schedule will be activated."""
    row = await schedules.one(request.app[HUB].db, caller(request).account_id, id, "once", schedule_id)
    times = book.preview(row, datetime.now(UTC), query.count)
    return Preview.of(row["zone"], words.at(row["scheduled_at"], row["zone"]), times)


@endpoint(tag=TAG)
async def preview_recurring(request: web.Request, id: UUID, task_id: UUID, query: PreviewQuery) -> Preview:
    """The next times of a recurring task, in UTC and on the wall clock of its zone."""
    row = await schedules.one(request.app[HUB].db, caller(request).account_id, id, "recurring", task_id)
    times = book.preview(row, datetime.now(UTC), query.count)
    rule = recurrence.Rule.of(row)
    return Preview.of(row["zone"], words.rule(rule), times)


@endpoint(tag=TAG)
async def preview_of(request: web.Request, id: UUID, query: PreviewOf) -> Preview:
    """How a time (`when`) or a repetition (`every`, words or cron) would be understood; nothing is stored."""
    await clients.load(request.app[HUB].db, caller(request).account_id, id)
    zone, now = book.zone_of(query.time_zone), datetime.now(UTC)
    if (query.when is None) == (query.every is None):
        raise Invalid("Send one of when and every.", field="when")
    if query.when is not None:
        at = await book.when_of(query.when, zone, now, None, "when")
        return Preview.of(zone, words.at(at, zone), [at])
    rule = book.rule_of(query.every or "", zone, now, "every")
    return Preview.of(zone, words.rule(rule), recurrence.upcoming(rule, now, query.count))


async def _moment(at: datetime | None, when: str | None, zone: str, now: datetime) -> datetime | None:
    """Raise Invalid naming the field when it does not lie ahead."""
    if when is not None:
        return await book.when_of(when, zone, now, None, "when")
    if at is None:
        return None
    if not 2000 <= at.year <= now.year + 10:
        raise Invalid("scheduledTime must lie within the next ten years.", field="scheduledTime")
    found = at.astimezone(UTC) if at.tzinfo else recurrence.instant(at, ZoneInfo(zone))
    if found <= now:
        raise Invalid(f"scheduledTime lies in the past; it is {now:%Y-%m-%dT%H:%M:%SZ} now.", field="scheduledTime")
    return found


def _rule(cron: str | None, every: str | None, zone: str, now: datetime) -> recurrence.Rule | None:
    if every is not None:
        return book.rule_of(every, zone, now, "every")
    return book.cron_of(cron, zone) if cron is not None else None


def _cleared(given: set[str]) -> frozenset[str]:
    names = {"context": "context", "max_executions": "max_executions", "catch_up_within": "within_seconds"}
    return frozenset(column for field, column in names.items() if field in given)


BASE = "/api/v1/web-chat-clients/{id}/hook-schedules"
ONE, TASK = BASE + "/schedules/{schedule_id}", BASE + "/recurring/{task_id}"
ROUTES = either(
    Route("GET", BASE, listing),
    Route("GET", BASE + "/preview", preview_of),
    Route("POST", BASE + "/schedules", create),
    Route("GET", ONE, view),
    Route("PATCH", ONE, edit),
    Route("DELETE", ONE, cancel),
    Route("POST", ONE + "/run-now", run_now),
    Route("GET", ONE + "/preview", preview),
    Route("POST", BASE + "/recurring", create_recurring),
    Route("GET", TASK, view_recurring),
    Route("PATCH", TASK, edit_recurring),
    Route("DELETE", TASK, cancel_recurring),
    Route("POST", TASK + "/run-now", run_recurring_now),
    Route("GET", TASK + "/preview", preview_recurring),
)
