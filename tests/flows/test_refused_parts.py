"""Parts that a network does not take: a few tries, then their link or words alone; what is behind them goes on."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hub.chat.outbound import refused_parts
from hub.chat.turns import turn
from hub.config import Settings
from tests.fakes.model import says
from tests.flows.picky import Picky, Refusal, given, picky, picture, shelf
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import BODIES, say
from tests.flows.test_provider_failures import kapso, listed
from tests.flows.world import World, make

Json = dict[str, Any]
SENDING = {"telegram": "sendPhoto", "zapi": "send-image", "evolution": "sendMedia", "kapso": "/messages"}
NETWORKS = list(SENDING)
AXIOS = given("03")["network answers to POST /message/sendMedia"]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same tries within less time."""
    monkeypatch.setattr(refused_parts, "WAITS", (0.05, 0.1, 0.1, 0.1))
    yield


@pytest.fixture
async def r(settings: Settings, quick: None) -> AsyncIterator[Rig]:
    async with picky() as net, rig(settings, work=True, net=net) as one:
        yield one


async def allow(r: Rig, *origins: str) -> None:
    """Origins whose files an answer may send."""
    await r.w.parameters(allowedMediaOrigins=list(origins))


@asynccontextmanager
async def photo(r: Rig) -> AsyncIterator[tuple[str, str]]:
    """A picture that may be sent: as a model writes it, and as its link."""
    async with shelf(p_png=(picture(), "image/png")) as place:
        await allow(r, place)
        yield f"![Foto]({place}/p.png)", f"Foto\n{place}/p.png"


def net(r: Rig) -> Picky:
    assert isinstance(r.net, Picky)
    return r.net


def no_files(r: Rig, channel: str, status: int = 500, body: Json | None = None) -> Refusal:
    """Files are refused for ever, words are not."""

    def file(sent: Json) -> bool:
        return channel != "kapso" or sent.get("type") == "image"

    said = {"ok": False, "error_code": status, "description": "Internal"} if channel == "telegram" else {"error": "no"}
    return net(r).refuse(SENDING[channel], status, body or said, when=file)


def other(channel: str, text: str) -> Json:
    """The same from somebody else."""
    body = BODIES[channel](text)
    if channel == "telegram":
        body["message"]["from"]["id"] = body["message"]["chat"]["id"] = 701
    elif channel == "zapi":
        body["phone"] = "5511888880000"
    elif channel == "evolution":
        body["data"]["key"]["remoteJid"] = "5511888880000@s.whatsapp.net"
    else:
        body["message"]["from"] = "5511888880000"
        body["conversation"]["phone_number"] = "+5511888880000"
    return body


@pytest.mark.parametrize("channel", NETWORKS)
async def test_a_picture_that_cannot_be_sent_goes_as_its_link_and_the_rest_follows(r: Rig, channel: str) -> None:
    async with photo(r) as (shown, link):
        refusal = no_files(r, channel)
        r.model.plan.append(says(f"Aqui está:\n\n{shown}\n\nGostou?"))
        await say(r.w, channel, "photo?")
        await r.w.until(lambda: r.model.calls)
        await say(r.w, channel, "still there? #a1-2")
        await r.w.settle()
    assert net(r).final() == ["Aqui está:", link, "Gostou?", "You said #a1-2"]
    assert 1 <= refusal.struck <= refused_parts.TRIES
    [dead] = await listed(r, "dead")
    assert link.endswith(dead["file"]) and dead["code"] and dead["error"]
    assert {d["state"] for d in await listed(r)} == {"sent", "dead"}


async def test_a_server_that_says_it_could_not_fetch_is_believed_at_once(r: Rig) -> None:
    async with photo(r) as (shown, link):
        refusal = no_files(r, "evolution", AXIOS["status"], AXIOS["body"])
        r.model.plan.append(says(shown))
        await say(r.w, "evolution", "photo?")
        await r.w.settle()
    assert net(r).final() == [link] and refusal.struck == 1


@pytest.mark.parametrize("channel", NETWORKS)
async def test_a_picture_of_an_allowed_origin_is_fetched_and_uploaded(r: Rig, channel: str) -> None:
    async with shelf(chart=(picture(), "image/png")) as place:
        address = f"{place}/chart?id=5"
        await allow(r, place)
        r.model.plan.append(says(f"![Gráfico]({address})"))
        await say(r.w, channel, "chart?")
        await r.w.settle()
        uploaded = {"telegram": "photo:bytes", "kapso": "image:bytes:image/png"}.get(channel, "image:bytes")
        assert [t.split(",")[0].replace("data:image/png;base64", "bytes") for t in net(r).final()] == [uploaded]


@pytest.mark.parametrize("channel", NETWORKS)
async def test_an_address_that_nobody_can_fetch_goes_as_text(r: Rig, channel: str) -> None:
    body = given("04")["network answers to sendPhoto"]["body"] if channel == "telegram" else {"error": {"code": 131053}}
    no_files(r, channel, 400, body)
    await allow(r, "https://cdn.invalid")
    r.model.plan.append(says(given("04")["model says"].replace("example.com", "invalid")))
    await say(r.w, channel, "chart?")
    await r.w.settle()
    assert net(r).final() == ["Gráfico\nhttps://cdn.invalid/chart?id=5"]


@pytest.mark.parametrize(("ending", "form", "mime"), [("webp", "WEBP", "image/webp"), ("gif", "GIF", "image/gif")])
async def test_a_picture_of_a_kind_that_kapso_does_not_take_is_converted(
    r: Rig, ending: str, form: str, mime: str
) -> None:
    async with shelf(**{f"a_{ending}": (picture(form), mime)}) as place:
        await allow(r, place)
        r.model.plan.append(says(f"![Cat]({place}/a.{ending})"))
        await say(r.w, "kapso", "cat?")
        await r.w.settle()
        assert net(r).final() == ["image:bytes:image/png"]


async def test_a_drawing_goes_as_its_link_where_there_is_no_other_way(r: Rig) -> None:
    async with shelf(a_svg=(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")) as place:
        await allow(r, place)
        r.model.default = says(f"![Plan]({place}/a.svg)")
        await say(r.w, "kapso", "plan?")
        await r.w.settle()
        assert net(r).final() == [f"Plan\n{place}/a.svg"]
        await say(r.w, "zapi", "plan?")
        await r.w.settle()
        assert net(r).final()[1] == "document:bytes"


async def test_a_page_in_place_of_a_picture_goes_as_its_link(r: Rig) -> None:
    async with shelf(a_webp=(b"<html>gone</html>", "text/html")) as place:
        await allow(r, place)
        r.model.plan.append(says(f"![Cat]({place}/a.webp)"))
        await say(r.w, "kapso", "cat?")
        await r.w.settle()
        assert net(r).final() == [f"Cat\n{place}/a.webp"]


async def test_a_file_that_is_refused_afterwards_goes_as_its_link(r: Rig) -> None:
    async with photo(r) as (written, link):
        r.model.plan.append(says(written))
        await say(r.w, "kapso", "photo?")
        await r.w.settle()
    [shown] = net(r).shown
    error = {
        "id": shown.id,
        "status": "failed",
        "timestamp": "1767272920",
        "errors": [{"code": 131053, "title": "Media"}],
    }
    message = {
        "id": shown.id,
        "timestamp": "1767272920",
        "type": "image",
        "kapso": {"direction": "outbound", "status": "failed", "statuses": [error]},
    }
    status = {"message": message, "conversation": {"phone_number": "+5511999990000"}, "phone_number_id": "100"}
    for _ in range(2):
        await kapso(r, "failed", status)
    await r.w.until(lambda: link in net(r).final())
    await r.w.settle()
    assert net(r).final().count(link) == 1
    assert any(d["code"] == "media_refused" for d in await listed(r, "dead"))


@pytest.mark.parametrize("channel", NETWORKS)
async def test_words_that_are_never_taken_do_not_hold_up_the_next(r: Rig, channel: str) -> None:
    path = {"telegram": "/bot", "zapi": "send-text", "evolution": "sendText", "kapso": "/messages"}[channel]
    said = {"ok": False, "error_code": 500, "description": "Internal"} if channel == "telegram" else {"error": "no"}
    refusal = net(r).refuse(path, 500, said, when=lambda b: "poison" in str(b))
    r.model.plan.append(says("some **poison** here"))
    await say(r.w, channel, "one")
    await r.w.until(lambda: r.model.calls)
    await say(r.w, channel, "two #a1-2")
    await r.w.settle()
    assert net(r).final() == ["You said #a1-2"]
    assert refusal.struck <= 2 * refused_parts.TRIES + refused_parts.LAST_TRIES
    assert {d["code"] for d in await listed(r, "dead")} == {"500"}


async def test_a_network_that_is_away_as_a_whole_is_waited_for(r: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused_parts, "backoff", lambda _: 0.1)
    away = net(r).refuse("", 503, {"error": "no"})
    async with photo(r) as (shown, _):
        r.model.plan.append(says(f"Look:\n\n{shown}\n\nNice?"))
        await say(r.w, "zapi", "one #a1-1")
        await r.w.until(lambda: away.struck > 3 * refused_parts.TRIES)
        net(r).refusals.clear()
        await r.w.settle()
    first, second, third = net(r).final()
    assert (first, third) == ("Look:", "Nice?") and second == "image:bytes"
    assert await listed(r, "dead") == []


@pytest.mark.parametrize("channel", NETWORKS)
async def test_other_people_and_other_clients_do_not_wait(
    r: Rig, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused_parts, "WAITS", (1.0, 1.0, 1.0, 1.0))
    no_files(r, channel)
    async with picky() as second, photo(r) as (shown, link):
        neighbour = await make(r.w.hub, second)
        await _furnish(r, neighbour)
        r.model.plan.append(says(shown))
        await say(r.w, channel, "photo?")
        await r.w.until(lambda: any(x.struck for x in net(r).refusals))
        await say(r.w, channel, "", other(channel, "me too #b1-1"))
        await say(neighbour, channel, "and me #c1-1")
        await r.w.until(lambda: {"You said #b1-1", "You said #c1-1"} <= {*net(r).final(), *second.final()}, 5)
        assert link not in net(r).final(), "while the first one is still tried"
        await r.w.settle()
        assert link in net(r).final()


async def _furnish(r: Rig, w: World) -> None:
    await r.db.run("update gateways set parameters = $1", {"baseAddress": f"{r.model.url}/v1", "modelName": "fake-1"})
    await r.db.run('update clients set limits = \'{"messagesPerHour": 0, "maxMessages": 0}\'')


async def test_after_a_403_the_other_parts_are_not_tried(r: Rig) -> None:
    await r.w.parameters(splitAnswerIntoMessageChunks=True)
    blocked = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
    r.model.plan.append(says("one\n\ntwo\n\nthree"))
    await say(r.w, "telegram", "hello")
    refusal = net(r).refuse("/bot", 403, blocked)
    await r.w.settle()
    sends = [c for c in net(r).calls if c.path.endswith(("sendMessage", "editMessageText"))]
    assert refusal.struck and len(sends) <= 2
    assert {(d["state"], d["code"]) for d in await listed(r)} == {("dead", "blocked")}


async def test_a_part_whose_senders_always_die_ends(settings: Settings) -> None:
    async with picky() as net, rig(settings, net=net, mode={"zapi": "at_least_once"}) as r:
        net.refuse("send-text", 503, {"error": "no"})
        await say(r.w, "zapi", "one #a1-1")
        await turn.run(r.w.hub, await r.db.value("select id from sessions"))
        for n in range(9):
            assert await r.db.value("select state from outbox") == "queued", f"after {n} times"
            await r.db.run(
                "update outbox set state = 'sending', sender = 'x', wire_deadline = now() - interval '1 second'"
            )
            await r.db.run("select reap(1)")
        assert await r.db.value("select state || ' ' || code from outbox") == "dead sender_lost"
