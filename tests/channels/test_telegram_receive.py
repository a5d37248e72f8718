"""What Telegram's updates mean, checked against two other readers of the same format."""

import json
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.base import BadSignature, Hook, Link, Unreadable
from channels.inbound import Attachment, Contact, Inbound, Kind, Media
from channels.telegram.content import ABOUT, CONTENT
from channels.telegram.receive import SECRET, receive
from tests.channels.mutate import check_item, damaged
from tests.channels.replay import body, inbound, load
from tests.channels.telegram_api import aiogram
from tests.channels.telegram_expected import ANA, EXPECTED, GROUP, LINK, SUPER
from tests.later import later

if TYPE_CHECKING:
    import telegram
else:
    telegram = later("telegram")


def read(update: Any, link: Link = LINK) -> Inbound:
    content = update if isinstance(update, bytes) else orjson.dumps(update)
    [item] = receive(link, Hook({SECRET: link.secret}, content))
    return item


def message(group: bool = False, **content: Any) -> dict[str, Any]:
    """An update with this content instead of the text."""
    update: dict[str, Any] = load("telegram", "group-text" if group else "text")
    del update["message"]["text"]
    update["message"] |= {key.rstrip("_"): value for key, value in content.items()}
    return update


def test_every_payload_has_an_expectation() -> None:
    assert set(EXPECTED) == set(inbound("telegram"))


@pytest.mark.parametrize("name", EXPECTED)
def test_payload(name: str) -> None:
    item = read(body("telegram", name))
    assert item == EXPECTED[name]
    check_item(item)
    agrees(load("telegram", name), item)


@pytest.mark.parametrize("header", [None, "", "wrong", "fake-secret-token_0001 ", "é", "\udcff"])
def test_without_the_secret_nothing_is_read(header: str | None) -> None:
    headers = {} if header is None else {SECRET: header}
    with pytest.raises(BadSignature):
        receive(LINK, Hook(headers, b"not even JSON"))
    with pytest.raises(BadSignature):
        receive(replace(LINK, secret=""), Hook({SECRET: header or ""}, b"{}"))


@pytest.mark.parametrize(
    ("content", "attachment"),
    [
        (
            {
                "photo": [
                    {"file_id": "large", "file_unique_id": "a", "width": 800, "height": 600},
                    {"file_id": "small", "file_unique_id": "b", "width": 90, "height": 60},
                ]
            },
            Attachment(Media.IMAGE, "large", mime="image/jpeg"),
        ),
        (
            {"sticker": {"file_id": "s", "emoji": "😀", "is_video": True, "file_size": 5}},
            Attachment(Media.STICKER, "s", mime="video/webm", size=5, text="😀"),
        ),
        (
            {"sticker": {"file_id": "s", "is_animated": True}},
            Attachment(Media.STICKER, "s", mime="application/x-tgsticker"),
        ),
        ({"sticker": {"file_id": "s"}}, Attachment(Media.STICKER, "s", mime="image/webp")),
        (
            {"location": {"latitude": 1, "longitude": 2.5, "live_period": 60}},
            Attachment(Media.LOCATION, text="1.000000, 2.500000 (live)"),
        ),
        (
            {"live_photo": {"file_id": "v", "photo": [{"file_id": "p", "width": 1, "height": 1}]}},
            Attachment(Media.IMAGE, "p", mime="image/jpeg"),
        ),
        (
            {"document": {"file_id": "d"}},
            Attachment(Media.DOCUMENT, "d"),
        ),
    ],
)
def test_attachments(content: dict[str, Any], attachment: Attachment) -> None:
    assert read(message(**content)).attachments == (attachment,)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"poll": {"question": "Q?", "options": [{"text": "a"}, {"text": "b"}]}}, "Q?\n- a\n- b"),
        (
            {"poll": {"question": "Q?", "options": [{"text": "a"}], "allows_multiple_answers": True}},
            "Q? (several may be chosen)\n- a",
        ),
        ({"checklist": {"title": "T", "tasks": [{"text": "a"}]}}, "T\n- a"),
        (
            {"checklist": {"title": "T", "tasks": [{"text": "a", "completion_date": 1767272401}, {"text": "b"}]}},
            "T\n- a (done)\n- b",
        ),
        ({"dice": {"emoji": "🎲", "value": 4}}, "🎲 4"),
        (
            {"rich_message": {"blocks": [{"text": ["a ", {"text": "b"}]}, {"text": "c"}]}},
            "a b\nc",
        ),
        ({"text": "a\0b"}, "ab"),
        ({"story": {"id": 1}}, "[story: Telegram does not show it to bots]"),
        ({"paid_media": {"star_count": 1}}, "[paid media: Telegram does not show it to bots]"),
        ({"paid_media": {"star_count": 1}, "caption": "veja"}, "veja\n[paid media: Telegram does not show it to bots]"),
    ],
)
def test_words_of_other_content(content: dict[str, Any], text: str) -> None:
    assert read(message(**content)).text == text


def test_a_card_with_several_numbers_keeps_them() -> None:
    card = "BEGIN:VCARD\nFN:Ana\nTEL;TYPE=CELL:+55 11 99999-0000\nTEL;TYPE=WORK:+55 11 3333-0000\nEND:VCARD"
    item = read(message(contact={"phone_number": "+5511999990000", "first_name": "Ana", "vcard": card}))
    assert item.attachments[0].text == "Ana, +5511999990000, +55 11 3333-0000"


def test_own_contact_card_gives_the_number() -> None:
    card = {"phone_number": "+55 11 99999-0000", "first_name": "Ana", "user_id": 700000001}
    item = read(message(contact=card))
    assert item.contact == replace(ANA, phone="5511999990000")
    assert item.attachments[0].text == "Ana, +55 11 99999-0000"
    other = read(message(contact=card | {"user_id": 5}))
    assert other.contact == ANA


def test_web_app_answers_are_buttons_and_say_what_was_filled_in() -> None:
    item = read(message(web_app_data={"data": '{"day":"12"}', "button_text": "Pick"}))
    assert (item.kind, item.text, item.button) == (Kind.MESSAGE, 'Pick\n{"day":"12"}', '{"day":"12"}')


def test_answering_what_stands_in_another_chat() -> None:
    origin = {"type": "channel", "chat": {"id": -1, "type": "channel", "title": "C"}}
    shown = {"origin": origin, "document": {"file_id": "f", "file_unique_id": "u", "file_name": "menu.pdf"}}
    assert read(message(text="e esse?", external_reply=shown)).quote == "[document: menu.pdf]"
    assert read(message(text="e esse?", external_reply=shown, quote={"text": "pizza", "position": 0})).quote == "pizza"
    assert read(message(text="e esse?", external_reply={"origin": origin})).quote is None


@pytest.mark.parametrize(
    ("content", "event"),
    [
        ({"pinned_message": {"message_id": 1}}, "service.pinned_message"),
        ({"left_chat_member": {"id": 1}}, "service.left_chat_member"),
        ({"something_new": True}, "service.something_new"),
        ({"photo": []}, "service.empty"),
        ({"text": ""}, "service.empty"),
        ({}, "service.empty"),
    ],
)
def test_service_messages_are_events(content: dict[str, Any], event: str) -> None:
    item = read(message(**content))
    assert (item.kind, item.event) == (Kind.EVENT, event)


def test_every_field_of_a_message_is_known() -> None:
    """A field that says something about a message must not be taken for a service message."""
    fields = {f.alias or n for n, f in aiogram("types").Message.model_fields.items()}
    assert fields >= ABOUT
    service = fields - ABOUT - CONTENT
    assert {"new_chat_members", "pinned_message", "migrate_to_chat_id"} <= service
    assert not {n for n in service if n.startswith(("is_", "has_", "forward_", "reply_"))}


def test_a_migrated_group_names_both_ids() -> None:
    moved = {"from": GROUP, "to": SUPER}
    to = read(message(group=True, migrate_to_chat_id=int(SUPER)))
    assert (to.kind, to.event, to.detail) == (Kind.EVENT, "chat.migrated", moved)
    came = message(group=True, migrate_from_chat_id=int(GROUP))
    came["message"]["chat"] |= {"id": int(SUPER), "type": "supergroup"}
    assert read(came).detail == moved


def test_hidden_authors_are_the_chat_that_hides_them() -> None:
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    admin = message(True, text="x", from_=anonymous, sender_chat={"id": -100, "title": "G"})
    item = read(admin)
    assert item.contact == Contact(("tg:-100",), "G")
    assert item.ignore is None
    post = message(True, text="x", sender_chat={"id": -7, "title": "C"}, is_automatic_forward=True)
    assert "channel" in (read(post).ignore or "")
    assert read(message(True, text="x", from_=anonymous)).ignore == "written by a bot"


def test_the_bots_own_message_is_not_a_contacts() -> None:
    item = read(message(True, text="x", from_={"id": 110000001, "is_bot": True}))
    assert (item.kind, item.by) == (Kind.OWN, "api")


def test_a_live_location_that_moves_is_no_edit() -> None:
    update = message(location={"latitude": 1.0, "longitude": 2.0}, edit_date=1767272900)
    item = read({"update_id": 1, "edited_message": update["message"]})
    assert (item.kind, item.event) == (Kind.EVENT, "location.moved")
    assert item.ignore


def test_the_first_message_of_a_topic_is_no_reply() -> None:
    update = load("telegram", "forum-topic-text")
    opened = {"message_id": 55, "chat": update["message"]["chat"], "forum_topic_created": {}}
    update["message"]["reply_to_message"] = opened
    assert read(update).reply_to is None


def test_a_thread_of_replies_is_no_topic() -> None:
    assert read(message(True, text="x", message_thread_id=9)).chat == GROUP


NAMED = [
    ("hi @HUB_teste_bot", "mention", 3, 14, True),
    ("😀 @hub_teste_bot", "mention", 3, 14, True),  # offsets count UTF-16 units
    ("hi @other_bot", "mention", 3, 10, False),
    ("/start", "bot_command", 0, 6, True),
    ("/start@hub_teste_bot", "bot_command", 0, 20, True),
    ("/start@other_bot", "bot_command", 0, 16, False),
    ("hub_teste_bot", "bold", 0, 13, False),
    ("x", "mention", -5, 14, False),
    ("x", "mention", 50, 14, False),
]


@pytest.mark.parametrize(("text", "kind", "offset", "length", "mentioned"), NAMED)
def test_mentions(text: str, kind: str, offset: int, length: int, mentioned: bool) -> None:
    entity = {"type": kind, "offset": offset, "length": length}
    assert read(message(True, text=text, entities=[entity])).mentioned is mentioned
    photo = [{"file_id": "p", "width": 1, "height": 1}]
    captioned = message(True, caption=text, caption_entities=[entity], photo=photo)
    assert read(captioned).mentioned is mentioned
    assert read(message(text=text, entities=[entity])).mentioned is False


def test_other_ways_to_mean_the_bot() -> None:
    answer = {"message_id": 9, "from": {"id": 110000001}, "text": "mine"}
    assert read(message(True, text="x", reply_to_message=answer)).mentioned
    entity = {"type": "text_mention", "offset": 0, "length": 1, "user": {"id": 110000001}}
    assert read(message(True, text="x", entities=[entity])).mentioned
    unnamed = replace(LINK, handle=None)
    entity = {"type": "mention", "offset": 0, "length": 9}
    assert read(message(True, text="@some_bot", entities=[entity]), unnamed).mentioned
    assert not read(message(True, text="@somebody", entities=[entity]), unnamed).mentioned


def test_reactions() -> None:
    update = load("telegram", "reaction")
    reaction = update["message_reaction"]

    def emoji(old: list[Any], new: list[Any]) -> str:
        update["message_reaction"] = reaction | {"old_reaction": old, "new_reaction": new}
        return read(update).text

    like, heart = ({"type": "emoji", "emoji": e} for e in "👍❤")
    assert emoji([like], []) == ""
    assert emoji([like], [like, heart]) == "❤"
    assert emoji([like, heart], [like]) == "👍"
    assert emoji([], [{"type": "paid"}]) == "⭐"
    assert emoji([], [{"type": "custom_emoji", "custom_emoji_id": "1"}]) == ":custom_emoji:"
    del reaction["user"]
    assert read(update | {"message_reaction": reaction}).contact is None
    reaction["actor_chat"] = {"id": -5, "title": "C", "type": "channel"}
    assert read(update | {"message_reaction": reaction}).contact == Contact(("tg:-5",), "C")


def test_buttons_without_a_message_or_data() -> None:
    update = load("telegram", "callback-query")
    query = update["callback_query"]
    old = {"message_id": 99, "date": 0, "chat": query["message"]["chat"]}
    pressed = read(update | {"callback_query": query | {"message": old}})
    assert (pressed.kind, pressed.text, pressed.button) == (Kind.MESSAGE, "sim", "sim")
    inline = {k: v for k, v in query.items() if k != "message"}
    item = read(update | {"callback_query": inline})
    assert (item.kind, item.event, item.callback) == (
        Kind.EVENT,
        "callback_query.inline",
        query["id"],
    )
    game = {k: v for k, v in query.items() if k != "data"}
    assert read(update | {"callback_query": game}).event == "callback_query.game"


@pytest.mark.parametrize(
    ("kind", "old", "new", "event"),
    [
        ("group", "left", "member", "bot.added"),
        ("supergroup", "member", "kicked", "bot.removed"),
        ("group", "member", "administrator", "bot.changed"),
    ],
)
def test_membership(kind: str, old: str, new: str, event: str) -> None:
    update = load("telegram", "my-chat-member-blocked")
    change = update["my_chat_member"]
    change["chat"]["type"] = kind
    change["old_chat_member"]["status"], change["new_chat_member"]["status"] = old, new
    assert read(update).event == event


UNREADABLE = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"{",
    b'{"update_id":1}',
    b'{"update_id":"1","message":{}}',
    b'{"update_id":1.5,"message":{}}',
    b'{"update_id":true,"message":{}}',
    b'{"update_id":1' + b"0" * 400 + b',"message":{}}',
    b'{"update_id":1,"message":[]}',
    b'{"update_id":1,"message":{}}',
    b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1},"date":1e30}}',
    b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1},"date":99999999999999}}',
    b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1},"date":1,"text":5}}',
    b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1},"date":1,"voice":{}}}',
    b'{"update_id":1,"message":{"message_id":1,"chat":{"id":1},"date":NaN}}',
    b'{"update_id":1,"x":"\xff"}',
    b'{"update_id":1,"x":"\\ud800"}',
    b'{"update_id":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"update_id":1,"x":' + b'{"a":' * 100_000,
]


@pytest.mark.parametrize("content", UNREADABLE, ids=lambda c: c[:60].decode("latin-1"))
def test_what_is_not_an_update_is_unreadable(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read(content)


def test_a_null_stands_for_absence() -> None:
    update = message(text="x", caption=None, photo=None, reply_to_message=None, location=None)
    assert read(update).text == "x"


BODIES = [load("telegram", name) for name in inbound("telegram")]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(damaged(BODIES))
def test_damage_is_read_or_refused(content: bytes) -> None:
    try:
        item = read(content)
    except Unreadable:
        return
    check_item(item)
    agrees(json.loads(content), item)


@settings(max_examples=100, deadline=None)
@given(st.one_of(JSON.map(json.dumps).map(str.encode), st.binary(max_size=200)))
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read(content)


def agrees(update: dict[str, Any], item: Inbound) -> None:
    """Two other readers, where they accept the update at all, see the same."""
    if item.kind not in (Kind.MESSAGE, Kind.EDIT) or "callback_query" in update:
        return
    try:
        theirs = aiogram("types").Update.model_validate(update)
    except ValidationError:
        pass
    else:
        same(theirs.message or theirs.edited_message, item)
    try:
        with warnings.catch_warnings(action="ignore"):
            other = telegram.Update.de_json(update, None)
    except Exception:  # noqa: BLE001 - it checks nothing, so it fails in many ways
        return
    same(other.effective_message, item)


def same(theirs: Any, item: Inbound) -> None:
    chat = item.chat.partition(":")[0]
    assert (str(theirs.chat.id), str(theirs.message_id)) == (chat, item.message_id)
    spoken = theirs.text or theirs.caption
    if spoken and item.button is None:
        assert item.text == spoken.replace("\0", "")
    author = theirs.sender_chat or theirs.from_user
    assert item.contact == item.contact and (item.contact is None) == (author is None)
    if item.contact is not None:
        assert item.contact.ids == (f"tg:{author.id}",)
    found = [a.ref for a in item.attachments if a.ref]
    ids = {getattr(getattr(theirs, k, None), "file_id", None) for k in FILES}
    assert set(found) <= ids | {p.file_id for p in theirs.photo or ()}


FILES = ("animation", "audio", "document", "sticker", "video", "video_note", "voice", "live_photo")
