"""Who may change a message, and pictures whose caption is changed before they come."""

import base64
import io
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from PIL import Image

from hub.config import Settings
from tests.flows.picky import picky
from tests.flows.rig import Rig, echo, rig
from tests.flows.test_answers import BODIES, say
from tests.flows.test_groups import GROUPS
from tests.flows.test_what_changes import asked, deletion, texts
from tests.flows.test_what_changes import edit as whatsapp_edit

Json = dict[str, Any]
WHATSAPP = ["zapi", "evolution", "kapso"]
OTHER = "5511888880000"
# Whoever waits for more to be said waits no longer.
NOW = "update sessions set due_at = now() where due_at is not null and lease_until is null"


@pytest.fixture
async def r(settings: Settings) -> AsyncIterator[Rig]:
    async with picky() as net, rig(settings, work=True, net=net) as one:
        await one.db.run("update integrations set groups = 'all'")
        yield one


def by(channel: str, body: Json, who: str, *, group: bool) -> Json:
    """The same, told of somebody: Ana or Bea."""
    phone = "5511999990000" if who == "Ana" else OTHER
    if channel == "telegram":
        message = body.get("message") or body["edited_message"]
        number = 700 if who == "Ana" else 701
        message["from"] = {"id": number, "is_bot": False, "first_name": who}
        chat = {"id": -1001, "type": "supergroup", "title": "T"}
        message["chat"] = chat if group else {"id": number, "type": "private"}
    elif channel == "zapi":
        more = {"isGroup": True, "phone": GROUPS[channel], "participantPhone": phone, "chatName": "T"}
        body |= more | {"senderName": who} if group else {"phone": phone}
    elif channel == "evolution":
        key = body["data"]["key"]
        key |= {"remoteJid": GROUPS[channel], "participant": f"{phone}@s.whatsapp.net"} if group else {
            "remoteJid": f"{phone}@s.whatsapp.net"}
    else:
        body["message"] |= {"from": phone} | ({"group_id": GROUPS[channel]} if group else {})
        body["conversation"] = {"phone_number": f"+{phone}"}
    return body


def edit(channel: str, sent: Json, words: str) -> Json:
    if channel != "telegram":
        return whatsapp_edit(channel, sent, words)
    number = BODIES["telegram"]("")["update_id"]
    return {"update_id": number, "edited_message": sent["message"] | {"text": words, "edit_date": 1767272502}}


@pytest.mark.parametrize("group", [True, False])
@pytest.mark.parametrize("channel", list(BODIES))
async def test_only_who_wrote_a_message_changes_it(r: Rig, channel: str, group: bool) -> None:
    said = by(channel, BODIES[channel]("I pay 100"), "Ana", group=group)
    await say(r.w, channel, "", said)
    await say(r.w, channel, "", by(channel, BODIES[channel]("I am Bea"), "Bea", group=group))
    await r.w.settle()
    mine = [t for t in await texts(r) if "I " in t]
    assert sorted(mine) == ["I am Bea", "I pay 100"]
    copy = by(channel, edit(channel, _copy(said), "I pay 1"), "Bea", group=group)
    await say(r.w, channel, "", copy)
    await r.w.settle()
    assert sorted(t for t in await texts(r) if "I " in t) == sorted(mine)
    assert await r.db.value("select count(*) from inbox where body->>'edited' is not null") == 0
    await say(r.w, channel, "", by(channel, edit(channel, _copy(said), "I pay 200"), "Ana", group=group))
    assert sorted(t for t in await texts(r) if "I " in t) == ["I am Bea", "I pay 200"]


@pytest.mark.parametrize("group", [True, False])
@pytest.mark.parametrize("channel", WHATSAPP)
async def test_nobody_deletes_for_others_but_in_their_group(r: Rig, channel: str, group: bool) -> None:
    said = by(channel, BODIES[channel]("I pay 100"), "Ana", group=group)
    await say(r.w, channel, "", said)
    await r.w.settle()
    for where in (False, group):  # an administrator may
        assert await r.db.value("select count(*) from messages where content->>'revoked' = 'true'") == 0
        taken_back = by(channel, deletion(channel, _copy(said)), "Bea", group=where)
        await say(r.w, channel, "", taken_back)
    assert await r.db.value("select count(*) from messages where content->>'revoked' = 'true'") == int(group)


async def test_a_number_written_another_way_is_the_same_person(r: Rig) -> None:
    """Brazil's ninth digit: Z-API leaves it out for many, and tells it at other times."""
    said = by("zapi", BODIES["zapi"]("I pay 100"), "Ana", group=True)
    await say(r.w, "zapi", "", said)
    await r.w.settle()
    await say(r.w, "zapi", "", edit("zapi", _copy(said), "I pay 200") | {"participantPhone": "551199990000"})
    assert "I pay 200" in await texts(r)


async def test_whom_only_another_name_tells_may_be_the_author(r: Rig) -> None:
    """WhatsApp tells a phone at one time and its own number at another."""
    said = by("evolution", BODIES["evolution"]("I pay 100"), "Ana", group=True)
    await say(r.w, "evolution", "", said)
    await r.w.settle()
    changed = by("evolution", edit("evolution", _copy(said), "I pay 200"), "Ana", group=True)
    changed["data"]["key"] |= {"participant": "181234567890123@lid", "addressingMode": "lid"}
    await say(r.w, "evolution", "", changed)
    assert "I pay 200" in await texts(r)


@pytest.mark.parametrize("when", ["alone", "answered", "while the answer is made", "known"])
@pytest.mark.parametrize("channel", WHATSAPP)
async def test_a_caption_may_change_before_its_picture_comes(r: Rig, channel: str, when: str) -> None:
    if when in ("alone", "known"):
        await r.w.parameters(messageDebounceInterval="00:05:00")
    if when == "known":
        await say(r.w, channel, "hello")
        await r.db.run(NOW)
        await r.w.settle()
    shown = picture(channel, "blue #a1-1")
    if when == "while the answer is made":
        r.model.default = echo(6.0)
    begun = len(r.model.calls)
    await say(r.w, channel, "", edit(channel, bare(channel, shown), "green #a1-2"))
    if when == "answered":
        await r.w.settle()
    elif when == "while the answer is made":
        await r.w.until(lambda: len(r.model.calls) > begun)
        r.model.default = echo()
    for _ in range(2):
        await say(r.w, channel, "", _copy(shown))
    await r.db.run(NOW)
    await r.w.settle()
    assert "green" in asked(r) and "blue" not in asked(r)
    assert "image" in str(r.model.calls[-1].body["messages"][-1]), "the picture is shown, or at least named"
    answers = [t for t in r.net.final() if "#a1-2" in t]
    assert len(answers) == (2 if when == "answered" else 1)
    assert await r.db.value("select count(*) from messages where content ? 'attachments'") == 1
    await say(r.w, channel, "", edit(channel, bare(channel, shown), "red #a1-3"))
    await say(r.w, channel, "", _copy(shown))
    await r.w.settle()
    assert await r.db.value("select count(*) from messages where content ? 'attachments'") == 1, "it came once"


@pytest.mark.parametrize("channel", WHATSAPP)
async def test_pictures_of_a_crowd_find_their_captions(r: Rig, channel: str) -> None:
    """Several calls that are stored together."""
    shown = [picture(channel, f"blue #a1-{n}") for n in range(6)]
    await r.w.parameters(messageDebounceInterval="00:05:00")
    for n in (1, 3):
        await say(r.w, channel, "", edit(channel, bare(channel, shown[n]), f"green #a1-{n}"))
    calls = [say(r.w, channel, "", _copy(body)) for body in (*shown, *shown)]
    for call in calls:
        await call
    await r.db.run(NOW)
    await r.w.settle()
    rows = await r.db.fetch("select content->>'text' as text from messages where content ? 'attachments'")
    words = sorted(x["text"] for x in rows)
    assert words == sorted([*(f"blue #a1-{n}" for n in (0, 2, 4, 5)), "green #a1-1", "green #a1-3"])


@pytest.mark.parametrize("channel", WHATSAPP)
async def test_a_picture_that_was_taken_back_stays_away(r: Rig, channel: str) -> None:
    shown = picture(channel, "blue")
    await say(r.w, channel, "", edit(channel, bare(channel, shown), "green"))
    await r.w.settle()
    await say(r.w, channel, "", deletion(channel, _copy(shown)))
    await say(r.w, channel, "", _copy(shown))
    await r.w.settle()
    assert await r.db.value("select count(*) from messages where content ? 'attachments'") == 0


@pytest.mark.parametrize("channel", WHATSAPP)
async def test_words_of_somebody_else_are_not_put_below_a_picture(r: Rig, channel: str) -> None:
    shown = picture(channel, "blue")
    await say(r.w, channel, "", by(channel, edit(channel, bare(channel, shown), "I am Bea"), "Bea", group=False))
    await r.w.settle()
    await say(r.w, channel, "", _copy(shown))
    await r.w.settle()
    rows = await r.db.fetch("select content from messages where content ? 'attachments'")
    assert [x["content"]["text"] for x in rows] == ["blue"]


def picture(channel: str, words: str) -> Json:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "blue").save(buffer, "png")
    raw = base64.b64encode(buffer.getvalue()).decode()
    body = BODIES[channel]("")
    if channel == "zapi":
        del body["text"]
        return body | {"image": {"imageUrl": "https://files.example/a.png", "mimeType": "image/png", "caption": words}}
    if channel == "evolution":
        body["data"]["message"] = {"imageMessage": {"mimetype": "image/png", "caption": words}, "base64": raw}
        body["data"]["messageTimestamp"] = int(time.time())
        return body
    image = {"id": "m1", "mime_type": "image/png", "filename": "a.png", "caption": words}
    del body["message"]["text"]
    body["message"] |= {"type": "image", "image": image}
    return body


def bare(channel: str, sent: Json) -> Json:
    """The message without its picture, as an edit names it."""
    return {k: v for k, v in sent.items() if k != "image"} if channel == "zapi" else _copy(sent)


def _copy(body: Json) -> Json:
    return {k: _copy(v) if isinstance(v, dict) else v for k, v in body.items()}
