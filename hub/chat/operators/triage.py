"""How a team keeps its inbox: whose a conversation is, what it is about, how urgent, put away until it is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

from hub.accounts import desk
from hub.accounts.audit import Actor
from hub.chat.clients.people_names import person
from hub.chat.news import of_account, tell
from hub.domain import Json
from hub.errors import Conflict, HubError, Invalid, NotFound
from hub.runtime import Hub
from hub.store import handoffs, human_requests, labels, messages, operator_inbox, operators, teams, triage
from hub.store.db import Call

Priority = Literal["low", "normal", "high", "urgent"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
Status = Literal["open", "snoozed", "closed"]
Way = Literal["hand", "round_robin", "least_busy"]
WAYS: tuple[Way, ...] = get_args(Way)
# Conversations of one bulk action, and the longest rest.
MOST, LONGEST = 100, timedelta(days=366)
NONE = "No such conversation, or nobody has said a word in it yet."
GONE = "A conversation that is gone"


@dataclass(frozen=True, slots=True)
class Assign:
    """To a person, to a team, to both, or to nobody. how: by hand, or whose turn it is of those who are there.
    stays: of what nothing was said."""

    operator: UUID | None = None
    team: UUID | None = None
    how: str = "hand"
    stays: frozenset[Literal["operator", "team"]] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of a conversation; what is None stays. until: of a snooze, None: until the person writes.
    add, drop: labels."""

    assign: Assign | None = None
    status: str | None = None
    until: datetime | None = None
    priority: int | None = None
    add: tuple[UUID, ...] = ()
    drop: tuple[UUID, ...] = ()

    def checked(self) -> "Change":
        """Raise Invalid."""
        now = datetime.now(UTC)
        if self.until is not None and self.status != "snoozed":
            raise Invalid("until is of snoozed conversations alone.", field="until")
        if self.until is not None and not now < self.until <= now + LONGEST:
            raise Invalid("until must be a moment within the next year.", field="until")
        if self.assign and self.assign.how != "hand" and self.assign.operator is not None:
            raise Invalid("assignee is chosen by the routing; leave one of them out.", field="assignee")
        if self == Change():
            raise Invalid("Nothing was chosen that is to be done with them.")
        return self


async def change(hub: Hub, account: UUID, by: Actor, session: UUID, wanted: Change) -> list[Json]:
    """Do it, all or nothing; what was done, as the thread tells it. Raise NotFound, Invalid, Conflict."""
    wanted.checked()
    async with hub.db.transaction() as tx:
        now = await triage.lock(tx, account, session)
        if now is None:
            raise NotFound(NONE)
        told: list[Json] = []
        handed = False
        if wanted.assign is not None:
            more, handed = await _assign(tx, account, by, now, wanted.assign)
            told += more
        told += await _stand(tx, account, by, now, wanted)
        told += await _label(tx, account, session, wanted)
        for what in told:
            await messages.note(tx, account, "desk", what | {"by": _called(by)}, session=session)
    if handed:
        await tell(hub.events, account, session, {"type": "handoff", "active": True})
    if told:
        await hub.events.publish(of_account(account), {"type": "desk", "sessions": [str(session)]})
    return told


def _called(by: Actor) -> str:
    """As a thread tells it: without an address."""
    return by.name.partition(" <")[0] if by.kind == "user" else "The API"


async def bulk(hub: Hub, account: UUID, by: Actor, sessions: Sequence[UUID], wanted: Change) -> tuple[int, list[Json]]:
    """The same with many, each by itself: how many it was done with, and why not with the others: {id, name, why}."""
    wanted.checked()
    many = list(dict.fromkeys(sessions))
    if not 0 < len(many) <= MOST:
        raise Invalid(f"Choose 1 to {MOST} conversations.", field="sessionIds")
    done, failed = 0, []
    for session in many:
        try:
            await change(hub, account, by, session, wanted)
            done += 1
        except HubError as e:
            one = await operator_inbox.one(hub.db, account, session)
            failed.append({"id": session, "name": person(one) if one else GONE, "why": str(e)})
    return done, failed


async def _assign(tx: Call, account: UUID, by: Actor, now: Json, to: Assign) -> tuple[list[Json], bool]:
    """Who sees to it from now on, and has it where a person has taken it over."""
    of_team = now["team_id"] if "team" in to.stays else to.team
    team = await teams.one(tx, account, of_team) if of_team else None
    if to.team and team is None:
        raise Invalid("team is none of this account.", field="team")
    of_person = now["assignee_id"] if "operator" in to.stays and to.how == "hand" else to.operator
    who = await operators.one(tx, account, of_person) if of_person else None
    if to.operator and (who is None or who["role"] == "viewer"):
        raise Invalid("assignee is nobody who works here.", field="assignee")
    if to.how != "hand":
        who = await human_requests.pick(tx, account, desk.HERE, to.how, of_team)
        if who is None and to.team is None:
            raise Conflict("Nobody is here who could have it.", code="nobody_here")
    person, group = who["id"] if who else None, team["id"] if team else None
    if (person, group) == (now["assignee_id"], now["team_id"]):
        return [], False
    await triage.assign(tx, account, now["id"], person, group)
    told = {"what": "assigned", "to": who["name"] if who else None, "team": team["name"] if team else None}
    # Who has taken it over hands it on: two who see to it would each wait for the other.
    handed = person is not None and now["handoff_at"] is not None and now["handoff_by"] != person and (
        await handoffs.switch(tx, account, None, now["id"], True, person, ends=True))
    return [told], handed


async def _stand(tx: Call, account: UUID, by: Actor, now: Json, wanted: Change) -> list[Json]:
    told: list[Json] = []
    changed = (wanted.status, wanted.until) != (now["status"], now["snoozed_until"])
    if wanted.status is not None and changed:
        await triage.stand(tx, account, now["id"], wanted.status, wanted.until, await _works(tx, account, by))
        told.append({"what": wanted.status} | ({"until": wanted.until.isoformat()} if wanted.until else {}))
    if wanted.priority is not None and wanted.priority != now["priority"]:
        await triage.rank(tx, account, now["id"], wanted.priority)
        told.append({"what": "priority", "to": PRIORITIES[wanted.priority]})
    return told


async def _works(tx: Call, account: UUID, by: Actor) -> UUID | None:
    """Who is told when a rest is over; nobody where a key did it."""
    found = await operators.one(tx, account, by.id) if by.kind == "user" and by.id else None
    return found["id"] if found else None


async def _label(tx: Call, account: UUID, session: UUID, wanted: Change) -> list[Json]:
    if not wanted.add and not wanted.drop:
        return []
    known: Mapping[UUID, str] = {one["id"]: one["name"] for one in await labels.listed(tx, account)}
    if any(id not in known for id in (*wanted.add, *wanted.drop)):
        raise Invalid("label is none of this account.", field="label")
    added = await labels.put_on(tx, account, session, [id for id in wanted.add if id not in wanted.drop])
    gone = await labels.take_off(tx, account, session, wanted.drop)
    told: list[Json] = [{"what": "labelled", "to": name} for id, name in known.items() if id in added]
    return told + [{"what": "unlabelled", "to": name} for id, name in known.items() if id in gone]


async def wake(hub: Hub) -> None:
    """Bring back what was put away until now."""
    for row in await triage.wake(hub.db):
        await hub.events.publish(of_account(row["account_id"]), {"type": "desk", "sessions": [str(row["session_id"])]})


def rest(word: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Until when what is put away by a word of the console rests; None: until the person writes. Pure."""
    local = now.astimezone(zone)
    morning = local.replace(hour=9, minute=0, second=0, microsecond=0)
    times = {
        "hour": now + timedelta(hours=1), "hours": now + timedelta(hours=4), "tomorrow": morning + timedelta(days=1),
        "monday": morning + timedelta(days=7 - local.weekday()),
    }
    if word not in times and word != "reply":
        raise Invalid(f"rest must be one of reply, {', '.join(times)}.", field="rest")
    return times.get(word)
