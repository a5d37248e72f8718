"""Decide what happens to a message that nobody just asked for. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from hub.outreach.policy import Pace, Policy, QuietHours
from hub.tools.schedule.recurrence import instant

WINDOW = timedelta(hours=24)
HANDOFF_PAUSE = timedelta(minutes=15)
SOON = timedelta(seconds=1)
Kind = Literal["go", "later", "refuse", "fail", "cancel", "wait"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """go: let it out. later: look again `until`. wait: back to its campaign. The others are final.

    reason: a short word. text: for the operator.
    """

    kind: Kind
    reason: str | None = None
    text: str | None = None
    until: datetime | None = None


GO = Verdict("go")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known when an activation's time has come.

    day, week: messages the person got unasked in 24 hours and 7 days. behind: an older occurrence of
    the same recurring task still waits. connected: the chat client has the network. speaks: a gateway
    is attached. window: None where the network has none, else whether WhatsApp's 24 hours are open. web: a web chat,
    which rings nowhere: what is written there at night is read in the morning.
    """

    fire_at: datetime
    zone: str
    recurring: bool = False
    asked: bool = False
    web: bool = False
    campaign: str | None = None
    scheduled: bool = True
    connected: bool = True
    speaks: bool = True
    handoff: bool = False
    full: bool = False
    behind: bool = False
    opted_out: datetime | None = None
    last_said: datetime | None = None
    last_user: datetime | None = None
    ignored_zone: timedelta | None = None
    day: int = 0
    week: int = 0
    window: bool | None = None
    template: bool = False


def verdict(f: Facts, policy: Policy, now: datetime) -> Verdict:
    """Everything but the pace of the number, which is taken in turn (`place`)."""
    return _withdrawn(f) or _impossible(f) or _unwanted(f, policy, now) or _untimely(f, policy, now) or GO


def _withdrawn(f: Facts) -> Verdict | None:
    if f.campaign == "paused":
        return Verdict("wait", "campaign_paused", "Waiting: the campaign is paused")
    if f.campaign in ("stopped", "done", "draft"):
        return Verdict("cancel", "campaign_stopped", "Cancelled: the campaign was stopped")
    if not f.scheduled:
        return Verdict("cancel", "cancelled", "Cancelled")
    if f.recurring and f.behind:
        return Verdict("refuse", "merged", "Discarded: an earlier run of this task is still waiting")
    return None


def _impossible(f: Facts) -> Verdict | None:
    if not f.connected:
        return Verdict("fail", "no_integration", "Failed: the chat client is not connected to this network")
    if not f.speaks:
        return Verdict("fail", "no_gateway", "Failed: no AI gateway is attached to the chat client")
    if f.window is False and not f.template:
        return Verdict(
            "fail", "window_closed",
            "Failed: the contact last wrote more than 24 hours ago and the integration names no template "
            "(continuedMessagesTemplateId)",
        )
    return None


def inactive(last_said: datetime | None, last_user: datetime | None) -> bool:
    """Whether the last scheduled message is newer than anything the user wrote."""
    return last_said is not None and (last_user is None or last_said > last_user)


def _unwanted(f: Facts, policy: Policy, now: datetime) -> Verdict | None:
    if f.opted_out is not None:
        return Verdict("refuse", "opted_out", f"Refused: the contact opted out on {f.opted_out:%Y-%m-%d}")
    if f.ignored_zone is not None and inactive(f.last_said, f.last_user):
        assert f.last_said is not None
        if now - f.last_said > f.ignored_zone:
            return Verdict("refuse", "inactive", "Discarded: user inactive")
    if f.full:
        return Verdict("refuse", "max_messages", "Refused: the session holds as many messages as it may (maxMessages)")
    if f.asked or f.web:
        return None
    if policy.per_day and f.day >= policy.per_day:
        return Verdict("refuse", "daily_cap", f"Refused: {f.day} messages went to this person within 24 hours (perDay)")
    if policy.per_week and f.week >= policy.per_week:
        return Verdict("refuse", "weekly_cap", f"Refused: {f.week} messages went to this person in 7 days (perWeek)")
    return None


def _untimely(f: Facts, policy: Policy, now: datetime) -> Verdict | None:
    if now - f.fire_at > timedelta(hours=policy.patience_hours):
        return Verdict("refuse", "expired", f"Refused: it could not go out within {policy.patience_hours} hours")
    if f.handoff:
        return Verdict("later", "handoff", "Waiting: a person has taken the conversation over", now + HANDOFF_PAUSE)
    until = None if f.asked or f.web else quiet_until(policy.quiet_hours, f.zone, now)
    if until is None:
        return None
    if policy.quiet_hours.action == "refuse":
        return Verdict("refuse", "quiet_hours", f"Refused: quiet hours in {f.zone}")
    return Verdict("later", "quiet_hours", f"Waiting: quiet hours in {f.zone}", until)


def quiet_until(hours: QuietHours, zone: str, now: datetime) -> datetime | None:
    """When the quiet hours that it is now end; None when it is not quiet."""
    if not hours.enabled or hours.start == hours.end:
        return None
    where = ZoneInfo(zone)
    local = now.astimezone(where)
    start, end, clock = time.fromisoformat(hours.start), time.fromisoformat(hours.end), local.time()
    over_midnight = start > end
    quiet = (clock >= start or clock < end) if over_midnight else start <= clock < end
    if not quiet:
        return None
    day = local.date() + timedelta(days=1 if over_midnight and clock >= start else 0)
    found = instant(datetime.combine(day, end), where)
    # The clock may have been put back over the end: it is quiet until it shows the end again.
    return found if found > now else now.astimezone(UTC) + timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Number:
    """How far a number's places are taken. slot: the last one; count: places on its day (UTC)."""

    first_day: date
    slot: datetime
    day: date
    count: int


def place(pace: Pace, number: Number, now: datetime) -> tuple[datetime, Number]:
    """The next free place of a number and the number with it taken; now, when it may go at once."""
    now = now.astimezone(UTC)
    at = max(now, number.slot + timedelta(seconds=60 / pace.per_minute)) if pace.per_minute else now
    count = number.count if number.day == at.date() else 0
    limit = allowance(pace, number.first_day, at.date())
    while limit is not None and count >= limit:
        at = datetime.combine(at.date() + timedelta(days=1), time(), UTC)
        count, limit = 0, allowance(pace, number.first_day, at.date())
    slot = at if pace.per_minute else max(number.slot, at)
    return at if at - now > SOON else now, Number(number.first_day, slot, at.date(), count + 1)


def allowance(pace: Pace, first: date, day: date) -> int | None:
    """Messages a number may send unasked on a day of its life; None is any."""
    limits = [pace.per_day] if pace.per_day else []
    if pace.warm_up_start:
        age = max(0, (day - first).days)
        grown = pace.warm_up_start * pace.warm_up_growth ** min(age, 60)
        if grown < 1_000_000 and age < 60:
            limits.append(int(grown))
    return min(limits) if limits else None
