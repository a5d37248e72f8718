"""What Kapso's webhooks mean."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from channels.base import (
    Attachment,
    BadSignature,
    Contact,
    Fate,
    Hook,
    Inbound,
    Kind,
    Link,
    Media,
    Unreadable,
)
from channels.kapso.receive import receive
from tests.channels.mutate import check_item, damaged
from tests.channels.replay import body, inbound, load

SECRET = "fake-kapso-webhook-secret-0001"
OPEN = Link(
    "link",
    {"apiKey": "FAKE_KAPSO_API_KEY", "phoneNumberId": "100000000000001"},
    "path-secret",
    "https://hub.example.com/webhooks/kapso/t1",
)
LINK = replace(OPEN, settings={**OPEN.settings, "webhookSecretKey": SECRET})
DELIVERIES: dict[str, Any] = load("kapso", "_deliveries")["deliveries"]
START = datetime(2026, 1, 1, 13, tzinfo=UTC)
CHAT = "5511999990000"
BSUID = "BR.10000000000000000001"
GROUP = "Y2FwaV9ncm91cDpGQUtF"
ANA = Contact(("phone:5511999990000",), name="Ana Souza", phone=CHAT)
NAMELESS = replace(ANA, name=None)
BOTH = replace(ANA, ids=(f"bsuid:{BSUID}", "phone:5511999990000"))
FILES = "https://api.kapso.ai/media"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def wamid(number: int) -> str:
    return f"wamid.HBgNNTUxMTk5OTk5MDAwMBUCABIYFEZBS{number:07}AA=="


SENT = wamid(800001)


def said(number: int, **more: Any) -> Inbound:
    """A message; the made up ones carry their number as their second."""
    whole = {"chat": CHAT, "contact": ANA, "at": at(number), **more}
    return Inbound(Kind.MESSAGE, f"m:{wamid(number)}", message_id=wamid(number), **whole)


def other(kind: Kind, letter: str, number: int, **more: Any) -> Inbound:
    return replace(said(number, **more), kind=kind, ext=f"{letter}:{wamid(number)}")


def file(number: int, media: Media, place: str, **more: Any) -> Inbound:
    words = more.pop("text", "")
    transcript = more.pop("transcript", "")
    held = Attachment(media, url=f"{FILES}/{place}", text=transcript, **more)
    return said(number, text=words, attachments=(held,))


def event(name: str, **more: Any) -> Inbound:
    return Inbound(Kind.EVENT, "u", event=name, **more)


def fate(state: str, seconds: int, **more: Any) -> Inbound:
    whole = {"chat": CHAT, "contact": ANA, "fate": Fate(state, (SENT,)), **more}
    ext = f"s:{SENT}:{state}"
    return Inbound(Kind.STATUS, ext, message_id=SENT, at=at(seconds), **whole)


OGG = "audio/ogg; codecs=opus"
CONVERSATION = "c0ffee00-0000-4000-8000-000000000001"
CALLED = Fate("delivered", (SENT,), callback="hub-msg-42")
EXPECTED: dict[str, list[Inbound]] = {
    "text": [said(1, text="Oi, tudo bem?")],
    "text-new-conversation": [said(2, text="Primeira mensagem")],
    "text-without-from": [said(3, text="payload v2 da doc não traz from")],
    "text-kapso-content-only": [said(4, text="só kapso.content")],
    "text-referral-ad": [
        said(
            5,
            text="Vi o anúncio",
            detail={
                "ad": {
                    "title": "Promo",
                    "body": "texto do anúncio",
                    "url": "https://fb.me/FAKE",
                    "source": "120000000000001",
                    "kind": "ad",
                    "click": "ARFAKE",
                }
            },
        )
    ],
    "text-username-bsuid": [
        said(
            6,
            text="Usuário sem telefone (BSUID)",
            chat=BSUID,
            contact=Contact((f"bsuid:{BSUID}",), name="Ana Souza", username="ana.teste"),
        )
    ],
    "image": [
        file(
            7,
            Media.IMAGE,
            "FAKE0006/photo.jpg",
            ref="300000000000001",
            mime="image/jpeg",
            name="photo.jpg",
            size=48213,
            text="Olha essa foto",
        )
    ],
    "image-no-caption": [
        file(
            8,
            Media.IMAGE,
            "FAKE0007/photo.jpg",
            ref="300000000000002",
            mime="image/jpeg",
            name="photo.jpg",
            size=48213,
        )
    ],
    "voice": [
        file(
            9,
            Media.VOICE,
            "FAKE0009/voice.ogg",
            ref="300000000000003",
            mime=OGG,
            name="voice.ogg",
            size=7042,
            transcript="Olá, preciso de ajuda com meu pedido",
        )
    ],
    "voice-no-transcript": [
        file(
            10,
            Media.VOICE,
            "FAKE0009/voice.ogg",
            ref="300000000000004",
            mime=OGG,
            name="voice.ogg",
            size=7042,
        )
    ],
    "video": [
        file(
            11,
            Media.VIDEO,
            "FAKE0010/video.mp4",
            ref="300000000000005",
            mime="video/mp4",
            name="video.mp4",
            size=913224,
            text="Vídeo do produto",
        )
    ],
    "document": [
        file(
            12,
            Media.DOCUMENT,
            "FAKE0011/pedido-1042.pdf",
            ref="300000000000006",
            mime="application/pdf",
            name="pedido-1042.pdf",
            size=120034,
            text="Segue o pedido",
        )
    ],
    "sticker": [
        file(
            13,
            Media.STICKER,
            "FAKE0012/sticker.webp",
            ref="300000000000007",
            mime="image/webp",
            name="sticker.webp",
            size=20332,
        )
    ],
    "contacts": [
        said(15, attachments=(Attachment(Media.CONTACT, text="Carlos Lima: +55 11 99999-0002"),))
    ],
    "reaction": [other(Kind.REACTION, "r", 17, text="👍", reply_to=wamid(900001))],
    "reaction-removed": [other(Kind.REACTION, "r", 19, text="", reply_to=wamid(900001))],
    "reply": [said(21, text="1042", reply_to=wamid(900001))],
    "button-reply": [said(24, text="Sim", button="sim", reply_to=wamid(900002))],
    "list-reply": [said(26, text="Segunda 10h", button="slot-1", reply_to=wamid(900003))],
    "template-quick-reply": [
        said(28, text="Continuar", button="CONTINUAR", reply_to=wamid(900004))
    ],
    "edited-message": [
        replace(
            other(Kind.EDIT, "e", 30, text="Oi, tudo bem? (corrigido)"), message_id=wamid(900005)
        )
    ],
    "revoked-message": [replace(other(Kind.REVOKE, "x", 32), message_id=wamid(900005))],
    "unsupported": [
        replace(
            other(Kind.EVENT, "m", 33),
            event="message.unsupported",
            detail={"code": 131051, "title": "Message type unknown"},
        )
    ],
    "history-sync": [
        replace(
            said(36),
            kind=Kind.EVENT,
            ext=f"n:message.history:{wamid(36)}",
            at=datetime(2025, 10, 3, 13, tzinfo=UTC),
            event="message.history",
            ignore="history",
        )
    ],
    "batch-3": [
        said(37, text="oi"),
        said(38, text="tudo bem?"),
        said(39, text="queria um orçamento"),
    ],
    "batch-1": [said(40, text="só uma")],
    "status-sent": [fate("sent", 500)],
    "status-delivered": [fate("delivered", 502)],
    "status-read": [fate("read", 510)],
    "status-failed-24h": [
        fate(
            "failed",
            520,
            fate=Fate(
                "failed",
                (SENT,),
                code="window_closed",
                text="More than 24 hours have passed since the contact last wrote.",
            ),
            detail={"code": 131047, "title": "Re-engagement message"},
        )
    ],
    "conversation-ended": [
        event(
            "conversation.ended",
            chat=CHAT,
            contact=ANA,
            at=at(9000),
            detail={"conversation": CONVERSATION},
        )
    ],
    "conversation-inactive": [
        event(
            "conversation.inactive",
            chat=CHAT,
            contact=NAMELESS,
            at=at(0),
            detail={"minutes": 60, "conversation": CONVERSATION},
        )
    ],
    "phone-number-created": [event("phone_number.created")],
    "workflow-handoff": [
        event(
            "workflow.execution.handoff",
            at=at(0),
            detail={
                "status": "handoff",
                "workflow_id": "880e8400-0000-4000-8000-000000000001",
                "whatsapp_conversation_id": CONVERSATION,
                "reason": "User requested human assistance",
                "source": "agent_tool",
            },
        )
    ],
    "meta-text": [said(46, text="Oi, tudo bem?", contact=BOTH)],
    "meta-voice": [
        said(
            48,
            contact=BOTH,
            attachments=(Attachment(Media.VOICE, ref="300000000000003", mime=OGG),),
        )
    ],
    "meta-reply": [said(50, text="1042", reply_to=wamid(900001), contact=BOTH)],
    "meta-edited": [
        replace(
            other(Kind.EDIT, "e", 52, text="Oi, tudo bem? (corrigido)", contact=BOTH),
            message_id=wamid(900005),
        )
    ],
    "meta-group-text": [said(56, text="Oi grupo", chat=GROUP, group=GROUP, contact=BOTH)],
    "meta-status-delivered": [fate("delivered", 502, contact=BOTH, fate=CALLED)],
    "meta-status-delivered-old-no-contacts": [
        fate("delivered", 502, contact=NAMELESS, fate=CALLED)
    ],
    "meta-status-played": [fate("played", 530, contact=BOTH)],
}


def headers(name: str) -> dict[str, str]:
    return {k.lower(): v for k, v in DELIVERIES[f"{name}.json"]["headers"].items()}


def items(content: Any, event: str | None = "whatsapp.message.received") -> list[Inbound]:
    named = {"x-webhook-event": event} if event else {}
    return receive(OPEN, Hook(named, json.dumps(content).encode()))


def changed(message: Mapping[str, Any], **kapso: Any) -> Inbound:
    """The plain text webhook with parts of its message changed."""
    source = load("kapso", "text")
    source["message"].update(message)
    source["message"]["kapso"].update(kapso)
    [item] = items(source)
    return item


def test_every_payload_has_an_expectation() -> None:
    assert set(EXPECTED) == set(inbound("kapso"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_payload(name: str) -> None:
    found = receive(LINK, Hook(headers(name), body("kapso", name)))
    if EXPECTED[name][0].ext == "u":  # items without an id are keyed by their content
        assert found[0].ext.startswith("u:")
        found = [replace(found[0], ext="u")]
    assert found == EXPECTED[name]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_signature(name: str) -> None:
    good, raw = headers(name), body("kapso", name)
    mac = good["x-webhook-signature"]
    for same in (mac.upper(), f"sha256={mac}", f" {mac}"):
        assert receive(LINK, Hook({**good, "x-webhook-signature": same}, raw))
    middle = len(raw) // 2
    for wrong in (
        Hook({k: v for k, v in good.items() if k != "x-webhook-signature"}, raw),
        Hook({**good, "x-webhook-signature": ""}, raw),
        Hook({**good, "x-webhook-signature": mac[:-1] + ("0" if mac[-1] != "0" else "1")}, raw),
        Hook({**good, "x-webhook-signature": "\udce9" + mac}, raw),
        Hook(good, raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]),
        Hook(good, raw + b"\n"),
    ):
        with pytest.raises(BadSignature):
            receive(LINK, wrong)


def test_signature_with_the_secret_we_registered() -> None:
    raw = body("kapso", "text")
    mac = hmac.new(b"path-secret", raw, "sha256").hexdigest()
    assert receive(OPEN, Hook({"x-webhook-signature": mac}, raw)) == EXPECTED["text"]
    assert receive(OPEN, Hook({}, raw)) == EXPECTED["text"]
    with pytest.raises(BadSignature):
        receive(OPEN, Hook(headers("text"), raw))


def test_older_signature_header() -> None:
    older = {"x-kapso-signature": headers("text")["x-webhook-signature"]}
    assert receive(LINK, Hook(older, body("kapso", "text"))) == EXPECTED["text"]


@pytest.mark.parametrize("named", [True, False])
def test_batches_of_every_form(named: bool) -> None:
    source = load("kapso", "batch-3")
    event = "whatsapp.message.received" if named else None
    assert items(source, event) == EXPECTED["batch-3"]
    assert items({"data": source["data"], "batch_info": {"size": 3}}, event) == EXPECTED["batch-3"]
    assert items(source["data"], event) == EXPECTED["batch-3"]
    assert items({"batch": True, "data": source["data"][0]}, event) == EXPECTED["batch-3"][:1]


def test_item_of_a_failed_batch_has_the_same_key_alone() -> None:
    [alone] = items(load("kapso", "batch-3")["data"][1])
    assert alone == EXPECTED["batch-3"][1]


def test_older_shape() -> None:
    source: dict[str, Any] = {
        "message": {
            "id": "d0d0d0d0-0000-4000-8000-000000000001",
            "whatsapp_message_id": wamid(1),
            "message_type": "text",
            "content": "Oi, tudo bem?",
            "phone_number": "+55 11 99999-0000",
            "direction": "inbound",
            "created_at": "2026-01-01T10:00:01-03:00",
        },
        "conversation": {"kapso": {"contact_name": "Ana Souza"}},
        "whatsapp_config": {"phone_number_id": "100000000000001"},
    }
    assert items(source) == EXPECTED["text"]
    source["message"]["direction"] = "outbound"
    [own] = items(source)
    assert (own.kind, own.by) == (Kind.OWN, "api")
    source["whatsapp_config"] = {"phone_number_id": "100000000000002"}
    [foreign] = items(source)
    assert foreign.ignore == "another phone number"


def test_older_shape_of_a_file() -> None:
    message = {
        "id": wamid(8),
        "message_type": "image",
        "phone_number": CHAT,
        "media_url": f"{FILES}/a.jpg",
        "message_type_data": {"caption": "olha"},
    }
    [item] = items({"message": message})
    assert item.attachments == (Attachment(Media.IMAGE, url=f"{FILES}/a.jpg"),)
    assert item.text == "olha"


@pytest.mark.parametrize("place", ["item", "kapso", "conversation", "meta"])
def test_another_phone_number(place: str) -> None:
    source = load("kapso", "meta-text" if place == "meta" else "batch-1")
    if place == "meta":
        value = source["entry"][0]["changes"][0]["value"]
        value["metadata"]["phone_number_id"] = "100000000000002"
    else:
        item = source["data"][0]
        for found in (item, item["message"]["kapso"], item["conversation"]):
            del found["phone_number_id"]
        at_place = {"item": item, "kapso": item["message"]["kapso"]}.get(
            place, item["conversation"]
        )
        at_place["phone_number_id"] = "100000000000002"
    [item] = items(source)
    assert (item.kind, item.ignore) == (Kind.EVENT, "another phone number")
    assert item.ext.startswith("f:100000000000002:")


def test_human_on_the_business_app() -> None:
    source = load("kapso", "status-sent")
    source["message"]["kapso"]["origin"] = "business_app"
    [item] = items(source, "whatsapp.message.sent")
    assert (item.kind, item.by, item.ext) == (Kind.OWN, "human", f"o:{SENT}")
    assert (item.text, item.chat, item.contact) == ("Olá Ana! Como posso ajudar?", CHAT, ANA)
    [later] = items(source, "whatsapp.message.read")
    assert later.fate == Fate("read", (SENT,))


def test_human_on_the_business_app_in_metas_shape() -> None:
    source = load("kapso", "meta-text")
    value = source["entry"][0]["changes"][0]["value"]
    [message] = value.pop("messages")
    value.pop("contacts")
    value["message_echoes"] = [{**message, "from": "5511988880000", "to": CHAT}]
    [item] = items(source, None)
    assert (item.kind, item.by, item.chat, item.contact) == (Kind.OWN, "human", CHAT, NAMELESS)


def test_status_without_event_name_and_with_our_own_id() -> None:
    source = load("kapso", "status-delivered")
    source["message"]["kapso"]["statuses"][0]["biz_opaque_callback_data"] = "delivery-7"
    [item] = items(source, None)
    assert item.fate == Fate("delivered", (SENT,), callback="delivery-7")


def test_unknown_error_code() -> None:
    source = load("kapso", "status-failed-24h")
    source["message"]["kapso"]["statuses"][1]["errors"] = [{"code": 999999}]
    [item] = items(source, "whatsapp.message.failed")
    assert item.fate == Fate(
        "failed", (SENT,), code="999999", text="WhatsApp refused the message (999999)."
    )


def test_failure_without_statuses() -> None:
    source = load("kapso", "status-failed-24h")
    del source["message"]["kapso"]["statuses"]
    [item] = items(source, "whatsapp.message.failed")
    assert item.fate == Fate("failed", (SENT,), text="WhatsApp refused the message.")


@pytest.mark.parametrize("number", ["+55 11 99999-0000", "+5511999990000", "5511999990000"])
def test_every_spelling_of_a_phone_is_one_session(number: str) -> None:
    assert changed({"from": number}).chat == CHAT
    source = load("kapso", "text-without-from")
    source["conversation"]["phone_number"] = number
    assert items(source)[0].chat == CHAT


def test_person_with_nothing_but_a_username() -> None:
    source = load("kapso", "text-username-bsuid")
    del source["message"]["from_user_id"]
    source["conversation"]["business_scoped_user_id"] = None
    [item] = items(source)
    assert item.contact is not None
    assert (item.chat, item.contact.ids) == ("@ana.teste", ("username:ana.teste",))


def test_sender_that_is_a_business_scoped_id() -> None:
    source = load("kapso", "text")
    source["message"]["from"] = BSUID
    source["conversation"]["phone_number"] = None
    [item] = items(source)
    assert item.contact is not None
    assert (item.chat, item.contact.ids) == (BSUID, (f"bsuid:{BSUID}",))


@pytest.mark.parametrize(
    ("message", "words", "button"),
    [
        ({"type": "location", "location": {"latitude": -23.5, "longitude": "-46.6"}}, "", None),
        (
            {"type": "interactive", "interactive": {"nfm_reply": {
                "name": "flow", "body": "Sent", "response_json": '{"a":1}'}}},
            'Sent\n{"a":1}',
            "flow",
        ),
        (
            {"type": "order", "order": {"text": "rápido", "product_items": [
                {"product_retailer_id": "SKU1", "quantity": 2}]}},
            "Order: - 2 x SKU1\nrápido",
            None,
        ),
    ],
)  # fmt: skip
def test_other_types(message: Any, words: str, button: str | None) -> None:
    item = changed(message)
    assert (item.kind, item.text, item.button) == (Kind.MESSAGE, words, button)
    places = [a.text for a in item.attachments]
    assert places == (["-23.500000, -46.600000"] if "location" in message else [])


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ({"type": "request_welcome"}, "message.request_welcome"),
        ({"type": "interactive", "interactive": {"type": "new"}}, "interactive.new"),
        (
            {"type": "system", "system": {"type": "user_changed_number"}},
            "system.user_changed_number",
        ),
        ({"type": "edit", "edit": {"message": {}}}, "message.edit"),
        ({"type": "edit", "edit": {"original_message_id": "O"}}, "message.edit_unknown"),
    ],
)
def test_nothing_was_said(message: Any, name: str) -> None:
    item = changed(message, content="")
    assert (item.kind, item.event) == (Kind.EVENT, name)


def test_forwarded() -> None:
    assert changed({"context": {"forwarded": True}}).forwarded is True
    assert changed({"context": {"frequently_forwarded": True}}).forwarded is True
    assert changed({}).forwarded is False


def test_other_changes_of_metas() -> None:
    change = {"field": "account_update", "value": {"event": "X"}}
    [item] = items({"object": "whatsapp_business_account", "entry": [{"changes": [change]}]})
    assert (item.kind, item.event) == (Kind.EVENT, "meta.account_update")
    change = {"field": "history", "value": {"history": [{}]}}
    [item] = items({"object": "whatsapp_business_account", "entry": [{"changes": [change]}]})
    assert (item.event, item.ignore) == ("meta.history", "history")


@pytest.mark.parametrize("raw", [b"", b"{", b"{}", b'"x"', b"7", b'{"a":1}'])
def test_not_kapsos(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        receive(OPEN, Hook({}, raw))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged([load("kapso", n) for n in inbound("kapso")]))
def test_damaged_payloads(raw: bytes) -> None:
    for event in ({}, {"x-webhook-event": "whatsapp.message.failed"}):
        try:
            found = receive(OPEN, Hook(event, raw))
        except (BadSignature, Unreadable):
            continue
        for item in found:
            check_item(item)


@pytest.mark.parametrize("depth", [150, 250, 1000, 100_000])
def test_bottomless_bodies(depth: int) -> None:
    source = load("kapso", "text")
    for wrapped in ({**source, "extra": "DEEP"}, {**source, "type": "DEEP", "data": "DEEP"}):
        raw = json.dumps(wrapped).encode()
        for opening, closing in ((b"[", b"]"), (b'{"message":', b"}")):
            deep = raw.replace(b'"DEEP"', opening * depth + b"1" + closing * depth)
            try:
                receive(OPEN, Hook({}, deep))
            except Unreadable:
                assert depth > 150 or "data" in wrapped
