"""Arrived items become rows: each once, in order, in one call."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from hub.store import personal
from hub.store.db import Call, clean

# The stored function `ingest`, one by one, says what this does at once for all that are plain.
INGEST = """
    select n, outcome, session_id, seq, message_id, due_in,
           extract(epoch from clock_timestamp() - statement_timestamp())::float8 as took
    from ingest_direct($1, $2) order by n
"""
ENDPOINT = """
    select i.id, i.account_id, i.client_id, i.channel, i.settings, i.secrets, i.secret_hash, i.mode, i.handle, i.state,
           i.state_text, i.connection, i.session_seconds, i.groups, i.own_ids, c.limits, c.parameters, a.outreach
    from integrations i join clients c on c.id = i.client_id join accounts a on a.id = c.account_id
    where i.client_id = $1 and i.channel = $2
"""
LEARN = """
    update integrations set own_ids = array(select distinct i from unnest(own_ids || $2::text[]) i order by i limit 20)
    where id = $1 and not own_ids @> $2
"""
# Whether a group message means us though the network does not say so: it answers to a message of ours, or the one number it
# calls is nobody's who was ever seen, while we do not know our own.
MEANT = """
    select exists (select 1 from outbox o where o.integration_id = $1 and o.network_id = $3)
        or exists (select 1 from contact_ids c join sessions s on s.contact_id = c.contact_id join messages m on m.session_id = s.id
            where c.integration_id = $1 and c.value = $2 and m.network_id = $3 and m.role = 'assistant')
        or ($4::text is not null and not exists (select 1 from contact_ids c where c.integration_id = $1 and c.value = $4)
            and not exists (select 1 from contact_ids c join sessions s on s.contact_id = c.contact_id join inbox i on i.session_id = s.id
                where c.integration_id = $1 and c.value = $2 and i.body->'from' ? $4))
"""
OFFERED = """
    select m.content->'choices' from messages m join sessions s on s.id = m.session_id
    where m.id = $2 and s.integration_id = $1
"""
# What the last thing said in the contact's last conversation offers, if it offers anything.
LAST_OFFERED = """
    select (select m.content->'choices' from messages m where m.session_id = s.id and m.role = 'assistant' and not m.hidden
            order by m.position desc limit 1)
    from contact_ids c join sessions s on s.contact_id = c.contact_id and s.integration_id = c.integration_id
    where c.integration_id = $1 and c.value = any($2) order by s.last_message_at desc nulls last limit 1
"""
QUARANTINE = """
    insert into quarantine (id, account_id, integration_id, sha256, raw, headers, reason) values ($1, $2, $3, $4, $5, $6, $7)
"""
HELD = """
    select id, at, reason, length(raw) as size, encode(sha256, 'hex') as sha256 from quarantine
    where account_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3
"""
HELD_COUNT = "select count(*)::int from quarantine where account_id = $1"
CHANGED = "select exists (select 1 from clients where id = $1 and updated_at > $2)"
# What is put aside is kept for 30 days, and 50 MB of each account.
FORGET_HELD = """
    delete from quarantine where id = any (array(
        select id from (
            select id, at, sum(octet_length(raw)) over (partition by account_id order by at desc, id desc) as size from quarantine) q
        where at < now() - interval '30 days' or size > 50000000 limit 1000))
"""
FORGET = """
    delete from inbox_dedupe where ctid = any (array(
        select ctid from inbox_dedupe where at < now() - interval '30 days' limit 20000))
"""

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one item: accepted, duplicate, ignored, recorded, echo, failed, gone, taken: recorded, and a
    person has the conversation by it, or behind: not stored, since calls of its integration wait in the journal. took: seconds that PostgreSQL itself worked on its group."""

    outcome: str
    session_id: UUID | None
    seq: int | None
    message_id: UUID | None
    due_in: float | None
    took: float = 0.0


async def ingest(db: Call, items: Sequence[Item]) -> list[Stored]:
    """Store items in the order given; results are in the same order.

    The caller sorts by contact where several groups may run side by side, so that two groups lock
    sessions in the same order; a deadlock all the same is tried again.
    """
    whose = {UUID(i["integration"]) for i in items if i.get("integration")}
    given = await personal.items(db, items)
    return await stored(lambda: db.fetch(INGEST, given, sorted(whose)))


async def stored(storing: Callable[[], Awaitable[Sequence[asyncpg.Record]]]) -> list[Stored]:
    """What became of items; a deadlock is tried again."""
    for left in (2, 1, 0):
        try:
            rows = await storing()
            break
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
            if not left:
                raise
    return [Stored(r["outcome"], r["session_id"], r["seq"], r["message_id"], r["due_in"], r["took"]) for r in rows]


async def endpoint(db: Call, client_id: UUID, channel: str) -> dict[str, Any] | None:
    """The integration behind a webhook path, with its chat client's parameters."""
    row = await db.row(ENDPOINT, client_id, channel)
    return dict(row) if row else None


async def learn(db: Call, integration: UUID, ids: Sequence[str]) -> None:
    """Remember ids of the account itself."""
    await db.run(LEARN, integration, list(ids))


async def meant(db: Call, integration: UUID, group: str, reply_to: str | None, called: str | None) -> bool:
    """Whether a group message answers to one of ours, or calls (`called`) somebody who can only be us."""
    return bool(await db.value(MEANT, integration, group, reply_to, called))


async def offered(db: Call, integration: UUID, message: UUID) -> Any:
    """The choices of a message that went out on this integration."""
    return await db.value(OFFERED, integration, message)


async def last_offered(db: Call, integration: UUID, ids: Sequence[str]) -> Any:
    """The choices that a contact saw last, None when something else was said since."""
    return await db.value(LAST_OFFERED, integration, list(ids))


async def changed_since(db: Call, client_id: UUID, since: datetime) -> bool:
    """Whether a chat client or its integrations were changed after `since`."""
    return bool(await db.value(CHANGED, client_id, since))


async def quarantine(
    db: Call,
    id: UUID,
    account: UUID | None,
    integration: UUID | None,
    raw: tuple[bytes, bytes],
    headers: Item,
    reason: str,
) -> None:
    """Keep a body that could not be read; `raw` is (sha256, bytes)."""
    await db.run(QUARANTINE, id, account, integration, raw[0], raw[1], clean(headers), clean(reason))


async def held(db: Call, account: UUID, before: UUID | None, limit: int) -> list[Item]:
    return [dict(r) for r in await db.fetch(HELD, account, before, limit)]


async def held_count(db: Call, account: UUID) -> int:
    return int(await db.value(HELD_COUNT, account))


async def forget(db: Call) -> int:
    """Drop dedupe keys older than any network's replay."""
    return await db.run(FORGET)


async def forget_held(db: Call) -> int:
    """Drop what was put aside and is too old, or too much."""
    return await db.run(FORGET_HELD)
