"""Webhook calls of networks that never send again, kept on disk while the database is away.

A folder of small files, each written once and whole: calls that arrive within a few milliseconds share
one. A record is length (4 bytes), CRC-32 (4 bytes) and JSON, and counts once it is on disk (fsync).
Several processes may share the folder: none ever writes to a file that another may be reading.
"""

import asyncio
import base64
import binascii
import logging
import os
import struct
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import orjson

from hub.chat.inbound.webhooks import Knock
from hub.errors import HubError, Overloaded
from hub.store.db import clean

log = logging.getLogger(__name__)

CAP = 1 << 30
GROUP_SECONDS = 0.005
_HEAD = struct.Struct(">II")


class Spool:
    """`drain` hands records back, oldest first, and forgets each file once its records are taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._group: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    @property
    def empty(self) -> bool:
        return not self._files()

    def _files(self) -> list[Path]:
        try:
            return sorted(self._path / e.name for e in os.scandir(self._path) if e.name.endswith(".calls"))
        except FileNotFoundError:
            return []

    def _size(self) -> int:
        """Bytes on disk; a file that goes away meanwhile is none."""
        return sum(f.stat().st_size for f in self._files() if f.exists())

    async def keep(self, knock: Knock) -> None:
        """Return when the call is on disk. Raise Overloaded when the spool is full."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((_encode(knock), done))
        if self._group is None:
            self._group = asyncio.create_task(self._flush())  # a task: a caller that goes away takes nobody with it
        await done

    async def _flush(self) -> None:
        await asyncio.sleep(GROUP_SECONDS)
        taken, self._waiting, self._group = self._waiting, [], None
        failed: Overloaded | None = None
        try:
            await asyncio.to_thread(self._write, b"".join(r for r, _ in taken))
        except (OSError, Overloaded) as e:
            log.error("webhook calls cannot be kept on disk: %s", e)
            failed = Overloaded(retry_after=60)
        for _, one in taken:
            if one.done():
                continue
            if failed:
                one.set_exception(failed)
            else:
                one.set_result(None)

    def _write(self, data: bytes) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._size() > CAP:
            raise Overloaded("The spool is full.")
        name = f"{time.time_ns():020}-{uuid4().hex[:8]}"
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

    async def drain(self, take: Callable[[Knock], Awaitable[object]]) -> int:
        """Give every record to `take`; stop at its first HubError and keep the rest (taking twice is
        harmless: the network's ids are remembered)."""
        taken = 0
        async with self._lock:
            for file in self._files():
                try:
                    data = await asyncio.to_thread(file.read_bytes)
                except FileNotFoundError:
                    continue  # another process was quicker
                for knock in _decode(data):
                    taken += await _given(take, knock)
                file.unlink(missing_ok=True)
        if taken:
            log.info("spool drained: %d webhook calls", taken)
        return taken


async def _given(take: Callable[[Knock], Awaitable[object]], knock: Knock) -> int:
    try:
        await take(knock)
    except HubError:
        raise
    except Exception:  # one call that cannot be taken must not hold up all that come after it
        log.exception("a kept %s webhook call of client %s was dropped", knock.channel, knock.client_id)
        return 0
    return 1


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
