"""Placeholders that may stand in a chat though nobody knows their id."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hub.store.db import Call

AFTER = 20  # messages of a conversation before which a placeholder may stand
ALBUM = 10  # files of the largest album
# One that comes while another is looked for is looked for anew.
MARK = "update sessions set stray_at = coalesce(stray_at, now()), stray_asked = null, stray_tries = 0 where id = $1"
# As long as a part of ours has no id though it may be there, nothing is looked for: it could be taken for the placeholder.
DUE = """
    with due as (
        select s.id, s.stray_at from sessions s
        where s.stray_at < now() - make_interval(secs => $1) and s.lease_until is null
            and coalesce(s.stray_asked < now() - make_interval(secs => $1), true)
        order by s.stray_at limit $2 for no key update skip locked)
    update sessions s set stray_tries = case when s.stray_tries + 1 < $3 then s.stray_tries + 1 else 0 end, stray_asked = now(),
        stray_at = case when s.stray_tries + 1 < $3 then s.stray_at end
    from due where s.id = due.id
    returning s.id, s.account_id, s.integration_id, s.chat, due.stray_at,
        exists (select 1 from outbox o where o.session_id = s.id and o.network_id is null and o.attempt > 0
                and o.state in ('unknown', 'sending', 'dead')) as unsure,
        array(select o.network_id::bigint from outbox o where o.session_id = s.id and o.network_id ~ '^[0-9]{1,18}$'
            and o.closed_at >= due.stray_at order by o.network_id::bigint desc limit $4) as after
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
        where l.at < now() - make_interval(secs => $1) and coalesce(l.asked_at < now() - make_interval(secs => $1), true)
        order by l.at limit $2 for no key update skip locked)
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
TAKEN = "delete from left_placeholders where session_id = $1 and network_id = $2"
DONE = "update sessions set stray_at = null, stray_asked = null, stray_tries = 0 where id = $1 and stray_asked is not null"


@dataclass(frozen=True, slots=True)
class Stray:
    """after: messages of ours that came after it, the newest first. unsure: another of ours has no id either."""

    session: UUID
    account: UUID
    integration: UUID
    chat: str
    after: tuple[int, ...]
    unsure: bool


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


async def leave(db: Call, session: UUID, network_id: str) -> None:
    """Nothing will fill it in: whoever does not take it away now leaves it to a sweep."""
    await db.run(LEAVE, session, network_id)


async def taken(db: Call, session: UUID, network_id: str) -> None:
    await db.run(TAKEN, session, network_id)


async def mark(db: Call, session: UUID) -> None:
    await db.run(MARK, session)


async def due(db: Call, age: float, limit: int, tries: int) -> list[Stray]:
    """Sessions to look into; nobody else does for a while, and after so many tries nobody does."""
    rows = await db.fetch(DUE, age, limit, tries, AFTER)
    return [
        Stray(r["id"], r["account_id"], r["integration_id"], r["chat"], tuple(r["after"]), r["unsure"])
        for r in rows if r["integration_id"]
    ]


async def unknown(db: Call, integration: UUID, ids: list[int], most: int) -> list[Any]:
    """The first of those ids that are no part of ours."""
    return [r["id"] for r in await db.fetch(KNOWN, integration, ids, ALBUM - 1, most)]


async def done(db: Call, session: UUID) -> None:
    await db.run(DONE, session)
