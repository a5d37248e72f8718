"""Encrypted streams in the format of age (age-encryption.org/v1), so that `age -d` opens them too.

A file key is wrapped for a passphrase (scrypt) or for a recipient's public key (X25519); what follows is cut into
pieces of 64 KiB, each sealed with ChaCha20-Poly1305 under a counter whose last byte marks the end. A stream that was
cut off, changed or put in another order does not open.
"""

import base64
import hmac
import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from hub.errors import Setup

FIRST = b"age-encryption.org/v1\n"
PIECE, TAG = 1 << 16, 16
WORK, MOST_WORK = 18, 20  # of scrypt: 2^18 takes 256 MB and a second
HEADER = 8192
_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_ZERO = bytes(12)
DAMAGED = "The backup is damaged, or was cut off: it does not open to its end."


def new_identity() -> tuple[str, str]:
    """A key pair: what opens backups (a secret), and for whom they are made."""
    key = X25519PrivateKey.generate()
    return _bech32("age-secret-key-", key.private_bytes_raw()).upper(), recipient_of(key.private_bytes_raw())


def recipient_of(secret: bytes) -> str:
    return _bech32("age", X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw())


def public(recipient: str) -> bytes:
    """The bytes of `age1...`. Raise Setup."""
    return _unbech32("age", recipient, "HUB_BACKUP_RECIPIENT must be a public key such as age1...")


def private(identity: str) -> bytes:
    """The bytes of `AGE-SECRET-KEY-1...`. Raise Setup."""
    return _unbech32("age-secret-key-", identity.lower(), "HUB_BACKUP_IDENTITY must be AGE-SECRET-KEY-1...")


class Encrypting:
    """A file to write to; what is written goes on sealed. `finish` marks the end: without it nothing opens."""

    def __init__(self, out: BinaryIO, passphrase: str = "", recipient: str = "") -> None:
        self._out, self._kept, self._count = out, bytearray(), 0
        key = os.urandom(16)
        stanza = _for_recipient(key, public(recipient)) if recipient else _for_passphrase(key, passphrase)
        header = FIRST + stanza + b"---"
        nonce = os.urandom(16)
        out.write(header + b" " + _b64(_mac(key, header)) + b"\n" + nonce)
        self._aead = ChaCha20Poly1305(_derived(key, nonce, b"payload"))

    def write(self, data: bytes) -> int:
        self._kept += data
        # One piece is held back: the last is sealed as the last.
        while len(self._kept) > PIECE:
            self._seal(bytes(self._kept[:PIECE]), False)
            del self._kept[:PIECE]
        return len(data)

    def finish(self) -> None:
        self._seal(bytes(self._kept), True)

    def _seal(self, piece: bytes, last: bool) -> None:
        self._out.write(self._aead.encrypt(_nonce(self._count, last), piece, None))
        self._count += 1


def opened(file: BinaryIO, passphrase: str = "", identity: str = "") -> Iterator[bytes]:
    """What was sealed, piece by piece; the first line is still to be read. Raise Setup."""
    key = _file_key(file, passphrase, identity)
    aead = ChaCha20Poly1305(_derived(key, file.read(16), b"payload"))
    count, piece = 0, file.read(PIECE + TAG)
    while True:
        following = file.read(PIECE + TAG)
        try:
            yield aead.decrypt(_nonce(count, not following), piece, None)
        except InvalidTag:
            raise Setup(DAMAGED) from None
        if not following:
            return
        piece, count = following, count + 1


def is_sealed(beginning: bytes) -> bool:
    return beginning.startswith(FIRST)


def _file_key(file: BinaryIO, passphrase: str, identity: str) -> bytes:
    lines, read = [], 0
    while True:
        line = file.readline(HEADER)
        read += len(line)
        if not line.endswith(b"\n") or read > HEADER:
            raise Setup(DAMAGED)
        lines.append(line)
        if line.startswith(b"--- "):
            break
    if lines[0] != FIRST:
        raise Setup("The file is no backup of this hub.")
    for n, line in enumerate(lines[1:-1], 1):
        if line.startswith(b"-> "):
            key = _unwrapped(line[3:].split(), lines[n + 1], passphrase, identity)
            if key is not None:
                break
    else:
        raise Setup(
            "The backup is sealed for another key or kind of key; set HUB_BACKUP_IDENTITY or HUB_BACKUP_PASSPHRASE "
            "to what it was made for."
        )
    said = b"".join(lines[:-1]) + b"---"
    if not hmac.compare_digest(_b64(_mac(key, said)), lines[-1][4:].strip()):
        raise Setup(DAMAGED)
    return key


def _unwrapped(stanza: list[bytes], body: bytes, passphrase: str, identity: str) -> bytes | None:
    try:
        if stanza[0] == b"X25519" and identity:
            secret = X25519PrivateKey.from_private_bytes(private(identity))
            share, ours = _unb64(stanza[1]), secret.public_key().public_bytes_raw()
            wrap = _exchanged(secret, share, ours, share)
        elif stanza[0] == b"scrypt" and passphrase:
            work = int(stanza[2])
            if work > MOST_WORK:
                raise Setup("The backup's passphrase would take too much memory to try; open it with `age -d`.")
            wrap = _stretched(passphrase, _unb64(stanza[1]), work)
        else:
            return None
        return ChaCha20Poly1305(wrap).decrypt(_ZERO, _unb64(body.strip()), None)
    except (InvalidTag, ValueError, IndexError):
        return None


def _for_recipient(key: bytes, recipient: bytes) -> bytes:
    once = X25519PrivateKey.generate()
    share = once.public_key().public_bytes_raw()
    wrap = _exchanged(once, recipient, recipient, share)
    return b"-> X25519 " + _b64(share) + b"\n" + _b64(ChaCha20Poly1305(wrap).encrypt(_ZERO, key, None)) + b"\n"


def _for_passphrase(key: bytes, passphrase: str) -> bytes:
    salt = os.urandom(16)
    wrapped = ChaCha20Poly1305(_stretched(passphrase, salt, WORK)).encrypt(_ZERO, key, None)
    return b"-> scrypt " + _b64(salt) + f" {WORK}\n".encode() + _b64(wrapped) + b"\n"


def _exchanged(secret: X25519PrivateKey, other: bytes, recipient: bytes, share: bytes) -> bytes:
    shared = secret.exchange(X25519PublicKey.from_public_bytes(other))
    return HKDF(hashes.SHA256(), 32, share + recipient, b"age-encryption.org/v1/X25519").derive(shared)


def _stretched(passphrase: str, salt: bytes, work: int) -> bytes:
    whole = b"age-encryption.org/v1/scrypt" + salt
    return Scrypt(whole, 32, 2**work, 8, 1).derive(passphrase.encode())


def _derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, purpose).derive(key)


def _mac(key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derived(key, b"", b"header"), header, "sha256")


def _nonce(count: int, last: bool) -> bytes:
    return count.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _b64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _unb64(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)


def _bech32(kind: str, data: bytes) -> str:
    words = _regrouped(data, 8, 5, True)
    check = _checksum(kind, words)
    return kind + "1" + "".join(_ALPHABET[w] for w in words + check)


def _unbech32(kind: str, text: str, wanted: str) -> bytes:
    name, _, rest = text.strip().rpartition("1")
    if name != kind or any(c not in _ALPHABET for c in rest) or len(rest) != 58:
        raise Setup(f"{wanted}.")
    words = [_ALPHABET.index(c) for c in rest]
    if _checksum(kind, words[:-6]) != words[-6:]:
        raise Setup(f"{wanted}; a character of it is wrong.")
    return bytes(_regrouped(bytes(words[:-6]), 5, 8, False))


def _regrouped(data: bytes, have: int, want: int, pad: bool) -> list[int]:
    kept, bits, found = 0, 0, []
    for value in data:
        kept, bits = (kept << have) | value, bits + have
        while bits >= want:
            bits -= want
            found.append((kept >> bits) & ((1 << want) - 1))
    if pad and bits:
        found.append((kept << (want - bits)) & ((1 << want) - 1))
    return found


def _checksum(kind: str, words: list[int]) -> list[int]:
    spread = [ord(c) >> 5 for c in kind] + [0] + [ord(c) & 31 for c in kind]
    sum = _polymod([*spread, *words, 0, 0, 0, 0, 0, 0]) ^ 1
    return [(sum >> 5 * (5 - n)) & 31 for n in range(6)]


def _polymod(words: list[int]) -> int:
    sum = 1
    for word in words:
        top = sum >> 25
        sum = (sum & 0x1FFFFFF) << 5 ^ word
        for n in range(5):
            sum ^= _GENERATOR[n] if top >> n & 1 else 0
    return sum
