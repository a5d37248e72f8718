"""A line between the browser and the hub that can be cut and mended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Wire:
    url: str = ""
    whole: bool = True
    ends: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """Every connection breaks, and none can be made."""
        self.whole = False
        for end in self.ends:
            end.transport.abort()

    def mend(self) -> None:
        self.whole = True


@asynccontextmanager
async def wired(to: str) -> AsyncIterator[Wire]:
    wire, target = Wire(), urlsplit(to)
    tasks: set[asyncio.Task[None]] = set()

    async def carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while piece := await source.read(65536):
                sink.write(piece)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not wire.whole:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(target.hostname, target.port)
        wire.ends |= {writer, far_writer}
        both = [asyncio.create_task(carry(reader, far_writer)), asyncio.create_task(carry(far_reader, writer))]
        tasks.update(both)
        await asyncio.gather(*both, return_exceptions=True)
        wire.ends -= {writer, far_writer}

    server = await asyncio.start_server(joined, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        wire.cut()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
