"""What people rarely send, and what of it must reach the model: nothing that was said may be left out silently."""

import json
from typing import Any

import pytest

from channels.base import Hook
from channels.evolution.receive import receive as evolution
from channels.inbound import Inbound, Kind
from channels.kapso.receive import receive as kapso
from channels.telegram.receive import receive as telegram
from channels.zapi.receive import receive as zapi
from tests.channels import evolution_cases, kapso_cases, telegram_expected, zapi_cases
from tests.channels.replay import load

CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nitem1.FN:Ana\r\nTEL;waid=1:+55 11 9\r\nEMAIL;TYPE=WORK:ana@loja.exa\r\n mple\r\n"
    "ORG:Loja\\, Filial;\r\nADR:;;Rua 1;Recife;PE;;\r\nURL:https\\://loja.example\r\nEND:VCARD"
)
TOLD = "ana@loja.example, Loja, Filial, Rua 1, Recife, PE, https://loja.example"
WHEN = 1_764_528_000  # 2025-11-30 18:40 UTC
PIX = {"payment_settings": [
    {"type": "pix_static_code", "pix_static_code": {"merchant_name": "Loja", "key": "a@b.example", "key_type": "EMAIL"}}
], "total_amount": {"value": 0, "offset": 1}, "order": {"items": [{"name": "", "quantity": 0}]}, "currency": "BRL"}
DUE = {"reference_id": "N7", "currency": "BRL", "total_amount": {"value": 2550, "offset": 100},
       "order": {"items": [{"name": "Bolo", "quantity": 2}]}}


def sent_by_evolution(**message: Any) -> Inbound:
    source = load("evolution", "text")
    source["data"]["message"] = message
    [item] = evolution(evolution_cases.LINK, Hook({}, json.dumps(source).encode(), proved=True))
    return item


def sent_by_zapi(**message: Any) -> Inbound:
    source = {k: v for k, v in load("zapi", "text").items() if k != "text"} | message
    [item] = zapi(zapi_cases.LINK, Hook({}, json.dumps(source).encode(), proved=True))
    return item


def sent_by_meta(**message: Any) -> Inbound:
    source = load("kapso", "meta-text")
    given = source["entry"][0]["changes"][0]["value"]["messages"][0]
    given |= message
    [item] = kapso(kapso_cases.LINK, Hook({}, json.dumps(source).encode(), proved=True))
    return item


def sent_by_telegram(**message: Any) -> Inbound:
    source = load("telegram", "text")
    source["message"] = {k: v for k, v in source["message"].items() if k != "text"} | message
    [item] = telegram(telegram_expected.LINK, Hook({}, json.dumps(source).encode(), proved=True))
    return item


def native(name: str, **parameters: Any) -> dict[str, Any]:
    return {"name": name, "buttonParamsJson": json.dumps(parameters)}


def offered(*buttons: dict[str, Any]) -> str:
    item = sent_by_evolution(interactiveMessage={"nativeFlowMessage": {"buttons": list(buttons)}})
    return item.text or str(item.event)


@pytest.mark.parametrize("wrapper", [
    "questionMessage", "questionReplyMessage", "spoilerMessage", "botForwardedMessage", "commentMessage",
    "madeNextYearMessage",
])
def test_what_a_wrapper_of_any_name_holds_is_read(wrapper: str) -> None:
    held = {wrapper: {"message": {"ephemeralMessage": {"message": {"conversation": "quanto custa?"}}}}}
    assert (item := sent_by_evolution(**held)).kind is Kind.MESSAGE
    assert item.text == "quanto custa?"


@pytest.mark.parametrize("held", [{}, None])
def test_a_wrapper_of_nothing_hides_no_words(held: Any) -> None:
    around = {"madeNextYearMessage": {"message": held}}
    assert sent_by_evolution(conversation="quanto custa?", **around).text == "quanto custa?"
    assert sent_by_evolution(extendedTextMessage={"text": "quanto custa?"}, **around).text == "quanto custa?"


def test_a_known_content_is_no_wrapper() -> None:
    held = {"text": "quanto custa?", "message": {"conversation": "outra coisa"}}
    assert sent_by_evolution(extendedTextMessage=held).text == "quanto custa?"


def test_a_mention_in_a_status_is_no_message() -> None:
    told = {"protocolMessage": {"key": {"id": "S"}, "type": "STATUS_MENTION_MESSAGE"}}
    assert sent_by_evolution(statusMentionMessage={"message": told}).event == "protocol.status_mention_message"


@pytest.mark.parametrize(("name", "parameters", "said", "button"), [
    ("flow", {"nome": "Ana", "dia": "12"}, 'Sent\n{"nome": "Ana", "dia": "12"}', "flow"),
    ("address_message", {"values": {"city": "Recife"}}, 'Sent\n{"values": {"city": "Recife"}}', "address_message"),
    ("quick_reply", {"id": "sim"}, "Sent", "sim"),
    ("galaxy_message", {}, "Sent", "galaxy_message"),
])
def test_what_was_filled_into_a_form(name: str, parameters: dict[str, Any], said: str, button: str) -> None:
    answer = {"name": name, "paramsJson": json.dumps(parameters)}
    item = sent_by_evolution(
        interactiveResponseMessage={"body": {"text": "Sent"}, "nativeFlowResponseMessage": answer}
    )
    assert (item.text, item.button) == (said, button)


@pytest.mark.parametrize(("button", "said"), [
    (native("payment_info", **PIX), "Pix: Loja\na@b.example"),
    (native("review_and_pay", **DUE), "Order: N7\n- 2 x Bolo\nBRL 25.50"),
    (native("cta_url", display_text="Ver", url="https://loja.example"), "- Ver: https://loja.example"),
    (native("cta_copy", display_text="Copiar", copy_code="DEZ10"), "- Copiar: DEZ10"),
    (native("quick_reply", display_text="Sim", id="1"), "- Sim"),
    (native("single_select", title="Menu", sections=[{"rows": [{"title": "Bolo", "id": "1"}]}]), "- Menu\n- Bolo"),
    ({"name": "cta_url", "buttonParamsJson": "{"}, "message.empty"),
    ({"name": "cta_url", "buttonParamsJson": None}, "message.empty"),
])
def test_what_whatsapps_own_buttons_offer(button: dict[str, Any], said: str) -> None:
    assert offered(button) == said


@pytest.mark.parametrize(("message", "said"), [
    ({"pollCreationMessageV6": {"name": "Qual?", "options": [{"optionName": "A"}], "selectableOptionsCount": 1}},
     "Qual?\n- A"),
    ({"pollResultSnapshotMessage": {"name": "Qual?", "pollVotes": [{"optionName": "A", "optionVoteCount": "3"}]}},
     "Qual?\n- A: 3"),
    ({"highlyStructuredMessage": {"hydratedHsm": {"hydratedTemplate": {"hydratedContentText": "Oi"}}}}, "Oi"),
    ({"templateMessage": {"interactiveMessageTemplate": {"header": {"title": "T"}, "body": {"text": "B"}}}}, "T\nB"),
    ({"eventMessage": {"name": "Festa", "startTime": str(WHEN), "endTime": WHEN + 3600,
                       "location": {"name": "Casa", "address": "Rua 1"}}},
     "Event: Festa\n2025-11-30 18:40 UTC - 2025-11-30 19:40 UTC\nCasa, Rua 1"),
    ({"eventMessage": {"name": "Festa", "isCanceled": True}}, "Event cancelled: Festa"),
])
def test_other_things_that_are_said(message: dict[str, Any], said: str) -> None:
    assert sent_by_evolution(**message).text == said


NEW = "[loyalty card: messages of this kind cannot be read here; it can be said in another way]"


@pytest.mark.parametrize(("item", "kind", "text"), [
    (sent_by_zapi(loyaltyCard={"points": 7}), Kind.MESSAGE, NEW),
    (sent_by_evolution(loyaltyCardMessage={"points": 7}, messageContextInfo={"a": 1}), Kind.MESSAGE, NEW),
    (sent_by_evolution(viewOnceMessageV9={"message": {"loyaltyCardMessage": {"points": 7}}}), Kind.MESSAGE, NEW),
    # What programs say to each other, what is empty, and what was typed on the business's own phone.
    (sent_by_evolution(encCommentMessage={"encPayload": "x"}), Kind.EVENT, ""),
    (sent_by_evolution(secretEncryptedMessage={"encPayload": "x"}), Kind.EVENT, ""),
    (sent_by_evolution(deviceListMessage={"a": 1}), Kind.EVENT, ""),
    (sent_by_zapi(loyaltyCard={}), Kind.EVENT, ""),
    (sent_by_zapi(externalAdReply={"title": "Bolo"}), Kind.EVENT, ""),
    (sent_by_zapi(loyaltyCard={"points": 7}, fromMe=True), Kind.EVENT, ""),
    (sent_by_zapi(loyaltyCard={"points": 7}, isEdit=True, editMessageId="E"), Kind.EVENT, ""),
])
def test_what_came_up_lately_is_told_and_what_machines_say_is_not(item: Inbound, kind: Kind, text: str) -> None:
    assert (item.kind, item.text) == (kind, text)


def test_when_and_where_an_event_is_at_zapi() -> None:
    event = {"name": "Festa", "description": "traga bolo", "scheduleTime": WHEN * 1000, "location": {"name": "Casa"}}
    assert sent_by_zapi(event=event).text == "Event: Festa\ntraga bolo\n2025-11-30 18:40 UTC\nCasa"
    assert sent_by_zapi(event=event | {"canceled": True}).text.startswith("Event cancelled: Festa")


@pytest.mark.parametrize("item", [
    sent_by_evolution(contactMessage={"displayName": "Ana", "vcard": CARD}),
    sent_by_zapi(contact={"displayName": "Ana", "vCard": CARD, "phones": ["+55 11 9"]}),
    sent_by_zapi(contact={"vCard": CARD, "phones": []}),
], ids=["evolution", "zapi", "zapi-card-alone"])
def test_a_card_tells_how_else_somebody_is_reached(item: Inbound) -> None:
    assert [a.text for a in item.attachments] == [f"Ana: +55 11 9, {TOLD}"]


def test_a_card_tells_how_else_somebody_is_reached_on_telegram() -> None:
    item = sent_by_telegram(contact={"phone_number": "+55119", "first_name": "Ana", "vcard": CARD})
    assert item.attachments[0].text == f"Ana, +55119, {TOLD}"


def test_a_card_tells_how_else_somebody_is_reached_at_meta() -> None:
    card = {"name": {"formatted_name": "Ana"}, "emails": [{"email": "ana@loja.example"}], "org": {"company": "Loja"},
            "addresses": [{"street": "Rua 1", "city": "Recife"}], "urls": [{"url": "https://loja.example"}]}
    item = sent_by_meta(type="contacts", contacts=[card])
    assert item.attachments[0].text == "Ana: ana@loja.example, Loja, Rua 1, Recife, https://loja.example"


def test_a_name_of_an_older_phone() -> None:
    card = "BEGIN:VCARD\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Jos=C3=A9\nTEL:1\nEND:VCARD"
    assert sent_by_evolution(contactMessage={"vcard": card}).attachments[0].text == "José: 1"


def test_a_card_is_read_line_by_line() -> None:
    card = "BEGIN:VCARD\nFN:Ana\nADR:;;Rua 1\\nfundos\\, casa;Recife;\nTEL:1\nEND:VCARD"
    assert sent_by_evolution(contactMessage={"vcard": card}).attachments[0].text == "Ana: 1, Rua 1 fundos, casa, Recife"


@pytest.mark.parametrize("more", ["TEL:{}\n", "ADR:;;;;;;;;{}\n", "EMAIL:" + "x" * 5000 + "{}\n"])
def test_a_card_is_no_way_to_say_very_much(more: str) -> None:
    card = "BEGIN:VCARD\nFN:Ana\nTEL:1\n" + "".join(more.format(n) for n in range(20_000))
    told = sent_by_evolution(contactMessage={"vcard": card}).attachments[0].text
    assert told.startswith("Ana: 1, ") and len(told) < 40_000


def test_which_product_of_the_catalogue_is_asked_about() -> None:
    around = {"from": "5511988880000", "id": "wamid.X",
              "referred_product": {"catalog_id": "CAT", "product_retailer_id": "SKU-7"}}
    item = sent_by_meta(text={"body": "tem?"}, context=around)
    assert (item.text, item.quote, item.reply_to) == ("tem?", "Product: SKU-7\ncatalogue CAT", "wamid.X")
    assert sent_by_meta(text={"body": "tem?"}, context={"id": "wamid.X"}).quote is None


@pytest.mark.parametrize(("errors", "unsupported", "said"), [
    ([{"code": 131051}], {"type": "poll_creation"}, "[poll creation: WhatsApp does not hand on messages of this kind]"),
    ([{"code": 131060}], None, "[message: WhatsApp could not hand it on; it can be sent again]"),
    ([{"code": "131060"}], {"type": "unknown"}, "[message: WhatsApp could not hand it on; it can be sent again]"),
    ([{"code": 131051}], {"type": "edit"}, None), ([{"code": 131051}], {"type": "pin"}, None),
    ([{"code": 131051}], None, None), (None, {"type": None}, None),
])
def test_what_whatsapp_keeps_to_itself_is_asked_for_in_another_way(
    errors: Any, unsupported: Any, said: str | None
) -> None:
    item = sent_by_meta(type="unsupported", text=None, errors=errors, unsupported=unsupported)
    assert (item.kind, item.text) == ((Kind.MESSAGE, said) if said else (Kind.EVENT, ""))
