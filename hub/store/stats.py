"""Figures about the pipeline."""

from typing import Any

from hub.store.db import Call

PIPELINE = """
    select
        (select coalesce(extract(epoch from now() - min(s.due_at)), 0)::float8
            from session_queue q join sessions s on s.id = q.session_id
            where s.due_at <= now() and (s.lease_until is null or s.lease_until < now()) and s.last_seq > s.done_seq) as lag,
        (select count(*) from quarantine)::int as quarantined,
        (select count(*) from arrivals)::int as backlog,
        (select coalesce(extract(epoch from now() - min(a.at)), 0)::float8 from arrivals a) as backlog_age,
        (select coalesce(jsonb_object_agg(state, n), '{}') from (
            select state, count(*) as n from outbox where created_at > now() - interval '1 day' group by state) s) as deliveries
"""


async def pipeline(db: Call) -> dict[str, Any]:
    """lag: seconds; quarantined, backlog: rows; backlog_age: seconds; deliveries: count by state, last day."""
    row = await db.row(PIPELINE)
    assert row is not None
    return dict(row)
