"""Neighbours of WhatsApp's payloads: over Meta's API through Evolution, what businesses send, tomorrow's kinds."""

import copy
import json
from typing import Any

import pytest

from channels.base import Hook
from channels.inbound import Inbound, Kind, Media
from channels.kapso.receive import receive as kapso
from tests.channels import kapso_cases
from tests.channels.replay import load
from tests.channels.test_rare_contents import native, sent_by_evolution, sent_by_meta, sent_by_zapi

FILE = {"id": "99", "mime_type": "image/jpeg"}
ROWS = [{"title": "S", "rows": [{"title": "Bolo", "rowId": "1"}, {"title": "Pão", "rowId": "2"}]}]
BUTTONS = [{"buttonId": "1", "buttonText": {"displayText": "Sim"}}, {"buttonId": "2"}]
CARDS = [{"body": {"text": "um"}}, {"header": {"title": "dois"}, "nativeFlowMessage": {"buttons": [
    native("cta_url", display_text="Ver", url="https://x.example")]}}]


@pytest.mark.parametrize(("message", "media", "mime", "name"), [
    ({"imageMessage": FILE}, Media.IMAGE, "image/jpeg", None),
    ({"documentMessage": FILE | {"filename": "a.pdf"}}, Media.DOCUMENT, "image/jpeg", "a.pdf"),
    ({"audioMessage": FILE | {"voice": True}}, Media.VOICE, "image/jpeg", None),
    ({"audioMessage": FILE | {"voice": False}}, Media.AUDIO, "image/jpeg", None),
    ({"imageMessage": FILE | {"mimetype": "image/png"}}, Media.IMAGE, "image/png", None),
])
def test_files_that_came_over_metas_api(message: dict[str, Any], media: Media, mime: str, name: str | None) -> None:
    [found] = sent_by_evolution(**message, mediaUrl="https://s3.example/x").attachments
    assert (found.media, found.mime, found.name, found.url) == (media, mime, name, "https://s3.example/x")


@pytest.mark.parametrize(("message", "said"), [
    ({"orderMessage": {"catalog_id": "1", "text": "rápido", "product_items": [
        {"product_retailer_id": "b1", "quantity": 2, "item_price": 10, "currency": "BRL"}]}},
     "Order: - 2 x b1, BRL 10.00 each\nrápido"),
    ({"listMessage": {"title": "Menu", "description": "Escolha", "sections": ROWS}}, "Menu\nEscolha\n- Bolo\n- Pão"),
    ({"buttonsMessage": {"contentText": "Quer?", "buttons": BUTTONS}}, "Quer?\n- Sim"),
    ({"interactiveMessage": {"body": {"text": "B"}, "carouselMessage": {"cards": CARDS}}},
     "B\num\ndois\n- Ver: https://x.example"),
    ({"productMessage": {"product": {"title": "Bolo"}, "body": "quero este"}}, "Product: Bolo\nquero este"),
    ({"extendedTextMessage": {"text": "", "matchedText": "https://x.example"}}, "https://x.example"),
    ({"questionResponseMessage": {"key": {"id": "K"}, "text": "azul"}}, "[question response]\nazul"),
    ({"statusQuestionAnswerMessage": {"key": {"id": "K"}, "text": "azul"}}, "[status question answer]\nazul"),
    ({"eventInviteMessage": {"eventId": "1", "eventTitle": "Festa", "caption": "vem"}}, "[event invite]\nFesta\nvem"),
    ({"tomorrowMessage": {"body": {"text": "oi"}, "text": 7, "name": ["x"]}}, "[tomorrow]\noi"),
])
def test_words_of_rarer_contents(message: dict[str, Any], said: str) -> None:
    item = sent_by_evolution(**message)
    assert (item.kind, item.text) == (Kind.MESSAGE, said)


@pytest.mark.parametrize(("message", "said"), [
    ({"groupInviteMessage": {"groupName": "G", "caption": "vem"}}, "[group invite]\nvem"),
    ({"comment": {"text": "oi"}}, "[comment]\noi"),
])
def test_words_of_a_kind_that_zapi_got_lately(message: dict[str, Any], said: str) -> None:
    assert sent_by_zapi(**message).text == said
    assert sent_by_zapi(**message, fromMe=True).kind is Kind.EVENT


PICTURE = {"imageUrl": "https://x.example/a.jpg", "mimeType": "image/jpeg"}


@pytest.mark.parametrize(("message", "urls"), [
    ({"hydratedTemplate": {"header": {"image": PICTURE}, "message": "m"}}, ["https://x.example/a.jpg"]),
    ({"hydratedTemplate": {"header": {"document": {"documentUrl": "https://x.example/b.pdf"}}, "message": "m"}},
     ["https://x.example/b.pdf"]),
    ({"buttonsMessage": {"imageUrl": "https://x.example/a.jpg", "message": "m", "buttons": []}},
     ["https://x.example/a.jpg"]),
    ({"buttonsMessage": {"imageUrl": None, "message": "m", "buttons": []}}, []),
    ({"carouselMessage": {"text": "m", "cards": [{"header": {"image": PICTURE}}, {"header": {}},
                                                 {"header": {"video": {"videoUrl": "https://x.example/c.mp4"}}}]}},
     ["https://x.example/a.jpg", "https://x.example/c.mp4"]),
])
def test_what_stands_above_the_words_of_a_template(message: dict[str, Any], urls: list[str]) -> None:
    item = sent_by_zapi(**message)
    assert (item.text, [a.url for a in item.attachments]) == ("m", urls)


@pytest.mark.parametrize(("message", "kind", "told"), [
    ({"type": "hologram", "hologram": {"text": "oi"}}, Kind.MESSAGE, "[hologram]\noi"),
    ({"type": "group_invite", "group_invite": {"code": 7}}, Kind.MESSAGE,
     "[group invite: messages of this kind cannot be read here; it can be said in another way]"),
    ({"type": "interactive", "interactive": {"type": "payment_method", "payment_method": {"name": "pix"}}},
     Kind.MESSAGE, "[payment method]\npix"),
    ({"type": "hologram", "hologram": {}}, Kind.EVENT, ""),
    ({"type": "interactive", "interactive": {"type": "call_permission_reply", "call_permission_reply": {"a": "b"}}},
     Kind.EVENT, ""),
])
def test_what_meta_got_lately_is_told(message: dict[str, Any], kind: Kind, told: str) -> None:
    item = sent_by_meta(**message)
    assert (item.kind, item.text) == (kind, told)


def changed(*drop: str, **value: Any) -> list[Inbound]:
    source = copy.deepcopy(load("kapso", "meta-text"))
    held = source["entry"][0]["changes"][0]["value"]
    for name in drop:
        del held[name]
    held |= value
    return kapso(kapso_cases.LINK, Hook({}, json.dumps(source).encode(), proved=True))


ERRORS = [{"code": 130429, "title": "Rate limit hit", "error_data": {"details": "slower"}}, {"code": 131000}]


@pytest.mark.parametrize("drop", [(), ("messages",)])
def test_errors_of_an_account_are_told_beside_messages_and_alone(drop: tuple[str, ...]) -> None:
    *messages, limited, other = changed(*drop, errors=ERRORS)
    assert [m.kind for m in messages] == [Kind.MESSAGE] * (1 - len(drop))
    assert (limited.event, limited.detail) == (
        "meta.error", {"code": 130429, "title": "Rate limit hit", "details": "slower"}
    )
    assert other.detail == {"code": 131000} and other.ext != limited.ext


def test_what_went_wrong_with_a_call_is_told_beside_it() -> None:
    call = {"id": "c1", "from": "5511", "event": "terminate", "status": "FAILED", "timestamp": "1"}
    rang, wrong = changed("messages", calls=[call], errors=ERRORS[:1])
    assert (rang.event, rang.detail["status"], wrong.event) == ("call.terminate", "FAILED", "meta.error")


@pytest.mark.parametrize("name", ["message_echoes", "smb_message_echoes"])
def test_what_was_typed_on_the_businesss_phone(name: str) -> None:
    echo = {"from": "5511", "to": "5522999999999", "id": "wamid.e", "timestamp": "1", "type": "text",
            "text": {"body": "oi"}}
    [item] = changed("messages", **{name: [echo]})
    assert (item.kind, item.by, item.chat, item.text) == (Kind.OWN, "human", "5522999999999", "oi")
