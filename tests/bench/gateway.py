"""Chat completions through the hub, a bare proxy and other gateways, over the same model server."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from tests.bench import machine, rivals
from tests.bench.load import Job
from tests.bench.place import Place, head, load
from tests.bench.report import Pace, median, ms, say, title
from tests.bench.rivals import Rival
from tests.bench.upstream import CHUNKS

PATH = "/v1/chat/completions"
CONNECTIONS = (1, 32, 128)
STREAMS = 32
ASKED = '{"model":"%s","messages":[{"role":"user","content":"When do you open? (%%(n)d)"}]%s}'
LONG = f',"stream":true,"stream_options":{{"include_usage":true}},"max_tokens":{CHUNKS}'


@dataclass(frozen=True)
class Contestant:
    name: str
    pid: int
    whole: Job
    stream: Job


async def measure(place: Place, pace: Pace) -> None:
    title("7. Chat completions, upstream at 0 ms; each gateway on one core")
    async with place.web(core=0) as (pid, port):
        with ExitStack() as stack:
            others = [stack.enter_context(start(place)) for start in (rivals.bare, rivals.litellm, rivals.portkey)]
            hub = Rival("the hub", port, f"Authorization: Bearer {place.key}\r\n", pid)
            direct = Rival("the model server itself", place.upstream, "", place.running["upstream"].pid)
            found = [o for o in (hub, *others) if o is not None and await rivals.ready(place, o)]
            every = [_contestant(o, place.gateway if o is hub else "fake-1", pace) for o in (direct, *found)]
            for one in every:
                await load(replace(one.whole, connections=8, seconds=1.0))
            await _compared(every, pace)


def _contestant(one: Rival, model: str, pace: Pace) -> Contestant:
    whole = Job(
        port=one.port, head=head(PATH, one.headers), body=ASKED % (model, ""), connections=1, seconds=pace.seconds,
        core=1,
    )
    return Contestant(one.name, one.pid, whole, replace(whole, body=ASKED % (model, LONG), connections=STREAMS))


async def _compared(every: list[Contestant], pace: Pace) -> None:
    results: dict[str, dict[str, list[dict[str, Any]]]] = {c.name: {} for c in every}
    for _ in range(pace.runs):
        for one in every:
            mine = results[one.name]
            for n in CONNECTIONS:
                mine.setdefault(str(n), []).append(await _cost(one, replace(one.whole, connections=n)))
            mine.setdefault("stream", []).append(await _cost(one, one.stream))
    base = results["bare aiohttp proxy"]
    alone = results["the model server itself"]["1"]
    for one in every:
        mine = results[one.name]
        rates = ", ".join(f"{n}: {median(mine[str(n)]):,.0f}" for n in CONNECTIONS)
        say(f"{one.name}: requests/s at 1, 32, 128", rates)
        if one.name == "the model server itself":
            continue
        p50, p99 = (1000 * (median(mine["1"], q) - median(alone, q)) for q in ("p50", "p99"))
        say("    alone", f"{ms(mine['1'][-1])}; added p50 {p50:.2f} ms, p99 {p99:.2f} ms")
        ratio, streams = median(mine["32"]) / median(base["32"]), median(mine["stream"]) / median(base["stream"])
        say("    ratio to the bare proxy: requests, streams", f"{ratio:.2f}, {streams:.2f}")
        say(f"    streams of {CHUNKS} events/s ({STREAMS} connections)", f"{median(mine['stream']):,.0f}")
        cpu = f"{median(mine['32'], 'cpu'):,.0f} µs, {median(mine['stream'], 'cpu') / 1000:.2f} ms"
        say("    CPU by request, by stream", cpu)
        say("    memory", f"{machine.family(one.pid):.0f} MiB")


async def _cost(one: Contestant, job: Job) -> dict[str, Any]:
    """The load's result with the CPU that the contestant spent on a request, in µs."""
    before = machine.cpu(one.pid)
    got = await load(job)
    return {**got, "cpu": (machine.cpu(one.pid) - before) / max(1, got["answered"]) * 1e6}
