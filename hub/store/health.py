"""What an operator wants to know about the database itself."""

from typing import Any

from hub.store.db import Call

PING = "select 1"
DATABASE = """
    select current_setting('server_version') as version, current_setting('fsync') as fsync,
        current_setting('synchronous_commit') as synchronous_commit, clock_timestamp() as now,
        (select array_agg(extname::text) from pg_extension) as extensions
"""
SIZE = "select pg_database_size(current_database())"
BEATS = "select kind, count(*)::int as alive from worker_beats where at > now() - interval '15 seconds' group by kind"
INTEGRATIONS = (
    "select i.*, c.name as client_name from integrations i join clients c on c.id = i.client_id order by i.id"
)


async def ping(db: Call) -> bool:
    return bool(await db.value(PING) == 1)


async def database(db: Call) -> dict[str, Any]:
    row = await db.row(DATABASE)
    assert row is not None
    return dict(row)


async def size(db: Call) -> int:
    """Bytes of the database."""
    return int(await db.value(SIZE))


async def beats(db: Call) -> dict[str, int]:
    """Processes that gave a sign of life lately, by kind."""
    return {r["kind"]: r["alive"] for r in await db.fetch(BEATS)}


async def integrations(db: Call) -> list[dict[str, Any]]:
    """Every integration of every account: for the machine's operator only."""
    return [dict(r) for r in await db.fetch(INTEGRATIONS)]
