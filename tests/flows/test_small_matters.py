"""Small matters of the networks that somebody met: fences, pictures in a row, polls, votes, stops and starts."""

import base64
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from hub.chat.inbound.webhooks import Verdict
from hub.chat.turns import presence
from hub.config import Settings
from tests.fakes.model import says
from tests.flows.picky import Picky, given, picky, picture, shelf
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import BODIES, say

Json = dict[str, Any]
WHATSAPP = ["zapi", "evolution", "kapso"]
NETWORKS = ["telegram", *WHATSAPP]


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with picky() as net, rig(settings, work=True, net=net) as one:
        yield one


def net(r: Rig) -> Picky:
    assert isinstance(r.net, Picky)
    return r.net


def here(body: Json) -> Json:
    """An input of Evolution for this business."""
    return body | {"instance": "hub"}


def shown(r: Rig) -> str:
    return str([m["content"] for m in r.model.calls[-1].body["messages"] if m["role"] == "user"][-1])


@pytest.mark.parametrize("channel", NETWORKS)
async def test_an_answer_in_a_fence_is_unwrapped(r: Rig, channel: str) -> None:
    r.model.default = says(given("27")["model says"])
    await say(r.w, channel, "hello")
    await r.w.settle()
    said = "\n".join(net(r).final())
    assert "```" not in said and "<pre>" not in said and "# " not in said
    # Its heading and table make it a rich message on Telegram.
    assert '{"text":"negrito","type":"bold"}' in said if channel == "telegram" else "*negrito*" in said


@pytest.mark.parametrize("channel", NETWORKS)
async def test_two_pictures_in_a_row_are_two_pictures(r: Rig, channel: str) -> None:
    one = (picture(), "image/png")
    async with shelf(**{"1_jpg": one, "2_jpg": one, "3_png": one}) as place:
        await r.w.parameters(allowedMediaOrigins=[place])
        said = "Here:\n" + given("36")["model says"] + " ![c](https://cdn.example.com/3.png)\nNice?"
        r.model.default = says(said.replace("https://cdn.example.com", place))
        await say(r.w, channel, "cats?")
        await r.w.settle()
    first, *pictures, last = net(r).final()
    albums = [c for c in net(r).calls if c.path.endswith("sendMediaGroup")]
    assert (first, last) == ("Here:", "Nice?")
    if channel == "telegram":
        assert pictures == [] and [len(c.files) for c in albums] == [3]
    else:
        assert albums == [] and [p.partition(":")[0] for p in pictures] == ["image"] * 3
    assert not any("http" in p for p in pictures), "the networks get bytes"


@pytest.mark.parametrize("typed", [r"\*x\*", r"\_x y\_", r"a \~b\~ c"])
async def test_signs_that_were_meant_as_signs_stay_signs(r: Rig, typed: str) -> None:
    r.model.default = says(f"Type {typed} and **this**")
    await say(r.w, "zapi", "how?")
    await r.w.settle()
    [said] = net(r).final()
    plain = typed.replace("\\", "")
    assert plain not in said and said.replace("\ufeff", "") == f"Type {plain} and *this*"


@pytest.mark.parametrize("channel", ["evolution", "kapso"])
async def test_a_document_keeps_its_extension(r: Rig, channel: str) -> None:
    async with shelf(**{"files/c_pdf": (b"%PDF-1.4\n%%EOF", "application/pdf")}) as place:
        await r.w.parameters(allowedMediaOrigins=[place])
        r.model.default = says(f"[Contrato 1.2]({place}/files/c.pdf?x=1)")
        await say(r.w, channel, "contract?")
        await r.w.settle()
    [sent] = net(r).paths("sendMedia") or [b for b in net(r).paths("/messages") if b.get("type") == "document"]
    assert (sent.get("fileName") or sent["document"]["filename"]) == "Contrato 1.2.pdf"


async def test_media_that_is_gone_from_its_address_comes_another_way(r: Rig) -> None:
    content = base64.b64encode(picture()).decode()
    net(r).refuse("getBase64FromMediaMessage", 200, {"base64": content, "mimetype": "image/png"})
    body = BODIES["evolution"]("")
    image = {"mimetype": "image/png", "caption": "look"}
    body["data"]["message"] = {"imageMessage": image, "mediaUrl": "https://gone.invalid/a.png"}
    await say(r.w, "evolution", "", body)
    await r.w.settle()
    assert await r.db.value("select count(*) from files where mime = 'image/png'") == 1
    async with shelf(b=(picture(), "image/png")) as place:
        net(r).refuse("/v24.0/media-1", 200, {"url": f"{place}/b", "mime_type": "image/png"})
        body = BODIES["kapso"]("")
        body["message"] |= {"type": "image", "image": {"id": "media-1", "mime_type": "image/png"}}
        body["message"]["kapso"] |= {"media_url": "https://gone.invalid/b.png"}
        await say(r.w, "kapso", "", body)
        await r.w.settle()
    # Only https may be fetched from elsewhere, so the second way is seen by its question.
    assert net(r).paths("/v24.0/media-1")


async def test_a_vote_is_a_message_of_the_voter(r: Rig) -> None:
    await say(r.w, "evolution", "", here(given("30")))
    await r.w.settle()
    assert shown(r) == "10h" and len(net(r).final()) == 1
    again = here(given("30"))
    again["data"]["pollUpdates"][0]["voters"] = []
    again["data"]["pollUpdates"][1]["voters"] = ["5531990000123@s.whatsapp.net"]
    for _ in range(2):
        await say(r.w, "evolution", "", again)
    await r.w.settle()
    assert shown(r) == "14h" and len(net(r).final()) == 2


async def test_a_global_webhook_is_taken_for_its_path(r: Rig) -> None:
    assert await say(r.w, "evolution", "", here(given("31"))) == Verdict.STORED
    assert await r.w.knock("evolution", here(given("31")), x_hub_secret="wrong") == Verdict.REFUSED


@pytest.mark.parametrize("words", ["/start", "/start promo-7", "START"])
async def test_start_ends_an_opt_out(r: Rig, words: str) -> None:
    stop, start = given("32")
    await say(r.w, "telegram", "", stop)
    await r.w.settle()
    assert await r.db.value("select count(*) from persons where opted_out_at is not null") == 1
    start["message"]["text"] = words
    await say(r.w, "telegram", "", start)
    await r.w.settle()
    assert await r.db.value("select count(*) from persons where opted_out_at is not null") == 0


async def test_start_among_other_words_ends_it_too(r: Rig) -> None:
    stop, start = given("32")
    await say(r.w, "telegram", "", stop)
    await r.w.settle()
    await r.w.parameters(messageDebounceInterval="00:00:01")
    r.w.receiver._known.clear()
    await say(r.w, "telegram", "", start)
    more = given("32")[1]
    more["update_id"] += 1
    more["message"] |= {"message_id": 1, "text": "hello #a1-1"}
    await say(r.w, "telegram", "", more)
    await r.w.settle()
    assert await r.db.value("select count(*) from persons where opted_out_at is not null") == 0
    assert net(r).final()[-1] == "You said #a1-1"


async def test_a_business_message_is_refused_with_a_reason(r: Rig, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await say(r.w, "telegram", "", given("34"))
    assert "business_message" in caplog.text and "Telegram Business" in caplog.text
    assert "Telegram Business" in (await r.db.value("select detail->>'rule' from happenings"))


async def test_two_edits_without_ids_are_two_edits(r: Rig) -> None:
    first = BODIES["zapi"]("one")
    await say(r.w, "zapi", "", first)
    await r.w.settle()
    for n, words in enumerate(("two", "three", "three")):
        edit = first | {"isEdit": True, "text": {"message": words}, "momment": 1767272402000 + min(n, 1)}
        await say(r.w, "zapi", "", edit)
    assert await r.db.value("select content->>'text' from messages where role = 'user'") == "three"
    assert await r.db.value("select count(*) from happenings where kind = 'edit'") == 2


def typed(r: Rig) -> int:
    return sum("sendChatAction" in c.path or "typing_indicator" in c.body for c in r.net.calls)


async def test_an_answer_at_once_is_not_typed_on_telegram(r: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "START", 3600.0)
    await say(r.w, "telegram", "Hello!")
    await r.w.settle()
    assert net(r).final() and typed(r) == 0


async def test_an_answer_that_takes_a_while_is_typed(r: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "START", 0.05)

    async def slow(request: web.Request, body: Json) -> web.StreamResponse:
        await r.w.until(lambda: typed(r) > 0)
        return await says("At last.")(request, body)

    r.model.default = slow
    await say(r.w, "telegram", "And now?")
    await r.w.settle()
    assert "At last." in str(net(r).final()[-1])
