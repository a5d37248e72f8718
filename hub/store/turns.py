"""Turns: the lease, the fence and the answer."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call, clean

# With what the bot is told of the person.
CLAIM = "select claim($1, $2, $3, $4, $5, true)"
CLAIM_EACH = "select session, claimed, shared from claim_all($1, $2, $3, $4)"
COMPLETE = "select complete($1, $2, $3, $4, $5, $6, $7, $8, $9)"
COMPLETED = "select completed($1, $2, $3, $4)"
RELEASE = "select release($1, $2, $3)"
RENEW = """
    update sessions s set lease_until = now() + make_interval(secs => $3), due_at = case
            when s.oldest_at is null then now() + make_interval(secs => $3) else s.due_at end
    from unnest($1::uuid[], $2::bigint[]) mine(id, epoch)
    where s.id = mine.id and s.epoch = mine.epoch and s.owner = $4 and s.lease_until is not null
    returning s.id
"""
# A turn that was stopped by an edit leaves its placeholder to the one that is made anew of the same questions: above
# the answers of others it would put a later one.
PLACEHOLDER = """
    update sessions set placeholder = $3 where id = $1 and done_seq = $4 and ((epoch = $2 and lease_until is not null)
        or (epoch = $2 + 1 and owner is null and lease_until is null and placeholder is null and last_seq > done_seq))
"""
SWEEP = "select kind, session_id, account_id, integration_id from sweep_lanes($1, $2, $3)"
REAP = "select session_id from reap($1)"
# $3: a silence that long is a gap, after which it is not known who lived meanwhile.
BEAT = """
    insert into worker_beats as b (id, kind, behind_at) values ($1, $2, case when $4 then now() end)
    on conflict (id) do update set at = now(), behind_at = coalesce(excluded.behind_at, b.behind_at),
        since = case when b.at < now() - make_interval(secs => $3) then now() else b.since end
"""
# In one order, as several processes write the same ones at once.
LAG = """
    insert into integration_lags (integration_id, account_id)
    select i.id, i.account_id from unnest($1::uuid[], $2::text[]) p(client, channel)
    join integrations i on i.client_id = p.client and i.channel = p.channel order by i.id
    on conflict (integration_id) do update set at = now()
"""
LAG_ON_DISK = """
    insert into integration_lags (integration_id, account_id)
    select i.id, i.account_id from integrations i where right(i.client_id::text, 12) = any($1) order by i.id
    on conflict (integration_id) do update set at = now()
"""
# Who has a lease has work, so stands in the queue. Without a mark, as long as the oldest question is younger than $3 seconds: what is cut off for ever is set aside some day.
HAND_BACK = """
    update sessions s set owner = null, lease_until = null, epoch = s.epoch + 1, due_at = now() + make_interval(secs => $4),
        oldest_at = coalesce(s.oldest_at, now()), attempts = case when exists (
            select 1 from inbox i where i.session_id = s.id and i.seq > s.done_seq and i.state = 'waiting'
                and i.received_at < now() - make_interval(secs => $3)) then s.attempts else greatest(0, s.attempts - 1) end
    where s.id in (select q.session_id from session_queue q where $2::uuid is null or q.session_id = $2)
        and s.owner = $1 and s.lease_until is not null returning s.id, s.epoch
"""
PUT_OFF = """
    update sessions s set owner = null, lease_until = null, attempts = greatest(0, s.attempts - 1),
        due_at = now() + make_interval(secs => $3), oldest_at = coalesce(s.oldest_at, now())
    where s.id = $1 and s.epoch = $2 and s.lease_until is not null
"""
APOLOGISE = "select apologise($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
# Whether all webhooks were stored is asked for an hour (see `receivers_were_there`).
LEAVE = """
    delete from worker_beats where (id = $1 and coalesce(behind_at < now() - interval '1 hour', true)) or at < now() - interval '1 hour'
"""
FATE = """
    select i.state, i.rule, t.id as turn_id, t.outcome, t.error, t.model, t.prompt_tokens, t.completion_tokens
    from inbox i left join turns t on t.id = i.turn_id
    where i.session_id = $1 and i.id = $2
"""

Json = dict[str, Any]
NOWHERE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Claim:
    """A leased session with its waiting batch and everything the turn needs (see `claim` in SQL)."""

    session: Json
    upto: int
    poison: bool
    batch: list[Json]
    history: list[Json]
    client: Json
    gateway: Json | None
    integration: Json | None
    contact: Json | None
    account: Json
    files: list[Json]
    known: list[tuple[str, Any]] | None = None

    @property
    def session_id(self) -> UUID:
        return UUID(self.session["id"])

    @property
    def epoch(self) -> int:
        return int(self.session["epoch"])


@dataclass(frozen=True, slots=True)
class Closed:
    """ok: the fence held; taken: it did not, a person has the conversation. part: the first outgoing part, already
    marked as being sent."""

    ok: bool
    taken: bool = False
    more: bool = False
    part: Json | None = None


async def claim(db: Call, session: UUID, me: str, lease: float, history: int, now: bool = False) -> Claim | None:
    """Lease a session whose batch is due (or at once, with `now`); None when there is nothing to do."""
    found = await db.value(CLAIM, session, me, lease, history, now)
    return Claim(**found) if found else None


async def claim_each(db: Call, sessions: Sequence[UUID], me: str, lease: float, history: int) -> dict[UUID, Claim | None]:
    """As `claim`, many together; those that somebody else has locked are not among what is found."""
    rows = await db.fetch(CLAIM_EACH, list(sessions), me, lease, history)
    shared: Json = next((r["shared"] for r in rows if r["shared"]), {})
    return {r["session"]: _claimed(r["claimed"], shared) for r in rows}


def _claimed(found: Json | None, shared: Json) -> Claim | None:
    """shared: what several of one statement have in common, by its id; nobody changes it."""
    if found is None:
        return None
    if "client" in found:
        return Claim(**found)
    s = found.pop("session")
    session = {k: v for k, v in s.items() if k not in ("key_hash", "key_sealed")} | {
        "behind": found.pop("behind"), "commanded": False,
    }
    return Claim(
        session=session, poison=False, client=shared["clients"].get(s["client_id"]),
        gateway=shared["gateways"].get(s["client_id"]), integration=shared["integrations"].get(s["integration_id"]),
        account=shared["accounts"][s["account_id"]], **found,
    )


async def complete(
    db: Call, claimed: Claim, me: str, turn: Json, messages: Sequence[Json], parts: Sequence[Json], wire: float
) -> Closed:
    """Commit the answer if nobody else has taken the session since; else throw it away."""
    found = await db.value(
        COMPLETE, claimed.session_id, claimed.epoch, claimed.session["done_seq"], claimed.upto, me,
        *await sealed(db, claimed, turn, messages, parts), wire,
    )
    return Closed(found["ok"], found.get("taken", False), found.get("more", False), found.get("part"))


async def completed(db: Call, claimed: Claim, turn: Json, me: str, wire: float) -> Closed | None:
    """What `complete` said of a turn that is stored, to somebody whom the answer did not reach."""
    found = await db.value(COMPLETED, claimed.session_id, UUID(turn["id"]), me, wire)
    return None if found is None else Closed(True, False, found["more"], found["part"])


async def release(db: Call, claimed: Claim, after: float) -> bool:
    return bool(await db.value(RELEASE, claimed.session_id, claimed.epoch, after))


async def put_off(db: Call, claimed: Claim, after: float) -> bool:
    """As `release`, and the try does not count: it was not the fault of what was asked."""
    return await db.run(PUT_OFF, claimed.session_id, claimed.epoch, after) == 1


async def hand_back(
    db: Call, me: str, session: UUID | None = None, patience: float = 600.0, after: float = 0.0
) -> list[tuple[UUID, int]]:
    """What this process had begun and cannot finish: one session or all, with the epochs to ring with. Whatever is
    still on its way of these turns is fenced off."""
    return [(r["id"], r["epoch"]) for r in await db.fetch(HAND_BACK, me, session, patience, after)]


async def apologise(
    db: Call, claimed: Claim, me: str, turn: Json, messages: Sequence[Json], parts: Sequence[Json], wire: float,
    after: float,
) -> Closed:
    """Tell that no answer could be made, and go on waiting: it is tried again after so many seconds."""
    found = await db.value(
        APOLOGISE, claimed.session_id, claimed.epoch, claimed.session["done_seq"], claimed.upto, me,
        *await sealed(db, claimed, turn, messages, parts), wire, after,
    )
    return Closed(found["ok"], found.get("taken", False), False, found.get("part"))


async def sealed(
    db: Call, claimed: Claim, turn: Json, messages: Sequence[Json], parts: Sequence[Json]
) -> tuple[Json, list[Json], list[Json]]:
    """As the database may hold them."""
    if db.keys is None:
        return turn, list(messages), list(parts)  # what it cannot hold is seen where it is written as JSON
    account, session = claimed.account["id"], claimed.session_id
    # A title is made of what was said first, and stands open in many rows and screens.
    return (
        clean({k: v for k, v in turn.items() if k != "title"}), await personal.within(db, account, session, messages, "content"),
        await personal.within(db, account, session, parts, "body"),
    )


async def renew(db: Call, leases: dict[UUID, int], lease: float, me: str) -> set[UUID]:
    """Prolong leases (session to epoch); the ones returned are still ours."""
    rows = await db.fetch(RENEW, list(leases), list(leases.values()), lease, me)
    return {r["id"] for r in rows}


async def placeholder(db: Call, claimed: Claim, message_id: str) -> bool:
    """Remember the placeholder in the session, so that a rerun edits it instead of sending another. False: its questions
    are somebody else's by now."""
    return await db.run(PLACEHOLDER, claimed.session_id, claimed.epoch, message_id, claimed.session["done_seq"]) == 1


async def sweep(
    db: Call, limit: int, after: UUID = NOWHERE, lanes: int = 1000
) -> tuple[list[tuple[str, UUID, UUID, UUID | None]], UUID]:
    """What is due (turn or send, session, account, integration), taking turns between integrations, of so many of them
    after that one; and after which one to go on. Web chats of an account count as one."""
    rows = await db.fetch(SWEEP, limit, after, lanes)
    due = [(r["kind"], r["session_id"], r["account_id"], r["integration_id"]) for r in rows if r["kind"] != "after"]
    return due, next((r["session_id"] for r in rows if r["kind"] == "after"), NOWHERE)


async def reap(db: Call, reconcile: float) -> list[UUID]:
    """Repair sends whose sender is gone; return the sessions that may go on."""
    return [r["session_id"] for r in await db.fetch(REAP, reconcile)]


async def beat(db: Call, me: str, kind: str, gap: float = 15.0, behind: bool = False) -> None:
    await db.run(BEAT, me, kind, gap, behind)


async def lag(db: Call, places: Collection[tuple[UUID, str]], clients: Collection[str]) -> None:
    """Calls of these were not stored at once: chat clients with their network, and last digits of those whose wait on
    disk."""
    if places:
        await db.run(LAG, [client for client, _ in places], [channel for _, channel in places])
    if clients:
        await db.run(LAG_ON_DISK, list(clients))


async def leave(db: Call, me: str) -> None:
    await db.run(LEAVE, me)


async def fate(db: Call, session: UUID, message: UUID) -> Json | None:
    """State of an accepted message and of the turn that took it."""
    row = await db.row(FATE, session, message)
    return dict(row) if row else None
