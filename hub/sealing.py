"""Secrets at rest and comparisons that take the same time for every input."""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.errors import Setup

_VERSION = b"\x01"


class Sealer:
    """AES-256-GCM under one key, bound to where the value is stored.

    Format: version byte, 12 byte nonce, ciphertext with tag. The place ("integrations.secrets"
    and the row's id) is authenticated, so a value copied to another row does not open.
    """

    def __init__(self, key: str) -> None:
        """`key`: 32 bytes in base64."""
        try:
            raw = base64.b64decode(key, validate=True)
        except ValueError:
            raw = b""
        if len(raw) != 32:
            raise Setup("HUB_SEALING_KEY must be 32 bytes in base64; make one with `openssl rand -base64 32`.")
        self._raw = raw
        self._aead = AESGCM(raw)

    def derived(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose, from which the sealing key cannot be told."""
        return HKDF(hashes.SHA256(), 32, None, purpose.encode()).derive(self._raw)

    def seal(self, place: str, row: object, value: str) -> bytes:
        return self._sealed(os.urandom(12), place, row, value)

    def seal_same(self, place: str, row: object, value: str) -> bytes:
        """Sealed so that the same value gives the same bytes: for what is shown again without being kept."""
        told = f"{place}|{row}|{value}".encode()
        return self._sealed(hmac.digest(self.derived("nonce"), told, "sha256")[:12], place, row, value)

    def _sealed(self, nonce: bytes, place: str, row: object, value: str) -> bytes:
        return _VERSION + nonce + self._aead.encrypt(nonce, value.encode(), f"{place}|{row}".encode())

    def open(self, place: str, row: object, sealed: bytes) -> str:
        """Raise Setup when the value was sealed with another key or for another place."""
        try:
            if sealed[:1] != _VERSION:
                raise InvalidTag
            plain = self._aead.decrypt(sealed[1:13], sealed[13:], f"{place}|{row}".encode())
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            raise Setup(
                f"A stored secret ({place}) does not open with HUB_SEALING_KEY; use the key it was sealed with."
            ) from None
        return plain.decode()

    def seal_map(self, place: str, row: object, values: Mapping[str, str]) -> bytes:
        return self.seal(place, row, orjson.dumps(dict(values)).decode())

    def open_map(self, place: str, row: object, sealed: bytes) -> dict[str, str]:
        value: dict[str, str] = orjson.loads(self.open(place, row, sealed))
        return value


def new_key() -> str:
    """A new sealing key: 32 random bytes in base64."""
    return base64.b64encode(os.urandom(32)).decode()


def digest(secret: str) -> bytes:
    """SHA-256 of a high-entropy secret: what is stored in its place."""
    return hashlib.sha256(secret.encode()).digest()


def sign(key: str, text: str) -> str:
    """Hex HMAC-SHA256."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def same(a: str, b: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(a.encode(errors="surrogatepass"), b.encode(errors="surrogatepass"))
