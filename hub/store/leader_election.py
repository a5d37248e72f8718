"""One process at a time for periodic work, and the periodic statements that belong to no aggregate."""

from hub.store.db import Call

TAKE = """
    insert into leader (name, epoch, holder, until) values ($1, 1, $2, now() + make_interval(secs => $3))
    on conflict (name) do update set epoch = leader.epoch + 1, holder = $2, until = now() + make_interval(secs => $3)
        where leader.holder = $2 or leader.until < now()
    returning epoch
"""
CLOSE = """
    update sessions set closed_at = now() where id in (
        select id from sessions where closed_at is null and expires_at < now() and due_at is null and last_seq = done_seq
            and handoff_at is null and kind = 'channel' limit 1000)
"""


async def take(db: Call, name: str, me: str, seconds: float) -> bool:
    """Whether this process leads `name` for the next `seconds`."""
    return await db.value(TAKE, name, me, seconds) is not None


async def close_expired(db: Call) -> int:
    """Close channel sessions whose time is over; the next message opens a new one."""
    return await db.run(CLOSE)
