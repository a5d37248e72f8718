"""People's words on their way into rows, sealed where the hub has personal keys; they are opened where JSON is read."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hub.errors import Setup
from hub.personal_keys import identity, subject
from hub.store.db import Call, clean

# Of whom is erased: names of contacts and of authors in groups, under which their words were sealed.
NAMES = """
    select i.value as name from contact_ids i join contacts c on c.id = i.contact_id where c.account_id = $1
        and (c.person_id = any($2::uuid[]) or exists (select 1 from contact_ids n where n.contact_id = c.id and n.value = any($3::text[])))
    union select m.content->'from'->>0 from messages m where m.account_id = $1 and m.content->'from' ?| $3::text[]
    union select b.body->'from'->>0 from inbox b where b.account_id = $1 and b.body->'from' ?| $3::text[]
"""
THERE = "select to_regclass('public.personal_folders') is not null"
FOLDER = "select name from personal_folders"
BEGIN = "insert into personal_folders (name) values ($1) on conflict do nothing"

Json = dict[str, Any]
Item = dict[str, Any]


async def items(db: Call, given: Sequence[Item]) -> list[Item]:
    """What arrived, as `ingest` takes it. Of somebody who is not known yet the key is that of the name."""
    if db.keys is None:
        return list(given)
    whose = [(item["account"], of_item(item)) for item in given]
    await db.keys.ready_all((account, s) for account, s in whose if s is not None)
    return [
        item if s is None else item | {"body": db.keys.body(account, s, clean(item["body"]))}
        for item, (account, s) in zip(given, whose, strict=True)
    ]


def of_item(item: Item) -> str | None:
    """Whose the words of something that arrived are; None where it is nobody's."""
    body, names = item.get("body"), item.get("ids")
    if not isinstance(body, dict) or item["kind"] in ("event", "status"):
        return None
    if body.get("from") or item.get("session"):
        return subject(item.get("session") or "", body)
    return f"name:{names[0]}" if names else f"integration:{item.get('integration')}"


async def bodies(db: Call, account: UUID | str, session: UUID | str, given: Sequence[Json]) -> list[Json]:
    """Cleaned, and each sealed for whose it is."""
    cleaned: list[Json] = clean(list(given))
    if db.keys is None or not cleaned:
        return cleaned
    whose = [subject(session, body) for body in cleaned]
    await db.keys.ready(account, whose)
    return [db.keys.body(account, s, body) for s, body in zip(whose, cleaned, strict=True)]


async def body(db: Call, account: UUID | str, session: UUID | str, given: Json) -> Json:
    return (await bodies(db, account, session, [given]))[0]


async def within(db: Call, account: UUID | str, session: UUID | str, rows: Sequence[Json], field: str) -> list[Json]:
    """Rows that have such a body in a field."""
    sealed = await bodies(db, account, session, [row[field] for row in rows])
    return [clean({k: v for k, v in row.items() if k != field}) | {field: s} for row, s in zip(rows, sealed, strict=True)]


async def whole(db: Call, account: UUID | str, who: str | None, value: Any) -> Any:
    """Any value, cleaned, as one; of nobody it stays open."""
    cleaned = clean(value)
    if db.keys is None or who is None or not cleaned:
        return cleaned
    await db.keys.ready(account, [who])
    return db.keys.seal(account, who, cleaned)


def told(db: Call, value: Any) -> Any:
    """What a column of text holds."""
    return value if db.keys is None else db.keys.text(value)


async def forget(
    db: Call, account: UUID, people: Sequence[UUID], names: Sequence[str], users: Sequence[str], sessions: Sequence[UUID],
    known: Sequence[str],
) -> None:
    """The keys of a person, in every copy that is in reach. known: what `named` found before the rows were gone."""
    if db.keys is not None:
        await db.keys.forget(account, [
            *(f"person:{p}" for p in people), *(f"name:{n}" for n in (*names, *known)), *(f"user:{u}" for u in users),
            *(f"session:{s}" for s in sessions),
        ])


async def named(db: Call, account: UUID, people: Sequence[UUID], names: Sequence[str]) -> list[str]:
    if db.keys is None:
        return []
    return [r["name"] for r in await db.fetch(NAMES, account, list(people), clean(list(names))) if r["name"]]


async def agreed(db: Call) -> None:
    """The folder is the one that this database's words were sealed with. Raise Setup."""
    if not await db.value(THERE):
        return
    begun, keys = await db.value(FOLDER), db.keys
    if keys is None:
        if begun is not None:
            raise Setup("People's words in this database are sealed; set HUB_PERSONAL_KEYS to the folder of their keys.")
        return
    if begun is None:
        await db.run(BEGIN, identity(keys.folder, begin=True))
        begun = await db.value(FOLDER)
    if identity(keys.folder, begin=False) != begun:
        raise Setup(
            f"{keys.folder} is not the folder of keys that belongs to this database: every process needs the same one; "
            "a copy of it lies beside the backups in `personal-keys`."
        )
