"""Files of conversations: received and uploaded. What is large is kept, and read, in pieces."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from hub.errors import Overloaded
from hub.objects import Objects
from hub.store import personal
from hub.store.db import Call, Db, clean

ADD = """
    insert into files (id, account_id, session_id, message_id, token, name, mime, kind, size, sha256, content, expires_at, pieces, place, sealed_by)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now() + make_interval(secs => $12), $13, $14, $15)
    on conflict (id) do nothing
"""
ADD_PIECE = "insert into file_pieces (file_id, number, account_id, content) values ($1, $2, $3, $4)"
PIECE_OF = "select content from file_pieces where file_id = $1 and number = $2 and account_id = $3"
PART = "select substring(content from $3::int for $4::int) from files where id = $1 and account_id = $2"
STORED = """
    select id, account_id, name, mime, kind, size, pieces, place, sealed_by from files
    where token = $1 and (expires_at is null or expires_at > now()) and ($2::text[] is null or kind = any($2))
"""
PUBLIC = "select id, account_id, name, mime, content, pieces, size, place, sealed_by from files where token = $1 and (expires_at is null or expires_at > now())"
OF_SESSION = """
    select id, message_id, token, name, mime, kind, size from files where account_id = $1 and session_id = $2 and id = any($3)
"""
CONTENT = "select id, account_id, name, mime, kind, token, content, pieces, size, place, sealed_by from files where account_id = $1 and id = $2"
OF_CONVERSATION = """
    select id, account_id, name, mime, content, pieces, size, place, sealed_by from files
    where account_id = $1 and session_id is not distinct from $2 and (id = $3 or token = $4)
        and (expires_at is null or expires_at > now())
"""
MADE_OF = """
    select id, account_id, mime, content, pieces, size, place, sealed_by from files
    where account_id = $1 and message_id = $2 and kind = $3 and sha256 = $4 and (expires_at is null or expires_at > now()) limit 1
"""
ATTACHED = (
    "update inbox set body = jsonb_set(body, array['attachments', $3::text], $4) where id = $1 and account_id = $2"
)
PENDING = """
    select i.id, i.session_id, i.account_id, i.body, i.network_id, s.integration_id from inbox i join sessions s on s.id = i.session_id
    where i.id = $1
"""
TAKE = "select take_guest_bytes($1, $2, $3, $4, $5)"
REMOVE = "delete from files where account_id = $1 and id = $2"
EXPIRED = "delete from files where id in (select id from files where expires_at < now() limit 500)"

# A name is written down before there is an object of it, and forgotten with the file that has it.
BEGUN = "insert into file_leftovers (place, account_id, due_at) values ($1, $2, now() + interval '1 hour')"
FILED = "delete from file_leftovers where place = $1 and account_id = $2"
LEFT = "select place, account_id from file_leftovers where due_at < now() order by due_at limit 200"
# Bytes above which a file is kept in pieces, and those of a piece.
LARGE, PIECE = 1 << 20, 512 << 10
SHOWN = ("page", "pdf")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A file without its contents, which `read` gives."""

    id: UUID
    account: UUID
    name: str
    mime: str
    kind: str
    size: int
    pieces: int
    place: str | None
    sealed_by: str | None


async def add(
    db: Call,
    id: UUID,
    account: UUID,
    session: UUID | None,
    message: UUID | None,
    *,
    token: str,
    name: str,
    mime: str,
    kind: str,
    sha256: bytes,
    content: bytes,
    seconds: float | None,
    whose: str | None = None,
) -> None:
    """`seconds`: how long it is kept; None: until it is removed. whose: under whose key, where that is not its
    conversation's."""
    who = whose or (f"session:{session}" if session is not None else None)
    named = await personal.whole(db, account, who, clean(name)[:255])
    sealed_by = None
    if db.keys is not None and who is not None:
        await db.keys.ready(account, [who])
        sealed_by = db.keys.named(account, who)
        content = await opened_file(db, sealed_by, id, content)
    given = (id, account, session, message, token, named, mime, kind, len(content), sha256)
    kept = _Kept(given, content, seconds, sealed_by)
    if len(content) <= LARGE:
        await db.run(ADD, *kept.row(content, 0, None))
        return
    if isinstance(db, Db) and db.blobs is not None:
        await _beside(db, db.blobs, kept)
        return
    if isinstance(db, Db):
        async with db.transaction() as tx:
            await _in_pieces(tx, kept)
        return
    await _in_pieces(db, kept)


async def opened_file(db: Call, sealed_by: str | None, id: UUID, content: bytes, start: int = 0) -> bytes:
    """Sealed, or opened: what is not sealed, as it is."""
    if sealed_by is None or not content:
        return content
    if db.keys is None:
        return b""
    if len(content) <= LARGE:
        return db.keys.stream(sealed_by, id, content, start)
    return await asyncio.to_thread(db.keys.stream, sealed_by, id, content, start)


@dataclass(frozen=True, slots=True)
class _Kept:
    given: tuple[Any, ...]
    content: bytes
    seconds: float | None
    sealed_by: str | None

    def row(self, content: bytes, pieces: int, place: str | None) -> tuple[Any, ...]:
        return *self.given, content, self.seconds, pieces, place, self.sealed_by


async def _in_pieces(tx: Call, kept: _Kept) -> None:
    given, content = kept.given, kept.content
    starts = range(0, len(content), PIECE)
    if await tx.run(ADD, *kept.row(b"", len(starts), None)) != 1:
        return  # it is there already
    for number, start in enumerate(starts):
        await tx.run(ADD_PIECE, given[0], number, given[1], content[start : start + PIECE])


async def _beside(db: Db, blobs: Objects, kept: _Kept) -> None:
    """The object first, then its row: whatever is cut off in between, its name is left for the sweep."""
    id, account = kept.given[:2]
    place = f"{account}/{id}-{secrets.token_hex(8)}"
    await db.run(BEGUN, place, account)
    await blobs.put(place, kept.content)
    async with db.transaction() as tx:
        if await tx.run(ADD, *kept.row(b"", 0, place)) == 1:
            await tx.run(FILED, place, account)


async def sweep(db: Db) -> int:
    """Remove objects that belong to no file: of deleted ones, and of writes that were cut off."""
    if db.blobs is None:
        return 0
    left = await db.fetch(LEFT)
    for one in left:
        await db.blobs.delete(one["place"])
        await db.run(FILED, one["place"], one["account_id"])
    return len(left)


async def stored(db: Call, token: str, kinds: tuple[str, ...] | None = None) -> Stored | None:
    """What there is under an address, of these kinds."""
    row = await db.row(STORED, token, list(kinds) if kinds else None)
    found = Stored(*row.values()) if row is not None else None
    return replace(found, name=personal.told(db, found.name)) if found is not None else None


async def read(db: Call, file: Stored, start: int, end: int) -> AsyncIterator[bytes]:
    """Its bytes from `start` up to before `end`, piece by piece; ends early when it is removed meanwhile."""
    while start < end:
        if file.place is not None:
            part = await _of_object(db, file.place, start, min(end, start + PIECE))
        elif file.pieces:
            piece = await db.value(PIECE_OF, file.id, start // PIECE, file.account)
            part = bytes(piece or b"")[start % PIECE :][: end - start]
        else:
            part = bytes(await db.value(PART, file.id, file.account, start + 1, min(PIECE, end - start)) or b"")
        opened = await opened_file(db, file.sealed_by, file.id, part, start)
        if not opened:
            return
        yield opened
        start += len(part)


async def _of_object(db: Call, place: str, start: int, end: int) -> bytes:
    if db.blobs is None:
        raise Overloaded("Files are kept in a storage that is not set up here (HUB_FILES_URL).", retry_after=60)
    return await db.blobs.get(place, start, end)


async def _whole(db: Call, row: Any) -> Json | None:
    """A row with its contents, wherever they are; None when it is removed meanwhile."""
    if row is None:
        return None
    found = dict(row)
    place, size, sealed_by = (found.pop(name) for name in ("place", "size", "sealed_by"))
    if "name" in found:
        found["name"] = personal.told(db, found["name"])
    if place is not None:
        found["content"] = await _of_object(db, place, 0, size)
        if len(found["content"]) != size:
            return None
    elif not await _joined(db, found):
        return None
    found["content"] = await opened_file(db, sealed_by, found["id"], found["content"])
    return found if len(found["content"]) == size else None


async def _joined(db: Call, found: Json) -> bool:
    """Of its pieces; False when it is removed meanwhile."""
    if count := found.pop("pieces"):
        parts = [await db.value(PIECE_OF, found["id"], n, found["account_id"]) for n in range(count)]
        if None in parts:
            return False
        found["content"] = b"".join(parts)
    return True


async def take(db: Call, account: UUID, session: UUID, size: int, of_session: int, of_day: int) -> str | None:
    """Count a guest's upload, whose most bytes are given (0: any). `session` or `day` where it is too much for that."""
    found: str | None = await db.value(TAKE, account, session, size, of_session, of_day)
    return found


async def public(db: Call, token: str) -> Json | None:
    return await _whole(db, await db.row(PUBLIC, token))


async def of_session(db: Call, account: UUID, session: UUID, ids: list[UUID]) -> list[Json]:
    rows = await db.fetch(OF_SESSION, account, session, ids)
    return [dict(r) | {"name": personal.told(db, r["name"])} for r in rows]


async def content(db: Call, account: UUID, id: UUID) -> Json | None:
    return await _whole(db, await db.row(CONTENT, account, id))


async def of_conversation(
    db: Call, account: UUID, session: UUID | None, id: UUID | None, token: str | None
) -> Json | None:
    """A file by its id or its token, if it belongs to this conversation; without one, to none."""
    return await _whole(db, await db.row(OF_CONVERSATION, account, session, id, token))


async def made_of(db: Call, account: UUID, message: UUID, kind: str, sha256: bytes) -> Json | None:
    """A file that was made from a message; `sha256` says of what exactly."""
    return await _whole(db, await db.row(MADE_OF, account, message, kind, sha256))


async def hosted(db: Call, token: str) -> Stored | None:
    """A page or a document that a tool made."""
    return await stored(db, token, SHOWN)


async def pending(db: Call, message: UUID) -> Json | None:
    """The waiting message whose attachments are to be fetched."""
    row = await db.row(PENDING, message)
    return dict(row) if row else None


async def attached(db: Call, account: UUID, message: UUID, place: int, attachment: Json) -> bool:
    sealed = clean(attachment)
    if db.keys is not None and (row := await db.row(PENDING, message)):
        body = await personal.body(db, account, row["session_id"], {"from": row["body"].get("from"), "file": attachment})
        sealed = body["file"]
    return await db.run(ATTACHED, message, account, str(place), sealed) == 1


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1


async def purge(db: Call) -> int:
    return await db.run(EXPIRED)
