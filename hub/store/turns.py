"""Turns: the lease, the fence and the answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

CLAIM = "select claim($1, $2, $3, $4, $5)"
COMPLETE = "select complete($1, $2, $3, $4, $5, $6, $7, $8, $9)"
RELEASE = "select release($1, $2, $3)"
RENEW = """
    update sessions s set lease_until = now() + make_interval(secs => $3), due_at = case
            when s.oldest_at is null then now() + make_interval(secs => $3) else s.due_at end
    from unnest($1::uuid[], $2::bigint[]) mine(id, epoch)
    where s.id = mine.id and s.epoch = mine.epoch and s.owner = $4 and s.lease_until is not null
    returning s.id
"""
# A turn that was stopped by an edit leaves its placeholder to the one that is made anew.
PLACEHOLDER = """
    update sessions set placeholder = $3 where id = $1 and ((epoch = $2 and lease_until is not null)
        or (epoch = $2 + 1 and owner is null and lease_until is null and placeholder is null and last_seq > done_seq))
"""
SWEEP = "select kind, session_id from sweep($1)"
REAP = "select session_id from reap($1)"
BEAT = "insert into worker_beats (id, kind) values ($1, $2) on conflict (id) do update set at = now()"
LEAVE = "delete from worker_beats where id = $1 or at < now() - interval '1 hour'"
FATE = """
    select i.state, i.rule, t.id as turn_id, t.outcome, t.error, t.model, t.prompt_tokens, t.completion_tokens
    from inbox i left join turns t on t.id = i.turn_id
    where i.session_id = $1 and i.id = $2
"""

Json = dict[str, Any]


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


async def complete(
    db: Call, claimed: Claim, me: str, turn: Json, messages: Sequence[Json], parts: Sequence[Json], wire: float
) -> Closed:
    """Commit the answer if nobody else has taken the session since; else throw it away."""
    found = await db.value(
        COMPLETE, claimed.session_id, claimed.epoch, claimed.session["done_seq"], claimed.upto, me,
        clean(turn), clean(list(messages)), clean(list(parts)), wire,
    )
    return Closed(found["ok"], found.get("taken", False), found.get("more", False), found.get("part"))


async def release(db: Call, claimed: Claim, after: float) -> bool:
    return bool(await db.value(RELEASE, claimed.session_id, claimed.epoch, after))


async def renew(db: Call, leases: dict[UUID, int], lease: float, me: str) -> set[UUID]:
    """Prolong leases (session to epoch); the ones returned are still ours."""
    rows = await db.fetch(RENEW, list(leases), list(leases.values()), lease, me)
    return {r["id"] for r in rows}


async def placeholder(db: Call, claimed: Claim, message_id: str) -> bool:
    """Remember the placeholder in the session, so that a rerun edits it instead of sending another."""
    return await db.run(PLACEHOLDER, claimed.session_id, claimed.epoch, message_id) == 1


async def sweep(db: Call, limit: int) -> list[tuple[str, UUID]]:
    return [(r["kind"], r["session_id"]) for r in await db.fetch(SWEEP, limit)]


async def reap(db: Call, reconcile: float) -> list[UUID]:
    """Repair sends whose sender is gone; return the sessions that may go on."""
    return [r["session_id"] for r in await db.fetch(REAP, reconcile)]


async def beat(db: Call, me: str, kind: str) -> None:
    await db.run(BEAT, me, kind)


async def leave(db: Call, me: str) -> None:
    await db.run(LEAVE, me)


async def fate(db: Call, session: UUID, message: UUID) -> Json | None:
    """State of an accepted message and of the turn that took it."""
    row = await db.row(FATE, session, message)
    return dict(row) if row else None
