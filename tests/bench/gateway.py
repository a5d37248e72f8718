"""A chat completion through the hub against the same request made to the upstream directly."""

from dataclasses import replace

from tests.bench.load import Job
from tests.bench.place import Place, head, load
from tests.bench.report import Pace, interleaved, median, ms, say, title

CONNECTIONS = 32
PATH = "/v1/chat/completions"


async def measure(place: Place, pace: Pace) -> None:
    title(f"7. Chat completions, no stream ({CONNECTIONS} connections, upstream at 0 ms)")
    asked = '{"model":"%s","messages":[{"role":"user","content":"When do you open? (%%(n)d)"}]}' % place.gateway  # noqa: UP031
    direct = Job(
        port=place.upstream, head=head(PATH), body=asked, connections=CONNECTIONS, seconds=pace.seconds, core=0
    )
    async with place.web(core=0) as (_, port):
        through = replace(direct, port=port, head=head(PATH, f"Authorization: Bearer {place.key}\r\n"), core=1)
        await load(replace(through, seconds=1.0))
        directs, throughs = await interleaved(pace.runs, lambda: load(direct), lambda: load(through))
        say("direct", f"{median(directs):,.0f} /s")
        say("through the hub", f"{median(throughs):,.0f} /s   (ratio {median(throughs) / median(directs):.2f})")
        alone, one = await load(replace(direct, connections=1)), await load(replace(through, connections=1))
        say("direct, alone", ms(alone))
        say("through the hub, alone", ms(one))
        say("added p50, alone", f"{(one['p50'] - alone['p50']) * 1000:.2f} ms")
