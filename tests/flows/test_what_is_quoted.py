"""Replies, hidden links: what the model is shown of a message that points at another or hides an address."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hub.config import Settings
from tests.fakes.model import says
from tests.flows.picky import Picky, given, picky, picture
from tests.flows.rig import Rig, rig
from tests.flows.test_answers import BODIES, say

Json = dict[str, Any]
NETWORKS = ["telegram", "zapi", "evolution", "kapso"]


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with picky() as net, rig(settings, work=True, net=net) as one:
        yield one


def shown(r: Rig) -> Any:
    """What the model was last told by the person."""
    return [m["content"] for m in r.model.calls[-1].body["messages"] if m["role"] == "user"][-1]


def ours(body: Json, channel: str) -> Json:
    """The input for this business's account."""
    if channel == "kapso":
        body["phone_number_id"] = body["conversation"]["phone_number_id"] = "100"
    elif channel == "zapi":
        body["instanceId"] = "I1"
    return body


@pytest.mark.parametrize(("name", "channel"), [("05", "kapso"), ("06", "zapi")])
async def test_a_reply_by_id_shows_what_it_answers(r: Rig, name: str, channel: str) -> None:
    for body in given(name).values():
        await say(r.w, channel, "", ours(body, channel))
        await r.w.settle()
    assert shown(r) == "> Plano azul custa 100.\nquero este"
    again = ours(given(name)["second"], channel)
    if channel == "zapi":
        again |= {"messageId": "Z-AND", "referenceMessageId": None, "text": {"message": "and?"}}
    else:
        again["message"] |= {"id": "wamid.AND", "text": {"body": "and?"}}
    await say(r.w, channel, "", again)
    await r.w.settle()
    asked = [m["content"] for m in r.model.calls[-1].body["messages"] if m["role"] == "user"]
    assert "> Plano azul custa 100.\nquero este" in asked, "later too"


def answering(channel: str, text: str, to: str) -> Json:
    body = BODIES[channel](text)
    if channel == "telegram":
        body["message"]["reply_to_message"] = {"message_id": int(to), "date": 1, "chat": {"id": 700, "type": "private"}}
    elif channel == "zapi":
        body["referenceMessageId"] = to
    elif channel == "evolution":
        body["data"]["contextInfo"] = {"stanzaId": to}
    else:
        body["message"]["context"] = {"id": to}
    return body


@pytest.mark.parametrize("channel", NETWORKS)
async def test_a_reply_to_a_part_of_an_answer_shows_that_part(r: Rig, channel: str) -> None:
    await r.w.parameters(splitAnswerIntoMessageChunks=True)
    r.model.plan.append(says("The blue one is 100.\n\nThe red one is 200."))
    await say(r.w, channel, "prices?")
    await r.w.settle()
    await say(r.w, channel, "", answering(channel, "this one", r.net.shown[-1].id))
    await r.w.settle()
    assert shown(r) == "> The red one is 200.\nthis one"


async def test_a_quoted_picture_reaches_the_model(r: Rig) -> None:
    for channel in ("evolution", "kapso"):
        if channel == "evolution":
            first = BODIES[channel]("")
            first["data"]["message"] = {
                "imageMessage": {"mimetype": "image/png"},
                "base64": base64.b64encode(picture()).decode(),
            }
            id = first["data"]["key"]["id"]
        else:
            first = BODIES[channel]("")
            first["message"] |= {
                "type": "image",
                "image": {"id": "m1", "mime_type": "image/png", "filename": "blue.png"},
            }
            id = first["message"]["id"]
        await say(r.w, channel, "", first)
        await r.w.settle()
        await say(r.w, channel, "no reply")
        await r.w.settle()
        await say(r.w, channel, "", answering(channel, "how much?", id))
        await r.w.settle()
        told = shown(r)
        if channel == "evolution":
            assert [p["type"] for p in told] == ["text", "image_url"] and told[0]["text"].endswith("how much?")
        else:
            assert told.startswith("> [image: blue.png") and told.endswith("how much?"), "its name at least"


async def test_another_persons_message_is_not_quoted(r: Rig) -> None:
    other = ours(given("06")["first"], "zapi")
    await say(r.w, "zapi", "", other)
    await r.w.settle()
    await say(r.w, "zapi", "", answering("zapi", "what did she say?", "3EB0A1"))
    await r.w.settle()
    assert shown(r) == "what did she say?"


async def test_a_hidden_address_is_shown(r: Rig) -> None:
    await say(r.w, "telegram", "", given("08"))
    await r.w.settle()
    assert shown(r) == "👋 leia o artigo (https://example.com/post-42) hoje"
    body = BODIES["telegram"]("")
    body["message"] |= {
        "caption": "see this and that",
        "photo": [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}],
        "caption_entities": [
            {"offset": 4, "length": 4, "type": "text_link", "url": "https://a.example/"},
            {"offset": 13, "length": 400, "type": "text_link", "url": "https://b.example/"},
        ],
        "reply_markup": {"inline_keyboard": [[{"text": "Buy", "url": "https://shop.example/1"}]]},
    }
    del body["message"]["text"]
    await say(r.w, "telegram", "", body)
    await r.w.settle()
    assert str(shown(r)).startswith("see this (https://a.example/) and that\n- Buy: https://shop.example/1")


async def test_more_links_than_a_message_may_have_go_in_two(r: Rig) -> None:
    assert isinstance(r.net, Picky)
    r.model.plan.append(says(" ".join(f"[n{n}](https://example.com/{n})" for n in range(130))))
    await say(r.w, "telegram", "links?")
    await r.w.settle()
    parts = r.net.final()
    assert len(parts) == 2 and sum(p.count("<a ") for p in parts) == 130
    assert max(p.count("<a ") for p in parts) <= 100
    r.model.plan.append(says("\n".join(f"- **b{n}** and *i{n}*" for n in range(90))))
    await say(r.w, "telegram", "list?")
    await r.w.settle()
    assert [p.count("<b>") + p.count("<i>") <= 100 for p in r.net.final()[2:]] == [True, True]
