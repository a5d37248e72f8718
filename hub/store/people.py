"""People: the names they are known by, what is known of them across all bots of an account, joins and splits."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hub import phones
from hub.store.db import Call, clean

# In the order of the names, so that two groups seldom wait for each other.
ENSURE = """
    select e.n::int - 1 as n, person_for((e.v->>'account')::uuid, array(select jsonb_array_elements_text(e.v->'keys')),
        array(select jsonb_array_elements_text(e.v->'said')), e.v->>'source') as person
    from jsonb_array_elements($1) with ordinality e(v, n) order by e.v->>'account', e.v->'keys'->>0
"""
FIND = """
    select i.person_id from identities i where i.account_id = $1 and i.key = any($2::text[])
    order by array_position($2::text[], i.key) limit 1
"""
# Who has a user name now: who wrote under it last.
HOLDER = """
    select c.person_id from contacts c join integrations i on i.id = c.integration_id
    where c.account_id = $1 and c.person_id is not null and lower(c.username) = lower($2)
        and (i.channel = 'telegram') = ($3 = 'telegram') and ($4 = '' or right(i.client_id::text, 12) = $4)
    order by (select max(s.last_user_at) from sessions s where s.contact_id = c.id) desc nulls last, c.id desc limit 1
"""
# Whether nobody but this person was ever called so.
ALONE = """
    select not exists (select 1 from sessions s where s.account_id = $1 and s.tag = $2
        and (s.person_id is null or s.person_id not in (select selves($3))))
"""
# In one order, so that two groups never wait for each other.
LOCK = "select p.id from people p where p.id in (select q.root_id from people q where q.id = any($1::uuid[])) order by p.id for no key update"
KNOWN = """
    select q.id as asked, w.id as root, w.account_id, w.zone, w.opted_out_at, w.opted_out_by,
        coalesce(n.day, 0) as day, coalesce(n.week, 0) as week
    from people q cross join lateral (select x.* from persons x where x.id = q.root_id offset 0) w
    left join lateral (
        select count(*) filter (where a.admitted_at > now() - interval '1 day')::int as day, count(*)::int as week
        from people m join activations a on a.account_id = m.account_id and a.person_id = m.id
        where m.root_id = w.id and a.admitted_at > now() - interval '7 days' and not a.asked) n on true
    where q.id = any($1::uuid[])
"""
# What a person will have got by a time: what went out, and what is planned before it.
WRITTEN = """
    select count(*) filter (where w.at > $6::timestamptz - interval '1 day')::int as day, count(*)::int as week from (
        select coalesce(a.admitted_at, a.not_before) as at from activations a
        where a.account_id = $1 and a.person_id in (select selves($2)) and not a.asked
            and (a.admitted_at > $6::timestamptz - interval '7 days' or a.state = 'due' and a.not_before <= $6::timestamptz)
        union all
        select s.next_at from schedules s where s.account_id = $1 and s.client_id = $3 and s.external_user = $4
            and s.state = 'active' and not s.asked and s.next_at > $6::timestamptz - interval '7 days' and (s.next_at, s.id) < ($6::timestamptz, $5)) w
"""
GET = """
    select w.id, w.zone, w.opted_out_at, w.opted_out_by, w.opted_out_words, person_label(w.id) as person
    from people p cross join lateral (select x.* from persons x where x.id = p.root_id offset 0) w where p.account_id = $1 and p.id = $2
"""
LIST = """
    select w.id, w.zone, w.opted_out_at, w.opted_out_by, w.opted_out_words, person_label(w.id) as person
    from people p cross join lateral (select x.* from persons x where x.account_id = $1 and x.id = p.id offset 0) w
    where p.account_id = $1 and p.root_id = p.id and p.kind = 'person' and ($2::uuid is null or p.id > $2) order by p.id limit $3
"""
COUNT = "select count(*)::int from people p where p.account_id = $1 and p.root_id = p.id and p.kind = 'person'"
# Who of a person's ids was opted out and not in again since is told by the whole person.
LIST_OUT = """
    select w.id, w.zone, w.opted_out_at, w.opted_out_by, w.opted_out_words, person_label(w.id) as person
    from (select distinct q.root_id as id from people q where q.account_id = $1 and q.opted_out_at is not null
        and ($2::uuid is null or q.root_id > $2)) r
    cross join lateral (select x.* from persons x where x.account_id = $1 and x.id = r.id offset 0) w
    where w.kind = 'person' and w.opted_out_at is not null order by r.id limit $3
"""
COUNT_OUT = """
    select count(*)::int
    from (select distinct q.root_id as id from people q where q.account_id = $1 and q.opted_out_at is not null) r
    cross join lateral (select x.* from persons x where x.account_id = $1 and x.id = r.id offset 0) w
    where w.kind = 'person' and w.opted_out_at is not null
"""
OPT = "select opt(a.id, $2, $3, $4, $5) from accounts a where a.id = $1"
ZONE = "update people set zone = $3, zone_at = clock_timestamp() where account_id = $1 and id = $2"
POLICY = "select outreach from accounts where id = $1"
SET_POLICY = "update accounts set outreach = $2 where id = $1"
PACES_ENSURE = """
    insert into number_paces (integration_id, first_day, slot_at, day)
    select i, current_date, now() - interval '1 hour', current_date from unnest($1::uuid[]) v(i) order by i on conflict do nothing
"""
PACES_LOCK = """
    select integration_id, first_day, slot_at, day, day_count from number_paces
    where integration_id = any($1) order by integration_id for no key update
"""
PACES_SET = """
    update number_paces p set slot_at = v.slot_at, day = v.day, day_count = v.day_count
    from unnest($1::uuid[], $2::timestamptz[], $3::date[], $4::int[]) v(id, slot_at, day, day_count) where p.integration_id = v.id
"""

Json = dict[str, Any]


def user_names(external: str) -> list[str]:
    """The names of whoever the business, or the hub, calls by an external user id."""
    external = external.strip()
    return [*(f"user:{u}" for u in phones.users(external)), *phones.told(external)]


async def ensure(db: Call, wanted: Sequence[tuple[UUID, Sequence[str]]], source: str) -> list[UUID]:
    """The people of (account, names), made when they are new; in the order given."""
    rows = [
        {"account": str(account), "keys": phones.names(said), "said": _said(said), "source": source} for account, said in wanted
    ]
    found = {r["n"]: r["person"] for r in await db.fetch(ENSURE, clean(rows))}
    return [found[n] for n in range(len(rows))]


def _said(names: Iterable[str]) -> list[str]:
    """Names as they were written, in the order of `phones.names`."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(phones.named(name), name)
    return list(found.values())


async def find(db: Call, account: UUID, names: Sequence[str]) -> UUID | None:
    """Who has one of these names, the first before the others."""
    found: UUID | None = await db.value(FIND, account, clean(phones.names(names)))
    return found


async def user(db: Call, account: UUID, external: str) -> UUID | None:
    """Who the business calls by this external user id; by a user name, who has it now."""
    name = phones.user_name(external.strip())
    if name is not None:
        holder: UUID | None = await db.value(HOLDER, account, clean(name[1]), name[0], name[2])
        if holder is not None:
            return holder
    return await find(db, account, user_names(external))


async def alone(db: Call, account: UUID, external: str, person: UUID) -> bool:
    """Whether an external user id was never anybody else's."""
    return bool(await db.value(ALONE, account, clean(external.strip()), person))


async def owner(db: Call, account: UUID, external: str) -> UUID:
    """The same, made when nobody has been called so."""
    found = await user(db, account, external)
    if found:
        return found
    names = [f"user:{external.strip()}", *phones.told(external.strip())]
    return (await ensure(db, [(account, names)], "user"))[0]


async def lock(db: Call, persons: Sequence[UUID]) -> dict[UUID, Json]:
    """What is known of people and how often each was written to unasked (day, week); locked. Ids that are one person
    share what is known."""
    await db.fetch(LOCK, list(persons))
    whole: dict[UUID, Json] = {}
    found = {}
    for row in await db.fetch(KNOWN, list(persons)):
        found[row["asked"]] = whole.setdefault(row["root"], dict(row))
    return found


async def written(
    db: Call, account: UUID, person: UUID | None, client: UUID, user: str, but: UUID, by: datetime
) -> tuple[int, int]:
    """Messages that a person will have got unasked within the day and the week before a time, one schedule aside."""
    row = await db.row(WRITTEN, account, person, client, clean(user), but, by)
    return (row["day"], row["week"]) if row else (0, 0)


async def get(db: Call, account: UUID, person: UUID) -> Json | None:
    """The whole person."""
    row = await db.row(GET, account, person)
    return dict(row) if row else None


async def page(db: Call, account: UUID, out: bool, after: UUID | None, limit: int) -> list[Json]:
    """Oldest first; `out`: only who has opted out."""
    rows = await db.fetch(LIST_OUT, account, after, limit) if out else await db.fetch(LIST, account, after, limit)
    return [dict(r) for r in rows]


async def count(db: Call, account: UUID, out: bool) -> int:
    return int(await db.value(COUNT_OUT, account) if out else await db.value(COUNT, account))


async def opt(db: Call, account: UUID, person: UUID, out: bool, by: str, words: str | None) -> bool:
    """Opt a person out, or in again; whether that changed anything."""
    return bool(await db.value(OPT, account, person, out, by, clean(words)))


async def set_zone(db: Call, account: UUID, person: UUID, zone: str | None) -> None:
    await db.run(ZONE, account, person, zone)


async def policy(db: Call, account: UUID) -> Json:
    return await db.value(POLICY, account) or {}


async def set_policy(db: Call, account: UUID, policy: Json) -> None:
    await db.run(SET_POLICY, account, policy)


async def paces(db: Call, integrations: Sequence[UUID]) -> dict[UUID, Json]:
    """The pace of each number, locked."""
    await db.run(PACES_ENSURE, list(integrations))
    return {r["integration_id"]: dict(r) for r in await db.fetch(PACES_LOCK, list(integrations))}


async def set_paces(db: Call, rows: Sequence[Json]) -> None:
    await db.run(
        PACES_SET, [r["integration_id"] for r in rows], [r["slot_at"] for r in rows], [r["day"] for r in rows],
        [r["day_count"] for r in rows],
    )
