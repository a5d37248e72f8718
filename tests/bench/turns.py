"""Two hubs of different age that make the same calls in turns: times, processor and pages of each call."""

import random
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from hub.store.db import Db
from tests.bench import machine
from tests.bench.load import at
from tests.bench.report import say
from tests.store.rows import Bench

ROUNDS, TIMES, COUNTED = 20, 100, 40
# PostgreSQL tells of a backend what it has told the others of.
TOLD = "select pg_stat_force_next_flush()"
PAGES = "select coalesce(sum(hits + reads), 0)::bigint, coalesce(sum(reads), 0)::bigint from pg_stat_get_backend_io($1)"


@dataclass
class Spent:
    """Seconds and processor time of each call of a backend, in the order in which they were made."""

    pid: int
    seconds: dict[str, list[float]] = field(default_factory=dict)
    processor: dict[str, list[float]] = field(default_factory=dict)
    after: Callable[[str], Awaitable[None]] | None = None

    async def of(self, name: str, call: Awaitable[Any]) -> Any:
        begun, before = time.monotonic(), self._ran()
        found = await call
        self.seconds.setdefault(name, []).append(time.monotonic() - begun)
        self.processor.setdefault(name, []).append(self._ran() - before)
        if self.after is not None:
            await self.after(name)
        return found

    def _ran(self) -> float:
        """Seconds of processor time, in nanoseconds of the kernel's."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]) / 1e9 if self.pid else 0.0


@dataclass(frozen=True)
class Contestant:
    """A hub with what it holds, its only connection's backend, and how somebody's message is made."""

    name: str
    bench: Bench
    owner: Db
    pid: int
    once: Callable[[Bench, int, Spent | None], Awaitable[UUID]]
    people: int

    async def round(self, chance: random.Random, times: int) -> Spent:
        spent = Spent(self.pid)
        for _ in range(times):
            await self.once(self.bench, chance.randrange(self.people), spent)
        return spent

    async def pages(self, chance: random.Random) -> dict[str, tuple[float, float]]:
        """Pages that each call touched, and of them those that were read, by call."""
        counted: dict[str, list[tuple[int, int]]] = {}
        last = [await self._told()]

        async def after(name: str) -> None:
            now = await self._told()
            counted.setdefault(name, []).append((now[0] - last[0][0], now[1] - last[0][1]))
            last[0] = now

        for _ in range(COUNTED):
            await self.once(self.bench, chance.randrange(self.people), Spent(self.pid, after=after))
        return {
            name: (statistics.median(c[0] for c in counts), statistics.mean(c[1] for c in counts))
            for name, counts in counted.items()
        }

    async def _told(self) -> tuple[int, int]:
        await self.bench.db.value(TOLD)
        row: Any = await self.owner.row(PAGES, self.pid)
        return row[0], row[1]


async def compared(few: Contestant, many: Contestant, name: str) -> None:
    """Say what the calls of one took against those of the other: medians of the rounds."""
    chance = random.Random(7)
    rounds: dict[str, list[Spent]] = {few.name: [], many.name: []}
    for one in (few, many):
        await one.round(chance, TIMES)
    for turn in range(ROUNDS):
        for one in (few, many) if turn % 2 else (many, few):
            rounds[one.name].append(await one.round(chance, TIMES))
    pages = {one.name: await one.pages(chance) for one in (few, many)}
    say(f"{name}: load", f"{machine.load():.1f}")
    for call in rounds[few.name][0].seconds:
        a, b = (_of(rounds[one.name], call) for one in (few, many))
        for place, what in ((0, "time"), (2, "processor")):
            p50, p99 = (f"{a[place + n]:.2f} and {b[place + n]:.2f} ms" for n in (0, 1))
            shares = f"{b[place] / a[place]:.2f} and {b[place + 1] / a[place + 1]:.2f}"
            say(f"{name}: {call}, {what}", f"p50 {p50}, p99 {p99} ({shares}, goal 1.2)")
        touched = " and ".join(f"{pages[o.name][call][0]:.0f} ({pages[o.name][call][1]:.1f})" for o in (few, many))
        say(f"{name}: {call}, pages touched (read)", touched)
    spent = [[sum(map(sum, s.processor.values())) for s in rounds[one.name]] for one in (few, many)]
    whole = [1000 * statistics.median(each) / TIMES for each in spent]
    say(f"{name}: processor for a message", f"{whole[0]:.2f} and {whole[1]:.2f} ms ({whole[1] / whole[0]:.2f})")


def _of(rounds: list[Spent], call: str) -> tuple[float, float, float, float]:
    """Medians of the rounds in ms: of p50 and p99 of the time, of p50 and p99 of the processor."""
    both = [[sorted(s.seconds[call]) for s in rounds], [sorted(s.processor[call]) for s in rounds]]
    found = [1000 * statistics.median(at(one, share) for one in each) for each in both for share in (0.5, 0.99)]
    return found[0], found[1], found[2], found[3]
