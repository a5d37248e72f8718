"""Files that tools make: kept with the conversation, under addresses that expire."""

import hashlib

from hub import ids
from hub.domain import Json
from hub.store import files
from hub.tools.base import Context

DAYS = 30
# What received files are never called: only what was made here is shown by a browser.
PAGE_KIND, PDF_KIND = "page", "pdf"


async def keep(context: Context, kind: str, name: str, mime: str, content: bytes, days: float = DAYS) -> Json:
    """Store a file; it goes with its session, or after `days`. Return it in the shape of an attachment."""
    id, token = ids.uuid7(), ids.access_key()[4:]
    await files.add(
        context.hub.db, id, context.account_id, context.session_id, None, token=token, name=name, mime=mime, kind=kind,
        sha256=hashlib.sha256(content).digest(), content=content, seconds=days * 86400,
    )
    media = "image" if mime.startswith("image/") else "document"
    return {"media": media, "mime": mime, "name": name, "size": len(content), "file_id": str(id), "token": token}


def address(context: Context, kept: Json, hosted: bool) -> str:
    """Where everyone who has the address finds it, until it expires."""
    settings = context.hub.settings
    return f"{settings.hosted_url or settings.address}/hosted/{kept['token']}" if hosted else (
        f"{settings.address}/media/{kept['token']}"
    )
