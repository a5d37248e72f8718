"""When the policy will really let a schedule go, as far as that is known beforehand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.outreach import admission, policy, rules
from hub.outreach.policy import Policy
from hub.outreach.rules import Facts
from hub.store import people
from hub.store.db import Call

Json = dict[str, Any]
LOOKS = 5


@dataclass(frozen=True, slots=True)
class Forecast:
    """at: when it goes; None when nothing is planned or the policy will refuse it. reason, text: what the policy
    changes of the schedule's own time, None when nothing."""

    at: datetime | None
    reason: str | None = None
    text: str | None = None


NOTHING = Forecast(None)


async def of(db: Call, account: UUID, row: Mapping[str, Any]) -> Forecast:
    """`row`: a schedule as `schedules.seen` reads it."""
    if row["x_state"] == "due":
        return Forecast(row["x_not_before"], row["x_reason"], row["x_result"])
    if row["state"] != "active" or row["next_at"] is None:
        return NOTHING
    day, week = await people.written(
        db, account, row["person_id"], row["client_id"], row["external_user"], row["id"], row["next_at"]
    )
    return judged(row, await policy.load(db, account), day, week)


def judged(row: Mapping[str, Any], rule: Policy, day: int, week: int) -> Forecast:
    """Pure: day, week are the messages the person will have got unasked by then."""
    known = {"zone": row["person_zone"]}
    schedule = {"schedule": {"zone": row["zone"]}, "names": row["names"], "parameters": row["parameters"]}
    zone = admission.contact_zone(schedule | {"phone": row["phone"], "language": row["language"]}, known)
    facts = Facts(
        fire_at=row["next_at"], zone=zone, asked=row["asked"], web=row["channel"] == "web",
        opted_out=row["opted_out_at"], day=day, week=week,
    )
    at, reason, text = row["next_at"], None, None
    for _ in range(LOOKS):
        found = rules.verdict(facts, rule, at)
        if found.kind == "go":
            return Forecast(at, reason, text)
        reason, text = found.reason, found.text
        if found.until is None:
            break
        at = found.until
    return Forecast(None, reason, text)
