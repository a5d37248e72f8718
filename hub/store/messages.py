"""The conversation as everyone sees it, and what happened around it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call, clean

HISTORY = """
    select id, role, source, content, turn_id, network_id, position, created_at from messages
    where session_id = $1 and account_id = $2 and not hidden and position > $3
    order by position limit $4
"""
NEWEST = """
    select * from (
        select id, role, source, content, turn_id, network_id, position, created_at from messages
        where session_id = $1 and account_id = $2 and not hidden
            and (id >= (select messages_since(s.created_at) from sessions s where s.id = $1) or id < '01800000-0000-0000-0000-000000000000')
        order by position desc limit $3) newest
    order by position
"""
WAITING = """
    select id, seq, body, received_at, state from inbox where session_id = $1 and account_id = $2 and state = 'waiting' order by seq
"""
ONE = """
    select id, role, source, content from messages where session_id = $1 and account_id = $2 and id = $3 and not hidden
"""
UNANSWERED = """
    select id, 'user' as role, 'contact' as source, body as content, null::uuid as turn_id, network_id, received_at as created_at
    from inbox where session_id = $1 and account_id = $2 and state = 'waiting' and command is null
        and not exists (select 1 from messages m where m.id = inbox.id)
    order by seq
"""
# A part of an answer says more exactly what was quoted than the whole message; what waits is in the inbox.
NAMED = """
    with this as (select s.* from sessions s where s.id = $2 and s.account_id = $1),
    mine as (select id from this union
        select z.id from this join sessions z on z.contact_id = this.contact_id and z.integration_id = this.integration_id)
    select distinct on (f.network_id) f.network_id, f.body from (
        select o.network_id, case when o.body ? 'file' then jsonb_build_object('media', o.body->'file'->'media', 'name', o.body->'file'->'name')
            else jsonb_build_object('text', o.body->>'plain') end as body, 1 as rank
            from outbox o where o.integration_id = $3 and o.network_id = any($4) and o.session_id in (select id from mine)
        union all
        select m.network_id, m.content, 2 from messages m
            where m.session_id in (select id from mine) and m.network_id = any($4) and not m.hidden
        union all
        select i.network_id, i.body, 3 from inbox i
            where i.network_id = any($4) and i.session_id in (select id from mine) and i.command is null
              and not exists (select 1 from messages m where m.id = i.id)) f
    order by f.network_id, f.rank
"""
AFTER_LAST_USER = """
    with last as (select max(position) as position from messages where session_id = $1 and account_id = $2 and role = 'user' and not hidden),
    dropped as (update messages m set hidden = true from last
        where m.session_id = $1 and m.account_id = $2 and not m.hidden and m.position > last.position returning m.id)
    select (select position from last) as position, array(select id from dropped) as dropped
"""
LAST = "select coalesce(max(position), 0) from messages where session_id = $1 and account_id = $2"
ASK_AGAIN = "select outcome, message_id, body, gone from ask_again($1)"
HIDDEN = """
    select id from messages where session_id = $1 and account_id = $2 and hidden order by position desc limit $3
"""
HIDE_ALL = "update messages set hidden = true where session_id = $1 and account_id = $2 and not hidden returning id"
ZERO = "update sessions set message_count = 0, title = null where id = $1 and account_id = $2"
COUNT_DOWN = "update sessions set message_count = greatest(0, message_count - $3) where id = $1 and account_id = $2"
ADD = """
    insert into messages (id, account_id, session_id, role, source, content)
    select $1, s.account_id, s.id, $3, $4, $5 from sessions s where s.id = $2 and s.account_id = $6
    returning position
"""
NOTE = """
    insert into happenings (account_id, client_id, integration_id, session_id, message_id, kind, detail)
    values ($1, $2, $3, $4, $5, $6, $7)
"""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Again:
    """What became of a question that is asked again (see `ask_again` in SQL)."""

    outcome: str
    message_id: UUID | None
    body: Json | None
    gone: list[UUID] | None


async def history(db: Call, account: UUID, session: UUID, after: int, limit: int) -> list[Json]:
    """The first visible messages behind a position, in order; who wants all goes on behind the last."""
    return [dict(r) for r in await db.fetch(HISTORY, session, account, after, limit)]


async def newest(db: Call, account: UUID, session: UUID, limit: int | None = 500) -> list[Json]:
    """The newest visible messages (None: all of them), oldest first."""
    return [dict(r) for r in await db.fetch(NEWEST, session, account, limit)]


async def waiting(db: Call, account: UUID, session: UUID) -> list[Json]:
    return [dict(r) for r in await db.fetch(WAITING, session, account)]


async def one(db: Call, account: UUID, session: UUID, id: UUID) -> Json | None:
    row = await db.row(ONE, session, account, id)
    return dict(row) if row else None


async def unanswered(db: Call, account: UUID, session: UUID) -> list[Json]:
    """What was said and waits for its turn, in the shape of `history`."""
    return [dict(r) for r in await db.fetch(UNANSWERED, session, account)]


async def named(db: Call, account: UUID, session: UUID, integration: UUID, ids: list[str]) -> dict[str, Json]:
    """What was said in these messages of a session's person, by the network's ids."""
    rows = await db.fetch(NAMED, account, session, integration, ids)
    return {r["network_id"]: _shown(r["body"]) for r in rows}


def _shown(body: Json) -> Json:
    """A file that was sent alone is told by its kind and name."""
    return body if "media" not in body else {"text": f"[{body['media']}: {body.get('name') or ''}]"}


async def drop_after_last_user(db: Call, account: UUID, session: UUID) -> list[UUID] | None:
    """Hide everything after the last user message and say what; None when there is no such message."""
    row = await db.row(AFTER_LAST_USER, session, account)
    if row is None or row["position"] is None:
        return None
    await db.run(COUNT_DOWN, session, account, len(row["dropped"]))
    return list(row["dropped"])


async def ask_again(db: Call, item: Json) -> Again:
    """`item`: as `hub.store.inbox.ingest` takes it, without a body."""
    row = await db.row(ASK_AGAIN, item)
    assert row is not None
    return Again(**dict(row))


async def hidden(db: Call, account: UUID, session: UUID, limit: int) -> list[UUID]:
    """Messages that are not shown any more, the newest."""
    return [r["id"] for r in await db.fetch(HIDDEN, session, account, limit)]


async def last_position(db: Call, account: UUID, session: UUID) -> int:
    return int(await db.value(LAST, session, account))


async def clear(db: Call, account: UUID, session: UUID) -> list[UUID]:
    """Hide all messages; which these were."""
    gone = [r["id"] for r in await db.fetch(HIDE_ALL, session, account)]
    await db.run(ZERO, session, account)
    return gone


async def add(db: Call, account: UUID, session: UUID, id: UUID, role: str, source: str, content: Json) -> int | None:
    """Add one message outside a turn; None when the session is not the account's."""
    found: int | None = await db.value(ADD, id, session, role, source, await personal.body(db, account, session, content), account)
    return found


async def note(db: Call, account: UUID, kind: str, detail: Json, **where: UUID | None) -> None:
    """Record a happening; `where`: client, integration, session, message."""
    await db.run(
        NOTE,
        account,
        where.get("client"),
        where.get("integration"),
        where.get("session"),
        where.get("message"),
        kind,
        clean(detail),
    )
