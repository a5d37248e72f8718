"""What Evolution's webhooks mean."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from channels.base import BadSignature, Hook, Unreadable
from channels.evolution.receive import receive
from channels.inbound import Inbound, Kind
from tests.channels.evolution_cases import (
    ANA,
    BASE64,
    BIA,
    CHAT,
    EXPECTED,
    GROUP,
    LINK,
    OURS,
    at,
    name,
)
from tests.channels.mutate import check_item, damaged
from tests.channels.replay import body, inbound, load


def items(content: bytes | Mapping[str, Any], **headers: str) -> list[Inbound]:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return receive(LINK, Hook({k.replace("_", "-"): v for k, v in headers.items()}, raw))


def upsert(key: Mapping[str, Any] | None = None, **data: Any) -> Inbound:
    """The plain text event with parts of its key and data changed."""
    source = load("evolution", "text")
    source["data"]["key"].update(key or {})
    source["data"].update(data)
    [item] = items(source)
    return item


def holding(**message: Any) -> Inbound:
    return upsert(message=message)


def edited(key: Mapping[str, Any]) -> Inbound:
    source = load("evolution", "message-edited")
    source["data"]["key"].update(key)
    [item] = items(source)
    return item


def test_every_payload_has_an_expectation() -> None:
    assert set(EXPECTED) == set(inbound("evolution"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_payload(name: str) -> None:
    [item] = items(body("evolution", name))
    if EXPECTED[name].ext == "u":  # items without an id are keyed by their content
        assert item.ext.startswith(("u:", "n:"))
        item = replace(item, ext="u")
    assert item == EXPECTED[name]


def test_no_item_holds_a_key_or_a_login_code() -> None:
    for found in inbound("evolution"):
        shown = repr(items(body("evolution", found)))
        assert "FAKE-INSTANCE-TOKEN" not in shown
        assert "FAKEQRCODE" not in shown


@pytest.mark.parametrize(
    ("key", "chat", "ids"),
    [
        ({"remoteJid": "77@lid", "remoteJidAlt": None}, "77@lid", ("lid:77",)),
        (
            {"remoteJid": "5511999990000@s.whatsapp.net", "previousRemoteJid": "77@lid",
             "remoteJidAlt": None},
            CHAT,
            ("lid:77", f"phone:{CHAT}"),
        ),
        (
            {"remoteJid": "77@lid", "remoteJidAlt": None, "senderPn": f"{CHAT}@s.whatsapp.net"},
            CHAT,
            ("lid:77", f"phone:{CHAT}"),
        ),
        (
            {"remoteJid": f"{CHAT}:12@s.whatsapp.net", "remoteJidAlt": f"{CHAT}@s.whatsapp.net"},
            CHAT,
            (f"phone:{CHAT}",),
        ),
    ],
    ids=["lid-only", "2.3.1", "2.2.3-with-pn", "2.3.7"],
)  # fmt: skip
def test_contact_of_every_version(key: Any, chat: str, ids: tuple[str, ...]) -> None:
    item = upsert(key)
    assert item.chat == chat
    assert item.contact is not None
    assert item.contact.ids == ids


def test_author_in_a_group_beside_the_key() -> None:
    item = upsert(
        {"remoteJid": GROUP, "remoteJidAlt": None, "participant": ""},
        participant="5511999990001@s.whatsapp.net",
        pushName="Bia",
    )
    assert (item.chat, item.contact) == (GROUP, BIA)


def test_answering_us_in_a_group_is_a_mention() -> None:
    around = {"stanzaId": OURS, "participant": "5511988880000@s.whatsapp.net"}
    key = {"remoteJid": GROUP, "participant": "5511999990001@s.whatsapp.net"}
    assert upsert(key, contextInfo=around).mentioned is True
    assert upsert(key, contextInfo={**around, "participant": "1234567@lid"}).mentioned is False
    assert upsert(contextInfo=around).mentioned is False


@pytest.mark.parametrize(
    "length", [48213, "48213", {"low": 48213, "high": 0, "unsigned": True}], ids=repr
)
def test_encodings_of_long_numbers(length: Any) -> None:
    [attachment] = holding(imageMessage={"fileLength": length}).attachments
    assert attachment.size == 48213


@pytest.mark.parametrize("when", [1767272401, "1767272401", {"low": 1767272401, "high": 0}])
def test_encodings_of_the_time(when: Any) -> None:
    assert upsert(messageTimestamp=when).at == at(1)


def test_long_number_over_32_bits_with_a_signed_low_half() -> None:
    milliseconds = 1767272461000
    low = (milliseconds & 0xFFFFFFFF) - (1 << 32)
    source = load("evolution", "message-edited")
    source["data"]["timestampMs"] = {"low": low, "high": milliseconds >> 32}
    [item] = items(source)
    assert item.at == at(61)


@pytest.mark.parametrize(
    "wrapper",
    ["viewOnceMessage", "viewOnceMessageV2", "viewOnceMessageV2Extension", "ephemeralMessage",
     "documentWithCaptionMessage", "editedMessage", "deviceSentMessage"],
)  # fmt: skip
def test_wrappers(wrapper: str) -> None:
    inner = {"ephemeralMessage": {"message": {"imageMessage": {"caption": "olha"}}}}
    item = holding(**{wrapper: {"message": inner}}, base64=BASE64)
    assert item.text == "olha"
    assert [a.data for a in item.attachments] == [BASE64]


def test_wrappers_without_end() -> None:
    message: dict[str, Any] = {"conversation": "fundo"}
    for _ in range(50):
        message = {"ephemeralMessage": {"message": message}}
    assert holding(**message).event == "message.unknown"


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"pollCreationMessageV3": {"name": "Qual?", "options": [{"optionName": "A"}]}}, "Qual?\n- A"),
        (
            {"pollCreationMessageV4": {"message": {"pollCreationMessageV3": {
                "name": "Quais?", "options": [{"optionName": "A"}, {"optionName": "B"}],
                "selectableOptionsCount": 0}}}},
            "Quais? (several may be chosen)\n- A\n- B",
        ),
        (
            {"pollCreationMessage": {"name": "Qual?", "options": [{"optionName": "A"}], "selectableOptionsCount": 1}},
            "Qual?\n- A",
        ),
        ({"stickerPackMessage": {"name": "Gatos", "publisher": "Ana"}}, "Sticker pack: Gatos\nAna"),
        ({"pollUpdateMessage": {"vote": {"selectedOptions": ["A", "B"]}}}, "A, B"),
        ({"templateMessage": {"hydratedTemplate": {"hydratedContentText": "Oi"}}}, "Oi"),
        ({"listMessage": {"title": "T", "description": "D"}}, "T\nD"),
        ({"eventMessage": {"name": "Festa"}}, "Event: Festa"),
        (
            {"orderMessage": {"orderTitle": "P", "itemCount": 2, "totalAmount1000": "2500",
                              "totalCurrencyCode": "BRL"}},
            "Order: P\n2 items\nBRL 2.50",
        ),
        ({"groupInviteMessage": {"groupName": "Turma", "caption": "vem"}}, "Group invite: Turma\nvem"),
    ],
)  # fmt: skip
def test_things_said_without_text(message: Any, words: str) -> None:
    assert (holding(**message).kind, holding(**message).text) == (Kind.MESSAGE, words)


@pytest.mark.parametrize(
    ("message", "button", "label"),
    [
        ({"listResponseMessage": {"title": "Seg", "singleSelectReply": {"selectedRowId": "s1"}}},
         "s1", "Seg"),
        ({"templateButtonReplyMessage": {"selectedId": "x", "selectedDisplayText": "Sim"}},
         "x", "Sim"),
        ({"interactiveResponseMessage": {"nativeFlowResponseMessage": {
            "name": "quick_reply", "paramsJson": '{"id":"q1","title":"Ok"}'}}}, "q1", "Ok"),
    ],
)  # fmt: skip
def test_choices(message: Any, button: str, label: str) -> None:
    assert (holding(**message).button, holding(**message).text) == (button, label)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ({"messageContextInfo": {"deviceListMetadataVersion": 2}}, "message.noise"),
        ({"senderKeyDistributionMessage": {}}, "message.noise"),
        ({"albumMessage": {"expectedImageCount": 2}}, "message.album"),
        ({"pollUpdateMessage": {"vote": {"encPayload": "x"}}}, "poll.vote"),
        ({"somethingNewMessage": {}}, "message.unknown"),
        ({"conversation": ""}, "message.unknown"),
    ],
)
def test_nothing_was_said(message: Any, name: str) -> None:
    assert (holding(**message).kind, holding(**message).event) == (Kind.EVENT, name)


def test_message_not_decrypted_leaves_the_key_to_its_content() -> None:
    waiting = upsert(message=None, messageStubType=2)
    assert (waiting.kind, waiting.event) == (Kind.EVENT, "message.waiting")
    assert waiting.ext != upsert().ext


def test_pictures_of_an_album() -> None:
    link = {"messageAssociation": {"parentMessageKey": {"id": "ALBUM"}}}
    item = holding(imageMessage={"caption": "1"}, messageContextInfo=link)
    assert item.album == "ALBUM"


def test_reply_survives_an_overwritten_context() -> None:
    item = upsert(
        message={"extendedTextMessage": {"text": "sim", "contextInfo": {"stanzaId": OURS}}},
        contextInfo={"deviceListMetadataVersion": 2},
    )
    assert item.reply_to == OURS


def test_forwarded() -> None:
    assert upsert(contextInfo={"isForwarded": True}).forwarded is True
    assert upsert(contextInfo={"forwardingScore": 3}).forwarded is True
    assert upsert().forwarded is False


def test_transcript_and_advertisement() -> None:
    message = {"audioMessage": {"ptt": True}, "speechToText": "quero um pedido"}
    ad = {"title": "Promo", "sourceUrl": "https://fb.me/x"}
    item = upsert(message=message, contextInfo={"externalAdReply": ad})
    assert item.attachments[0].text == "quero um pedido"
    assert item.detail == {"ad": {"title": "Promo", "url": "https://fb.me/x"}}


@pytest.mark.parametrize(
    ("key", "kind", "chat", "event"),
    [
        ({"fromMe": False}, Kind.EDIT, CHAT, None),
        ({"fromMe": True}, Kind.EVENT, CHAT, "own.edit"),
        # In the sender's view, the chat of a contact's edit is us.
        ({"fromMe": True, "remoteJid": "5511988880000@s.whatsapp.net"}, Kind.EDIT, "", None),
        ({"fromMe": True, "remoteJid": "99@lid"}, Kind.EDIT, "", None),
        (
            {"fromMe": True, "remoteJid": GROUP, "participant": "5511999990001@s.whatsapp.net"},
            Kind.EDIT,
            GROUP,
            None,
        ),
        (
            {"fromMe": True, "remoteJid": GROUP, "participant": "5511988880000@s.whatsapp.net"},
            Kind.EVENT,
            GROUP,
            "own.edit",
        ),
    ],
)
def test_whose_edit(key: Any, kind: Kind, chat: str, event: str | None) -> None:
    item = edited(key)
    assert (item.kind, item.chat, item.event) == (kind, chat, event)
    assert item.message_id == name("01")
    assert item.text == "Oi, tudo bem? (corrigido)"


def test_edit_inside_an_upsert_has_the_key_of_the_event() -> None:
    source = load("evolution", "message-edited")["data"]
    protocol = {**source, "type": 14, "key": {**source["key"], "fromMe": True}}
    item = holding(editedMessage={"message": {"protocolMessage": protocol}})
    assert (item.kind, item.ext) == (Kind.EDIT, EXPECTED["message-edited"].ext)
    assert item.contact == ANA


@pytest.mark.parametrize("wrapped", [True, False])
def test_deleted_message(wrapped: bool) -> None:
    source = load("evolution", "message-edited-revoke")
    key = source["data"]["key"]
    source.update(event="messages.delete", data={"key": key} if wrapped else key)
    [item] = items(source)
    assert item == EXPECTED["message-edited-revoke"]


def test_batch() -> None:
    source = load("evolution", "text")
    other = json.loads(json.dumps(source["data"]))
    other["key"]["id"] = "SECOND"
    source["data"] = [source["data"], other, "noise", None]
    assert [i.message_id for i in items(source)] == [name("01"), "SECOND"]


def test_event_name_as_in_registrations() -> None:
    [item] = items({**load("evolution", "text"), "event": "MESSAGES_UPSERT"})
    assert item.text == "Oi, tudo bem?"


def test_history() -> None:
    data = load("evolution", "text")["data"]
    [item] = items({**load("evolution", "text"), "event": "messages.set", "data": [data, data]})
    assert (item.event, item.ignore, item.detail) == ("messages.set", "history", {"count": 2})


def test_state_of_a_contacts_message_is_no_fate() -> None:
    source = load("evolution", "update-read")
    source["data"]["fromMe"] = False
    [item] = items(source)
    assert (item.kind, item.event) == (Kind.EVENT, "status.read")


def test_retry_has_the_same_key_and_the_next_event_another() -> None:
    source = load("evolution", "connection-open")
    [one], [same] = items(source), items(json.loads(json.dumps(source)))
    [other] = items({**source, "date_time": "2026-01-01T11:00:00.000Z"})
    assert one.ext == same.ext != other.ext


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"event":"messages.upsert"}'])
def test_not_an_event(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        items(raw)


def test_another_instance() -> None:
    with pytest.raises(Unreadable, match="another instance"):
        items({**load("evolution", "text"), "instance": "hub-outra"})


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged([load("evolution", n) for n in inbound("evolution")]))
def test_damaged_payloads(raw: bytes) -> None:
    try:
        found = receive(LINK, Hook({}, raw))
    except (BadSignature, Unreadable):
        return
    for item in found:
        check_item(item)


@pytest.mark.parametrize("depth", [150, 250, 1000, 100_000])
def test_bottomless_bodies(depth: int) -> None:
    source = load("evolution", "text")
    for wrapped in ({**source, "extra": "DEEP"}, {**source, "type": "DEEP", "data": "DEEP"}):
        raw = json.dumps(wrapped).encode()
        for opening, closing in ((b"[", b"]"), (b'{"message":', b"}")):
            deep = raw.replace(b'"DEEP"', opening * depth + b"1" + closing * depth)
            try:
                receive(LINK, Hook({}, deep))
            except Unreadable:
                assert depth > 150 or "data" in wrapped


def test_places_that_move_and_contacts_with_several_numbers() -> None:
    """Also in whatever they are wrapped: they disappear, or are seen once."""
    live = {"liveLocationMessage": {"degreesLatitude": 1, "degreesLongitude": 2.5, "caption": "estou aqui"}}
    item = holding(ephemeralMessage={"message": live})
    assert (item.text, [a.text for a in item.attachments]) == ("estou aqui", ["1.000000, 2.500000 (live)"])
    card = "BEGIN:VCARD\nFN:Duda\nitem1.TEL;waid=1:+55 11 9\nTEL;type=WORK:+55 11 8\nEND:VCARD"
    item = holding(viewOnceMessageV2={"message": {"contactMessage": {"displayName": "Duda", "vcard": card}}})
    assert [a.text for a in item.attachments] == ["Duda: +55 11 9, +55 11 8"]
    people = [{"displayName": name, "vcard": card} for name in ("A", "B")]
    both = holding(contactsArrayMessage={"contacts": people})
    assert [a.text.partition(":")[0] for a in both.attachments] == ["A", "B"]
