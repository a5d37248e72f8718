"""Temporary addresses of files in workspaces: a sealed token that holds everything, so nothing is stored.

Every file has one, and it is the same for everybody who is told it within the hour: who asks for it changes nothing.
"""

import base64
import binascii
import time
from typing import Any
from uuid import UUID

import orjson

from hub.errors import NotFound, Setup
from hub.sealing import Sealer
from hub.tools.shell.paths import Parts

PLACE, ROW = "workspaces.public", "file"
SECONDS = 3600
LONGEST = 8000


def token(
    sealer: Sealer, account: UUID, user: str, parts: Parts, now: float | None = None, person: UUID | None = None
) -> str:
    """Opens one file of a user's workspace until the end of the next hour. person: whose workspace it is, whoever
    has the name by then."""
    until = (int(time.time() if now is None else now) // SECONDS + 2) * SECONDS
    content = orjson.dumps([str(account), user, list(parts), until, str(person) if person else None]).decode()
    return base64.urlsafe_b64encode(sealer.seal_same(PLACE, ROW, content)).decode().rstrip("=")


def read(sealer: Sealer, token: str) -> tuple[UUID, str, Parts, UUID | None]:
    """Account, user, path and person of a token. Raise NotFound when it is none or has expired."""
    try:
        if len(token) > LONGEST or not token.isascii():
            raise ValueError
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        found: Any = orjson.loads(sealer.open(PLACE, ROW, sealed))
    except (ValueError, binascii.Error, Setup):
        raise NotFound("This address is not valid.") from None
    account, user, parts, until, *rest = found
    if until < time.time():
        raise NotFound("This address has expired.")
    person = rest[0] if rest else None
    return UUID(account), user, tuple(parts), UUID(person) if person else None
