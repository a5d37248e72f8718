"""Documents that people write, their versions, and the tokens that open them for editing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = """
    insert into writings (id, account_id, title, content, voice_id, model) values ($1, $2, $3, $4, $5, $6)
    on conflict do nothing
"""
GET = """
    select id, account_id, title, content, voice_id, model, version, revision, status, published_at, published_version,
        created_at, updated_at
    from writings where account_id = $1 and id = $2
"""
LOCK = """
    select id, account_id, title, content, voice_id, model, version, revision, status, published_at, published_version,
        created_at, updated_at
    from writings where account_id = $1 and id = $2 for no key update
"""
LIST = """
    select id, account_id, title, '' as content, voice_id, model, version, revision, status, published_at, published_version,
        created_at, updated_at
    from writings where account_id = $1 and ($2::uuid is null or id < $2) and ($3::text is null or status = $3)
    order by id desc limit $4
"""
SAVE = """
    update writings set title = $3, content = $4, voice_id = $5, model = $6, version = $7, revision = $8,
        updated_at = now()
    where account_id = $1 and id = $2
"""
PUBLISH = """
    update writings set status = 'published', published_at = now(), published_version = version, updated_at = now()
    where account_id = $1 and id = $2
"""
REMOVE = "delete from writings where account_id = $1 and id = $2"
REVISION = "select revision from writings where account_id = $1 and id = $2"

ADD_VERSION = """
    insert into writing_versions (id, account_id, writing_id, version, title, content, author, command, output)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
# The newest version, when the same editor began it a moment ago and it was not published since.
OPEN_VERSION = """
    update writing_versions set title = $4, content = $5, updated_at = now()
    where account_id = $1 and writing_id = $2 and author = $6 and command is null
        and created_at > now() - make_interval(secs => $7)
        and version = (select max(version) from writing_versions where writing_id = $2) and version = $3
        and not exists (select 1 from writings w where w.id = $2 and w.published_version = $3)
"""
# Cut where they are too large together; the first one is always there.
VERSIONS = """
    with page as (
        select id, octet_length(content) + coalesce(octet_length(output), 0) as size from writing_versions
        where account_id = $1 and writing_id = $2 and ($3::uuid is null or id > $3) order by id limit $4),
    summed as (select id, sum(size) over (order by id) - size as before, count(*) over () as found from page)
    select v.id, v.version, v.title, v.content, v.author, v.command, v.output, v.created_at, v.updated_at, s.found
    from summed s join writing_versions v on v.id = s.id where s.before < $5 order by v.id
"""
VERSION = """
    select id, version, title, content, author, command, output, created_at, updated_at from writing_versions
    where account_id = $1 and writing_id = $2 and version = $3
"""

ADD_TOKEN = """
    insert into edit_tokens (hash, account_id, writing_id, expires_at)
    values ($1, $2, $3, now() + make_interval(secs => $4)) returning expires_at
"""
OF_TOKEN = """
    select account_id, writing_id, expires_at from edit_tokens where hash = $1 and expires_at > now()
"""
OPENS = """
    select exists (select 1 from edit_tokens where hash = $3 and account_id = $1 and writing_id = $2 and expires_at > now())
"""
REMOVE_TOKENS = "delete from edit_tokens where account_id = $1 and writing_id = $2"
FORGET_TOKENS = "delete from edit_tokens where expires_at < now() - interval '1 day'"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Writing:
    """version: of the newest entry of its history. revision: counts every accepted change."""

    id: UUID
    account_id: UUID
    title: str
    content: str
    voice_id: UUID | None
    model: str | None
    version: int
    revision: int
    status: str
    published_at: datetime | None
    published_version: int | None
    created_at: datetime
    updated_at: datetime


async def add(
    db: Call, account: UUID, id: UUID, title: str, content: str, voice: UUID | None, model: str | None
) -> bool:
    """False when there is one of this id."""
    return await db.run(ADD, id, account, clean(title), clean(content), voice, clean(model)) == 1


async def get(db: Call, account: UUID, id: UUID, *, lock: bool = False) -> Writing | None:
    """lock: until the transaction ends nobody else changes it."""
    row = await (db.row(LOCK, account, id) if lock else db.row(GET, account, id))
    return Writing(**dict(row)) if row else None


async def listed(db: Call, account: UUID, before: UUID | None, status: str | None, limit: int) -> list[Json]:
    """Newest first, without their content."""
    return [dict(r) for r in await db.fetch(LIST, account, before, status, limit)]


async def save(db: Call, w: Writing) -> None:
    await db.run(
        SAVE, w.account_id, w.id, clean(w.title), clean(w.content), w.voice_id, clean(w.model), w.version, w.revision
    )


async def publish(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(PUBLISH, account, id) == 1


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1


async def revision(db: Call, account: UUID, id: UUID) -> int | None:
    found: int | None = await db.value(REVISION, account, id)
    return found


async def add_version(
    db: Call, w: Writing, id: UUID, author: str, command: str | None = None, output: str | None = None
) -> None:
    await db.run(
        ADD_VERSION, id, w.account_id, w.id, w.version, clean(w.title), clean(w.content), author, command, clean(output)
    )


async def extend_version(db: Call, w: Writing, author: str, seconds: float) -> bool:
    """Whether the newest version could take the change in: the same editor began it within `seconds`."""
    found = await db.run(
        OPEN_VERSION, w.account_id, w.id, w.version, clean(w.title), clean(w.content), author, seconds
    )
    return found == 1


async def versions(
    db: Call, account: UUID, id: UUID, after: UUID | None, limit: int, size: int
) -> tuple[list[Json], bool]:
    """Oldest first, cut behind the one with which their texts have `size` bytes; whether they were cut."""
    rows = [dict(r) for r in await db.fetch(VERSIONS, account, id, after, limit, size)]
    found = [r.pop("found") for r in rows]
    return rows, bool(rows) and len(rows) < found[0]


async def version(db: Call, account: UUID, id: UUID, number: int) -> Json | None:
    row = await db.row(VERSION, account, id, number)
    return dict(row) if row else None


async def add_token(db: Call, account: UUID, id: UUID, token_hash: bytes, seconds: float) -> datetime:
    """When it expires."""
    expires: datetime = await db.value(ADD_TOKEN, token_hash, account, id, seconds)
    return expires


async def of_token(db: Call, token_hash: bytes) -> Json | None:
    row = await db.row(OF_TOKEN, token_hash)
    return dict(row) if row else None


async def opens(db: Call, account: UUID, id: UUID, token_hash: bytes) -> bool:
    """Whether a token opens the document still."""
    return bool(await db.value(OPENS, account, id, token_hash))


async def remove_tokens(db: Call, account: UUID, id: UUID) -> None:
    await db.run(REMOVE_TOKENS, account, id)


async def forget_tokens(db: Call) -> int:
    return await db.run(FORGET_TOKENS)
