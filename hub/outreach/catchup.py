"""What becomes of times that passed while no scheduler ran. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from hub.tools.schedule.recurrence import Rule, following, occurrences

# An occurrence found within this time is not late: a scheduler that took over needs some seconds.
ON_TIME = timedelta(seconds=60)
MOST = 1000
# Without `all` only the last counts; how many there were is not worth counting further.
FEW = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """fires: times that fire now. missed: the last that does not, with words. next_at: None is the end."""

    fires: list[datetime]
    missed: tuple[datetime, str] | None
    next_at: datetime | None


def settle(row: Mapping[str, Any], now: datetime) -> Outcome:
    """A schedule whose `next_at` has come: what fires, what was missed, when it comes again.

    catch_up - skip: only what is on time. once: the latest time, when not later than
    `within_seconds` (None: however late). all: each time, the latest thousand.
    """
    if row["kind"] == "once":
        return _sorted_out(row, [row["next_at"]], 0, now, None)
    rule, most = Rule.of(row), MOST if row["catch_up"] == "all" else FEW
    times: list[datetime] = [row["next_at"]]
    left_out = 0
    for at in occurrences(rule, row["next_at"]):
        if at > now:
            return _sorted_out(row, times, left_out, now, at)
        times.append(at)
        if len(times) > most:
            # A long time down: only the newest matter, and counting all of them would take its time.
            times, left_out = _newest(rule, now, most), left_out + 1
            break
    return _sorted_out(row, times, left_out, now, following(rule, now))


def _newest(rule: Rule, now: datetime, most: int) -> list[datetime]:
    """The last times until now, found by looking back ever farther."""
    back = timedelta(hours=1)
    while True:
        found = list(takewhile(lambda t: t <= now, occurrences(rule, now - back)))
        if len(found) >= most or back > timedelta(days=3660):
            return found[-most:]
        back *= 4


def _sorted_out(
    row: Mapping[str, Any], times: list[datetime], more: int, now: datetime, next_at: datetime | None
) -> Outcome:
    policy, within = row["catch_up"], row["within_seconds"]
    punctual = [t for t in times if now - t <= ON_TIME]
    limit = timedelta(seconds=within) if within is not None else None
    in_time = [t for t in times if limit is None or now - t <= max(limit, ON_TIME)]
    if policy == "all":
        fires = in_time
    elif policy == "once":
        fires = in_time[-1:]
    else:
        fires = punctual[-1:]
    left = [row["next_at"]] * more + [t for t in times if t not in fires]
    if not left:
        return Outcome(fires, None, next_at)
    count = f"more than {len(left)}" if more else str(len(left))
    words = f"Missed: no scheduler ran when {count} time(s) came (catchUp {policy})"
    return Outcome(fires, (left[-1], words), next_at)
