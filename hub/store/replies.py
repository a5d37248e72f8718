"""Prepared replies: what operators say often, under shortcuts, in several languages, with files."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

LIST = """
    select r.id, r.shortcut, r.text, r.texts, r.created_at, coalesce((
        select jsonb_agg(jsonb_build_object('id', f.id, 'name', f.name, 'mime', f.mime, 'size', f.size) order by f.id)
        from canned_files f where f.reply_id = r.id), '[]') as files
    from canned_replies r where r.account_id = $1 and ($2::uuid is null or r.id = $2) order by lower(r.shortcut) limit 500
"""
# By a part of the shortcut or by words, those whose shortcut begins so first.
FIND = """
    select r.id, r.shortcut, r.text, r.texts, coalesce((
        select jsonb_agg(jsonb_build_object('id', f.id, 'name', f.name, 'mime', f.mime, 'size', f.size) order by f.id)
        from canned_files f where f.reply_id = r.id), '[]') as files
    from canned_replies r where r.account_id = $1
        and not exists (select 1 from unnest($2::text[]) w
            where position(bare(w) in bare(r.shortcut || ' ' || r.text || ' ' || r.texts::text)) = 0)
    order by starts_with(lower(r.shortcut), lower(coalesce(($2::text[])[1], ''))) desc, lower(r.shortcut) limit 8
"""
# Until the transaction ends no other reply of the account is made or renamed.
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('replies:' || account_id::text, 0)) from (select $1::uuid as account_id) a"
NAMED = """
    select id, shortcut, text, texts from canned_replies where account_id = $1 and lower(shortcut) = lower($2) for no key update
"""
LOCK = "select id, shortcut, text, texts from canned_replies where account_id = $1 and id = $2 for no key update"
MANY = "select count(*)::int from canned_replies where account_id = $1"
ADD = "insert into canned_replies (id, account_id, shortcut, text, texts) values ($2, $1, $3, $4, $5)"
EDIT = "update canned_replies set shortcut = $3, text = $4, texts = $5 where account_id = $1 and id = $2"
REMOVE = "delete from canned_replies where account_id = $1 and id = $2"
ATTACH = """
    insert into canned_files (id, account_id, reply_id, name, mime, size, content)
    select $3, r.account_id, r.id, $4, $5, $6, $7 from canned_replies r where r.account_id = $1 and r.id = $2
"""
ATTACHED = "select count(*)::int from canned_files where account_id = $1 and reply_id = $2"
FILE = "select name, mime, content from canned_files where account_id = $1 and reply_id = $2 and id = $3"
DETACH = "delete from canned_files where account_id = $1 and reply_id = $2 and id = $3"

Json = dict[str, Any]


async def listed(db: Call, account: UUID) -> list[Json]:
    """Each with its texts by language and its files: {id, name, mime, size}."""
    return [dict(r) for r in await db.fetch(LIST, account, None)]


async def one(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(LIST, account, id)
    return dict(row) if row else None


async def find(db: Call, account: UUID, words: list[str]) -> list[Json]:
    """In which all the words stand, in shortcut or text; accents and capitals do not count."""
    return [dict(r) for r in await db.fetch(FIND, account, clean(words))]


async def alone(db: Call, account: UUID) -> None:
    """In a transaction: nobody else makes or renames a reply of the account until it ends."""
    await db.run(ONE_AT_A_TIME, account)


async def many(db: Call, account: UUID) -> int:
    return int(await db.value(MANY, account))


async def named(db: Call, account: UUID, shortcut: str) -> Json | None:
    """The one of a shortcut; until the transaction ends nobody else changes it."""
    row = await db.row(NAMED, account, shortcut)
    return dict(row) if row else None


async def lock(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(LOCK, account, id)
    return dict(row) if row else None


async def add(db: Call, account: UUID, id: UUID, shortcut: str, text: str, texts: Mapping[str, str]) -> None:
    await db.run(ADD, account, id, clean(shortcut), clean(text), clean(dict(texts)))


async def edit(db: Call, account: UUID, id: UUID, shortcut: str, text: str, texts: Mapping[str, str]) -> None:
    await db.run(EDIT, account, id, clean(shortcut), clean(text), clean(dict(texts)))


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1


async def attached(db: Call, account: UUID, id: UUID) -> int:
    """How many files it has."""
    return int(await db.value(ATTACHED, account, id))


async def attach(db: Call, account: UUID, id: UUID, file: UUID, name: str, mime: str, raw: bytes) -> None:
    await db.run(ATTACH, account, id, file, clean(name), clean(mime), len(raw), raw)


async def file(db: Call, account: UUID, id: UUID, which: UUID) -> Json | None:
    """{name, mime, content}"""
    row = await db.row(FILE, account, id, which)
    return dict(row) if row else None


async def detach(db: Call, account: UUID, id: UUID, which: UUID) -> bool:
    return await db.run(DETACH, account, id, which) == 1
