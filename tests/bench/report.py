"""Rows of the report, and the numbers in them."""

import statistics
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

Result = dict[str, Any]


@dataclass(frozen=True)
class Pace:
    """How long to measure: runs of each contestant, seconds of each run, chats of a storm."""

    runs: int
    seconds: float
    chats: int


FULL, QUICK = Pace(3, 4.0, 1000), Pace(1, 2.0, 300)


def say(name: str, value: str) -> None:
    """One line of the report."""
    sys.stdout.write(f"  {name:<58} {value}\n")
    sys.stdout.flush()


def title(words: str) -> None:
    sys.stdout.write(f"\n{words}\n")
    sys.stdout.flush()


def ms(result: Result) -> str:
    return f"p50 {result['p50'] * 1000:.2f} ms, p99 {result['p99'] * 1000:.2f} ms"


def median(results: Sequence[Result], name: str = "rate") -> float:
    return float(statistics.median(r[name] for r in results))


def cpu(before: dict[str, float], after: dict[str, float], count: int) -> str:
    """CPU of each process by request: unlike times it hardly depends on what else runs."""
    spent = {name: (after[name] - before[name]) / count * 1e6 for name in before}
    return ", ".join(f"{name} {us:,.0f} µs" for name, us in spent.items() if us >= 1)


async def interleaved(runs: int, *contestants: Callable[[], Awaitable[Result]]) -> list[list[Result]]:
    """Results of each contestant; they take turns, so that noise meets all of them."""
    found: list[list[Result]] = [[] for _ in contestants]
    for _ in range(runs):
        for place, measure in enumerate(contestants):
            found[place].append(await measure())
    return found
