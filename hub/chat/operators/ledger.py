"""Who was erased, kept beside the backups: what is restored holds them again, and is told here whom to erase anew.

A line for each: when, the account, the ids of the person, and each name only as an HMAC under the sealing key, from
which no name can be told. It is on disk before the erasure counts.
"""

import asyncio
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson

from hub.errors import Overloaded, Setup
from hub.runtime import Hub
from hub.sealing import Sealer
from hub.store.erasure import Subject

FILE = "erasures.jsonl"
PURPOSE = "erasures"


@dataclass(frozen=True, slots=True)
class Erased:
    """One erasure. words: names and external user ids, hashed."""

    at: datetime
    account: UUID
    people: tuple[UUID, ...]
    words: frozenset[str]


async def keep(hub: Hub, account: UUID, who: Subject) -> None:
    """Write it down. Raise Overloaded where that cannot be: a restored backup would bring them back."""
    words = sorted(hashed(hub.sealer, account, (*who.names, *who.users)))
    line = {"at": datetime.now(UTC), "account": account, "people": who.people, "words": words}
    try:
        await asyncio.to_thread(_append, hub.settings.backups_folder, orjson.dumps(line, default=str) + b"\n")
    except OSError as e:
        raise Overloaded(
            f"The erasure cannot be noted beside the backups ({e.strerror}); nothing was erased.", retry_after=60
        ) from None


def hashed(sealer: Sealer, account: UUID, names: Iterable[str]) -> dict[str, str]:
    """Names by what the list has in their place."""
    key = sealer.derived(PURPOSE)
    return {hmac.digest(key, f"{account}|{n}".encode(errors="surrogatepass"), "sha256").hex(): n for n in names}


def _append(folder: Path, line: bytes) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One write at the end of the file: processes and machines that share the folder do not mix theirs.
    file = os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, line)
        os.fsync(file)
    finally:
        os.close(file)


def read(path: Path) -> list[Erased]:
    """All of a list; none where there is no file. Raise Setup when a line cannot be read."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(lines, 1):
        try:
            one = orjson.loads(line)
            people = tuple(UUID(p) for p in one["people"])
            at = datetime.fromisoformat(one["at"])
            found.append(Erased(at, UUID(one["account"]), people, frozenset(one["words"])))
        except (ValueError, KeyError, TypeError):
            if number == len(lines):
                continue  # a write that was cut off: its erasure did not count
            raise Setup(f"Line {number} of {path} cannot be read; mend it, for it says who was erased.") from None
    return found
