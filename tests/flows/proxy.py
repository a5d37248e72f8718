"""Proxies that count: every exchange between the hub and its two servers, with what was asked."""

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

Chunk = Callable[[bytes], None]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]


@dataclass
class Flights:
    """What was asked, one entry for each time the hub waited for an answer."""

    seen: list[str] = field(default_factory=list)

    def take(self) -> list[str]:
        found = list(self.seen)
        self.seen.clear()
        return found


class PostgresTap:
    """Reads the client's side of one connection: a flight is everything up to a Sync or a simple Query."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights
        self._rest = b""
        self._started = False
        self._names: dict[bytes, str] = {}
        self._asked = ""

    def client(self, data: bytes) -> None:
        self._rest += data
        if not self._started and len(self._rest) >= 4:
            size = struct.unpack_from(">I", self._rest)[0]
            if len(self._rest) < size:
                return
            self._rest, self._started = self._rest[size:], True
        while self._started and len(self._rest) >= 5:
            size = 1 + struct.unpack_from(">I", self._rest, 1)[0]
            if len(self._rest) < size:
                return
            kind, body = self._rest[:1], self._rest[5:size]
            self._rest = self._rest[size:]
            self._message(kind, body)

    def _message(self, kind: bytes, body: bytes) -> None:
        if kind == b"P":
            name, sql = body.split(b"\0")[:2]
            self._names[name] = self._asked = sql.decode()
        elif kind == b"B":
            self._asked = self._names[body.split(b"\0")[1]]
        elif kind == b"Q":
            self._flights.seen.append(body.rstrip(b"\0").decode())
        elif kind == b"S":
            self._flights.seen.append(self._asked)

    def server(self, data: bytes) -> None:
        """Answers end nothing here: asyncpg waits for one after each Sync."""


class RedisTap:
    """A flight is what the client sends until the server has answered; pushes without a question are none."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights
        self._waiting = False

    def client(self, data: bytes) -> None:
        names = re.findall(rb"\*\d+\r\n\$\d+\r\n([A-Za-z]+)\r\n", data)
        words = " ".join(n.decode().upper() for n in names)
        if self._waiting and self._flights.seen:
            self._flights.seen[-1] += f" {words}"
        else:
            self._flights.seen.append(words)
        self._waiting = True

    def server(self, data: bytes) -> None:
        self._waiting = False


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, tap: Chunk) -> None:
    with suppress(ConnectionError):
        while data := await source.read(1 << 16):
            tap(data)
            target.write(data)
            await target.drain()
    target.close()


def _relay(
    connect: Connect, make: Callable[[], PostgresTap | RedisTap]
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tap = make()
        up_reader, up_writer = await connect()
        await asyncio.gather(_pump(reader, up_writer, tap.client), _pump(up_reader, writer, tap.server))

    return relay


@asynccontextmanager
async def postgres(dsn: str, folder: Path) -> AsyncIterator[tuple[str, Flights]]:
    """Yield an address that leads through the tap, and the count."""
    flights = Flights()
    sockets = dsn.rsplit("host=", 1)[1]

    def connect() -> Awaitable[Streams]:
        return asyncio.open_unix_connection(f"{sockets}/.s.PGSQL.5432")

    server = await asyncio.start_unix_server(_relay(connect, lambda: PostgresTap(flights)), folder / ".s.PGSQL.5432")
    try:
        yield dsn.replace(f"host={sockets}", f"host={folder}"), flights
    finally:
        server.close()


@asynccontextmanager
async def redis(url: str) -> AsyncIterator[tuple[str, Flights]]:
    """Yield an address that leads through the tap, and the count."""
    flights = Flights()
    address = url.rsplit("@", 1)[1].split("/")[0]
    host, port = address.split(":")

    def connect() -> Awaitable[Streams]:
        return asyncio.open_connection(host, int(port))

    server = await asyncio.start_server(_relay(connect, lambda: RedisTap(flights)), "127.0.0.1", 0)
    own = server.sockets[0].getsockname()[1]
    try:
        yield url.replace(address, f"127.0.0.1:{own}"), flights
    finally:
        server.close()


@dataclass
class Hole:
    """Between the hub and Valkey; while `dark`, whatever comes is taken and nothing ever answers. swallowed: what was
    asked meanwhile, by its first command."""

    url: str = ""
    dark: bool = False
    swallowed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []

    def heal(self) -> None:
        """It answers again; what was connected is lost, as it is behind a network that was cut."""
        self.dark = False
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    @property
    def asked(self) -> list[str]:
        """Without the circuit's own tries and what opens their connections."""
        return [a for a in self.swallowed if a.split()[0] not in ("PING", "AUTH", "HELLO", "CLIENT", "SUBSCRIBE")]

    async def relay(self, host: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            up_reader, up_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.transport.abort()  # nobody is there either
            return
        self._writers += [writer, up_writer]
        await asyncio.gather(self._there(reader, up_writer), self._back(up_reader, writer), return_exceptions=True)

    async def _there(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 16):
            if self.dark:
                names = re.findall(rb"\*\d+\r\n\$\d+\r\n([A-Za-z]+)\r\n", data)
                self.swallowed.append(" ".join(n.decode().upper() for n in names) or "?")
            else:
                target.write(data)
                await target.drain()
        target.close()

    async def _back(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 16):
            if not self.dark:
                target.write(data)
                await target.drain()
        target.close()


@asynccontextmanager
async def hole(url: str) -> AsyncIterator[Hole]:
    address = url.rsplit("@", 1)[1].split("/")[0]
    host, port = address.split(":")
    one = Hole()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await one.relay(host, int(port), reader, writer)

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    one.url = url.replace(address, f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield one
    finally:
        one.heal()
        server.close()
