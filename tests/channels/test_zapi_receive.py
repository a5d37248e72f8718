"""What Z-API's callbacks mean."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from channels.base import BadSignature, Hook, Unreadable
from channels.inbound import Attachment, Fate, Inbound, Kind, Media
from channels.zapi.receive import receive
from tests.channels.mutate import check_item, damaged
from tests.channels.replay import body, inbound, load
from tests.channels.zapi_cases import ANA, EXPECTED, LINK, NAMED, TOKEN, at


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
        (
            {"poll": {"question": "Quais?", "pollMaxOptions": 0, "options": [{"name": "A"}, {"name": "B"}]}},
            "Quais? (several may be chosen)\n- A\n- B",
        ),
        ({"poll": {"question": "Qual?", "pollMaxOptions": 1, "options": [{"name": "A"}]}}, "Qual?\n- A"),
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
        ({"somethingNew": {}}, "message.unknown"), ({}, "message.unknown"),
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
