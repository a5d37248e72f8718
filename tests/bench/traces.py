"""What traces cost: nothing when they are off; and a collector that never answers."""

import asyncio
import timeit
from dataclasses import replace

from hub.tracing import OFF
from tests.bench import machine
from tests.bench.gateway import ASKED, PATH
from tests.bench.load import Job
from tests.bench.place import Place, head, load
from tests.bench.report import Pace, median, say, title

CALLS = 200_000
CONNECTIONS = 32


def span() -> None:
    with OFF.within("turn"):
        pass


async def measure(place: Place, pace: Pace) -> None:
    title("Traces: off, and on with a collector that hangs; completions at 32 connections, on one core")
    say("a span when they are off", f"{timeit.timeit(span, number=CALLS) / CALLS * 1e9:.0f} ns")
    waiting: list[asyncio.StreamWriter] = []
    hole = await asyncio.start_server(lambda _, writer: waiting.append(writer), "127.0.0.1", 0)
    address = f"http://127.0.0.1:{hole.sockets[0].getsockname()[1]}"
    costs: dict[str, list[dict[str, float]]] = {"off": [], "on": []}
    for _ in range(pace.runs):
        for name, settings in (("off", {}), ("on", {"OTEL_EXPORTER_OTLP_ENDPOINT": address})):
            async with place.web(core=0, **settings) as (pid, port):
                job = Job(
                    port=port, head=head(PATH, f"Authorization: Bearer {place.key}\r\n"),
                    body=ASKED % (place.gateway, ""), connections=CONNECTIONS, seconds=pace.seconds, core=1,
                )
                await load(replace(job, seconds=1.0))
                before = machine.cpu(pid)
                got = await load(job)
                spent = (machine.cpu(pid) - before) / max(1, got["answered"]) * 1e6
                costs[name].append({**got, "cpu": spent})
    hole.close()
    for writer in waiting:
        writer.close()
    for name, found in costs.items():
        say(f"traces {name}: requests/s, CPU by request", f"{median(found):,.0f}, {median(found, 'cpu'):,.0f} µs")
    say("    ratio of requests/s, on to off", f"{median(costs['on']) / median(costs['off']):.2f}")
