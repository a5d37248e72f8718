"""How an account's people work: when they are there, how soon they answer, who gets what (`desk` of its parameters)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from hub.domain import Account, Json
from hub.errors import NotFound
from hub.pydantic_base import Camel, Defaults, merged
from hub.store import accounts, human_requests
from hub.store.db import Call, Db

KEY = "desk"
# Whose console was open so lately is there.
HERE = 90.0
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEK = 8  # days that are looked at for the next opening
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _clock(value: str) -> str:
    if not _CLOCK.fullmatch(value):
        raise ValueError('must be a time of day such as "09:00"')
    return value


Clock = Annotated[str, Field(max_length=5), AfterValidator(_clock)]
Words = Annotated[str, Field(max_length=1000)]


class Shift(Camel):
    """On these days from one time to another, of the account's time zone; over midnight where the end is earlier."""

    days: Annotated[list[Day], Field(min_length=1, max_length=7)]
    start: Clock
    end: Clock


class Desk(Defaults):
    """When people answer, and what is told while they do not."""

    hours: Annotated[list[Shift], Field(max_length=21, description="When people are there; empty: always.")] = []
    called_text: Annotated[Words, Field(description="Said when a person is called; empty: the hub's own words.")] = ""
    away_text: Annotated[Words, Field(description="Said when nobody is there; empty: the hub's own words.")] = ""
    target_minutes: Annotated[
        int, Field(ge=0, le=1440, description="Within which a person's first word is to come; 0: no target.")
    ] = 10
    warn_minutes: Annotated[
        int, Field(ge=0, le=1440, description="So long before the target is missed, colleagues are told.")
    ] = 3
    routing: Annotated[
        Literal["none", "round_robin", "least_busy"],
        Field(description="Who of those who are there is given a conversation in which a person was asked for."),
    ] = "none"


def of(parameters: Json) -> Desk:
    """The settings among an account's parameters."""
    return Desk.model_validate(parameters.get(KEY) or {})


async def load(db: Call, account: UUID) -> Desk:
    """Raise NotFound."""
    return of((await _account(db, account)).parameters)


async def edit(db: Db, account: UUID, given: Json, seen: Callable[[Desk], None] | None = None) -> Desk:
    """Shallow merge. seen: raises when what it is given is not what the change was made from. Raise Invalid."""
    async with db.transaction() as tx:
        now = of((await _account(tx, account, lock=True)).parameters)
        if seen is not None:
            seen(now)
        new = merged(Desk, now.stored(), given, "")
        await accounts.edit(tx, account, None, {KEY: new.stored()})
    return new


async def _account(db: Call, account: UUID, lock: bool = False) -> Account:
    found = await accounts.get(db, account, lock)
    if found is None:
        raise NotFound
    return found


class Available(Camel):
    """Whether somebody can be called now. opens_at: when somebody is there again, as far as the hours tell."""

    open: bool
    here: bool
    opens_at: datetime | None = None

    @property
    def now(self) -> bool:
        return self.open and self.here


async def available(db: Call, account: UUID, parameters: Json) -> Available:
    """Within the hours, and with a console open."""
    moment, desk, zone = datetime.now(UTC), of(parameters), zone_of(parameters)
    if not is_open(desk, zone, moment):
        return Available(open=False, here=False, opens_at=opening(desk, zone, moment))
    return Available(open=True, here=await human_requests.anybody(db, account, HERE))


def zone_of(parameters: Json) -> ZoneInfo:
    return ZoneInfo(str(parameters.get("timeZone") or "UTC"))


def is_open(desk: Desk, zone: ZoneInfo, moment: datetime) -> bool:
    """Whether people are there by the hours. Pure."""
    if not desk.hours:
        return True
    local = moment.astimezone(zone)
    clock, today, before = local.strftime("%H:%M"), DAYS[local.weekday()], DAYS[local.weekday() - 1]
    for shift in desk.hours:
        over = shift.end <= shift.start
        if today in shift.days and shift.start <= clock and (over or clock < shift.end):
            return True
        if over and before in shift.days and clock < shift.end:
            return True
    return False


def opening(desk: Desk, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """When people are there next, from a moment at which they are not. Pure."""
    local = moment.astimezone(zone)
    starts = [
        at for ahead in range(WEEK) for shift in desk.hours
        if DAYS[(day := local.date() + timedelta(days=ahead)).weekday()] in shift.days and shift.start != "24:00"
        and (at := datetime.combine(day, time.fromisoformat(shift.start), zone)) > moment
    ]
    return min(starts, default=None)


def deadline(desk: Desk, zone: ZoneInfo, moment: datetime) -> tuple[datetime | None, datetime | None]:
    """When a first word is due that is asked for now, and when it is time to warn; outside of the hours they count from
    the next opening. Pure."""
    if not desk.target_minutes:
        return None, None
    begins = moment if is_open(desk, zone, moment) else opening(desk, zone, moment) or moment
    due = begins + timedelta(minutes=desk.target_minutes)
    return due, max(begins, due - timedelta(minutes=desk.warn_minutes))
