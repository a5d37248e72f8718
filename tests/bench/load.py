"""A load generator in a process of its own: raw sockets, keep-alive, one JSON job in, one JSON result out."""

import asyncio
import os
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvloop

PATIENCE = 30.0


@dataclass(frozen=True)
class Job:
    """What to send. `body` is a %-template with %(n)d (number of the request) and %(chat)d.

    With a rate requests are due at fixed times, whatever became of those before them, and their
    latency counts from then; without one each connection sends when its answer is there.
    """

    port: int
    head: str
    body: str
    connections: int
    seconds: float = 0.0
    rate: float = 0.0
    count: int = 1 << 60
    first: int = 1
    chats: int = 500
    core: int | None = None


@dataclass
class Run:
    job: Job
    begun: float = 0.0
    sent: int = 0
    answered: int = 0
    bad: int = 0
    busy: int = 0
    last: float = 0.0
    told: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    begins: list[float] = field(default_factory=list)
    idle: deque["Connection"] = field(default_factory=deque)
    late: deque[float] = field(default_factory=deque)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def more(self) -> bool:
        return self.sent < self.job.count and (not self.job.seconds or time.monotonic() < self.begun + self.job.seconds)

    def request(self) -> bytes:
        n = self.job.first + self.sent
        self.sent += 1
        body = self.job.body % {"n": n, "chat": 1000 + n % self.job.chats}
        return f"{self.job.head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def send(self, connection: "Connection", due: float) -> None:
        self.busy += 1
        self.begins.append(due)
        connection.send(self.request(), due)

    def done(self, connection: "Connection", status: str, due: float) -> None:
        good = status == "200"
        self.told[status] += 1
        self.last = time.monotonic()
        self.busy -= 1
        self.answered += 1
        self.bad += not good
        self.latencies.append(self.last - due)
        if self.late:
            self.send(connection, self.late.popleft())
        elif not self.job.rate and self.more:
            self.send(connection, self.last)
        else:
            self.idle.append(connection)
            if not self.busy and not self.more:
                self.over.set()

    async def tick(self) -> None:
        """Send what is due."""
        due = 0
        while self.more and due < self.job.count:
            now = time.monotonic()
            while self.more and due < self.job.count and self.begun + due / self.job.rate <= now:
                at = self.begun + due / self.job.rate
                due += 1
                if self.idle:
                    self.send(self.idle.popleft(), at)
                else:
                    self.late.append(at)
            await asyncio.sleep(0.0005)
        if not self.busy:
            self.over.set()


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._transport: Any = None
        self._buffer = b""
        self._due = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def send(self, request: bytes, due: float) -> None:
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or not self._whole(end):
            return
        status, self._buffer = self._buffer[9:12].decode(), b""
        self._run.done(self, status, self._due)

    def _whole(self, end: int) -> bool:
        """Whether all of the answer is here."""
        head = self._buffer[:end].lower()
        if b"transfer-encoding: chunked" in head:
            return self._buffer.endswith(b"0\r\n\r\n")
        at = head.find(b"content-length: ")
        length = int(head[at + 16 :].split(b"\r", 1)[0]) if at >= 0 else 0
        return len(self._buffer) >= end + 4 + length

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._run.over.is_set():
            self._run.bad += 1
            self._run.over.set()


async def run(job: Job) -> dict[str, Any]:
    one, loop = Run(job), asyncio.get_running_loop()
    for _ in range(job.connections):
        _, made = await loop.create_connection(lambda: Connection(one), "127.0.0.1", job.port)
        one.idle.append(made)
    one.begun = time.monotonic()
    ticking = asyncio.create_task(one.tick()) if job.rate else None
    while not job.rate and one.idle and one.more:
        one.send(one.idle.popleft(), time.monotonic())
    async with asyncio.timeout(job.seconds + PATIENCE):
        await one.over.wait()
    if ticking is not None:
        await ticking
    slow = sorted(one.latencies)
    return {
        "answered": one.answered, "bad": one.bad, "seconds": one.last - one.begun, "begun": one.begun,
        "p50": at(slow, 0.5), "p99": at(slow, 0.99), "begins": one.begins, "told": one.told,
    }


def at(ordered: list[float], share: float) -> float:
    """A quantile of sorted values."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def main() -> None:
    job = Job(**orjson.loads(sys.stdin.buffer.read()))
    if job.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {job.core})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(orjson.dumps(runner.run(run(job))))


if __name__ == "__main__":
    main()
