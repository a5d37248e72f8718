"""Who is told of what waits for a person, in which browsers, and what they were told already."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

OF = "select notices from operators where account_id = $1 and id = $2 for no key update"
SET = "update operators set notices = $3 where account_id = $1 and id = $2"
# What somebody has, and what a person was asked for and nobody has, or whoever is to see to it; not what was put away. $1: way. $2: accounts that are being told just now. $3: how
# many of one account at once. A claim is a row: two processes tell of a message once. What is seen in the inbox is told to nobody.
CLAIM = """
    with waiting as (
        select s.id as session_id, s.account_id, s.handoff_by as whose, s.last_user_at as at from sessions s
        join session_order p on p.session_id = s.id and p.status = 'open'
        where s.handoff_at is not null and s.handoff_by is not null and s.closed_at is null
            and s.last_user_at = s.last_message_at and s.last_user_at > now() - interval '1 day'
        union all
        select h.session_id, h.account_id, p.assignee_id, greatest(h.asked_at, s.last_user_at)
        from human_requests h join sessions s on s.id = h.session_id left join session_order p on p.session_id = s.id
        where h.state in ('waiting', 'left') and h.asked_at > now() - interval '1 day' and s.handoff_by is null
            and coalesce(p.status, 'open') = 'open'),
    due as (
        select w.session_id, w.account_id, w.at, o.id as operator_id, o.email, o.language, o.notices as how,
            row_number() over (partition by w.account_id order by w.at) as place
        from waiting w join operators o on o.account_id = w.account_id and o.role <> 'viewer'
        left join session_reads r on r.operator_id = o.id and r.session_id = w.session_id
        left join notices n on n.operator_id = o.id and n.session_id = w.session_id and n.way = $1
        where w.account_id <> all($2::uuid[]) and coalesce(r.at, '-infinity') < w.at and coalesce(n.at, '-infinity') < w.at
            and case coalesce(o.notices->>'of', 'open') when 'all' then true when 'mine' then w.whose = o.id
                else w.whose is null or w.whose = o.id end
            and not is_quiet(o.notices, now())
            and case when $1 = 'push' then coalesce((o.notices->>'push')::boolean, true)
                    and exists (select 1 from push_subscriptions p where p.operator_id = o.id)
                else coalesce((o.notices->>'mail')::int, 0) > 0
                    and w.at < now() - make_interval(mins => coalesce((o.notices->>'mail')::int, 0))
                    and not exists (select 1 from notices z where z.operator_id = o.id and z.way = 'mail'
                        and z.told_at > now() - interval '5 minutes') end),
    told as (
        insert into notices (operator_id, session_id, account_id, way, at)
        select d.operator_id, d.session_id, d.account_id, $1, d.at from due d where d.place <= $3 limit 2000
        on conflict (operator_id, session_id, way) do update set at = excluded.at, told_at = now() where notices.at < excluded.at
        returning operator_id, session_id)
    select d.session_id, d.account_id, d.at, d.operator_id, d.email, d.language, s.id, s.tag, s.chat, i.channel,
        k.name as contact_name, k.phone, k.username,
        coalesce(s.metadata->>'name', s.metadata->>'anon:name', s.metadata->>'email', s.metadata->>'anon:email') as said_name,
        -- The clock that they have chosen, else that of their business.
        coalesce(nullif(case when coalesce(d.how->>'zone', 'UTC') <> 'UTC' or coalesce(d.how->>'quietStart', '') <> ''
            or (d.how->>'weekly')::boolean then d.how->>'zone' end, ''), a.parameters->>'timeZone', 'UTC') as zone
    from told t join due d on d.operator_id = t.operator_id and d.session_id = t.session_id join sessions s on s.id = d.session_id
    left join integrations i on i.id = s.integration_id left join contacts k on k.id = s.contact_id
    join accounts a on a.id = d.account_id order by d.at
"""
# It could not be told: somebody tries again, after the pause that is between two mails.
RELEASE = """
    update notices set at = '-infinity' where account_id = $1 and operator_id = $2 and way = $3 and session_id = any($4::uuid[])
"""
# Of a conversation in which somebody of ours wrote last. $1: accounts that are being told just now; $2: as $3 above.
VISITORS = """
    update push_subscriptions p set told_at = s.last_message_at from sessions s
    where s.id = p.session_id and s.last_message_at > p.told_at and s.last_user_at is distinct from s.last_message_at
        and s.closed_at is null and p.id in (
            select x.id from (select q.id, q.told_at, row_number() over (partition by q.account_id order by q.told_at) as place
                from push_subscriptions q join sessions z on z.id = q.session_id where z.last_message_at > q.told_at
                    and z.last_user_at is distinct from z.last_message_at and z.closed_at is null
                    and q.account_id <> all($1::uuid[])) x where x.place <= $2 order by x.told_at limit 500)
    returning p.id, p.account_id, p.session_id, p.endpoint, p.p256dh, p.auth
"""
BROWSERS = """
    select id, operator_id, endpoint, p256dh, auth from push_subscriptions where account_id = $1 and operator_id = any($2::uuid[])
"""
# Of somebody's browsers the newest stay.
ADD = """
    with gone as (delete from push_subscriptions p where p.id in (select q.id from push_subscriptions q
        where q.account_id = $2 and q.operator_id = $3 and q.endpoint <> $5 order by q.created_at desc offset 9))
    insert into push_subscriptions (id, account_id, operator_id, browser, endpoint, p256dh, auth)
    select $1, $2, b.operator_id, b.hash, $5, $6, $7 from operator_sessions b where b.hash = $4 and b.operator_id = $3
    on conflict (md5(endpoint), coalesce(operator_id, session_id)) do update set browser = excluded.browser,
        p256dh = excluded.p256dh, auth = excluded.auth, failures = 0
"""
ADD_VISITOR = """
    with gone as (delete from push_subscriptions p where p.id in (select q.id from push_subscriptions q
        where q.account_id = $2 and q.session_id = $3 and q.endpoint <> $4 order by q.created_at desc offset 2))
    insert into push_subscriptions (id, account_id, session_id, endpoint, p256dh, auth)
    select $1, $2, s.id, $4, $5, $6 from sessions s where s.id = $3 and s.account_id = $2 and s.closed_at is null
    on conflict (md5(endpoint), coalesce(operator_id, session_id)) do update set p256dh = excluded.p256dh,
        auth = excluded.auth, failures = 0
"""
REMOVE = "delete from push_subscriptions where account_id = $1 and coalesce(operator_id, session_id) = $2 and endpoint = $3"
HAS = "select exists (select 1 from push_subscriptions where account_id = $1 and browser = $2)"
GONE = "delete from push_subscriptions where account_id = $1 and id = $2"
FAILED = """
    with counted as (update push_subscriptions set failures = failures + 1 where account_id = $1 and id = $2 and failures < $3 returning id)
    delete from push_subscriptions where account_id = $1 and id = $2 and not exists (select 1 from counted)
"""
HEARD = "update push_subscriptions set failures = 0 where account_id = $1 and id = $2 and failures > 0"
FORGET = """
    with ended as (delete from push_subscriptions where id in (
        select p.id from push_subscriptions p join sessions s on s.id = p.session_id where s.closed_at is not null limit 20000))
    delete from notices where (operator_id, session_id, way) in (
        select operator_id, session_id, way from notices where told_at < now() - interval '3 days' limit 20000)
"""

Json = dict[str, Any]


async def of(db: Call, account: UUID, operator: UUID) -> Json | None:
    """Locked until the transaction ends."""
    row = await db.row(OF, account, operator)
    return dict(row["notices"]) if row else None


async def set_of(db: Call, account: UUID, operator: UUID, notices: Json) -> None:
    await db.run(SET, account, operator, notices)


async def claim(db: Call, way: str, busy: Sequence[UUID], each: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(CLAIM, way, list(busy), each)]


async def release(db: Call, account: UUID, operator: UUID, way: str, sessions: Sequence[UUID]) -> None:
    await db.run(RELEASE, account, operator, way, list(sessions))


async def visitors(db: Call, busy: Sequence[UUID], each: int) -> list[Json]:
    return [dict(r) for r in await db.fetch(VISITORS, list(busy), each)]


async def browsers(db: Call, account: UUID, operators: Sequence[UUID]) -> list[Json]:
    return [dict(r) for r in await db.fetch(BROWSERS, account, list(operators))]


async def add(
    db: Call, id: UUID, account: UUID, operator: UUID, browser: bytes, endpoint: str, p256dh: str, auth: str
) -> bool:
    """False where they are not signed in there any more."""
    return await db.run(ADD, id, account, operator, browser, clean(endpoint), clean(p256dh), clean(auth)) == 1


async def add_visitor(
    db: Call, id: UUID, account: UUID, session: UUID, endpoint: str, p256dh: str, auth: str
) -> bool:
    return await db.run(ADD_VISITOR, id, account, session, clean(endpoint), clean(p256dh), clean(auth)) == 1


async def remove(db: Call, account: UUID, whose: UUID, endpoint: str) -> bool:
    """whose: an operator or a visitor's session."""
    return await db.run(REMOVE, account, whose, clean(endpoint)) == 1


async def has(db: Call, account: UUID, browser: bytes) -> bool:
    return bool(await db.value(HAS, account, browser))


async def gone(db: Call, account: UUID, id: UUID) -> None:
    await db.run(GONE, account, id)


async def failed(db: Call, account: UUID, id: UUID, most: int) -> None:
    """Counted; after `most` in a row it is gone."""
    await db.run(FAILED, account, id, most)


async def heard(db: Call, account: UUID, id: UUID) -> None:
    await db.run(HEARD, account, id)


async def forget(db: Call) -> int:
    return await db.run(FORGET)
