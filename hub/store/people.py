"""What is known of a person across all bots of an account: opted out, zone, how often written to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ENSURE = """
    insert into people (account_id, person) select a, p from unnest($1::uuid[], $2::text[]) v(a, p) order by a, p on conflict do nothing
"""
# In one order, so that two groups never wait for each other.
LOCK = """
    select p.account_id, p.person, p.zone, p.opted_out_at, p.opted_out_by from people p
    join unnest($1::uuid[], $2::text[]) v(a, n) on p.account_id = v.a and p.person = v.n
    order by p.account_id, p.person for no key update of p
"""
COUNTS = """
    select a.account_id, a.person, count(*) filter (where a.admitted_at > now() - interval '1 day')::int as day, count(*)::int as week
    from activations a join (select distinct a, n from unnest($1::uuid[], $2::text[]) w(a, n)) v on a.account_id = v.a and a.person = v.n
    where a.admitted_at > now() - interval '7 days' and not a.asked
    group by a.account_id, a.person
"""
# What a person will have got by a time: what went out, and what is planned before it.
WRITTEN = """
    select count(*) filter (where w.at > $6::timestamptz - interval '1 day')::int as day, count(*)::int as week from (
        select coalesce(a.admitted_at, a.not_before) as at from activations a where a.account_id = $1 and a.person = $2 and not a.asked
            and (a.admitted_at > $6::timestamptz - interval '7 days' or a.state = 'due' and a.not_before <= $6::timestamptz)
        union all
        select s.next_at from schedules s where s.account_id = $1 and s.client_id = $3 and s.external_user = $4
            and s.state = 'active' and not s.asked and s.next_at > $6::timestamptz - interval '7 days' and (s.next_at, s.id) < ($6::timestamptz, $5)) w
"""
GET = """
    select account_id, person, zone, opted_out_at, opted_out_by, opted_out_words from people where account_id = $1 and person = $2
"""
LIST = """
    select person, zone, opted_out_at, opted_out_by, opted_out_words from people
    where account_id = $1 and (not $2 or opted_out_at is not null) and ($3::text is null or person > $3) order by person limit $4
"""
OPT = "select opt(a.id, $2, $3, $4, $5) from accounts a where a.id = $1"
ZONE = """
    insert into people (account_id, person, zone) values ($1, $2, $3)
    on conflict (account_id, person) do update set zone = excluded.zone
"""
OF_CONTACT = "select person_of($1, $2)"
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
Key = tuple[UUID, str]


async def lock(db: Call, keys: Sequence[Key]) -> dict[Key, Json]:
    """The people (account, person) with how often each was written to unasked (day, week); locked."""
    accounts, persons = [k[0] for k in keys], [clean(k[1]) for k in keys]
    await db.run(ENSURE, accounts, persons)
    found = {(r["account_id"], r["person"]): {**dict(r), "day": 0, "week": 0} for r in await db.fetch(LOCK, accounts, persons)}
    for row in await db.fetch(COUNTS, accounts, persons):
        found[row["account_id"], row["person"]] |= {"day": row["day"], "week": row["week"]}
    return found


async def written(
    db: Call, account: UUID, person: str | None, client: UUID, user: str, but: UUID, by: datetime
) -> tuple[int, int]:
    """Messages that a person will have got unasked within the day and the week before a time, one schedule aside."""
    row = await db.row(WRITTEN, account, clean(person), client, clean(user), but, by)
    return (row["day"], row["week"]) if row else (0, 0)


async def get(db: Call, account: UUID, person: str) -> Json | None:
    row = await db.row(GET, account, clean(person))
    return dict(row) if row else None


async def page(db: Call, account: UUID, out: bool, after: str | None, limit: int) -> list[Json]:
    """By name; `out`: only who has opted out."""
    return [dict(r) for r in await db.fetch(LIST, account, out, clean(after), limit)]


async def opt(db: Call, account: UUID, person: str, out: bool, by: str, words: str | None) -> bool:
    """Opt a person out, or in again; whether that changed anything."""
    return bool(await db.value(OPT, account, clean(person), out, by, clean(words)))


async def set_zone(db: Call, account: UUID, person: str, zone: str | None) -> None:
    await db.run(ZONE, account, clean(person), zone)


async def of_contact(db: Call, contact: UUID | None, names: Sequence[str]) -> str | None:
    """The person behind a contact, or behind its ids when there is no contact yet."""
    found: str | None = await db.value(OF_CONTACT, contact, clean(list(names)))
    return found


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
