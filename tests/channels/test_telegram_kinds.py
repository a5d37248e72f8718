"""What Telegram's rarer messages hold: each part of them is told, shown, or named as what cannot be shown."""

from typing import Any

import pytest

from channels.base import Hook
from channels.inbound import Inbound, Kind, Media
from channels.telegram.receive import SECRET, receive
from tests.channels.telegram_expected import LINK
from tests.channels.test_telegram_receive import message, read

PHOTO = [{"file_id": "small", "width": 9, "height": 6}, {"file_id": "large", "width": 900, "height": 600}]
VIDEO = {"file_id": "film", "duration": 3}
CHANNEL = {"id": -1, "type": "channel", "title": "C"}
PAID = "[paid media: Telegram does not show it to bots]"
STORY = "[story: Telegram does not show it to bots]"
CHAT = {"id": 700000001, "type": "private"}


def said(**content: Any) -> Inbound:
    return read(message(**content))


def refs(item: Inbound) -> list[str | None]:
    return [a.ref for a in item.attachments]


def paid(*media: dict[str, Any], **more: Any) -> Inbound:
    return said(paid_media={"star_count": 5, "paid_media": list(media)}, **more)


def test_paid_media_that_is_shown() -> None:
    item = paid({"type": "photo", "photo": PHOTO}, {"type": "video", "video": VIDEO}, caption="olha")
    assert (item.text, refs(item)) == ("olha", ["large", "film"])
    item = paid({"type": "preview", "width": 9}, {"type": "photo", "photo": PHOTO}, caption="olha")
    assert (item.text, refs(item)) == (f"olha\n{PAID}", ["large"])


def test_an_answer_to_a_story_says_so() -> None:
    story = {"chat": CHANNEL, "id": 3}
    assert said(text="lindo!", reply_to_story=story).quote == STORY
    assert said(text="lindo!", external_reply={"origin": {}, "story": story}).quote == STORY


@pytest.mark.parametrize(("content", "text"), [
    ({"game": {"title": "Damas", "description": "de dois", "photo": [], "text": "placar"}},
     "Game: Damas\nde dois\nplacar"),
    ({"invoice": {"title": "Bolo", "description": "de milho", "currency": "BRL", "total_amount": 4550}},
     "Invoice: Bolo\nde milho\nBRL 45.50"),
    ({"invoice": {"title": "Bolo", "currency": "JPY", "total_amount": 450}}, "Invoice: Bolo\nJPY 450.00"),
    ({"giveaway": {"chats": [CHANNEL], "winner_count": 3, "prize_description": "bolo",
                   "winners_selection_date": 1764528000}}, "Giveaway: bolo\nwinners: 3\n2025-11-30"),
    ({"giveaway": {"chats": []}}, "Giveaway"),
    ({"giveaway_winners": {"chat": CHANNEL, "winner_count": 1}}, "Giveaway: winners: 1"),
    ({"poll": {"question": "Q?", "description": "leia", "options": [{"text": "a"}]}}, "leia\nQ?\n- a"),
    ({"text": "veja", "link_preview_options": {"url": "https://x.example/a"}}, "veja\nhttps://x.example/a"),
    ({"text": "x.example/a é", "link_preview_options": {"url": "https://X.example/a/"}}, "x.example/a é"),
    ({"text": "veja", "link_preview_options": {"is_disabled": True, "url": "https://x.example"}}, "veja"),
])
def test_what_is_told(content: dict[str, Any], text: str) -> None:
    item = said(**content)
    assert (item.kind, item.text) == (Kind.MESSAGE, text)
    answer = {"message_id": 9, "date": 1, "chat": CHAT, **content}
    assert said(text="e isso?", reply_to_message=answer).quote == text


def test_pictures_of_a_question_and_its_answers() -> None:
    options = [{"text": "a", "media": {"photo": PHOTO}}, {"text": "b", "media": {"video": VIDEO}}, {"text": "c"}]
    item = said(poll={"question": "Q?", "options": options, "media": {"document": {"file_id": "doc"}}})
    assert refs(item) == ["doc", "large", "film"]


@pytest.mark.parametrize("caption", [None, "veja"])
def test_a_file_of_a_kind_that_came_up_lately(caption: str | None) -> None:
    item = said(hologram={"file_id": "new", "mime_type": "model/x"}, caption=caption)
    [found] = item.attachments
    assert (item.kind, item.text, found.media, found.ref, found.mime) == (
        Kind.MESSAGE, caption or "", Media.DOCUMENT, "new", "model/x"
    )
    assert said(text="oi", hologram={"file_id": "new"}).attachments == ()


RICH: list[dict[str, Any]] = [
    {"type": "heading", "text": ["Preços ", {"type": "bold", "text": "hoje"}], "size": 1},
    {"type": "list", "items": [
        {"label": "1.", "blocks": [{"type": "paragraph", "text": "bolo"}, {"type": "paragraph", "text": "de milho"}]},
        {"label": "2.", "is_checked": True, "blocks": [{"type": "paragraph", "text": "pão"}]},
    ]},
    {"type": "table", "cells": [[{"text": "bolo"}, {"text": "R$ 5"}], [{"text": "pão"}, {"text": "R$ 1"}]],
     "caption": "tabela"},
    {"type": "details", "summary": "mais", "blocks": [{"type": "mathematical_expression", "expression": "x^2"}]},
    {"type": "paragraph", "text": [{"type": "url", "text": "site", "url": "https://x.example"}, " ",
                                   {"type": "custom_emoji", "alternative_text": "🎂"}]},
    {"type": "photo", "photo": PHOTO, "caption": {"text": "foto", "credit": "Ana"}},
    {"type": "collage", "blocks": [{"type": "voice_note", "voice_note": {"file_id": "voz"}},
                                   {"type": "map", "location": {"latitude": 1, "longitude": 2}}]},
    {"type": "buttons", "buttons": [{"text": "abrir", "url": "https://y.example"}]},
]
TOLD = """Preços hoje
1. bolo
de milho
2. (done) pão
bolo | R$ 5
pão | R$ 1
tabela
mais
x^2
site (https://x.example) 🎂
foto
Ana
- abrir: https://y.example"""


def test_all_of_a_rich_message() -> None:
    item = said(rich_message={"blocks": RICH})
    assert item.text == TOLD
    assert [(a.media, a.ref) for a in item.attachments] == [
        (Media.IMAGE, "large"), (Media.VOICE, "voz"), (Media.LOCATION, None)
    ]


def test_a_rich_message_may_be_nested_deeply() -> None:
    block: dict[str, Any] = {"type": "paragraph", "text": "fim"}
    for _ in range(80):
        block = {"type": "blockquote", "blocks": [block]}
    assert said(rich_message={"blocks": [block]}).text == "fim"


@pytest.mark.parametrize(("content", "event", "text"), [
    ({"gift": {"gift": {"id": "1"}, "text": "parabéns"}}, "service.gift", "parabéns"),
    ({"unique_gift": {"gift": {}, "text": "para você"}}, "service.unique_gift", "para você"),
    ({"checklist_tasks_added": {"tasks": [{"id": 1, "text": "ovos"}]}}, "service.checklist_tasks_added", "- ovos"),
    ({"poll_option_added": {"option_text": "talvez"}}, "service.poll_option_added", "talvez"),
    ({"checklist_tasks_done": {"marked_as_done_task_ids": [1]}}, "service.checklist_tasks_done", ""),
])
def test_words_in_what_telegram_reports(content: dict[str, Any], event: str, text: str) -> None:
    item = said(**content)
    assert (item.kind, item.event, item.text) == (Kind.EVENT, event, text)


@pytest.mark.parametrize("name", ["guest_message", "business_message", "deleted_business_messages"])
def test_what_is_never_answered_says_why(name: str) -> None:
    update = b'{"update_id":1,"%s":{}}' % name.encode()
    [item] = receive(LINK, Hook({SECRET: LINK.secret}, update))
    assert (item.kind, item.event) == (Kind.EVENT, name)
    assert (item.ignore or "").startswith("unsupported: ")
