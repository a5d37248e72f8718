"""Files of conversations: received and uploaded."""

from typing import Any
from uuid import UUID

from hub.store.db import Call, clean

ADD = """
    insert into files (id, account_id, session_id, message_id, token, name, mime, kind, size, sha256, content, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now() + make_interval(secs => $12))
    on conflict (id) do nothing
"""
PUBLIC = "select name, mime, content from files where token = $1 and (expires_at is null or expires_at > now())"
OF_SESSION = """
    select id, message_id, token, name, mime, kind, size from files where account_id = $1 and session_id = $2 and id = any($3)
"""
CONTENT = "select name, mime, kind, token, content from files where account_id = $1 and id = $2"
OF_CONVERSATION = """
    select name, mime, content from files
    where account_id = $1 and session_id is not distinct from $2 and (id = $3 or token = $4)
        and (expires_at is null or expires_at > now())
"""
HOSTED = """
    select name, mime, kind, content from files
    where token = $1 and kind in ('page', 'pdf') and (expires_at is null or expires_at > now())
"""
MADE_OF = """
    select mime, content from files
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

Json = dict[str, Any]


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
) -> None:
    """`seconds`: how long it is kept; None: until it is removed."""
    await db.run(
        ADD, id, account, session, message, token, clean(name)[:255], mime, kind, len(content), sha256, content, seconds
    )


async def take(db: Call, account: UUID, session: UUID, size: int, of_session: int, of_day: int) -> str | None:
    """Count a guest's upload, whose most bytes are given (0: any). `session` or `day` where it is too much for that."""
    found: str | None = await db.value(TAKE, account, session, size, of_session, of_day)
    return found


async def public(db: Call, token: str) -> Json | None:
    row = await db.row(PUBLIC, token)
    return dict(row) if row else None


async def of_session(db: Call, account: UUID, session: UUID, ids: list[UUID]) -> list[Json]:
    return [dict(r) for r in await db.fetch(OF_SESSION, account, session, ids)]


async def content(db: Call, account: UUID, id: UUID) -> Json | None:
    row = await db.row(CONTENT, account, id)
    return dict(row) if row else None


async def of_conversation(
    db: Call, account: UUID, session: UUID | None, id: UUID | None, token: str | None
) -> Json | None:
    """A file by its id or its token, if it belongs to this conversation; without one, to none."""
    row = await db.row(OF_CONVERSATION, account, session, id, token)
    return dict(row) if row else None


async def made_of(db: Call, account: UUID, message: UUID, kind: str, sha256: bytes) -> Json | None:
    """A file that was made from a message; `sha256` says of what exactly."""
    row = await db.row(MADE_OF, account, message, kind, sha256)
    return dict(row) if row else None


async def hosted(db: Call, token: str) -> Json | None:
    """A page or a document that a tool made."""
    row = await db.row(HOSTED, token)
    return dict(row) if row else None


async def pending(db: Call, message: UUID) -> Json | None:
    """The waiting message whose attachments are to be fetched."""
    row = await db.row(PENDING, message)
    return dict(row) if row else None


async def attached(db: Call, account: UUID, message: UUID, place: int, attachment: Json) -> bool:
    return await db.run(ATTACHED, message, account, str(place), clean(attachment)) == 1


async def remove(db: Call, account: UUID, id: UUID) -> bool:
    return await db.run(REMOVE, account, id) == 1


async def purge(db: Call) -> int:
    return await db.run(EXPIRED)
