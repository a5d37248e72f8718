"""Webhook calls of networks that never send again, kept on disk while the database is away.

One append-only file; a record is length (4 bytes), CRC-32 (4 bytes) and JSON. A record counts once
it is on disk (fsync, shared by all that arrive within a few milliseconds).
"""

import asyncio
import base64
import binascii
import logging
import os
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID

import orjson

from hub.chat.receiving import Knock
from hub.errors import Overloaded

log = logging.getLogger(__name__)

CAP = 1 << 30
GROUP_SECONDS = 0.005
_HEAD = struct.Struct(">II")


class Spool:
    """`drain` hands records back, oldest first, and forgets them once all are taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._flushing = False
        self._lock = asyncio.Lock()

    @property
    def empty(self) -> bool:
        try:
            return self._path.stat().st_size == 0
        except FileNotFoundError:
            return True

    async def keep(self, knock: Knock) -> None:
        """Return when the call is on disk. Raise Overloaded when the spool is full."""
        if not self.empty and self._path.stat().st_size > CAP:
            raise Overloaded(retry_after=60)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((_encode(knock), done))
        if not self._flushing:
            self._flushing = True
            await asyncio.sleep(GROUP_SECONDS)
            async with self._lock:
                self._flushing = False
                taken, self._waiting = self._waiting, []
                await asyncio.to_thread(self._append, b"".join(r for r, _ in taken))
            for _, one in taken:
                if not one.done():
                    one.set_result(None)
        await done

    def _append(self, data: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(self._path, "ab", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    async def drain(self, take: Callable[[Knock], Awaitable[object]]) -> int:
        """Give every record to `take`; stop at its first error and keep everything (taking twice is
        harmless: the network's ids are remembered)."""
        if self.empty:
            return 0
        async with self._lock:
            data = await asyncio.to_thread(self._path.read_bytes)
            taken = 0
            for knock in _decode(data):
                await take(knock)
                taken += 1
            await asyncio.to_thread(self._path.unlink)
        log.info("spool drained: %d webhook calls", taken)
        return taken


def _encode(knock: Knock) -> bytes:
    body = orjson.dumps({
        "channel": knock.channel, "client": str(knock.client_id), "secret": knock.secret, "headers": dict(knock.headers),
        "body": base64.b64encode(knock.body).decode(),
    })
    return _HEAD.pack(len(body), binascii.crc32(body)) + body


def _decode(data: bytes) -> Iterator[Knock]:
    place = 0
    while place + _HEAD.size <= len(data):
        size, crc = _HEAD.unpack_from(data, place)
        body = data[place + _HEAD.size : place + _HEAD.size + size]
        if len(body) < size or binascii.crc32(body) != crc:
            log.error("the spool ends in a damaged record; what was before it is taken")
            return
        r = orjson.loads(body)
        yield Knock(r["channel"], UUID(r["client"]), r["secret"], r["headers"], base64.b64decode(r["body"]))
        place += _HEAD.size + size
