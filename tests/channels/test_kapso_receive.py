"""What Kapso's webhooks mean."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from channels.base import BadSignature, Hook, Unreadable
from channels.inbound import Attachment, Fate, Inbound, Kind, Media
from channels.kapso.receive import receive
from tests.channels.kapso_cases import (
    ANA,
    BSUID,
    CHAT,
    DELIVERIES,
    EXPECTED,
    FILES,
    LINK,
    NAMELESS,
    OPEN,
    SENT,
    wamid,
)
from tests.channels.mutate import check_item, damaged
from tests.channels.replay import body, inbound, load


def headers(name: str) -> dict[str, str]:
    return {k.lower(): v for k, v in DELIVERIES[f"{name}.json"]["headers"].items()}


def items(content: Any, event: str | None = "whatsapp.message.received") -> list[Inbound]:
    named = {"x-webhook-event": event} if event else {}
    return receive(OPEN, signed(named, json.dumps(content).encode()))


def signed(named: Mapping[str, str], raw: bytes) -> Hook:
    """A call as Kapso signs it with the secret that was registered for it."""
    return Hook({**named, "x-webhook-signature": hmac.new(b"path-secret", raw, "sha256").hexdigest()}, raw)


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
    for wrong in (Hook({}, raw), Hook(headers("text"), raw)):
        with pytest.raises(BadSignature):
            receive(OPEN, wrong)


def test_signature_with_a_secret_that_is_not_the_paths() -> None:
    raw = body("kapso", "text")
    own = replace(OPEN, header_secret="hub-made-secret")
    mac = hmac.new(b"hub-made-secret", raw, "sha256").hexdigest()
    assert receive(own, Hook({"x-webhook-signature": mac}, raw)) == EXPECTED["text"]
    with pytest.raises(BadSignature):
        receive(own, signed({}, raw))
    assert receive(replace(own, old_secrets=("path-secret",)), signed({}, raw)) == EXPECTED["text"]


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
        (
            {"type": "order", "order": {"product_items": [
                {"product_retailer_id": "SKU1", "quantity": "2", "item_price": 7.5, "currency": "BRL"},
                {"product_retailer_id": "SKU2", "quantity": 1, "item_price": "10", "currency": "BRL"}]}},
            "Order: - 2 x SKU1, BRL 7.50 each\n- 1 x SKU2, BRL 10.00 each",
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
        receive(OPEN, signed({}, raw))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged([load("kapso", n) for n in inbound("kapso")]))
def test_damaged_payloads(raw: bytes) -> None:
    for event in ({}, {"x-webhook-event": "whatsapp.message.failed"}):
        try:
            found = receive(OPEN, signed(event, raw))
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
                receive(OPEN, signed({}, deep))
            except Unreadable:
                assert depth > 150 or "data" in wrapped
