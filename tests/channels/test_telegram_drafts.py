"""Drafts as they go to the Bot API, read by both libraries' own words for them."""

import inspect
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from tests.channels.telegram_api import CHAT, DONE, LINK, Api, fails, refused, serving
from tests.later import later

if TYPE_CHECKING:
    import aiogram
    import telegram
else:
    aiogram, telegram = later("aiogram"), later("telegram")


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving() as found:
        yield found


async def test_a_draft_and_a_thought(api: Api) -> None:
    api.answers = [DONE, DONE]
    await api.bots.draft(LINK, CHAT, 7, "<b>Olá</b>", "Olá")
    await api.bots.draft(LINK, f"{CHAT}:5", 8, "", "")
    chat = int(CHAT)
    assert api.methods == ["sendMessageDraft", "sendMessageDraft"]
    assert api.bodies == [
        {"chat_id": chat, "draft_id": 7, "text": "<b>Olá</b>", "parse_mode": "HTML"},
        {"chat_id": chat, "message_thread_id": 5, "draft_id": 8, "text": ""},
    ]
    for body in api.bodies:
        read = aiogram.methods.SendMessageDraft.model_validate(body)
        assert (read.chat_id, read.draft_id, read.text) == (chat, body["draft_id"], body["text"])
        assert set(body) <= set(inspect.signature(telegram.Bot.send_message_draft).parameters)


async def test_markup_that_is_refused_goes_plain(api: Api) -> None:
    api.answers = [refused("Bad Request: can't parse entities: unexpected end tag"), DONE]
    await api.bots.draft(LINK, CHAT, 7, "<b>Olá", "Olá")
    assert api.bodies[-1] == {"chat_id": int(CHAT), "draft_id": 7, "text": "Olá"}


async def test_a_server_that_does_not_know_drafts_says_so(api: Api) -> None:
    api.answers = [refused("Not Found: method not found", 404)]
    error = await fails(api.bots.draft(LINK, CHAT, 7, "x", "x"))
    assert (error.permanent, error.code) == (True, "no_method")


async def test_only_people_s_chats_have_drafts(api: Api) -> None:
    chats = (CHAT, f"{CHAT}:5", "-100200300", "-100200300:5", "@channel", "")
    assert [c for c in chats if api.bots.drafts(c)] == [CHAT, f"{CHAT}:5"]
