"""Tokens of users: HS256 under a key of the hub, each for one kind of use."""

import secrets
import time
from typing import Any
from uuid import UUID

import jwt

from hub.domain import User
from hub.errors import Unauthorized
from hub.sealing import Sealer

ACCESS, REFRESH = "access", "refresh"
ACCESS_SECONDS, REFRESH_SECONDS, LEEWAY = 900, 604_800, 60
CLAIMS = ("sub", "sid", "email", "exp", "iat", "typ")
LONGEST = 4096


class Tokens:
    """Signs and reads them. Whoever has the sealing key of the hub can, nobody else."""

    def __init__(self, sealer: Sealer) -> None:
        self._key = sealer.derived("ares.jwt")

    def access(self, user: User, family: UUID) -> str:
        """family: of the sign-in that it came of, and ends with."""
        return self._signed(user, family, ACCESS, ACCESS_SECONDS)

    def refresh(self, user: User, family: UUID) -> str:
        return self._signed(user, family, REFRESH, REFRESH_SECONDS)

    def _signed(self, user: User, family: UUID, kind: str, seconds: int) -> str:
        now = int(time.time())
        claims = {
            "sub": str(user.id), "sid": str(family), "email": user.email, "iat": now, "exp": now + seconds, "typ": kind,
            "jti": secrets.token_hex(16),
        }
        return jwt.encode(claims, self._key, algorithm="HS256")

    def read(self, token: str, kind: str) -> tuple[UUID, UUID]:
        """Whose token of this kind it is, and of which sign-in. Raise Unauthorized unless it is valid now."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token[:LONGEST], self._key, algorithms=["HS256"], leeway=LEEWAY, options={"require": list(CLAIMS)}
            )
            if claims["typ"] == kind:
                return UUID(claims["sub"]), UUID(claims["sid"])
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            pass
        raise Unauthorized("Unauthorized")
