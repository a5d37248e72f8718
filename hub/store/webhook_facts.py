"""What happened in conversations and no webhook was told of yet: which rows it is about, in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call

# From one account to the next by the index, however much of one there is; in no order, so that none is always the last.
ACCOUNTS = """
    with recursive found as (
        (select account_id from webhook_facts order by account_id limit 1)
        union all
        select (select f.account_id from webhook_facts f where f.account_id > found.account_id order by f.account_id limit 1)
            from found where found.account_id is not null)
    select account_id from found where account_id is not null order by random() limit $1
"""
FORGET = "delete from webhook_facts where id in (select id from webhook_facts where at < now() - interval '7 days' order by id limit 10000)"
# The lock that `emit` takes: events of an account get their places one after the other.
LOCK = "select pg_advisory_xact_lock(hashtextextended('emit ' || account_id::text, 0)) from (select $1::uuid as account_id) a"
# What is through, and what no transaction of this server can have written: that came with a backup of another.
TAKE = """
    with f as (
        delete from webhook_facts where id in (
            select id from webhook_facts where account_id = $1 and (tx < pg_snapshot_xmin(pg_current_snapshot())
                or tx >= pg_snapshot_xmax(pg_current_snapshot()))
            order by tx, id limit $2)
        returning *)
    select f.type, f.session_id, f.object, f.at, s.client_id, c.name as client, coalesce(i.channel, 'web') as network, s.tag,
        k.id as contact, k.name as contact_name, k.phone, k.username, h.name as handler,
        case f.type
            when 'session.message.received' then (
                select jsonb_build_object('id', b.id, 'content', b.body, 'source', 'contact', 'at', b.received_at)
                from inbox b where b.id = f.object::uuid and b.account_id = $1)
            when 'session.message.answered' then (
                select jsonb_build_object('id', m.id, 'content', m.content, 'source', m.source, 'at', m.created_at)
                from messages m where m.id = f.object::uuid and m.account_id = $1)
            when 'session.message.failed' then (
                select jsonb_build_object('id', o.message_id, 'state', o.state, 'code', o.code, 'error', o.error)
                from outbox o where o.id = f.object::bigint and o.account_id = $1)
            when 'session.rated' then (
                select jsonb_build_object('id', y.message_id, 'detail', y.detail)
                from happenings y where y.id = f.object::bigint and y.account_id = $1)
            when 'campaign.completed' then (
                select jsonb_build_object('id', g.id, 'name', g.name, 'client', g.client_id, 'network', g.channel, 'size', g.size,
                    'states', (select coalesce(jsonb_object_agg(state, n), '{}') from (
                        select a.state, count(*) as n from activations a where a.campaign_id = g.id group by 1) as by_state))
                from campaigns g where g.id = f.object::uuid and g.account_id = $1)
        end as about
    from f
    left join sessions s on s.id = f.session_id and s.account_id = $1
    left join clients c on c.id = s.client_id
    left join contacts k on k.account_id = $1 and k.id = case f.type when 'contact.joined' then f.object::uuid else s.contact_id end
    left join integrations i on i.id = coalesce(s.integration_id, case f.type when 'contact.joined' then k.integration_id end)
    left join operators h on h.account_id = $1 and h.id = case f.type when 'session.taken_over' then f.object::uuid end
    order by f.tx, f.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One, with what is known of it now. about: what its type has; None: what it was about is gone."""

    type: str
    session_id: UUID | None
    object: str | None
    at: datetime
    client_id: UUID | None
    client: str | None
    network: str
    tag: str | None
    contact: UUID | None
    contact_name: str | None
    phone: str | None
    username: str | None
    handler: str | None
    about: dict[str, Any] | None


async def waiting(db: Call, limit: int) -> list[UUID]:
    """Accounts of which something is to be told."""
    return [r["account_id"] for r in await db.fetch(ACCOUNTS, limit)]


async def take(tx: Call, account: UUID, limit: int) -> list[Fact]:
    """The oldest, in the order of their transactions; nobody else's until this transaction ends, then gone."""
    await tx.run(LOCK, account)
    return [Fact(**dict(r)) for r in await tx.fetch(TAKE, account, limit)]


async def forget(db: Call) -> int:
    """What could not be told for days stands before nothing any more."""
    return await db.run(FORGET)
