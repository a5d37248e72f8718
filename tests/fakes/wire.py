"""A server that answers every request with exactly the bytes it was given, in one write."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass
class Wire:
    """`answers`: whole HTTP answers, the last one for ever. `sent`: the JSON of every request."""

    url: str = ""
    answers: list[bytes] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            named = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            self.sent.append(orjson.loads(await reader.readexactly(int(named["content-length"]))))
            self.keys.append(named.get("authorization", ""))
            writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def wired(*answers: bytes) -> AsyncIterator[Wire]:
    wire = Wire(answers=list(answers))
    server = await asyncio.start_server(wire.handle, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield wire
    finally:
        server.close()
        await server.wait_closed()
