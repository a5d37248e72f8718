"""What Z-API's callbacks mean."""

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
from channels.zapi.receive import receive
from tests.channels.mutate import check_item, damaged
from tests.channels.replay import body, inbound, load

TOKEN = "FAKEINSTANCETOKEN000000000000001"
LINK = Link(
    "link",
    {"instanceId": "3FAKE000INSTANCE000000000000FAKE", "instanceToken": TOKEN},
    "path-secret",
    "https://hub.example.com/webhooks/zapi/i1/secret",
)
START = datetime(2026, 1, 1, 13, tzinfo=UTC)
CHAT = "5511999990000"
FILES = "https://f004.backblazeb2.com/file/temp-file-download/instances/3FAKE000INSTANCE000000000000FAKE"
BOTH = ("lid:181234567890123", "phone:5511999990000")
ANA = Contact(BOTH, name="Ana Souza", phone=CHAT)
PHONE_ONLY = Contact(("phone:5511999990000",), phone=CHAT)
NAMED = replace(PHONE_ONLY, name="Ana Souza")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def said(message_id: str, seconds: int, **more: Any) -> Inbound:
    more = {"contact": ANA, **more}
    ext = f"m:{message_id}"
    return Inbound(Kind.MESSAGE, ext, chat=CHAT, message_id=message_id, at=at(seconds), **more)


def file(message_id: str, seconds: int, attachment: Attachment, **more: Any) -> Inbound:
    return said(message_id, seconds, attachments=(attachment,), **more)


def event(name: str, ext: str, **more: Any) -> Inbound:
    return Inbound(Kind.EVENT, ext, event=name, **{"chat": CHAT, "contact": NAMED, **more})


def presence(state: str) -> Inbound:
    return event(f"presence.{state}", "u", contact=PHONE_ONLY)


def fate(state: str, ext: str, seconds: int, *ids: str, **more: Any) -> Inbound:
    more = {"chat": CHAT, "fate": Fate(state, ids), **more}
    return Inbound(Kind.STATUS, ext, message_id=ids[0], at=at(seconds), **more)


SENT = "3EB0AAAAAAAAAAAAAAAA02"
EXPECTED = {
    "text": said("3EB00001FAKE00000001", 1, text="Oi, tudo bem?"),
    "text-link": said("3EB00002FAKE00000002", 2, text="Veja https://example.com/promo"),
    "text-lid-phone": said(
        "3EB00003FAKE00000003",
        3,
        text="Contato sem telefone visível",
        contact=Contact(("lid:181234567890123",), name="Ana"),
    ),
    "text-from-ad": said(
        "3EB00006FAKE00000006",
        6,
        text="Vi o anúncio",
        detail={
            "ad": {
                "title": "Promo",
                "body": "texto do anúncio",
                "url": "https://fb.me/FAKE",
                "source": "23700000000000001",
                "kind": "ad",
                "click": "AffFAKE",
            }
        },
    ),
    "image": file(
        "3EB00007FAKE00000007",
        7,
        Attachment(Media.IMAGE, url=f"{FILES}/FAKE1.jpeg", mime="image/jpeg"),
        text="Olha essa foto",
    ),
    "image-download-error": file(
        "3EB00008FAKE00000008",
        8,
        Attachment(Media.IMAGE, mime="image/jpeg", error="Failed to download media"),
    ),
    "voice": file(
        "3EB00009FAKE00000009",
        9,
        Attachment(Media.VOICE, url=f"{FILES}/FAKE2.ogg", mime="audio/ogg; codecs=opus", seconds=3),
    ),
    "audio-file": file(
        "3EB0000AFAKE0000000A",
        10,
        Attachment(Media.AUDIO, url=f"{FILES}/FAKE3.mp3", mime="audio/mpeg", seconds=187),
    ),
    "document": file(
        "3EB0000DFAKE0000000D",
        13,
        Attachment(
            Media.DOCUMENT,
            url=f"{FILES}/FAKE6.pdf",
            mime="application/pdf",
            name="pedido-1042.pdf",
        ),
        text="Segue o pedido",
    ),
    "location": file(
        "3EB0000FFAKE0000000F",
        15,
        Attachment(
            Media.LOCATION,
            text="MASP\nAv. Paulista, 1578\n-23.561414, -46.655881\nhttps://masp.example.com",
        ),
    ),
    "reaction": replace(
        said("3EB00011FAKE00000011", 17, text="👍", reply_to="3EB0AAAAAAAAAAAAAAAA01"),
        kind=Kind.REACTION,
        ext="r:3EB00011FAKE00000011",
    ),
    "reaction-removed": replace(
        said("3EB00012FAKE00000012", 18, text="", reply_to="3EB0AAAAAAAAAAAAAAAA01"),
        kind=Kind.REACTION,
        ext="r:3EB00012FAKE00000012",
    ),
    "reply": said("3EB00013FAKE00000013", 19, text="1042", reply_to="3EB0AAAAAAAAAAAAAAAA01"),
    "status-reply": said(
        "3EB00014FAKE00000014",
        20,
        text="que legal",
        reply_to="3EB054FAKE",
        detail={"status_reply": True},
    ),
    "button-reply": said(
        "3EB00015FAKE00000015", 21, text="Sim", button="sim", reply_to="3EB0AAAAAAAAAAAAAAAA01"
    ),
    "edit-original": said("3EB00017FAKE00000017", 23, text="Oi, tudo bm?"),
    "edited-message": replace(
        said("3EB00017FAKE00000017", 83, text="Oi, tudo bem? (corrigido)"),
        kind=Kind.EDIT,
        ext="e:3EB00017FAKE00000017:3EB0EDEDEDEDEDEDEDED01",
        detail={"edit_id": "3EB0EDEDEDEDEDEDEDED01"},
    ),
    "group-text": replace(
        said("3EB0001BFAKE0000001B", 27, text="Oi grupo", group="Grupo de Teste"),
        chat="120363040000000001-group",
        contact=Contact(
            ("lid:181234567890124", "phone:5511999990001"), name="Bia", phone="5511999990001"
        ),
    ),
    "from-me-phone": replace(
        said("3A1122334455667788AA", 30, text="Respondido pelo celular"), kind=Kind.OWN, by="human"
    ),
    "from-me-api": replace(
        said(SENT, 31, text="Olá Ana! Como posso ajudar?"), kind=Kind.OWN, by="api"
    ),
    "notification-revoke": Inbound(
        Kind.REVOKE,
        "x:3EB00017FAKE00000017",
        chat=CHAT,
        contact=NAMED,
        message_id="3EB00017FAKE00000017",
        at=at(33),
    ),
    "notification-e2e": event(
        "notification.e2e_encrypted",
        "n:E2E_ENCRYPTED:3EB00023FAKE00000023",
        message_id="3EB00023FAKE00000023",
        at=at(35),
    ),
    "notification-profile-name": event(
        "notification.profile_name_updated",
        "n:PROFILE_NAME_UPDATED:3EB00025FAKE00000025",
        message_id="3EB00025FAKE00000025",
        chat="5511988880000",
        contact=Contact(("phone:5511988880000",), phone="5511988880000"),
        at=at(37),
        by="human",
        detail={"profileName": "Loja Exemplo 2"},
    ),
    "waiting-message": event(
        "message.waiting",
        "w:3EB0WAITFAKE00000001",
        message_id="3EB0WAITFAKE00000001",
        at=at(50),
        detail={"viewOnce": False},
    ),
    "waiting-message-view-once": event(
        "message.waiting",
        "w:3EB0WAITFAKE00000002",
        message_id="3EB0WAITFAKE00000002",
        at=at(50),
        detail={"viewOnce": True},
    ),
    "waiting-message-resolved": said("3EB0WAITFAKE00000001", 50, text="agora chegou"),
    "delivery-error": fate(
        "failed",
        "d:failed:3EB0AAAAAAAAAAAAAAAA03",
        61,
        "3EB0AAAAAAAAAAAAAAAA03",
        chat="5511900000000",
        fate=Fate(
            "failed",
            ("3EB0AAAAAAAAAAAAAAAA03",),
            code="not_on_whatsapp",
            text="Phone number does not exist",
        ),
        detail={"zaapId": "FAKEZAAPID0000000000000000000002"},
    ),
    "status-received": fate("delivered", f"s:RECEIVED::{SENT}", 62, SENT),
    "status-read": fate("read", f"s:READ::{SENT}", 62, SENT),
    "status-played": fate("played", f"s:PLAYED::{SENT}", 62, SENT),
    "status-read-multi": fate(
        "read",
        f"s:READ::{SENT}:3EB0AAAAAAAAAAAAAAAA04",
        63,
        SENT,
        "3EB0AAAAAAAAAAAAAAAA04",
    ),
    "status-group-read": fate(
        "read",
        "s:READ:5511999990001:3EB0AAAAAAAAAAAAAAAA05",
        64,
        "3EB0AAAAAAAAAAAAAAAA05",
        chat="120363040000000001-group",
        group="120363040000000001-group",
        detail={"participant": "5511999990001"},
    ),
    "connected": event(
        "connection.open",
        "u",
        chat="5511988880000",
        contact=None,
        at=at(65),
        detail={"isBusiness": True},
    ),
    "disconnected": event(
        "connection.close",
        "u",
        chat="",
        contact=None,
        at=at(66),
        detail={"error": "Device has been disconnected"},
    ),
    "presence-available": presence("available"),
    "presence-composing": presence("composing"),
    "presence-paused": presence("paused"),
}
EXPECTED["text-lid-phone"] = replace(EXPECTED["text-lid-phone"], chat="181234567890123@lid")


def call(content: bytes | Mapping[str, Any], **headers: str) -> Inbound:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    [item] = receive(LINK, Hook(named, raw))
    return item


def text(**changes: Any) -> Inbound:
    """The plain text callback with some values changed."""
    return call({**load("zapi", "text"), **changes})


def holding(**content: Any) -> Inbound:
    """The plain callback with other content than text."""
    source = load("zapi", "text")
    del source["text"]
    return call({**source, **content})


def test_every_payload_has_an_expectation() -> None:
    assert set(EXPECTED) == set(inbound("zapi"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_payload(name: str) -> None:
    item = call(body("zapi", name))
    if EXPECTED[name].ext == "u":  # items without an id are keyed by their content
        assert item.ext.startswith("u:")
        item = replace(item, ext="u")
    assert item == EXPECTED[name]


def test_waiting_message_leaves_the_key_to_its_content() -> None:
    waiting, resolved = (body("zapi", f"waiting-message{n}") for n in ("", "-resolved"))
    assert call(waiting).message_id == call(resolved).message_id
    assert call(waiting).ext != call(resolved).ext


def test_message_edit_and_revocation_have_three_keys() -> None:
    names = ("edit-original", "edited-message", "notification-revoke")
    items = [call(body("zapi", n)) for n in names]
    assert len({i.message_id for i in items}) == 1
    assert len({i.ext for i in items}) == 3


@pytest.mark.parametrize("name", ["z-api-token", "client-token"])
def test_token_header(name: str) -> None:
    hook = Hook({name: TOKEN}, body("zapi", "text"))
    assert receive(LINK, hook)[0].text == "Oi, tudo bem?"
    for wrong in (TOKEN[:-1] + "2", TOKEN.lower(), "", "\udcff"):
        with pytest.raises(BadSignature):
            receive(LINK, Hook({name: wrong}, body("zapi", "text")))


def test_token_header_may_be_missing() -> None:
    assert call(body("zapi", "text")).kind is Kind.MESSAGE


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"type":"ReceivedCallback"}'])
def test_not_a_callback(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        call(raw)


def test_another_instance() -> None:
    with pytest.raises(Unreadable, match="another instance"):
        text(instanceId="3FAKE000INSTANCE000000000000OTHE")


@pytest.mark.parametrize(
    ("content", "attachment", "words"),
    [
        (
            {"video": {"videoUrl": "https://x/v.mp4", "caption": "olha", "isGif": True}},
            Attachment(Media.VIDEO, url="https://x/v.mp4"),
            "olha",
        ),
        (
            {"ptv": {"ptvUrl": "https://x/p.mp4", "seconds": 4}},
            Attachment(Media.VIDEO, url="https://x/p.mp4", seconds=4),
            "",
        ),
        (
            {"sticker": {"stickerUrl": "https://x/s.webp", "mimeType": "image/webp"}},
            Attachment(Media.STICKER, url="https://x/s.webp", mime="image/webp"),
            "",
        ),
        (
            {"contact": {"displayName": "Caio", "phones": ["5511999990002"]}},
            Attachment(Media.CONTACT, text="Caio: 5511999990002"),
            "",
        ),
        (
            {"contact": {"vCard": "BEGIN:VCARD\nFN:Duda\nTEL;waid=1:+55 11 9\nEND:VCARD"}},
            Attachment(Media.CONTACT, text="Duda: +55 11 9"),
            "",
        ),
    ],
)
def test_other_attachments(content: Any, attachment: Attachment, words: str) -> None:
    item = holding(**content)
    assert (item.attachments, item.text, item.kind) == ((attachment,), words, Kind.MESSAGE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            {"poll": {"question": "Qual?", "options": [{"name": "A"}, {"name": "B"}]}},
            "Qual?\n- A\n- B",
        ),
        ({"pollVote": {"pollMessageId": "P", "options": [{"name": "A"}]}}, "A"),
        ({"hydratedTemplate": {"title": "T", "message": "M", "footer": "F"}}, "T\nM\nF"),
        ({"pixKeyMessage": {"key": "k@x.br", "merchantName": "Loja"}}, "Pix: Loja\nk@x.br"),
        (
            {
                "order": {
                    "orderTitle": "Pedido",
                    "total": 2000,
                    "currency": "BRL",
                    "products": [{"name": "Caneca", "quantity": 2}],
                }
            },
            "Order: Pedido\n- 2 x Caneca\nBRL 2.00",
        ),
        ({"event": {"name": "Festa", "description": "às 20h"}}, "Event: Festa\nàs 20h"),
    ],
)
def test_things_said_without_text(content: Any, words: str) -> None:
    assert (holding(**content).kind, holding(**content).text) == (Kind.MESSAGE, words)


def test_chosen_row() -> None:
    item = holding(
        listResponseMessage={"message": "Loja", "title": "Segunda", "selectedRowId": "slot-1"}
    )
    assert (item.button, item.text) == ("slot-1", "Segunda")


def test_poll_vote_answers_the_poll() -> None:
    item = holding(pollVote={"pollMessageId": "P", "options": [{"name": "A"}]})
    assert item.reply_to == "P"
    removed = holding(pollVote={"pollMessageId": "P", "options": []})
    assert (removed.kind, removed.event) == (Kind.EVENT, "poll.vote_removed")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"pinMessage": {"action": "pin"}}, "message.pin"),
        ({"newsletterAdminInvite": {}}, "newsletter.invite"),
        ({"somethingNew": {"a": 1}}, "message.unknown"),
        ({"text": {"message": ""}}, "message.empty"),
    ],
)
def test_nothing_was_said(content: Any, name: str) -> None:
    assert (holding(**content).kind, holding(**content).event) == (Kind.EVENT, name)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"phone": "120363000000000009@newsletter"}, "newsletter"),
        ({"isNewsletter": True}, "newsletter"),
        ({"broadcast": True}, "broadcast"),
        ({"phone": "5511999990000-broadcast"}, "broadcast"),
        ({"phone": "status@broadcast"}, "broadcast"),
    ],
)
def test_forbidden_chats(changes: Any, reason: str) -> None:
    item = text(**changes)
    assert (item.kind, item.ignore) == (Kind.EVENT, reason)


def test_contact_from_the_older_name_of_the_lid() -> None:
    item = text(chatLid=None, senderLid="77@lid")
    assert item.contact == replace(ANA, ids=("lid:77", "phone:5511999990000"))


def test_own_message_is_about_the_chat_and_not_about_us() -> None:
    item = text(fromMe=True, chatLid=None, senderLid="99@lid")
    assert item.contact == NAMED


@pytest.mark.parametrize("chat", ["5511988880000-1623281429", "120363040000000001-group"])
def test_mention_in_a_group(chat: str) -> None:
    changes = {"phone": chat, "isGroup": True, "participantPhone": "5511999990001"}
    named = text(**changes, text={"message": "@5511988880000 ajuda"})
    other = text(**changes, text={"message": "@5511988880001 ajuda"})
    assert (named.chat, named.mentioned, other.mentioned) == (chat, True, False)
    assert text(text={"message": "@5511988880000"}).mentioned is False


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"isEdit": True, "editMessageId": "N", "fromMe": True}, "own.edit"),
        ({"notification": "REVOKE", "fromMe": True}, "own.revoke"),
        ({"reaction": {"value": "👍"}, "fromMe": True}, "own.reaction"),
        ({"notification": "CALL_MISSED_VOICE"}, "notification.call_missed_voice"),
        ({"type": "SomethingNewCallback"}, "zapi.SomethingNewCallback"),
        ({"messageId": None}, "zapi.ReceivedCallback"),
    ],
)
def test_events(changes: Any, name: str) -> None:
    assert (text(**changes).kind, text(**changes).event) == (Kind.EVENT, name)


def test_disconnection_time_in_seconds() -> None:
    assert call({**load("zapi", "disconnected"), "momment": 1767272466}).at == at(66)


def test_delivery_to_whatsapp() -> None:
    source = load("zapi", "delivery-error")
    del source["error"]
    assert call(source).fate == Fate("sent", ("3EB0AAAAAAAAAAAAAAAA03",))


def test_long_keys_are_shortened_without_colliding() -> None:
    many = [f"3EB0AAAAAAAAAAAAAA{n:04}" for n in range(50)]
    one, other = (call({**load("zapi", "status-read"), "ids": ids}) for ids in (many, many[1:]))
    assert one.fate == Fate("read", tuple(many))
    assert len(one.ext) < 60
    assert one.ext != other.ext


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged([load("zapi", n) for n in inbound("zapi")]))
def test_damaged_payloads(raw: bytes) -> None:
    try:
        items = receive(LINK, Hook({}, raw))
    except (BadSignature, Unreadable):
        return
    for item in items:
        check_item(item)


@pytest.mark.parametrize("depth", [150, 250, 1000, 100_000])
def test_bottomless_bodies(depth: int) -> None:
    source = load("zapi", "text")
    for wrapped in ({**source, "extra": "DEEP"}, {**source, "type": "DEEP", "data": "DEEP"}):
        raw = json.dumps(wrapped).encode()
        for opening, closing in ((b"[", b"]"), (b'{"message":', b"}")):
            deep = raw.replace(b'"DEEP"', opening * depth + b"1" + closing * depth)
            try:
                receive(LINK, Hook({}, deep))
            except Unreadable:
                assert depth > 150 or "data" in wrapped
