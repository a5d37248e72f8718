"""Webhook calls of networks that never send again, kept on disk while the database is away.

A folder of small files, each written once and whole: calls that arrive within a few milliseconds share
one. A record is length (4 bytes), CRC-32 (4 bytes) and JSON, and counts once it is on disk (fsync).
Several processes may share the folder: none ever writes to a file that another may be reading. A file's
name says when it was written and for whom, so that what comes later for the same address waits behind it.
"""

import asyncio
import base64
import binascii
import logging
import os
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import orjson

from hub.chat.inbound.webhooks import Knock, NotStored
from hub.errors import HubError, Overloaded
from hub.store.db import clean

log = logging.getLogger(__name__)

CAP = 1 << 30
# Of it, what one address may have, and what those may have that nobody could look up.
SHARE = 0.25
GROUP_SECONDS = 0.005
# Addresses in the name of a file, and what stands there for more of them.
NAMED, MANY = 12, ".many"
# Seconds until all is tried again, and how often a call is tried while others are taken.
AGAIN, TRIES = 0.5, 600
SIDE_BY_SIDE = 8
# A folder that was changed that lately may be changed again without its time showing it.
SETTLED_NS = 100_000_000
Take = Callable[[Knock], Awaitable[object]]
Alive = Callable[[], Awaitable[bool]]
_HEAD = struct.Struct(">II")


class Spool:
    """`drain` hands records back, oldest first, and forgets each file once its records are taken."""

    def __init__(self, path: Path, room: Callable[[], bool] = lambda: True) -> None:
        """room: whether the disk has some."""
        self._path = path
        self._room = room
        self._waiting: list[tuple[Knock, bytes, asyncio.Future[None]]] = []
        self._group: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._kept: Counter[UUID] = Counter()  # bytes of each address since its calls were taken last
        self._unknown = 0  # bytes for addresses that could not be looked up
        self._taken: dict[Path, set[int]] = {}  # places in files that are taken but for others
        self._tries: Counter[tuple[Path, int]] = Counter()
        self._rang = asyncio.Event()
        self._listed: tuple[int, list[Path]] = (-1, [])  # the files, and the folder's time when they were listed

    @property
    def empty(self) -> bool:
        return not self._files()

    @property
    def waiting(self) -> frozenset[str] | None:
        """The last digits of the chat clients whose calls wait; None where they are too many to be told."""
        names = [f.name.split(".")[1:-1] for f in self._files()]
        if any(MANY[1:] in marks for marks in names):
            return None
        return frozenset(mark for marks in names for mark in marks)

    def holds(self, client: UUID) -> bool:
        """Whether a call of this address waits."""
        mark = _mark(client)
        return any(mark in f.name or MANY in f.name for f in self._files())

    def _files(self) -> list[Path]:
        """Listed anew only when the folder was changed, by this process or another: a call asks for them, too."""
        try:
            changed = os.stat(self._path).st_mtime_ns
            if changed == self._listed[0]:
                return self._listed[1]
            settled = time.time_ns() - changed > SETTLED_NS
            files = sorted(self._path / e.name for e in os.scandir(self._path) if e.name.endswith(".calls"))
        except FileNotFoundError:
            return []
        if settled:
            self._listed = changed, files
        return files

    def _size(self) -> int:
        """Bytes on disk; a file that goes away meanwhile is none."""
        return sum(f.stat().st_size for f in self._files() if f.exists())

    async def keep(self, knock: Knock, known: bool = True) -> None:
        """Return when the call is on disk. Raise Overloaded when the spool is full, or this address's share of it is;
        known: whether the address is certainly one of ours."""
        record = _encode(knock)
        if self._kept[knock.client_id] > CAP * SHARE or (not known and self._unknown > CAP * SHARE):
            raise Overloaded("The spool is full.", retry_after=60)
        self._kept[knock.client_id] += len(record)
        self._unknown += 0 if known else len(record)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((knock, record, done))
        if self._group is None:
            self._group = asyncio.create_task(self._flush())  # a task: a caller that goes away takes nobody with it
        await done

    async def _flush(self) -> None:
        await asyncio.sleep(GROUP_SECONDS)
        taken, self._waiting, self._group = self._waiting, [], None
        failed: Overloaded | None = None
        try:
            name = _name(k.client_id for k, _, _ in taken)
            await asyncio.to_thread(self._write, name, b"".join(r for _, r, _ in taken))
        except (OSError, Overloaded) as e:
            log.error("webhook calls cannot be kept on disk: %s", e)
            failed = Overloaded(retry_after=60)
        self._rang.set()
        for _, _, one in taken:
            if one.done():
                continue
            if failed:
                one.set_exception(failed)
            else:
                one.set_result(None)

    def _write(self, name: str, data: bytes) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._size() > CAP or not self._room():
            raise Overloaded("The spool is full.")
        part = self._path / f"{name}.part"
        with open(part, "xb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self._path / f"{name}.calls")
        folder = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name must survive too
        finally:
            os.close(folder)

    async def run(self, take: Take, alive: Alive, aside: Take) -> None:
        """Drain whatever is there, from the start and for ever, as soon as it can be taken."""
        while True:
            try:
                if not self.empty:
                    await self.drain(take, alive, aside)
            except HubError as e:
                log.debug("the spool waits: %s", e)
            except OSError as e:
                log.error("the spool cannot be read: %s", e)
            self._rang.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN):
                    if self.empty:
                        await self._rang.wait()
                    else:
                        await asyncio.sleep(AGAIN)

    async def drain(self, take: Take, alive: Alive | None = None, aside: Take | None = None) -> int:
        """Give every record to `take`, those of one address in order; what raises HubError stays, and with it what is
        behind it (taking twice is harmless: the network's ids are remembered). Unless `alive` says that this is the
        address's own trouble, all stops. What has failed TRIES times goes `aside`.

        Raise the HubError of what stays.
        """
        taken, stuck = 0, dict[UUID, HubError]()
        async with self._lock:
            for file in self._files():
                try:
                    data = await asyncio.to_thread(file.read_bytes)
                except FileNotFoundError:
                    continue  # another process was quicker
                taken += await self._drained(file, data, _Takers(take, alive, aside, stuck))
        if taken:
            log.info("spool drained: %d webhook calls", taken)
        if stuck:
            raise next(iter(stuck.values()))
        self._kept.clear()
        self._unknown = 0
        return taken

    async def _drained(self, file: Path, data: bytes, to: "_Takers") -> int:
        """Take the records of a file, of different addresses side by side."""
        records: dict[UUID, list[tuple[int, Knock]]] = {}
        done = self._taken.setdefault(file, set())
        for n, knock in enumerate(_decode(data)):
            if n not in done:
                records.setdefault(knock.client_id, []).append((n, knock))
        room = asyncio.Semaphore(SIDE_BY_SIDE)
        chains = (self._chain(file, chain, to, room) for chain in records.values())
        ended = await asyncio.gather(*chains, return_exceptions=True)
        for one in ended:
            if isinstance(one, BaseException):
                raise one
        if all(client not in to.stuck for client in records):
            await asyncio.to_thread(file.unlink, missing_ok=True)
            del self._taken[file]
        return sum(n for n in ended if isinstance(n, int))

    async def _chain(
        self, file: Path, records: list[tuple[int, Knock]], to: "_Takers", room: asyncio.Semaphore
    ) -> int:
        taken = 0
        async with room:
            for n, knock in records:
                if knock.client_id in to.stuck:
                    break
                try:
                    taken += await _given(to.take, knock)
                except HubError as e:
                    if not await self._gone_aside((file, n), knock, to, e):
                        break
                self._taken[file].add(n)
        return taken

    async def _gone_aside(self, place: tuple[Path, int], knock: Knock, to: "_Takers", e: HubError) -> bool:
        """Whether the record need not be tried again. Raise the error when nothing can be taken at all."""
        to.stuck[knock.client_id] = e
        if to.alive is None or not await to.alive():
            raise e
        self._tries[place] += isinstance(e, NotStored)  # being busy is nobody's fault
        if self._tries[place] < TRIES or to.aside is None:
            return False
        await to.aside(knock)
        del self._tries[place], to.stuck[knock.client_id]
        return True


@dataclass(frozen=True, slots=True)
class _Takers:
    """stuck: addresses whose first call cannot be taken now."""

    take: Take
    alive: Alive | None
    aside: Take | None
    stuck: dict[UUID, HubError]


async def _given(take: Take, knock: Knock) -> int:
    try:
        await take(knock)
    except HubError:
        raise
    except Exception:  # one call that cannot be taken must not hold up all that come after it
        log.exception("a kept %s webhook call of client %s was dropped", knock.channel, knock.client_id)
        return 0
    return 1


def _mark(client: UUID) -> str:
    return f".{client.hex[-12:]}"


def _name(clients: Iterable[UUID]) -> str:
    """When, and for whom, unless there are too many."""
    marks = sorted({_mark(c) for c in clients})
    return f"{time.time_ns():020}-{uuid4().hex[:8]}" + ("".join(marks) if len(marks) <= NAMED else MANY)


def _encode(knock: Knock) -> bytes:
    body = orjson.dumps(
        {
            "channel": knock.channel,
            "client": str(knock.client_id),
            "secret": knock.secret,
            "headers": clean(dict(knock.headers)),
            "body": base64.b64encode(knock.body).decode(),
        }
    )
    return _HEAD.pack(len(body), binascii.crc32(body)) + body


def _decode(data: bytes) -> Iterator[Knock]:
    place = 0
    while place + _HEAD.size <= len(data):
        size, crc = _HEAD.unpack_from(data, place)
        body = data[place + _HEAD.size : place + _HEAD.size + size]
        if len(body) < size or binascii.crc32(body) != crc:
            log.error("a file of the spool ends in a damaged record; what was before it is taken")
            return
        r = orjson.loads(body)
        yield Knock(r["channel"], UUID(r["client"]), r["secret"], r["headers"], base64.b64decode(r["body"]))
        place += _HEAD.size + size
