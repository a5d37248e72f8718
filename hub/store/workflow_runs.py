"""Runs of workflows: leased by one process at a time, every write of theirs behind the lease's fence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = """
    insert into workflow_runs (id, account_id, workflow_id, version, key_id, input) values ($1, $2, $3, $4, $5, $6)
    on conflict do nothing
"""
ADD_STEPS = """
    insert into workflow_steps (run_id, account_id, name, place, type)
    select $2, $1, s.name, s.place, s.type from jsonb_to_recordset($3) s(name text, place int, type text)
"""
GET = """
    select id, workflow_id, version, input, status, output, error, cancelled, created_at, started_at, finished_at
    from workflow_runs where account_id = $1 and workflow_id = $2 and id = $3
"""
STEPS = """
    select name, type, status, attempts, started_at, finished_at, cost::float8 as cost, output, error, due_at,
        greatest(0, extract(epoch from due_at - now()))::float8 as wait,
        extract(epoch from coalesce(finished_at, now()) - started_at)::float8 as seconds
    from workflow_steps where account_id = $1 and run_id = $2 order by place
"""
COST = "select coalesce(sum(cost), 0)::float8 from workflow_steps where account_id = $1 and run_id = $2"
LIST = """
    select r.id, r.workflow_id, r.version, r.status, r.error, r.created_at, r.started_at, r.finished_at,
        (select coalesce(sum(s.cost), 0)::float8 from workflow_steps s where s.run_id = r.id) as cost
    from workflow_runs r
    where r.account_id = $1 and r.workflow_id = $2 and ($3::uuid is null or r.id < $3) and ($4::text is null or r.status = $4)
    order by r.id desc limit $5
"""
CANCEL = """
    update workflow_runs set cancelled = true, due_at = case when lease_until is null then now() else due_at end
    where account_id = $1 and workflow_id = $2 and id = $3 and status in ('queued', 'running')
"""
DUE = """
    select id from workflow_runs where due_at <= now() and (lease_until is null or lease_until < now())
    order by due_at limit $1
"""
CLAIM = """
    update workflow_runs set owner = $2, epoch = epoch + 1, lease_until = now() + make_interval(secs => $3),
        due_at = now() + make_interval(secs => $3), status = 'running', started_at = coalesce(started_at, now())
    where id = (select id from workflow_runs where id = $1 and due_at <= now()
        and (lease_until is null or lease_until < now()) for update skip locked)
    returning id, account_id, workflow_id, version, key_id, input, epoch, cancelled, created_at
"""
DEFINITION = (
    "select definition, sealed from workflow_versions where account_id = $1 and workflow_id = $2 and version = $3"
)
RENEW = """
    update workflow_runs set lease_until = now() + make_interval(secs => $4), due_at = now() + make_interval(secs => $4)
    where account_id = $1 and id = $2 and epoch = $3 and lease_until is not null
    returning cancelled
"""
BEGIN = """
    update workflow_steps s set status = 'running', attempts = s.attempts + 1, due_at = null,
        started_at = coalesce(s.started_at, now())
    from workflow_runs r
    where r.account_id = $1 and r.id = $2 and r.epoch = $3 and r.lease_until is not null
        and s.run_id = r.id and s.name = $4 and s.status in ('queued', 'running')
"""
# A step that waits, or that is tried again: due then.
PUT_OFF = """
    update workflow_steps s set status = $6, due_at = now() + make_interval(secs => $5), error = $7, cost = s.cost + $8,
        started_at = coalesce(s.started_at, now())
    from workflow_runs r
    where r.account_id = $1 and r.id = $2 and r.epoch = $3 and r.lease_until is not null
        and s.run_id = r.id and s.name = $4 and s.status in ('queued', 'running')
"""
END = """
    update workflow_steps s set status = $5, output = $6, error = $7, cost = s.cost + $8, due_at = null,
        finished_at = now()
    from workflow_runs r
    where r.account_id = $1 and r.id = $2 and r.epoch = $3 and r.lease_until is not null
        and s.run_id = r.id and s.name = $4 and s.status in ('queued', 'running')
"""
REST = """
    update workflow_steps s set status = $4, finished_at = now(), due_at = null from workflow_runs r
    where r.account_id = $1 and r.id = $2 and r.epoch = $3 and s.run_id = r.id and s.status in ('queued', 'running')
"""
FINISH = """
    update workflow_runs set status = $4, output = $5, error = $6, finished_at = now(), lease_until = null, owner = null,
        due_at = null
    where account_id = $1 and id = $2 and epoch = $3 and lease_until is not null
    returning extract(epoch from now() - started_at)::float8 as seconds
"""
RELEASE = """
    update workflow_runs set lease_until = null, owner = null,
        due_at = case when cancelled then now() else now() + make_interval(secs => $4) end
    where account_id = $1 and id = $2 and epoch = $3 and lease_until is not null
"""
# Their steps go with them.
FORGET = """
    delete from workflow_runs where id in (
        select id from workflow_runs where finished_at < now() - make_interval(days => $1) limit 1000)
"""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """A leased run."""

    id: UUID
    account_id: UUID
    workflow_id: UUID
    version: int
    key_id: UUID | None
    input: Json
    epoch: int
    cancelled: bool
    created_at: Any


async def add(
    db: Call, account: UUID, id: UUID, workflow: UUID, version: int, key: UUID | None, given: Json,
    steps: Sequence[Json],
) -> None:
    """steps: {name, place, type}. Nothing when there is a run of this id. Inside a transaction."""
    if await db.run(ADD, id, account, workflow, version, key, clean(given)) == 1:
        await db.run(ADD_STEPS, account, id, clean(list(steps)))


async def get(db: Call, account: UUID, workflow: UUID, id: UUID) -> Json | None:
    row = await db.row(GET, account, workflow, id)
    return dict(row) if row else None


async def steps(db: Call, account: UUID, run: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(STEPS, account, run)]


async def cost(db: Call, account: UUID, run: UUID) -> float:
    """Dollars of all its steps."""
    return float(await db.value(COST, account, run))


async def listed(
    db: Call, account: UUID, workflow: UUID, before: UUID | None, status: str | None, limit: int
) -> list[Json]:
    return [dict(r) for r in await db.fetch(LIST, account, workflow, before, status, limit)]


async def cancel(db: Call, account: UUID, workflow: UUID, id: UUID) -> bool:
    """False when it has ended already."""
    return await db.run(CANCEL, account, workflow, id) == 1


async def due(db: Call, limit: int) -> list[UUID]:
    """Runs that nobody works on and that may go on now."""
    return [r["id"] for r in await db.fetch(DUE, limit)]


async def claim(db: Call, id: UUID, me: str, lease: float) -> Run | None:
    row = await db.row(CLAIM, id, me, lease)
    return Run(**dict(row)) if row else None


async def definition(db: Call, account: UUID, workflow: UUID, version: int) -> tuple[Json, bytes | None]:
    """And what of it is sealed."""
    row = await db.row(DEFINITION, account, workflow, version)
    assert row is not None
    return row["definition"], row["sealed"]


async def renew(db: Call, run: Run, lease: float) -> bool | None:
    """Whether it is to be cancelled; None: the lease is lost."""
    found: bool | None = await db.value(RENEW, run.account_id, run.id, run.epoch, lease)
    return found


async def begin(db: Call, run: Run, name: str) -> bool:
    """False: the lease is lost."""
    return await db.run(BEGIN, run.account_id, run.id, run.epoch, name) == 1


async def put_off(db: Call, run: Run, name: str, seconds: float, status: str, error: Json | None, cost: float) -> bool:
    found = await db.run(PUT_OFF, run.account_id, run.id, run.epoch, name, seconds, status, clean(error), cost)
    return found == 1


async def end(
    db: Call, run: Run, name: str, status: str, output: Any = None, error: Json | None = None, cost: float = 0.0
) -> bool:
    """False: the lease is lost, and what the step did is not counted."""
    found = await db.run(
        END, run.account_id, run.id, run.epoch, name, status, clean(output), clean(error), cost
    )
    return found == 1


async def rest(db: Call, run: Run, status: str) -> None:
    """End all steps that have not ended."""
    await db.run(REST, run.account_id, run.id, run.epoch, status)


async def finish(db: Call, run: Run, status: str, output: Any, error: Json | None) -> float | None:
    """Seconds from its beginning; None: the lease is lost."""
    found: float | None = await db.value(
        FINISH, run.account_id, run.id, run.epoch, status, clean(output), clean(error)
    )
    return found


async def release(db: Call, run: Run, seconds: float) -> None:
    """Somebody may go on with it in `seconds`."""
    await db.run(RELEASE, run.account_id, run.id, run.epoch, seconds)


async def forget(db: Call, days: int) -> int:
    """Drop runs that ended so many days ago."""
    return await db.run(FORGET, days)
