"""The Z-API twin as its clients and its webhook see it."""

import base64
import gzip
from typing import Any

import pytest
from aiohttp import web

from tests.twins.rig import Json, Rig, rig
from tests.twins.shape import keys, sample

INSTANCE = "3FAKE000INSTANCE000000000000FAKE"
TOKEN = "FAKEINSTANCETOKEN000000000000001"
ANA = "5511999990000"


async def zapi(twins: Rig, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One call."""
    full = f"/zapi/instances/{INSTANCE}/token/{TOKEN}/{path}"
    return await twins.call(method, full, body)


async def register(twins: Rig, notify: bool = True) -> None:
    """For everything."""
    body = {"value": f"{twins.hook.url}/hook", "notifySentByMe": notify}
    assert await zapi(twins, "PUT", "update-every-webhooks", body) == (200, {"value": True})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("text", {"text": "Oi, tudo bem?"}),
        ("text-lid-phone", {"text": "x", "lid": "only"}),
        ("image", {"kind": "image", "text": "x"}),
        ("voice", {"kind": "voice"}),
        ("document", {"kind": "document", "text": "x"}),
        ("location", {"kind": "location", "name": "MASP", "address": "Av."}),
        ("group-text", {"text": "x", "group": {"id": "1203-group", "title": "G"}}),
        ("from-me-phone", {"text": "x", "from_me": True}),
        ("waiting-message", {"kind": "waiting"}),
        ("presence-composing", {"kind": "typing"}),
        ("button-reply", {"kind": "button", "button": {"id": "sim"}, "message_id": "x"}),
    ],
)
async def test_callbacks_look_like_the_samples(twins: Rig, name: str, said: Json) -> None:
    await register(twins)
    await twins.say("zapi", **said)
    (got,) = await twins.hook.wait(1)
    assert keys(got.json) == keys(sample("zapi", name))
    expected = sample("zapi", "_headers")["headers"]
    assert got.headers["z-api-token"] == TOKEN
    for header in ("Origin", "Server", "User-Agent", "Upgrade"):
        assert got.headers[header] == expected[header]


async def test_about_an_earlier_message(twins: Rig) -> None:
    await register(twins)
    first = await twins.say("zapi", text="tudo bm?")
    await twins.say("zapi", kind="edit", message_id=first, text="tudo bem?")
    await twins.say("zapi", kind="reaction", message_id=first, emoji="👍")
    await twins.say("zapi", kind="delete", message_id=first)
    got = sorted(await twins.hook.wait(4), key=lambda g: g.at)
    (edit,) = (g.json for g in got if g.json.get("isEdit"))
    (reaction,) = (g.json for g in got if "reaction" in g.json)
    (revoke,) = (g.json for g in got if g.json.get("notification"))
    assert keys(edit) == keys(sample("zapi", "edited-message"))
    assert edit["messageId"] == first != edit["editMessageId"]
    assert keys(reaction) == keys(sample("zapi", "reaction"))
    assert keys(revoke) == keys(sample("zapi", "notification-revoke"))


async def test_a_send_is_queued_then_echoed_and_ticked(twins: Rig) -> None:
    await register(twins)
    status, sent = await zapi(twins, "POST", "send-text", {"phone": ANA, "message": "Oi"})
    assert status == 200 and sent["id"] == sent["messageId"]
    got = {g.json.get("status") or g.json["type"]: g.json for g in await twins.hook.wait(4)}
    assert got["DeliveryCallback"]["zaapId"] == sent["zaapId"]
    assert got["SENT"]["type"] in ("ReceivedCallback", "MessageStatusCallback")
    echoes = [g.json for g in twins.hook.got if g.json["type"] == "ReceivedCallback"]
    assert keys(echoes[0]) == keys(sample("zapi", "from-me-api"))
    assert echoes[0]["fromApi"] and echoes[0]["messageId"] == sent["messageId"]
    assert keys(got["RECEIVED"]) == keys(sample("zapi", "status-received"))
    await twins.control("zapi/read", {"chat": ANA})
    read = (await twins.hook.wait(5))[-1].json
    assert (read["status"], read["ids"]) == ("READ", [sent["messageId"]])


async def test_numbers_without_whatsapp_fail_later(twins: Rig) -> None:
    await register(twins)
    await zapi(twins, "POST", "send-text", {"phone": "5511900000000", "message": "Oi"})
    (got,) = await twins.hook.wait(1)
    assert keys(got.json) == keys(sample("zapi", "delivery-error"))


async def test_without_notify_nothing_is_echoed(twins: Rig) -> None:
    await register(twins, notify=False)
    await zapi(twins, "POST", "send-text", {"phone": ANA, "message": "Oi"})
    await twins.hook.wait(3)
    await twins.idle()
    assert "ReceivedCallback" not in {g.json["type"] for g in twins.hook.got}
    await twins.say("zapi", text="typed on the phone", from_me=True)
    await twins.idle()
    assert "ReceivedCallback" not in {g.json["type"] for g in twins.hook.got}


async def test_while_disconnected_messages_wait(twins: Rig) -> None:
    await register(twins, notify=False)
    await twins.control("zapi/account", {"connected": False})
    await zapi(twins, "POST", "send-text", {"phone": ANA, "message": "Oi"})
    await twins.hook.wait(1)
    assert (await twins.chat("zapi", ANA))[0]["status"] == "queued"
    assert (await zapi(twins, "GET", "status"))[1] == sample_body("out-status-disconnected")
    await twins.control("zapi/account", {"connected": True})
    await twins.hook.wait(5)
    assert (await twins.chat("zapi", ANA))[0]["status"] == "delivered"
    assert keys(twins.hook.got[0].json) == keys(sample("zapi", "disconnected"))


def sample_body(name: str) -> Any:
    """The answer of an out-sample."""
    return sample("zapi", name)["response"]["body"]


async def test_media_both_ways(twins: Rig) -> None:
    await register(twins, notify=False)
    content = base64.b64encode(b"OggS").decode()
    await twins.say("zapi", kind="voice", file={"base64": content})
    (got,) = await twins.hook.wait(1)
    async with twins.http.get(got.json["audio"]["audioUrl"]) as answer:
        assert await answer.read() == b"OggS"
    body = {"phone": ANA, "audio": f"data:audio/ogg;base64,{content}"}
    assert (await zapi(twins, "POST", "send-audio", body))[0] == 200
    sent = (await twins.chat("zapi", ANA))[-1]
    assert (sent["kind"], sent["file"]["size"]) == ("voice", 4)


async def test_edit_by_the_api(twins: Rig) -> None:
    await register(twins)
    _, sent = await zapi(twins, "POST", "send-text", {"phone": ANA, "message": "a"})
    edit = {"phone": ANA, "message": "b", "editMessageId": sent["messageId"]}
    _, edited = await zapi(twins, "POST", "send-text", edit)
    assert edited["messageId"] != sent["messageId"]
    assert (await twins.chat("zapi", ANA))[0]["text"] == "b"


async def test_few_retries_then_lost(twins: Rig) -> None:
    await register(twins)
    twins.hook.answers = [web.Response(status=500) for _ in range(9)]
    await twins.say("zapi", text="lost")
    await twins.idle()
    assert [d["attempt"] for d in (await twins.control("zapi/deliveries"))["deliveries"]] == [
        *(1, 2, 3, 4)
    ]


async def test_gzip_and_the_older_header(twins: Rig) -> None:
    await register(twins)
    await twins.control("zapi/account", {"gzip": True, "header": "client-token"})
    await twins.say("zapi", text="small")
    await twins.idle()
    got = twins.hook.got[0]
    assert got.headers["Content-Encoding"] == "gzip" and got.headers["client-token"] == TOKEN
    body = gzip.decompress(got.body) if got.body[:2] == b"\x1f\x8b" else got.body
    assert b"small" in body


async def test_client_token() -> None:
    async with rig(client_token="Fright") as twins:
        path = f"/zapi/instances/{INSTANCE}/token/{TOKEN}/status"
        assert await twins.call("GET", path) == (400, {"error": "null not allowed"})
        wrong = {"Client-Token": "Fwrong"}
        status, found = await twins.call("GET", path, headers=wrong)
        assert (status, found["error"]) == (403, "Client-Token Fwrong not allowed")
        assert (await twins.call("GET", path, headers={"Client-Token": "Fright"}))[0] == 200


async def test_replies_to_a_lid_reach_the_same_chat(twins: Rig) -> None:
    await register(twins)
    await twins.say("zapi", text="x", lid="only")
    (got,) = await twins.hook.wait(1)
    lid = got.json["phone"]
    assert lid.endswith("@lid")
    await zapi(twins, "POST", "send-text", {"phone": lid, "message": "y"})
    assert [m["text"] for m in await twins.chat("zapi", ANA)] == ["x", "y"]
