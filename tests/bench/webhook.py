"""Webhooks stored durably and acknowledged, against a bare aiohttp handler."""

import time
from dataclasses import replace
from itertools import count

from tests.bench.load import Job
from tests.bench.place import UPDATE, Place, head, load
from tests.bench.report import Pace, Result, cpu, interleaved, median, ms, say, title

CONNECTIONS = 64
RATES = (500, 1000)
# Each commit is another transaction's.
GROUPS = """
    select coalesce(sum(many), 0)::int, coalesce(avg(many), 0)::float8
    from (select count(*) as many from arrivals group by xmin::text) a
"""


async def measure(place: Place, pace: Pace) -> None:
    title(f"1. Webhook stored and acknowledged ({CONNECTIONS} connections, 1 kB, server and load on one core each)")
    numbers = count(1)
    bare = Job(
        port=place.upstream, head=head("/hook"), body=UPDATE, connections=CONNECTIONS, seconds=pace.seconds, core=0
    )
    async with place.web(core=0) as (_, port):
        hub = place.webhook(port, connections=CONNECTIONS, seconds=pace.seconds, core=1)

        async def stored(**changes: float) -> Result:
            await place.empty()
            begun, before = time.monotonic(), place.cpu()
            job = replace(hub, first=next(numbers) * 10_000_000, **changes)  # type: ignore[arg-type]  # options by name
            # Where more waits to be folded than an integration may have, the rest is told 503 and counts for nothing.
            result = await load(job, ours=False)
            taken = result["answered"] - result["bad"]
            result["acknowledged"] = cpu(before, place.cpu(), max(1, taken))
            waiting = await place.hub.db.row(GROUPS)
            result["waiting"], result["group"] = (0, 0.0) if waiting is None else tuple(waiting)
            result["sustained"] = taken / (await place.folded() - begun)
            kept = await place.hub.db.value("select count(*) from inbox")
            assert kept >= taken, f"{taken} calls acknowledged, {kept} stored"
            return result

        async def answered() -> Result:
            return await load(bare)

        await stored(seconds=1.0)
        bares, hubs = await interleaved(pace.runs, answered, stored)
        say("bare aiohttp, answers 200", f"{median(bares):,.0f} /s")
        say("hub web, PostgreSQL with fsync", f"{median(hubs):,.0f} /s   (ratio {median(hubs) / median(bares):.2f})")
        for status in sorted({s for r in hubs for s in r["told"]}):
            told = sum(r["told"].get(status, 0) for r in hubs)
            say(f"of these told {status}", f"{told / sum(r['answered'] for r in hubs):.2f} of the calls")
        grouped = median(hubs, "group"), median(hubs, "waiting")
        say("calls of a commit, of those that wait then", f"{grouped[0]:.0f} of {grouped[1]:,.0f}")
        say("CPU by call until the last is acknowledged", hubs[-1]["acknowledged"])
        folded = median(hubs, "sustained")
        say("the same until all are folded", f"{folded:,.0f} /s   (ratio {folded / median(bares):.2f})")
        say("hub web, all 64 busy", ms(sorted(hubs, key=lambda r: float(r["p99"]))[len(hubs) // 2]))
        for name, once in (("bare aiohttp", answered), ("hub web", stored)):
            before = place.cpu()
            result = await once()
            say(f"{name}, CPU by call", cpu(before, place.cpu(), result["answered"]))
        for rate in RATES:
            if rate < median(hubs) * 0.9:
                say(f"hub web at {rate}/s", ms(await stored(rate=rate)))
        say("bare aiohttp, alone (1 connection)", ms(await load(replace(bare, connections=1))))
        say("hub web, alone (1 connection)", ms(await stored(connections=1)))
    await place.empty()
