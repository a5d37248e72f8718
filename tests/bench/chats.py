"""Whole messages: webhook, turn, model, provider, all over real HTTP; what it costs idle and in memory."""

import asyncio
import time
from dataclasses import replace
from itertools import count
from typing import Any

from tests.bench import machine
from tests.bench.load import at
from tests.bench.place import MODES, Place, load
from tests.bench.report import Pace, Result, cpu, interleaved, median, ms, say, title
from tests.bench.upstream import SAID

RATE = 50
NUMBERS = count(1)
PATIENCE = 90.0


async def measure(place: Place, pace: Pace) -> None:
    async with place.web() as (web, port):
        with place.child("worker", "hub", "worker") as worker, place.child("scheduler", "hub", "scheduler") as clock:
            pids = {"web": web, "worker": worker, "scheduler": clock}
            await _started(place)
            idle = memory(place, pids)
            await _idle(pids, pace.seconds)
            title(f"4. Whole messages, model and provider at 0 ms; {pace.chats} chats, each answered once")
            runs = await interleaved(pace.runs, *(_storms(place, port, mode, pace.chats) for mode in MODES))
            for mode, results in zip(MODES, runs, strict=True):
                say(mode, f"{median(results):,.0f} messages/s")
                say(f"{mode}, CPU by message", results[-1]["cpu"])
            title(f"5. Webhook due to provider's request, {RATE} messages/s, no debounce")
            for mode in MODES:
                await _overhead(place, port, mode, pace.seconds * 2)
            title("6. Memory (RSS; PostgreSQL: all its processes, shared pages once)")
            after = memory(place, pids)
            for name in idle:
                say(name, f"{idle[name]:.0f} MiB idle, {after[name]:.0f} MiB after the load")
    await place.empty()


async def _started(place: Place) -> None:
    """Wait until both have said that they live."""
    end = time.monotonic() + 40
    while await place.hub.db.value("select count(*) from worker_beats") < 2:
        assert time.monotonic() < end, "worker or scheduler did not start"
        await asyncio.sleep(0.2)
    await asyncio.sleep(1)


async def _idle(pids: dict[str, int], seconds: float) -> None:
    title("3. CPU of idle processes")
    before = {name: machine.cpu(pid) for name, pid in pids.items()}
    await asyncio.sleep(seconds)
    for name, pid in pids.items():
        say(name, f"{(machine.cpu(pid) - before[name]) / seconds * 100:.1f} %")


def memory(place: Place, pids: dict[str, int]) -> dict[str, float]:
    found = {name: machine.rss(pid) for name, pid in pids.items()}
    found["PostgreSQL"] = machine.family(place.servers["PostgreSQL"].process.pid)
    found["Valkey"] = machine.rss(place.servers["Valkey"].process.pid)
    return found


def _storms(place: Place, port: int, mode: str, chats: int) -> Any:
    async def storm() -> Result:
        """All chats write at once; from the first webhook to the last answer."""
        job = place.webhook(port, mode, connections=64, count=chats, chats=chats, first=next(NUMBERS) * 1_000_000)
        before = place.cpu()
        sent = await load(job)
        shown = await _answered(place, chats)
        spent = cpu(before, place.cpu(), chats)
        return {"rate": chats / (max(shown.values()) - sent["begun"]), "cpu": spent}

    return storm


async def _overhead(place: Place, port: int, mode: str, seconds: float) -> None:
    chats = int(RATE * seconds)
    job = place.webhook(port, mode, connections=16, count=chats, chats=chats, first=next(NUMBERS) * 1_000_000)
    sent = await load(replace(job, rate=RATE))
    shown = await _answered(place, chats)
    # Requests leave in order, so the first is for the first chat.
    waits = sorted(
        shown[str(1000 + (job.first + n) % chats)] - begun for n, begun in enumerate(sent["begins"])
    )
    say(f"{mode}: the answer", ms({"p50": at(waits, 0.5), "p99": at(waits, 0.99)}))


async def _answered(place: Place, chats: int) -> dict[str, float]:
    """When each chat was answered; all of them were, once."""
    end = time.monotonic() + PATIENCE
    while await place.ask("/counted") < chats:
        assert time.monotonic() < end, f"only {await place.ask('/counted')} of {chats} chats were answered"
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)  # a second answer would come now
    seen = await place.ask("/seen")
    times = {chat: [when for _, text, when in said if text == SAID] for chat, said in seen.items()}
    twice = [chat for chat, answers in times.items() if len(answers) != 1]
    assert not twice, f"{len(twice)} chats were not answered exactly once"
    return {chat: answers[0] for chat, answers in times.items()}
