"""Placeholders that may stand in a chat though nobody knows their id."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call

Json = dict[str, Any]

AFTER = 20  # messages of a conversation before which a placeholder may stand
ALBUM = 10  # files of the largest album
TALKS = 50  # conversations of a chat that are looked at
# How many ids before a message of ours are tried at most. What stands further back in the chat is no candidate, so of
# its messages no more than these are read: of one conversation, and of all together. And how many after the question.
FAR, READ, READ_IN_ALL, FAR_FROM_QUESTION = 1000, 1000, 1500, 500
ABOVE = 100  # and after the last of all
SOON = 2  # seconds until it is looked further, where a look brought nothing and the network told of all
LATE = 5  # seconds after which one that was sent has come, if it comes at all
# $2: for how many seconds what was said may have come after it.
MARK = """
    insert into stray_placeholders (session_id, account_id, since)
    select s.id, s.account_id, now() - make_interval(secs => $2) from sessions s where s.id = $1
"""
# Nothing is looked for as long as a part of ours may still get its id (`waits`). Words of ours without an id that may be there
# are told from a placeholder by what they say; whoever reads them takes their buttons away, and puts them back (`buttoned`).
# All this counts for the whole chat, whose ids are one row: its newest conversations, of which each has two messages at least.
# A part that is to be filled in stands where its placeholder does (`kept`). Nothing is older than the question that it stands
# for (`asked`): of what was said before that, the rows may be gone. It stands before what was said until it was missed, or
# before the next after that (`after`). Where nothing was said since, it stands behind all else (`newest`), as it does where
# its sender was slower than who answered instead. Nobody looks for longer than a day. Whichever was looked for the longest ago
# goes first, so that those whose network does not answer hold up none of the others.
DUE = """
    with due as (
        select k.id as stray, k.since, k.at, s.id, s.integration_id, s.contact_id, s.chat, s.due_at
        from stray_placeholders k join sessions s on s.id = k.session_id
        where k.at < now() - make_interval(secs => $1) and k.at >= now() - interval '1 day'
            and coalesce(k.asked_at, k.at) < now() - make_interval(secs => least($1, $8))
            and s.lease_until is null and s.integration_id is not null
            and coalesce(k.asked_at < now() - make_interval(secs => case when k.tries = 0 and k.reach > 0 then least($1, $8)
                else least(3600, $1 * 2 ^ least(k.tries, 10)) end), true)
        order by coalesce(k.asked_at, k.at) limit $2 for no key update of k skip locked),
    talks as (
        select d.stray, d.id, null as placeholder from due d
        union all
        select d.stray, x.id, x.placeholder from due d cross join lateral (
            select o.id, o.placeholder from sessions o where o.contact_id = d.contact_id and o.integration_id = d.integration_id
                and o.chat = d.chat and o.id <> d.id order by o.id desc limit $4) x),
    parts as materialized (
        select d.stray, o.id, o.session_id, o.state, o.network_id, coalesce(o.placeholder, '') as placeholder, o.attempt,
            o.closed_at, o.turn_id, case when o.body ? 'choices' then o.body end as body from due d cross join lateral (
                select n.id from talks t cross join lateral (
                    select m.id from messages m where m.session_id = t.id order by m.position desc limit $5) n
                where t.stray = d.stray limit $6) m
            join outbox o on o.message_id = m.id
        union
        select t.stray, o.id, o.session_id, o.state, o.network_id, coalesce(o.placeholder, ''), o.attempt, o.closed_at,
            o.turn_id, case when o.body ? 'choices' then o.body end from talks t join outbox o on o.session_id = t.id and o.state in ('queued', 'sending', 'unknown')),
    told as (
        select p.stray, coalesce(bool_or(p.session_id = d.id and (p.state in ('queued', 'sending')
                or p.state = 'unknown' and p.closed_at is null)), false) as coming,
            coalesce(bool_or(p.network_id is null and p.placeholder = '' and p.attempt > 0
                and (p.state = 'sending' or p.state = 'unknown' and p.closed_at is null)), false) as waits,
            array_agg(p.placeholder) filter (where p.network_id is null and p.placeholder ~ '^[0-9]{1,18}$') as kept,
            max(p.network_id::bigint) filter (where p.network_id ~ '^[0-9]{1,18}$') as newest,
            (array_agg(p.body order by p.id desc) filter (where p.body is not null and p.network_id is null and p.attempt > 0))[:10]
                as buttoned
        from parts p join due d on d.stray = p.stray group by p.stray),
    said as materialized (
        select p.stray, p.id from (
            select p.stray, p.network_id::bigint as id, min(p.closed_at) as closed_at,
                lag(min(p.closed_at)) over (partition by p.stray order by min(p.closed_at), p.network_id::bigint) as before
            from due d join parts p on p.stray = d.stray and p.session_id = d.id and p.network_id ~ '^[0-9]{1,18}$'
                and p.closed_at >= d.since
            group by p.stray, p.network_id::bigint) p
        join due d on d.stray = p.stray where coalesce(p.before <= d.at + make_interval(secs => $7), true))
    update stray_placeholders k set tries = k.tries + 1, asked_at = now()
    from due left join told on told.stray = due.stray where k.id = due.stray
    returning k.id as mark, due.id, k.account_id, due.integration_id, due.chat, k.asked_at, k.reach, k.tries,
        due.due_at is not null or coalesce(told.coming, false) as coming, coalesce(told.waits, false) as waits,
        coalesce(told.kept, '{}') || array(
            select t.placeholder from talks t where t.stray = due.stray and t.placeholder ~ '^[0-9]{1,18}$') as kept,
        array(select p.id from said p where p.stray = due.stray order by p.id limit $3) as after,
        coalesce(told.buttoned, '{}') as buttoned,
        coalesce((select i.network_id::bigint from parts p join turns t on t.id = p.turn_id
            join inbox i on i.session_id = t.session_id and i.seq = t.from_seq + 1
            where p.stray = due.stray and p.session_id = due.id and p.closed_at >= due.since
                and i.network_id ~ '^[0-9]{1,18}$'
            order by p.id limit 1), (select i.network_id::bigint from inbox i where i.session_id = due.id
            and i.received_at <= due.since and i.network_id ~ '^[0-9]{1,18}$' order by i.seq desc limit 1), 0) as asked,
        coalesce(told.newest, 0) as newest, exists (select 1 from parts p where p.stray = due.stray and p.session_id = due.id
            and p.network_id ~ '^[0-9]{1,18}$' and p.closed_at > due.at + make_interval(secs => $7)) as passed
"""
# It was too early to look: this was no try.
LATER = "update stray_placeholders set tries = greatest(0, tries - 1) where id = $1 and asked_at = $2"
# That far nothing is left: it is gone on with from there, also where whoever looks is killed. Nobody else begins meanwhile.
DEEPER = "update stray_placeholders set tries = 1, reach = $3, asked_at = now() where id = $1 and asked_at = $2 returning asked_at"
# So much is looked at once, and the next soon. This was no try.
FURTHER = "update stray_placeholders set tries = 0, reach = $3 where id = $1 and asked_at = $2"
# Whether nobody says anything in the chat just now, and nothing of ours is to stand at this id.
NOBODYS = """
    with talks as (
        select s.id, s.lease_until, s.placeholder from sessions s where s.id = $1
        union all
        select x.* from sessions s cross join lateral (
            select o.id, o.lease_until, o.placeholder from sessions o where o.contact_id = s.contact_id
                and o.integration_id = s.integration_id and o.chat = s.chat and o.id <> s.id order by o.id desc limit $4) x
        where s.id = $1)
    select not exists (select 1 from talks t where t.lease_until is not null or t.placeholder = $3)
        and not exists (select 1 from talks t cross join lateral (
            select 1 from outbox o where o.session_id = t.id and o.state in ('queued', 'sending', 'unknown') and (o.placeholder = $3
                or o.state = 'sending' and o.network_id is null and coalesce(o.placeholder, '') = '') limit 1) coming)
        and not exists (select 1 from outbox o where o.integration_id = $2 and o.network_id = $3)
"""
# An album has one id here and as many as it has files there, one after the other.
KNOWN = """
    select n.id from unnest($2::bigint[]) with ordinality n(id, place)
    where not exists (select 1 from outbox o where o.integration_id = $1 and o.network_id = n.id::text)
        and not exists (select 1 from generate_series(1, $3::int) k, outbox o
            where o.integration_id = $1 and o.network_id = (n.id - k)::text and o.body ? 'album' and k <= case
                when jsonb_typeof(o.body->'album') = 'array' then jsonb_array_length(o.body->'album') else $3::int end)
    order by n.place limit $4
"""
# Of what nothing fills in any more. One that is in use again, by an operator's replay or a turn made anew, is nobody's.
LEFT = """
    with due as (
        select l.session_id, l.network_id from left_placeholders l
        where l.at < now() - make_interval(secs => $1) and coalesce(l.asked_at, l.at) < now() - make_interval(secs => $1)
        order by coalesce(l.asked_at, l.at) limit $2 for no key update skip locked)
    update left_placeholders l set tries = l.tries + 1, asked_at = now() from due
    where l.session_id = due.session_id and l.network_id = due.network_id
    returning l.session_id, l.account_id, l.integration_id, l.chat, l.network_id, l.tries, exists (
        select 1 from outbox o where o.session_id = l.session_id and (o.network_id = l.network_id
            or (o.placeholder = l.network_id and o.state not in ('dead', 'cancelled'))))
        or exists (select 1 from sessions s where s.id = l.session_id and s.placeholder = l.network_id) as used
"""
LEAVE = """
    insert into left_placeholders (session_id, account_id, integration_id, chat, network_id)
        select s.id, s.account_id, s.integration_id, s.chat, $2 from sessions s
        where s.id = $1 and s.integration_id is not null and s.chat is not null
        on conflict do nothing
"""
LEFT_FOR_LATER = """
    update left_placeholders set tries = greatest(0, tries - 1) where session_id = $1 and network_id = $2
"""
TAKEN = "delete from left_placeholders where session_id = $1 and network_id = $2"
DONE = "delete from stray_placeholders where id = $1 and asked_at = $2"
# Also where nobody takes any away (HUB_PLACEHOLDER_SECONDS is 0, and a day at most).
FORGET = """
    with taken as (
        delete from left_placeholders l using (
            select session_id, network_id from left_placeholders where at < now() - interval '2 days' order by at limit 20000) old
        where l.session_id = old.session_id and l.network_id = old.network_id)
    delete from stray_placeholders where id in (
        select id from stray_placeholders where at < now() - interval '1 day' order by at limit 20000)
"""

LIMITS = (AFTER, TALKS, READ, READ_IN_ALL, LATE, SOON)


@dataclass(frozen=True, slots=True)
class Stray:
    """after: messages of ours that came after it. coming: more of them will. waits: another of ours may still get its id.
    kept: what fills in, or will. asked: what it answers, or 0. newest: the last message of ours, or 0. looked: when it was
    begun to look now. passed: what came so much later was said that it does not stand behind all. tries: this one
    included. reach: how far it was looked for. buttoned: bodies of parts with buttons that may be there, without an id."""

    mark: int
    passed: bool
    session: UUID
    account: UUID
    integration: UUID
    chat: str
    after: tuple[int, ...]
    coming: bool
    waits: bool
    kept: frozenset[int]
    asked: int
    newest: int
    looked: datetime
    tries: int
    reach: int
    buttoned: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """used: something fills it in after all. tries: this one included."""

    session: UUID
    account: UUID
    integration: UUID
    chat: str
    network_id: str
    tries: int
    used: bool


async def left(db: Call, age: float, limit: int) -> list[Left]:
    """Placeholders to take away; nobody else does for a while."""
    return [Left(*r.values()) for r in await db.fetch(LEFT, age, limit)]


async def left_for_later(db: Call, one: Left) -> None:
    """Nobody had time for it: this was no try."""
    await db.run(LEFT_FOR_LATER, one.session, one.network_id)


async def leave(db: Call, session: UUID, network_id: str) -> None:
    """Nothing will fill it in: whoever does not take it away now leaves it to a sweep."""
    await db.run(LEAVE, session, network_id)


async def taken(db: Call, session: UUID, network_id: str) -> None:
    await db.run(TAKEN, session, network_id)


async def mark(db: Call, session: UUID, since: float = 0.0) -> None:
    """One may stand in its chat. since: how many seconds ago what stands behind it may have been said."""
    await db.run(MARK, session, since)


async def due(db: Call, age: float, limit: int) -> list[Stray]:
    """What to look for; nobody else does for a while."""
    rows = await db.fetch(DUE, age, limit, *LIMITS)
    return [
        Stray(
            r["mark"], r["passed"], r["id"], r["account_id"], r["integration_id"], r["chat"], tuple(r["after"]), r["coming"], r["waits"],
            frozenset(int(k) for k in r["kept"]), r["asked"], r["newest"], r["asked_at"], r["tries"], r["reach"],
            tuple(r["buttoned"]),
        )
        for r in rows
    ]


async def later(db: Call, stray: Stray) -> None:
    """It is too early to look for it."""
    await db.run(LATER, stray.mark, stray.looked)


async def deeper(db: Call, stray: Stray, reach: int) -> Stray | None:
    """It was looked for that far, and is still. None where somebody else looks by now."""
    looked = await db.value(DEEPER, stray.mark, stray.looked, reach)
    return replace(stray, looked=looked) if looked else None


async def further(db: Call, stray: Stray, reach: int) -> None:
    """It was looked for that far, and not yet as far as it may stand."""
    await db.run(FURTHER, stray.mark, stray.looked, reach)


async def nobodys(db: Call, stray: Stray, id: int = 0) -> bool:
    """Whether its chat is quiet, and what stands at the id, if any is named, is not ours to be filled in."""
    return bool(await db.value(NOBODYS, stray.session, stray.integration, str(id), TALKS))


async def forget(db: Call) -> int:
    """Drop what nobody looks for any more; how many of those whose id nobody learned."""
    return await db.run(FORGET)


async def unknown(db: Call, integration: UUID, ids: list[int], most: int) -> list[Any]:
    """The first of those ids that are no part of ours."""
    return [r["id"] for r in await db.fetch(KNOWN, integration, ids, ALBUM - 1, most)]


async def done(db: Call, stray: Stray) -> None:
    """It is looked for no more."""
    await db.run(DONE, stray.mark, stray.looked)
