"""The Kapso twin as its clients and its webhook see it."""

import base64
import hashlib
import hmac
import time
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.twins.rig import Got, Json, Rig, rig
from tests.twins.shape import keys, sample

KEY = {"X-API-Key": "FAKE_KAPSO_API_KEY"}
NUMBER = "100000000000001"
ANA = "5511999990000"
SECRET = "fake-kapso-webhook-secret-0001"
EVENTS = [f"whatsapp.message.{n}" for n in ("received", "sent", "delivered", "read", "failed")]
HOOKS = f"/kapso/platform/v1/whatsapp/phone_numbers/{NUMBER}/webhooks"


async def kapso(twins: Rig, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """One call of the Cloud API."""
    return await twins.call(method, f"/kapso/meta/whatsapp/v24.0/{path}", body, headers=KEY)


async def send(twins: Rig, text: str = "Oi", **more: Any) -> tuple[int, Any]:
    """A text to Ana."""
    body = {"messaging_product": "whatsapp", "to": ANA, "type": "text", "text": {"body": text}}
    return await kapso(twins, "POST", f"{NUMBER}/messages", body | more)


async def register(twins: Rig, **more: Any) -> Json:
    """All message events."""
    hook = {"url": f"{twins.hook.url}/hook", "secret_key": SECRET, "events": EVENTS, **more}
    status, made = await twins.call("POST", HOOKS, {"whatsapp_webhook": hook}, headers=KEY)
    assert status == 201
    row: Json = made["data"]
    return row


def check(got: Got) -> None:
    """As the samples are signed: over the exact bytes."""
    right = hmac.new(SECRET.encode(), got.body, hashlib.sha256).hexdigest()
    assert got.headers["X-Webhook-Signature"] == right


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("text", {"text": "Olá, é você?"}),
        ("text-username-bsuid", {"text": "x", "lid": "bsuid"}),
        ("text-without-from", {"text": "x", "lid": "no_from"}),
        ("text-kapso-content-only", {"text": "x", "lid": "content_only"}),
        ("image", {"kind": "image", "text": "x"}),
        ("voice-no-transcript", {"kind": "voice"}),
        ("document", {"kind": "document", "text": "x"}),
        ("sticker", {"kind": "sticker"}),
        ("contacts", {"kind": "contact"}),
        ("button-reply", {"kind": "button", "button": {"id": "s", "text": "S"}, "message_id": "x"}),
        ("unsupported", {"kind": "unsupported"}),
        ("history-sync", {"text": "x", "lid": "history", "at": 1759496400}),
    ],
)
async def test_events_look_like_the_samples(twins: Rig, name: str, said: Json) -> None:
    await register(twins)
    await twins.say("kapso", **said)
    (got,) = await twins.hook.wait(1)
    assert keys(got.json) == keys(sample("kapso", name))
    check(got)
    expected = sample("kapso", "_deliveries")["deliveries"][f"{name}.json"]["headers"]
    assert set(expected) <= set(got.headers)
    assert got.headers["X-Webhook-Event"] == "whatsapp.message.received"


async def test_about_an_earlier_message(twins: Rig) -> None:
    await register(twins)
    first = await twins.say("kapso", text="tudo bm?")
    await twins.say("kapso", kind="edit", message_id=first, text="tudo bem?")
    await twins.say("kapso", kind="reaction", message_id=first, emoji="👍")
    await twins.say("kapso", kind="reaction", message_id=first, emoji="")
    await twins.say("kapso", kind="delete", message_id=first)
    await twins.say("kapso", text="1042", reply_to=first)
    got = await twins.hook.wait(6)
    names = ("edited-message", "reaction", "reaction-removed", "revoked-message", "reply")
    for one, name in zip(got[1:], names, strict=True):
        assert keys(one.json) == keys(sample("kapso", name)), name


async def test_statuses_carry_our_callback_data(twins: Rig) -> None:
    await register(twins)
    await twins.say("kapso", text="hi")
    _, sent = await send(twins, biz_opaque_callback_data="delivery-1")
    message_id = sent["messages"][0]["id"]
    await twins.hook.wait(3)
    await twins.control("kapso/read", {"chat": ANA})
    got = (await twins.hook.wait(4))[1:]
    events = [g.headers["X-Webhook-Event"].rpartition(".")[2] for g in got]
    assert events == ["sent", "delivered", "read"]
    for one in got:
        check(one)
        assert one.json["message"]["id"] == message_id
        last = one.json["message"]["kapso"]["statuses"][-1]
        assert last["biz_opaque_callback_data"] == "delivery-1"
    mine = {k for k in keys(got[1].json) if "callback" not in k}
    assert mine == keys(sample("kapso", "status-delivered"))


async def test_outside_the_window() -> None:
    async with rig() as twins:
        await register(twins)
        await twins.say("kapso", text="long ago", at=time.time() - 90_000)
        status, found = await send(twins)
        expected = sample("kapso", "out-error-24h-window")["response"]
        assert status == expected["status"]
        assert found["error"]["code"] == expected["body"]["error"]["code"] == 131047
        template = {"name": "retomar", "language": {"code": "pt_BR"}}
        assert (await send(twins, type="template", template=template))[0] == 200
    async with rig(window="async") as twins:
        await register(twins)
        assert (await send(twins))[0] == 200
        failed = (await twins.hook.wait(2))[-1]
        assert failed.headers["X-Webhook-Event"] == "whatsapp.message.failed"
        assert keys(failed.json) == keys(sample("kapso", "status-failed-24h"))


async def test_numbers_without_whatsapp_fail_later(twins: Rig) -> None:
    await register(twins)
    await twins.control("kapso/person", {"id": ANA, "exists": False})
    await twins.say("kapso", text="x")
    assert (await send(twins))[0] == 200
    failed = (await twins.hook.wait(2))[-1].json
    assert failed["message"]["kapso"]["statuses"][-1]["errors"][0]["code"] == 131026


async def test_batches(twins: Rig) -> None:
    await register(twins, buffer_enabled=True, buffer_window_seconds=5, buffer_events=EVENTS[:1])
    await twins.say("kapso", messages=[{"text": t} for t in "abc"])
    (got,) = await twins.hook.wait(1)
    check(got)
    assert got.headers["X-Batch-Size"] == "3" and got.headers["X-Webhook-Batch"] == "true"
    assert keys(got.json) == keys(sample("kapso", "batch-3"))
    assert [d["message"]["text"]["body"] for d in got.json["data"]] == ["a", "b", "c"]


async def test_a_failed_batch_comes_one_by_one() -> None:
    async with rig(speed=0.001) as twins:
        await register(twins, buffer_enabled=True)
        twins.hook.answers = [web.Response(status=500) for _ in range(3)]
        await twins.say("kapso", messages=[{"text": "a"}, {"text": "b"}])
        got = await twins.hook.wait(5)
        assert len({g.headers["X-Idempotency-Key"] for g in got}) == 3
        assert {g.json["message"]["text"]["body"] for g in got[3:]} == {"a", "b"}


async def test_three_attempts_with_the_same_key() -> None:
    async with rig(speed=0.001) as twins:
        await register(twins)
        twins.hook.answers = [web.Response(status=500) for _ in range(9)]
        await twins.say("kapso", text="hi")
        await twins.idle()
        assert len(twins.hook.got) == 3
        assert len({g.headers["X-Idempotency-Key"] for g in twins.hook.got}) == 1


async def test_a_webhook_that_fails_is_paused() -> None:
    async with rig(speed=0.0) as twins:
        row = await register(twins)
        twins.hook.answers = [web.Response(status=500) for _ in range(60)]
        await twins.say("kapso", count=20, text="x")
        await twins.idle()
        found = (await twins.call("GET", f"{HOOKS}/{row['id']}", headers=KEY))[1]
        assert found["data"]["active"] is False


async def test_kind_meta_forwards_raw_bodies(twins: Rig) -> None:
    await register(twins, kind="meta")
    await twins.say("kapso", text="Oi")
    (got,) = await twins.hook.wait(1)
    check(got)
    assert "X-Webhook-Event" not in got.headers
    assert got.headers["X-Idempotency-Key"] == hashlib.sha256(got.body).hexdigest()
    known = {k for k in keys(sample("kapso", "meta-text")) if not k.endswith("from_user_id")}
    assert keys(got.json) == known


async def test_webhooks_are_listed_changed_and_deleted(twins: Rig) -> None:
    row = await register(twins)
    change = {"whatsapp_webhook": {"active": False}}
    status, changed = await twins.call("PATCH", f"{HOOKS}/{row['id']}", change, headers=KEY)
    assert status == 200 and changed["data"]["active"] is False
    await twins.say("kapso", text="unheard")
    assert len((await twins.call("GET", HOOKS, headers=KEY))[1]["data"]) == 1
    assert (await twins.call("DELETE", f"{HOOKS}/{row['id']}", headers=KEY))[0] == 204
    assert (await twins.call("GET", f"{HOOKS}/{row['id']}", headers=KEY))[0] == 404
    await twins.idle()
    assert twins.hook.got == []


async def test_media_both_ways(twins: Rig) -> None:
    await register(twins)
    content = base64.b64encode(b"OggS").decode()
    await twins.say("kapso", kind="voice", file={"base64": content})
    (got,) = await twins.hook.wait(1)
    message = got.json["message"]
    async with twins.http.get(message["kapso"]["media_url"], headers=KEY) as answer:
        assert await answer.read() == b"OggS"
    _, known = await kapso(twins, "GET", f"{message['audio']['id']}?phone_number_id={NUMBER}")
    assert keys(known) == keys(sample("kapso", "out-get-media")["response"]["body"])
    async with twins.http.get(known["download_url"], headers=KEY) as answer:
        assert await answer.read() == b"OggS"
    form = aiohttp.FormData({"messaging_product": "whatsapp", "type": "image/png"})
    form.add_field("file", b"PNG", filename="a.png", content_type="image/png")
    url = f"{twins.base}/kapso/meta/whatsapp/v24.0/{NUMBER}/media"
    async with twins.http.post(url, data=form, headers=KEY) as answer:
        uploaded = (await answer.json())["id"]
    image: Json = {"id": uploaded, "caption": "see"}
    assert (await send(twins, type="image", image=image))[0] == 200
    assert (await twins.chat("kapso", ANA))[-1]["file"]["name"] == "a.png"
    assert (await send(twins, type="image", image={"id": "1"}))[1]["error"]["code"] == 100


async def test_typing_and_read(twins: Rig) -> None:
    message_id = await twins.say("kapso", text="hi")
    body: Json = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id}
    body |= {"typing_indicator": {"type": "text"}}
    found = await kapso(twins, "POST", f"{NUMBER}/messages", body)
    assert found == (200, {"success": True})
    chat = await twins.control(f"kapso/chats/{ANA}")
    assert chat["typing"] and chat["messages"][0]["status"] == "read"


async def test_typed_in_the_business_app(twins: Rig) -> None:
    await register(twins)
    await twins.say("kapso", text="me here", from_me=True)
    (got,) = await twins.hook.wait(1)
    kapso_part = got.json["message"]["kapso"]
    assert (kapso_part["direction"], kapso_part["origin"]) == ("outbound", "business_app")


async def test_limits(twins: Rig) -> None:
    await twins.say("kapso", text="hi")
    status, found = await send(twins, "x" * 4097)
    assert (status, found["error"]["code"]) == (400, 100)
    assert "4096" in found["error"]["error_data"]["details"]
