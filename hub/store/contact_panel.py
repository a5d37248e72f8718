"""What a business keeps about a person: fields, notes, consent, where they came from; and its own card of them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from hub.store import personal
from hub.store.db import Call, clean

FIELDS = """
    select id, key, name, type, choices, place, bot, created_at from contact_fields
    where account_id = $1 and ($2::uuid is null or id = $2) order by place, created_at, id limit 100
"""
# Until the transaction ends no other field of the account is made.
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('fields:' || account_id::text, 0)) from (select $1::uuid as account_id) a"
ADD_FIELD = """
    insert into contact_fields (id, account_id, key, name, type, choices, place, bot)
    select $2, a.id, $3, $4, $5, $6, $7, $8 from accounts a where a.id = $1
    on conflict (account_id, key) do nothing
"""
LOCK_FIELD = """
    select id, key, name, type, choices, place, bot from contact_fields where account_id = $1 and id = $2 for no key update
"""
EDIT_FIELD = "update contact_fields set name = $3, choices = $4, place = $5, bot = $6 where account_id = $1 and id = $2"
REMOVE_FIELD = "delete from contact_fields where account_id = $1 and id = $2"
VALUES = """
    select f.key, v.value from values_of($1, $2) v join contact_fields f on f.id = v.field_id and f.account_id = $1
"""
VALUES_OF_MANY = """
    select p.id, v.key, v.value from people p cross join lateral values_of(p.account_id, p.id) v where p.id = any($1::uuid[])
"""
# $2: the person whose it is kept with; of others of the same person the latest counts.
SET_VALUE = """
    insert into contact_values (person_id, field_id, account_id, value)
    select p.id, f.id, p.account_id, $4 from people p join contact_fields f on f.account_id = p.account_id
    where p.account_id = $1 and p.id = $2 and f.id = $3
    on conflict (person_id, field_id) do update set value = excluded.value, updated_at = clock_timestamp()
"""
DROP_VALUE = """
    delete from contact_values where account_id = $1 and person_id in (select selves($2)) and field_id = $3
"""
NOTES = """
    select n.id, n.author, n.text, n.created_at from contact_notes n
    where n.account_id = $1 and n.person_id in (select selves($2)) and ($4::uuid is null or n.id < $4) order by n.id desc limit $3
"""
COUNT_NOTES = "select count(*)::int from contact_notes n where n.account_id = $1 and n.person_id in (select selves($2))"
# No more than $7 of one person, by whichever of their names they are written.
ADD_NOTE = """
    insert into contact_notes (id, account_id, person_id, operator_id, author, text)
    select $3, p.account_id, p.id, $4, $5, $6 from people p where p.account_id = $1 and p.id = $2
        and (select count(*) from contact_notes n where n.account_id = $1 and n.person_id in (select selves($2))) < $7
"""
REMOVE_NOTE = "delete from contact_notes where account_id = $1 and person_id in (select selves($2)) and id = $3"
CONSENTS = """
    select c.state, c.by, c.words, c.at from consents c
    where c.account_id = $1 and c.person_id in (select selves($2)) order by c.at desc, c.id desc limit 50
"""
# Of all who are held for the same person the first; the first advertisement of any of them.
ORIGIN = """
    select o.at, o.channel, o.client_id, c.name as client_name, w.ad, w.ad_at
    from contact_origins o left join clients c on c.id = o.client_id and c.account_id = o.account_id
    left join lateral (select z.ad, z.ad_at from contact_origins z where z.person_id in (select selves($2)) and z.ad is not null
        order by z.ad_at limit 1) w on true
    where o.account_id = $1 and o.person_id in (select selves($2)) order by o.at, o.person_id limit 1
"""
PERSON = "select true from people where account_id = $1 and id = $2 and kind = 'person'"
VISITOR = "select person_of_visitor(a.id, $2) from accounts a where a.id = $1"
CARD = "select url, secret from contact_cards where account_id = $1"
SET_CARD = """
    insert into contact_cards (account_id, url, secret) select a.id, $2, $3 from accounts a where a.id = $1
    on conflict (account_id) do update set url = excluded.url, secret = excluded.secret
"""
REMOVE_CARD = "delete from contact_cards where account_id = $1"

Json = dict[str, Any]


async def fields(db: Call, account: UUID) -> list[Json]:
    """In their order."""
    return [dict(r) for r in await db.fetch(FIELDS, account, None)]


async def field(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(FIELDS, account, id)
    return dict(row) if row else None


async def alone(db: Call, account: UUID) -> None:
    """In a transaction: nobody else makes a field of the account until it ends."""
    await db.run(ONE_AT_A_TIME, account)


async def add_field(db: Call, account: UUID, id: UUID, row: Mapping[str, Any]) -> bool:
    """row: the columns by name. False when there is one of this key."""
    return await db.run(
        ADD_FIELD, account, id, row["key"], clean(row["name"]), row["type"], clean(list(row["choices"])), row["place"],
        row["bot"],
    ) == 1


async def lock_field(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(LOCK_FIELD, account, id)
    return dict(row) if row else None


async def edit_field(db: Call, account: UUID, id: UUID, row: Mapping[str, Any]) -> None:
    """All but key and type."""
    await db.run(
        EDIT_FIELD, account, id, clean(row["name"]), clean(list(row["choices"])), row["place"], row["bot"]
    )


async def remove_field(db: Call, account: UUID, id: UUID) -> bool:
    """What was kept in it goes."""
    return await db.run(REMOVE_FIELD, account, id) == 1


async def known(db: Call, account: UUID, person: UUID) -> bool:
    return bool(await db.value(PERSON, account, person))


async def visitor(db: Call, account: UUID, session: UUID) -> UUID | None:
    """Whose conversation it is; somebody without a name is made when there is nobody yet. None: no such session."""
    found: UUID | None = await db.value(VISITOR, account, session)
    return found


async def values(db: Call, account: UUID, person: UUID) -> dict[str, Any]:
    """By the fields' keys."""
    return {r["key"]: r["value"] for r in await db.fetch(VALUES, account, person)}


async def values_of_many(db: Call, people: Sequence[UUID]) -> dict[UUID, Json]:
    """The same of people, whosever accounts' they are."""
    found: dict[UUID, Json] = {}
    for r in await db.fetch(VALUES_OF_MANY, list(people)):
        found.setdefault(r["id"], {})[r["key"]] = r["value"]
    return found


async def set_value(db: Call, account: UUID, person: UUID, field: UUID, value: Any) -> None:
    """None takes it away, from all who are held for the same person."""
    if value is None:
        await db.run(DROP_VALUE, account, person, field)
        return
    sealed = await personal.whole(db, account, f"person:{person}", value)
    await db.run(SET_VALUE, account, person, field, sealed)


async def notes(db: Call, account: UUID, person: UUID, limit: int, before: UUID | None = None) -> list[Json]:
    """Newest first."""
    return [dict(r) for r in await db.fetch(NOTES, account, person, limit, before)]


async def note_count(db: Call, account: UUID, person: UUID) -> int:
    return int(await db.value(COUNT_NOTES, account, person))


async def add_note(
    db: Call, account: UUID, person: UUID, id: UUID, operator: UUID | None, author: str, text: str, most: int
) -> bool:
    """False when there are that many already."""
    sealed = await personal.whole(db, account, f"person:{person}", text)
    return await db.run(ADD_NOTE, account, person, id, operator, clean(author), sealed, most) == 1


async def remove_note(db: Call, account: UUID, person: UUID, id: UUID) -> bool:
    return await db.run(REMOVE_NOTE, account, person, id) == 1


async def consents(db: Call, account: UUID, person: UUID) -> list[Json]:
    """What they said to being written to, newest first."""
    return [dict(r) for r in await db.fetch(CONSENTS, account, person)]


async def origin(db: Call, account: UUID, person: UUID) -> Json | None:
    """Where they were first seen: {at, channel, client_id, client_name, ad, ad_at}."""
    row = await db.row(ORIGIN, account, person)
    return dict(row) if row else None


async def card(db: Call, account: UUID) -> Json | None:
    row = await db.row(CARD, account)
    return dict(row) if row else None


async def set_card(db: Call, account: UUID, url: str, secret: bytes) -> None:
    await db.run(SET_CARD, account, clean(url), secret)


async def remove_card(db: Call, account: UUID) -> bool:
    return await db.run(REMOVE_CARD, account) == 1
