"""Where a session's context is fetched: kept with its query under seal, which may hold a token. Pure."""

from typing import Any
from uuid import UUID

from hub.accounts.destinations import bare
from hub.sealing import Sealer

PLACE = "sessions.context"


def split(sealer: Sealer, client: UUID, url: str | None) -> tuple[str | None, bytes | None]:
    """The address without its query, and the whole one sealed where it has one."""
    if url is None or bare(url) == url:
        return url, None
    return bare(url), sealer.seal(PLACE, client, url)


def joined(sealer: Sealer, client: object, url: str | None, sealed: bytes | None) -> str | None:
    """The whole address."""
    return sealer.open(PLACE, client, bytes(sealed)) if url and sealed else url


def raw(value: Any) -> bytes | None:
    """Bytes as a row has them, or as JSON writes them."""
    if isinstance(value, str):
        return bytes.fromhex(value.removeprefix("\\x"))
    return bytes(value) if value is not None else None
