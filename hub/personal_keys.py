"""What people said, sealed under a key of their own each: once the key is gone, no copy of the words can be read.

The keys lie in a folder outside of PostgreSQL, a file each, sealed by the hub's key and named by a hash, so that no
dump, base or log of the database ever holds one. What is sealed begins with a mark; it is opened where JSON is read.
"""

import asyncio
import base64
import hmac
import os
import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.errors import Overloaded, Setup
from hub.sealing import Sealer

Json = dict[str, Any]
Stamp = tuple[int, int]

MARK = "sealed.1."
ERASED = "[erased]"
COPIES = "personal-keys"  # the folder of copies beside the backups
IDENTITY = "id"  # a file that says which folder it is
_FORM = re.compile(r"sealed\.1\.([0-9a-f]{32})\.([A-Za-z0-9_-]+=*)")
_PLACE = "personal.key"
PASSING = (".part", ".gone")  # ends of names of what is being written or removed
MOST = 10_000  # keys that a process remembers

# Of a stored body what SQL looks at, ids and kinds; everything else is words.
CLEAR = frozenset({
    "media", "mime", "size", "seconds", "file_id", "token", "reply_to", "from", "role", "step", "consent", "continues",
    "callback", "album", "tool_call_id", "edited", "revoked", "forwarded", "bare", "doubted", "group", "trace", "rule",
    "event",
})
# Of these each element has such fields of its own.
NESTED = frozenset({"attachments", "quoted", "file"})


class Unkeyed(Overloaded):
    """Somebody's key cannot be written or read now."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"The personal keys cannot be written or read ({error}).", retry_after=5)
        # A file that is damaged, or another user's, is the trouble of one person and stays it.
        self.lasting = isinstance(error, Setup | ValueError | PermissionError)


class Sealed(str):
    """A value that was sealed here: anything else that begins like one is only text."""

    __slots__ = ()


class PersonalKeys:
    """The keys in a folder. copies: where a copy of each lies beside the backups, which is forgotten with it."""

    def __init__(self, folder: Path, sealer: Sealer, copies: Path | None = None) -> None:
        self.folder = folder
        self._copies = copies
        self._sealer = sealer
        self._name = sealer.derived("personal.names")
        self._known: dict[str, tuple[Stamp, bytes]] = {}

    def named(self, account: UUID | str, subject: str) -> str:
        """The file of a subject, from which it cannot be told."""
        told = f"{account}|{subject}".encode(errors="surrogatepass")
        return hmac.digest(self._name, told, "sha256").hex()[:32]

    async def ready(self, account: UUID | str, subjects: Iterable[str]) -> None:
        """Before something is sealed: each of them has a key, which is on disk. Raise Unkeyed."""
        await self._ready({self.named(account, s) for s in subjects})

    async def ready_all(self, whose: Iterable[tuple[UUID | str, str]]) -> None:
        await self._ready({self.named(account, s) for account, s in whose})

    async def _ready(self, names: set[str]) -> None:
        found, wrong = await asyncio.to_thread(self._ensured, names)
        for name, key in found.items():
            self._remember(name, *key)
        if wrong is not None:
            raise Unkeyed(wrong) from None

    def _remember(self, name: str, stamp: Stamp, key: bytes) -> None:
        self._known.pop(name, None)
        self._known[name] = (stamp, key)
        if len(self._known) > MOST:
            self._known.pop(next(iter(self._known)), None)

    def _ensured(self, names: Collection[str]) -> tuple[dict[str, tuple[Stamp, bytes]], Exception | None]:
        """As they are by now: another process may have forgotten one and begun anew. And why one cannot be had."""
        found: dict[str, tuple[Stamp, bytes]] = {}
        wrong: Exception | None = None
        for name in names:
            for left in (2, 1, 0):  # one that is forgotten in this moment is begun anew
                try:
                    found[name] = self._ensure(name)
                except FileNotFoundError as e:
                    wrong = wrong if left else e
                    continue
                except (OSError, Setup, ValueError) as e:
                    wrong = e
                break
        return found, wrong

    def _ensure(self, name: str) -> tuple[Stamp, bytes]:
        path = _path(self.folder, name)
        try:
            stamp = _stamp(os.stat(path))
        except FileNotFoundError:
            self._make(name, path)
            stamp = None
        known = self._known.get(name)
        return known if known is not None and known[0] == stamp else self._read(name)

    def _make(self, name: str, path: Path) -> None:
        sealed = self._sealer.seal(_PLACE, name, base64.b64encode(secrets.token_bytes(32)).decode())
        written(path, sealed)

    def _read(self, name: str) -> tuple[Stamp, bytes]:
        with open(_path(self.folder, name), "rb") as file:
            sealed, stamp = file.read(), _stamp(os.fstat(file.fileno()))
        return stamp, base64.b64decode(self._sealer.open(_PLACE, name, sealed))

    def seal(self, account: UUID | str, subject: str, value: Any) -> Sealed:
        """Any JSON value, under a key that is `ready`."""
        name = self.named(account, subject)
        nonce = os.urandom(12)
        closed = AESGCM(self._known[name][1]).encrypt(nonce, orjson.dumps(value, default=str), name.encode())
        return Sealed(f"{MARK}{name}.{base64.urlsafe_b64encode(nonce + closed).decode()}")

    def body(self, account: UUID | str, subject: str, body: Json) -> Json:
        """A stored body with its words sealed; what is empty stays as it is."""
        return {k: self._field(account, subject, k, v) for k, v in body.items()}

    def _field(self, account: UUID | str, subject: str, name: str, value: Any) -> Any:
        if name in NESTED and isinstance(value, dict):
            return self.body(account, subject, value)
        if name in NESTED and isinstance(value, list):
            return [self.body(account, subject, v) if isinstance(v, dict) else v for v in value]
        if name in CLEAR or not value or isinstance(value, bool):
            return value
        return self.seal(account, subject, value)

    def text(self, value: Any) -> Any:
        """A value as it was before it was sealed; what is not sealed, unchanged."""
        if not isinstance(value, str) or not value.startswith(MARK):
            return value
        form = _FORM.fullmatch(value)
        return value if form is None else self._opened(form[1], form[2])

    def _opened(self, name: str, closed: str) -> Any:
        raw = base64.urlsafe_b64decode(closed)
        known = self._known.get(name)
        for key in (known and known[1], None):
            try:
                if key is None:
                    stamp, key = self._read(name)
                    self._remember(name, stamp, key)
                return orjson.loads(AESGCM(key).decrypt(raw[:12], raw[12:], name.encode()))
            except (InvalidTag, ValueError, OSError, Setup):
                continue
        self._known.pop(name, None)
        return ERASED

    def opened(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {k: self.opened(v) for k, v in value.items()}
        return [self.opened(v) for v in value] if isinstance(value, list) else value

    def loads(self, text: str | bytes) -> Any:
        """JSON of the database."""
        value = orjson.loads(text)
        if (MARK in text) if isinstance(text, str) else (MARK.encode() in text):
            return self.opened(value)
        return value

    def stream(self, name: str, id: UUID, content: bytes, start: int = 0) -> bytes:
        """Bytes of a file from a place in it, sealed or opened: the same deed, which keeps lengths and places.
        Nothing where the key is gone. Bytes do not tell that they were opened with another key: it is looked each time
        whether the one that is known still is the one, or was forgotten by another process."""
        try:
            key = self._current(name)
        except (OSError, Setup, ValueError):
            return b""
        begin = hmac.digest(key, b"file" + id.bytes, "sha256")[:12]
        cipher = Cipher(algorithms.AES(key), modes.CTR(begin + (start // 16).to_bytes(4, "big"))).encryptor()
        cipher.update(bytes(start % 16))
        return cipher.update(content)

    def _current(self, name: str) -> bytes:
        known = self._known.get(name)
        if known is None or known[0] != _stamp(os.stat(_path(self.folder, name))):
            known = self._read(name)
            self._remember(name, *known)
        return known[1]

    async def forget(self, account: UUID | str, subjects: Iterable[str]) -> int:
        """For good; how many there were. Raise Overloaded."""
        names = {self.named(account, s) for s in subjects}
        try:
            count = await asyncio.to_thread(self._forgotten, names)
        except OSError as e:
            raise Overloaded(f"The personal keys cannot be removed ({e.strerror}).", retry_after=60) from None
        for name in names:
            self._known.pop(name, None)
        return count

    def _forgotten(self, names: Iterable[str]) -> int:
        count = 0
        for name in names:
            # First the key itself: a backup that copies it meanwhile looks again and takes its copy back.
            count += removed(_path(self.folder, name))
            if self._copies is not None:
                removed(_path(self._copies, name))
        return count


def plain(value: Any) -> Any:
    """Text that only looks as if it had been sealed: nobody has somebody's words opened by writing them down."""
    if isinstance(value, Sealed):
        return value
    if isinstance(value, str):
        return value.replace(MARK, "sealed-1.", 1) if value.startswith(MARK) else value
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


def subject(session: UUID | str, body: Json) -> str:
    """Whose the words of a message are: in a group its author's, else the conversation's."""
    said: Sequence[str] | None = body.get("from")
    return f"name:{said[0]}" if isinstance(said, list) and said else f"session:{session}"


def _path(folder: Path, name: str) -> Path:
    return folder / name[:2] / name


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_ino, found.st_mtime_ns


def written(path: Path, content: bytes) -> None:
    """A file that is whole and on disk when it has its name; one that is there already stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    try:
        with open(part, "xb", opener=lambda p, f: os.open(p, f, 0o600)) as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    for folder in (path.parent, path.parent.parent):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def removed(path: Path) -> bool:
    """Gone at once for whoever reads it, then written over and unlinked, with what a try that was cut off has left;
    false where there is none."""
    gone = path.with_name(f"{path.name}.{secrets.token_hex(8)}.gone")
    found = True
    try:
        os.rename(path, gone)
    except FileNotFoundError:
        found = False
    for left in path.parent.glob(f"{path.name}.*.gone"):
        with suppress(FileNotFoundError):
            with open(left, "r+b") as file:
                file.write(os.urandom(os.fstat(file.fileno()).st_size))
                file.flush()
                os.fsync(file.fileno())
            left.unlink()
    return found


def identity(folder: Path, begin: bool) -> str | None:
    """Which folder of keys this is. begin: it becomes one where it is none."""
    path = folder / IDENTITY
    if begin and not path.exists():
        written(path, secrets.token_hex(16).encode())
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def copied(folder: Path, to: Path) -> int:
    """A copy of all keys, and of no others: what was forgotten meanwhile is forgotten in it too. How many there are.

    Raise Setup where it is not the folder that was copied before: one that is empty by mistake would take all along."""
    count, theirs = 0, identity(to, begin=False)
    if theirs is not None and theirs != identity(folder, begin=False):
        raise Setup(f"{folder} is not the folder of personal keys that {to} is the copy of; nothing was copied.")
    kept = {p.relative_to(folder) for p in folder.rglob("*") if p.is_file() and p.suffix not in PASSING}
    for name in kept:
        with suppress(FileNotFoundError):
            content, old = (folder / name).read_bytes(), to / name
            if not old.exists() or old.read_bytes() != content:
                removed(old)
                written(old, content)
            count += 1
        if not (folder / name).exists():
            removed(to / name)
    for old in [p for p in to.rglob("*") if p.is_file() and p.relative_to(to) not in kept]:
        if not (folder / old.relative_to(to)).exists():
            removed(old)
    return count
