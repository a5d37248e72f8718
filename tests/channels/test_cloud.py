"""WhatsApp straight from Meta: what proves a call, what is read of it, and what is asked of the Graph API."""

import hmac
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from channels.base import BadSignature, ChannelError, Hook, Link, Unreadable
from channels.cloud import WhatsAppCloud
from channels.http import Answer
from channels.inbound import Attachment, Inbound, Kind, Media
from channels.meta.templates import listing
from channels.outbound import Choice, File, Outbound
from channels.templates import MOST
from hub.chat.clients import templates
from tests.channels.replay import Fetched, Seen, load, serving

Json = dict[str, Any]
PAYLOADS = Path(__file__).parent / "payloads" / "kapso"
SETTINGS = {"accessToken": "token-1", "appSecret": "app-1", "phoneNumberId": "100000000000001", "businessAccountId": "2001"}
LINK = Link("link", SETTINGS, "path-secret", "https://hub.example.com/hook", header_secret="header-secret")
OK = load("kapso", "out-send-text")["response"]
DONE = {"status": 200, "body": {"success": True}}


def signed(body: Json | bytes, key: str = "app-1") -> Hook:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Hook({"x-hub-signature-256": "sha256=" + hmac.new(key.encode(), raw, "sha256").hexdigest()}, raw)


def adapter(http: Any = None, fetched: Any = None, base: str = "https://graph.facebook.com/v24.0") -> WhatsAppCloud:
    return WhatsAppCloud(http, fetched or Fetched(), base)


def read(value: Json, field: str = "messages", **metadata: str) -> list[Inbound]:
    about = {"metadata": {"display_phone_number": "15550783881", "phone_number_id": "100000000000001", **metadata}}
    body = {"object": "whatsapp_business_account", "entry": [{"id": "2001", "changes": [{"field": field, "value": about | value}]}]}
    return adapter().receive(LINK, signed(body))


def test_only_metas_signature_counts() -> None:
    """Of the bytes as they came, with the app's secret; neither the verify token nor another key."""
    body = b'{"entry": [], "x": "\\u00e9"}'
    assert adapter().receive(LINK, signed(body)) == []
    for hook in (signed(body, "header-secret"), signed(body, ""), Hook({}, body), Hook({"x-hub-signature-256": "é\udcff"}, body)):
        with pytest.raises(BadSignature):
            adapter().receive(LINK, hook)
    with pytest.raises(BadSignature):
        adapter().receive(LINK, replace(signed(body), body=body + b" "))
    with pytest.raises(BadSignature):
        adapter().receive(replace(LINK, settings={**SETTINGS, "appSecret": ""}), signed(body, ""))
    for wrong in (b"[]", b"{}", b'{"entry": 1}'):
        with pytest.raises(Unreadable):
            adapter().receive(LINK, signed(wrong))


def test_the_challenge_is_for_who_knows_the_token() -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": "header-secret", "hub.challenge": "1158201444"}
    assert adapter().challenge(LINK, asked) == "1158201444"
    wrong: list[Json] = [
        {"hub.verify_token": "path-secret"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}, {"hub.challenge": ""},
        {"hub.challenge": "x" * 201}, {"hub.challenge": "a\nb"}, {"hub.verify_token": "é\udcff"},
    ]
    assert [adapter().challenge(LINK, asked | w) for w in wrong] == [None] * len(wrong)
    assert adapter().challenge(LINK, {}) is None


@pytest.mark.parametrize("name", sorted(p.name for p in PAYLOADS.glob("meta-*.json")))
def test_bodies_that_kapso_forwards_are_read_alike(name: str) -> None:
    raw = (PAYLOADS / name).read_bytes()
    [item] = adapter().receive(LINK, signed(raw))
    assert item.kind in (Kind.MESSAGE, Kind.EDIT, Kind.STATUS) and item.ext


def test_what_else_meta_tells() -> None:
    """Answers of flows and lists, echoes of the phone, calls, groups, templates: each in its place, once."""
    who = {"contacts": [{"profile": {"name": "Ana"}, "wa_id": "5511999990000"}]}
    base = {"from": "5511999990000", "id": "wamid.1", "timestamp": "1767272421", "type": "interactive"}
    flow = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"size": "M"}'}}
    [item] = read(who | {"messages": [base | {"interactive": flow}]})
    assert item.kind is Kind.MESSAGE and '"size": "M"' in item.text and item.contact and item.contact.name == "Ana"
    row = {"type": "list_reply", "list_reply": {"id": "c:x", "title": "Tomorrow", "description": "Tomorrow at two"}}
    [item] = read(who | {"messages": [base | {"interactive": row}]})
    assert (item.text, item.button) == ("Tomorrow", "c:x")
    echo = {"from": "15550783881", "to": "5511999990000", "id": "wamid.2", "timestamp": "1767272421", "type": "text", "text": {"body": "Hi"}}
    [item] = read({"message_echoes": [echo]}, "smb_message_echoes")
    assert (item.kind, item.by, item.chat, item.text) == (Kind.OWN, "human", "5511999990000", "Hi")
    ring = {"id": "wacid.1", "from": "5511999990000", "to": "15550783881", "event": "connect", "timestamp": "1767272421", "direction": "USER_INITIATED"}
    [first] = read(who | {"calls": [ring]}, "calls")
    [last] = read(who | {"calls": [ring | {"event": "terminate", "status": "COMPLETED"}]}, "calls")
    assert (first.kind, first.event, last.event) == (Kind.EVENT, "call.connect", "call.terminate") and first.ext != last.ext
    assert first.contact and first.contact.phone == "5511999990000"
    group = {"groups": [{"group_id": "Y2FwaV9ncm91cDox", "type": "group_create", "timestamp": "1767272421", "subject": "Team"}]}
    [item] = read(group, "group_lifecycle_update")
    assert (item.event, item.detail["group_id"]) == ("meta.group_lifecycle_update", "Y2FwaV9ncm91cDox")
    [item] = read({"event": "PAUSED", "message_template_name": "hello", "reason": "LOW_QUALITY"}, "message_template_status_update")
    assert (item.kind, item.detail["event"], item.detail["message_template_name"]) == (Kind.EVENT, "PAUSED", "hello")
    [item] = read(who | {"messages": [base | {"type": "text", "text": {"body": "x"}}]}, phone_number_id="999")
    assert item.kind is Kind.EVENT and item.ignore == "another phone number"
    status = {"id": "wamid.9", "status": "failed", "timestamp": "1767272421", "recipient_id": "5511999990000",
              "biz_opaque_callback_data": "key-1", "errors": [{"code": 131047, "title": "Re-engagement message"}]}
    [item] = read({"statuses": [status]})
    assert item.fate and (item.fate.state, item.fate.code, item.fate.callback) == ("failed", "window_closed", "key-1")


async def asked(act: Any, *answers: Json) -> tuple[Any, list[Seen]]:
    async with serving(*answers) as (provider, http):
        return await act(adapter(http, base=f"{provider.url}/v24.0")), provider.seen


async def test_calls() -> None:
    """The token in its header, the version in its path, files by id, the webhook asked for and taken away."""
    out = Outbound("5511999990000", "key-1", text="Hi", choices=(Choice("c:1", "Yes"),))
    sent, [call] = await asked(lambda a: a.send(LINK, out), OK)
    assert sent and call.path == "/v24.0/100000000000001/messages" and call.headers["Authorization"] == "Bearer token-1"
    assert call.body["interactive"]["type"] == "button" and call.body["biz_opaque_callback_data"] == "key-1"
    older = replace(LINK, settings={**SETTINGS, "graphVersion": "v21.0"})
    _, [call] = await asked(lambda a: a.typing(older, "5511999990000", "wamid.1"), DONE)
    assert call.path == "/v21.0/100000000000001/messages" and call.body["typing_indicator"] == {"type": "text"}
    _, calls = await asked(lambda a: a.register(LINK), DONE, DONE)
    assert [c.path for c in calls] == ["/v24.0/2001/subscribed_apps", "/v24.0/100000000000001"]
    assert calls[1].body == {"webhook_configuration": {"override_callback_uri": LINK.webhook_url, "verify_token": "header-secret"}}
    _, [call] = await asked(lambda a: a.unregister(LINK), DONE)
    assert call.body == {"webhook_configuration": {"override_callback_uri": ""}}
    picture = replace(out, choices=(), file=File(Media.IMAGE, "image/png", "a.png", content=b"png"))
    _, calls = await asked(lambda a: a.send(LINK, picture), load("kapso", "out-upload-media")["response"], OK)
    assert [c.path.rpartition("/")[2] for c in calls] == ["media", "messages"] and calls[1].body["image"]["id"]
    with pytest.raises(ChannelError, match="longer than Meta"):
        await adapter().register(replace(LINK, webhook_url="https://hub.example.com/" + "x" * 200))


async def test_the_token_goes_to_meta_alone() -> None:
    """A file's address comes from outside."""
    for url, given in (
        ("https://lookaside.fbsbx.com/x?mid=1", True), ("https://evil.example/x", False),
        ("https://fbsbx.com.evil.example/x", False), ("https://evilfbsbx.com/x", False),
    ):
        fetched = Fetched()
        async with serving({"status": 200, "body": {"url": url, "mime_type": "audio/ogg"}}) as (provider, http):
            found = adapter(http, fetched, f"{provider.url}/v24.0")
            await found.fetch_media(LINK, Attachment(Media.VOICE, ref="555"), "wamid.1")
        assert provider.seen[0].path.startswith("/v24.0/555")
        assert ("Authorization" in fetched.calls[0][1]) is given, url
    with pytest.raises(ChannelError):
        async with serving({"status": 200, "body": {"url": "http://lookaside.fbsbx.com/x"}}) as (provider, http):
            await adapter(http, base=f"{provider.url}/v24.0").fetch_media(LINK, Attachment(Media.VOICE, ref="5"), None)


@pytest.mark.parametrize(("status", "body", "code", "permanent"), [
    (400, {"error": {"code": 131047}}, "window_closed", True), (401, {"error": {"code": 190}}, "unauthorized", True),
    (400, {"error": {"code": 130429}}, "rate_limited", False), (500, {"error": {"code": 1}}, "1", False),
    (503, "busy", "503", False), (404, "", "not_found", True), (429, "", "rate_limited", False), (403, "", "unauthorized", True),
])
async def test_refusals(status: int, body: Any, code: str, permanent: bool) -> None:
    with pytest.raises(ChannelError) as caught:
        await asked(lambda a: a.send(LINK, Outbound("5511999990000", "", text="Hi")), {"status": status, "body": body})
    assert (caught.value.code, caught.value.permanent) == (code, permanent) and "token-1" not in str(caught.value)


@pytest.mark.parametrize(("account", "ours"), [("2001", True), ("2002", False), (None, True)])
def test_templates_of_another_business_account_are_none_of_ours(account: str | None, ours: bool) -> None:
    """An app may hear of several; a template of the same name in another one says nothing of this one's campaigns."""
    told = {"event": "PAUSED", "message_template_name": "spring", "message_template_language": "en_US"}
    changes = [{"field": "message_template_status_update", "value": told}]
    entry = {"changes": changes} | ({"id": account} if account else {})
    [item] = adapter().receive(LINK, signed({"object": "whatsapp_business_account", "entry": [entry]}))
    assert (item.event == "meta.message_template_status_update") is ours and (item.ignore is None) is ours
    bare = replace(LINK, settings={k: v for k, v in SETTINGS.items() if k != "businessAccountId"})
    [item] = adapter().receive(bare, signed({"object": "whatsapp_business_account", "entry": [entry]}))
    assert item.ignore is None, "nobody has said which account it is"


@pytest.mark.parametrize("count", [30, 1000, 6000])
async def test_a_long_list_of_templates_says_that_it_is_cut(count: int) -> None:
    """What is not on the list may be there all the same: nothing is refused for it."""
    rows = [{"name": f"t{n}", "language": "en_US", "status": "APPROVED"} for n in range(count)]
    asked: list[str] = []

    async def get(path: str) -> Answer:
        asked.append(path)
        start = int(path.partition("&after=")[2] or 0)
        paging = {"cursors": {"after": str(start + 100)}} | ({"next": "https://x"} if start + 100 < count else {})
        return Answer(200, {}, {"data": rows[start : start + 100], "paging": paging}, "")

    found = await listing(get, "2001")
    assert len(found) == min(count, MOST) and len(asked) == -(-len(found) // 100)
    one: Any = None
    told = templates._listed(one, found, None)
    assert bool(told.words) is (count >= MOST)
    assert bool(templates.opener_note(told, "elsewhere")) is (count < MOST) and templates.opener_note(told, "t1") is None
