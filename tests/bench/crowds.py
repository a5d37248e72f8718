"""Crowds: webhooks offered at three times the rate that is taken, and an account that is quiet while another floods."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import count

import aiohttp
import orjson
from aiohttp import web

from tests.bench.load import Job
from tests.bench.place import MODES, Place, load
from tests.bench.report import Pace, say, title
from tests.bench.upstream import HANGING
from tests.fakes.model import FakeModel, Json, says, serve
from tests.flows.world import SECRET

FLOOD, SLOW = 500, 30.0
TIMES = 7
PATIENCE = 60.0
NUMBERS = count(50_000_000)


async def measure(place: Place, pace: Pace) -> None:
    async with place.web() as (_, port):
        await _overload(place, port, pace)
        await place.empty()
        async with serve() as model:
            model.default = _answer
            address = {"baseAddress": f"{model.url}/v1", "modelName": "fake-1"}
            before = await place.hub.db.value("select parameters from gateways limit 1")
            await place.hub.db.run("update gateways set parameters = $1", address)
            await _quiet(place, port, model)
            await place.hub.db.run("update gateways set parameters = $1", before)
    await place.empty()


async def _overload(place: Place, port: int, pace: Pace) -> None:
    title("Overload: webhooks offered at three times what is taken")
    job = place.webhook(port, connections=64, seconds=pace.seconds)
    # With more than can be folded meanwhile some of them are refused, here too.
    best = (await load(replace(job, first=next(NUMBERS)), ours=False))["rate"]
    await place.folded()
    offered: Job = replace(job, connections=600, rate=3 * best, first=next(NUMBERS) * 2)
    await place.empty()
    result = await load(offered, ours=False)
    await place.folded()
    kept = await place.hub.db.value("select count(*) from inbox")
    good = result["answered"] - result["bad"]
    assert kept >= good, f"{good} acknowledged, {kept} stored"
    share = result["rate"] / best
    say("taken at best; at three times that", f"{best:,.0f} /s; {result['rate']:,.0f} /s (ratio {share:.2f}, goal 0.8)")
    say("refused at once; stored though refused", f"{result['bad']:,}; {kept - good:,}")


async def _answer(request: web.Request, body: Json) -> web.StreamResponse:
    slow = "crowd" in str(body["messages"][-1]["content"])
    return await says("answered", delay=SLOW if slow else 0.0)(request, body)


async def _quiet(place: Place, port: int, model: FakeModel) -> None:
    """Two workers; an account writes while all places that another's flood may have are taken."""

    async def at_the_model() -> int:
        return model.open

    async def at_the_network() -> int:
        return int(await place.ask("/holding"))

    kinds = (
        (f"wait for a model of {SLOW:.0f} s", "crowd", 60_000_000, at_the_model),
        ("are answered by a network that hangs", "sent", HANGING, at_the_network),
    )
    for name, text, first, busy in kinds:
        title(f"Fairness: {FLOOD} chats of one account {name}; another account writes")
        with place.child("worker", "hub", "worker"), place.child("another worker", "hub", "worker"):
            async with aiohttp.ClientSession() as http:
                await once(place, http, port)
                alone = statistics.median([await once(place, http, port) for _ in range(TIMES)])
                crowd = (_post(place, http, port, MODES[1], first + n, text) for n in range(FLOOD))
                await asyncio.gather(*crowd)
                await _taken(busy)
                beside = statistics.median([await once(place, http, port) for _ in range(TIMES)])
        times = f"{alone * 1000:.0f} ms; {beside * 1000:.0f} ms (ratio {beside / alone:.2f}, goal 2)"
        say("quiet account: alone; while another floods", times)
        await place.empty()


async def _taken(busy: Callable[[], Awaitable[int]]) -> None:
    """Until no more of the flood is taken up."""
    end, before = time.monotonic() + PATIENCE, -1
    while (now := await busy()) != before or now < 10:
        assert time.monotonic() < end, "the flood was not taken up"
        before = now
        await asyncio.sleep(1.0)


async def once(place: Place, http: aiohttp.ClientSession, port: int, text: str = "a quiet one") -> float:
    """Seconds from a message to its answer at the network."""
    chat, begun = next(NUMBERS), time.monotonic()
    await _post(place, http, port, MODES[0], chat, text)
    while str(chat) not in await place.ask("/seen"):
        assert time.monotonic() < begun + PATIENCE, "the quiet account was not answered"
        await asyncio.sleep(0.01)
    return time.monotonic() - begun


async def _post(place: Place, http: aiohttp.ClientSession, port: int, mode: str, chat: int, text: str) -> None:
    who = {"id": chat, "is_bot": False, "first_name": "Ana", "language_code": "en"}
    message = {"message_id": chat, "from": who, "chat": {"id": chat, "type": "private"}, "date": 1, "text": text}
    url = f"http://127.0.0.1:{port}/api/v1/webhooks/telegram/{place.clients[mode]}/{SECRET}"
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
    data = orjson.dumps({"update_id": chat, "message": message})
    while True:
        async with http.post(url, data=data, headers=headers) as answer:
            if answer.status == 200:
                return
        await asyncio.sleep(0.2)
