"""The Evolution twin as its clients and its webhook see it."""

import base64
import hashlib
import hmac
import time
from typing import Any

import orjson
import pytest
from aiohttp import web

from tests.twins.rig import Json, Rig, rig
from tests.twins.shape import keys, sample

KEY = {"apikey": "FAKE-INSTANCE-TOKEN-0001"}
ANA = "5511999990000"


async def evo(twins: Rig, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One call for the instance."""
    return await twins.call(method, f"/evolution/{path}/hub-teste", body, headers=KEY)


async def register(twins: Rig, **more: Any) -> Json:
    """With a header of our own."""
    hook = {"enabled": True, "url": f"{twins.hook.url}/hook", "headers": {"X-Hub-Secret": "s"}}
    status, row = await evo(twins, "POST", "webhook/set", {"webhook": hook | more})
    assert status == 201
    found: Json = row
    return found


def plain(found: Json) -> set[str]:
    """Keys without what depends on devices and media internals."""
    noise: tuple[str, ...] = (
        "jpegThumbnail",
        "scanLengths",
        "nnotations",
        "processedVideos",
        "waveform",
    )
    return {
        k for k in keys(found) if not any(n in k for n in (*noise, "url", "isA", "isL", "Sent"))
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("text", {"text": "Oi, tudo bem?"}),
        ("text-lid-2.3.6", {"text": "x", "lid": "both"}),
        ("text-lid-only", {"text": "x", "lid": "only"}),
        ("group-text", {"text": "x", "group": "120363040000000001@g.us"}),
        ("from-me-phone", {"text": "x", "from_me": True}),
        ("image", {"kind": "image", "text": "x"}),
        ("voice", {"kind": "voice"}),
        ("document", {"kind": "document"}),
        ("sticker", {"kind": "sticker"}),
        ("video-note", {"kind": "video_note"}),
        ("location", {"kind": "location", "name": "MASP", "address": "Av."}),
    ],
)
async def test_events_look_like_the_samples(twins: Rig, name: str, said: Json) -> None:
    await register(twins)
    await twins.say("evolution", **said)
    (got,) = await twins.hook.wait(1)
    assert plain(got.json) == plain(sample("evolution", name))
    assert got.headers["X-Hub-Secret"] == "s"
    for header, value in sample("evolution", "_headers")["headers"].items():
        if header != "X-Hub-Secret":
            assert got.headers[header] == value


async def test_about_an_earlier_message(twins: Rig) -> None:
    await register(twins)
    first = await twins.say("evolution", text="tudo bm?")
    await twins.say("evolution", text="and", reply_to=first)
    await twins.say("evolution", kind="edit", message_id=first, text="tudo bem?")
    await twins.say("evolution", kind="reaction", message_id=first, emoji="👍")
    await twins.say("evolution", kind="delete", message_id=first)
    got = [g.json for g in await twins.hook.wait(5)]
    (edit,) = (g for g in got if g["data"].get("type") == "MESSAGE_EDIT")
    (revoke,) = (g for g in got if g["data"].get("type") == "REVOKE")
    (reaction,) = (g for g in got if g["data"].get("messageType") == "reactionMessage")
    (reply,) = (g for g in got if "contextInfo" in g["data"])
    assert keys(edit) == keys(sample("evolution", "message-edited"))
    assert keys(revoke) == keys(sample("evolution", "message-edited-revoke"))
    assert keys(reaction) == keys(sample("evolution", "reaction"))
    assert reply["data"]["contextInfo"]["stanzaId"] == first


async def test_old_versions_write_bytes_and_numbers_as_text(twins: Rig) -> None:
    await register(twins)
    await twins.control("evolution/account", {"version": "2.2.3"})
    await twins.say("evolution", kind="image")
    (got,) = await twins.hook.wait(1)
    image = got.json["data"]["message"]["imageMessage"]
    assert base64.b64decode(image["mediaKey"]) and image["fileLength"].isdigit()


async def test_a_send_is_told_and_ticked(twins: Rig) -> None:
    await register(twins)
    _, sent = await evo(twins, "POST", "message/sendText", {"number": ANA, "text": "Oi"})
    got = [g.json for g in await twins.hook.wait(3)]
    by = {g["data"].get("status"): g for g in got}
    (told,) = (g for g in got if g["event"] == "send.message")
    assert told["data"] == sent
    update = by["DELIVERY_ACK"]
    assert keys(update) == keys(sample("evolution", "update-delivered"))
    assert update["data"]["keyId"] == sent["key"]["id"]
    await twins.control("evolution/read", {"chat": ANA})
    read = (await twins.hook.wait(4))[-1].json
    assert read["data"]["status"] == "READ"


async def test_only_events_asked_for_and_by_events(twins: Rig) -> None:
    await register(twins, events=["MESSAGES_UPSERT"], byEvents=True)
    await evo(twins, "POST", "message/sendText", {"number": ANA, "text": "Oi"})
    await twins.say("evolution", text="hi")
    await twins.idle()
    assert [g.path for g in twins.hook.got] == ["/hook/messages-upsert"]


async def test_jwt(twins: Rig) -> None:
    await register(twins, headers={"jwt_key": "very secret"})
    await twins.say("evolution", text="hi")
    (got,) = await twins.hook.wait(1)
    assert "jwt_key" not in got.headers
    token = got.headers["Authorization"].removeprefix("Bearer ")
    head, _, signature = token.rpartition(".")
    right = hmac.new(b"very secret", head.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "==") == right
    claims = orjson.loads(base64.urlsafe_b64decode(head.split(".")[1] + "=="))
    assert claims["app"] == "evolution" and claims["exp"] - time.time() > 500


@pytest.mark.parametrize(("status", "attempts"), [(500, 10), (401, 1), (404, 1), (503, 10)])
async def test_patience(status: int, attempts: int) -> None:
    async with rig(speed=0.0001) as twins:
        await register(twins)
        twins.hook.answers = [web.Response(status=status) for _ in range(20)]
        await twins.say("evolution", text="hi")
        await twins.idle()
        assert len(twins.hook.got) == attempts


async def test_an_edit_holds_the_instance_back(twins: Rig) -> None:
    await register(twins)
    first = await twins.say("evolution", text="a")
    await twins.hook.wait(1)
    twins.hook.answers = [web.Response(status=500), web.Response(status=500)]
    await twins.say("evolution", kind="edit", message_id=first, text="b")
    await twins.say("evolution", text="c", person="5511999990001")
    got = await twins.hook.wait(5)
    assert [g.json["event"] for g in got[1:]] == ["messages.edited"] * 3 + ["messages.upsert"]


async def test_media_both_ways(twins: Rig) -> None:
    await register(twins, base64=True)
    content = base64.b64encode(b"OggS").decode()
    message_id = await twins.say("evolution", kind="voice", file={"base64": content})
    (got,) = await twins.hook.wait(1)
    assert got.json["data"]["message"]["base64"] == content
    body = {"message": {"key": {"id": message_id}}}
    status, found = await evo(twins, "POST", "chat/getBase64FromMediaMessage", body)
    assert (status, found["base64"], found["buffer"]) == (201, content, None)
    media = {"number": ANA, "mediatype": "image", "media": content, "fileName": "a.jpg"}
    assert (await evo(twins, "POST", "message/sendMedia", media))[0] == 201
    media["media"] = f"data:image/jpeg;base64,{content}"
    assert (await evo(twins, "POST", "message/sendMedia", media))[0] == 400


async def test_delay_and_presence_hold_the_answer() -> None:
    async with rig(speed=1.0) as twins:
        started = time.monotonic()
        body = {"number": ANA, "delay": 200, "presence": "composing"}
        status, found = await evo(twins, "POST", "chat/sendPresence", body)
        assert (status, found) == (201, {"presence": "composing"})
        assert time.monotonic() - started >= 0.2


async def test_edit_delete_and_read(twins: Rig) -> None:
    await register(twins)
    _, sent = await evo(twins, "POST", "message/sendText", {"number": ANA, "text": "a"})
    edit = {"number": ANA, "text": "b", "key": sent["key"]}
    assert (await evo(twins, "POST", "chat/updateMessage", edit))[0] == 201
    message = (await twins.chat("evolution", ANA))[0]
    assert message["text"] == "b" and message["edits"][0]["text"] == "a"
    status, _ = await evo(twins, "DELETE", "chat/deleteMessageForEveryone", sent["key"])
    assert status == 201 and (await twins.chat("evolution", ANA))[0]["deleted"]
    status, row = await evo(twins, "GET", "webhook/find")
    assert row["url"] == f"{twins.hook.url}/hook"


async def test_closed_instance(twins: Rig) -> None:
    await twins.control("evolution/account", {"account": "hub-teste", "connected": False})
    body = {"number": ANA, "text": "x"}
    status, found = await evo(twins, "POST", "message/sendText", body)
    expected = sample("evolution", "out-error-400-connection-closed")["response"]
    assert (status, found) == (expected["status"], expected["body"])
    state = (await evo(twins, "GET", "instance/connectionState"))[1]
    assert state["instance"]["state"] == "close"


async def test_an_id_of_the_callers_own_from_2_4_on() -> None:
    async with rig(evolution_version="2.4.0") as twins:
        body = {"number": ANA, "text": "x", "messageId": "3EB0OURS"}
        for _ in range(2):
            _, sent = await evo(twins, "POST", "message/sendText", body)
            assert sent["key"]["id"] == "3EB0OURS"
        assert len(await twins.chat("evolution", ANA)) == 1
