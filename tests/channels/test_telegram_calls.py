"""Everything we ask of Telegram but sending: edits, webhooks, files."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from channels.inbound import Attachment, Media
from channels.outbound import Choice
from channels.telegram.send import UPDATES
from tests.channels.replay import load
from tests.channels.telegram_api import (
    CHAT,
    DONE,
    LINK,
    ME,
    PREVIEW,
    SENT,
    TEXT,
    TOKEN,
    Api,
    failed,
    fails,
    matches,
    picture,
    refused,
    serving,
)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving() as found:
        yield found


async def test_edit(api: Api) -> None:
    api.answers = [load("telegram", "out-edit-message-text")["response"]]
    await api.bots.edit(LINK, replace(TEXT, text="Corrigido"), "201")
    matches(api, "out-edit-message-text", parse_mode="HTML", link_preview_options=PREVIEW)
    api.answers = [failed("400-not-modified")]
    await api.bots.edit(LINK, TEXT, "201")
    for text in ("message to edit not found", "MESSAGE_ID_INVALID", "message can't be edited"):
        api.answers = [refused(f"Bad Request: {text}")]
        error = await fails(api.bots.edit(LINK, TEXT, "201"))
        assert (error.permanent, error.code) == (True, "gone")
    assert (await fails(api.bots.edit(LINK, TEXT, "x"))).code == "gone"
    assert (await fails(api.bots.edit(LINK, picture(content=b""), "1"))).permanent


async def test_delete_acknowledge_and_typing(api: Api) -> None:
    gone = [
        refused("Bad Request: message to delete not found"),
        refused(
            "Bad Request: query is too old and response timeout expired or query ID is invalid"
        ),
    ]
    api.answers = [DONE, DONE, DONE, *gone]
    await api.bots.delete(LINK, CHAT, "5")
    await api.bots.acknowledge(LINK, "30")
    await api.bots.typing(LINK, CHAT, None)
    matches(api, "out-chat-action-typing")
    await api.bots.delete(LINK, CHAT, "5")
    await api.bots.acknowledge(LINK, "30")
    assert api.bodies[0] == {"chat_id": 700000001, "message_id": 5}
    assert api.bodies[1] == {"callback_query_id": "30"}
    api.answers = [refused("Bad Request: message can't be deleted")]
    assert (await fails(api.bots.delete(LINK, CHAT, "5"))).permanent


async def test_register(api: Api) -> None:
    api.answers = [ME, DONE]
    assert await api.bots.register(LINK) == "hub_teste_bot"
    assert api.methods == ["getMe", "setWebhook"]
    assert api.bodies[1] == {
        "url": LINK.webhook_url,
        "secret_token": LINK.secret,
        "allowed_updates": UPDATES,
    }
    api.answers = [ME, refused(f"Bad Request: bad webhook: {LINK.webhook_url} {TOKEN}")]
    assert (await fails(api.bots.register(LINK))).permanent


def webhook(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = load("telegram", "out-get-webhook-info")["response"]
    found["body"]["result"] |= changes
    return found


async def test_unregister(api: Api) -> None:
    api.answers = [webhook(), DONE]
    await api.bots.unregister(LINK)
    matches(api, "out-delete-webhook")
    api.answers = [webhook(url="https://another.example.com/hook")]
    await api.bots.unregister(LINK)
    assert api.methods[2:] == ["getWebhookInfo"]
    api.answers = [failed("401")]
    await api.bots.unregister(LINK)
    api.answers = [failed("502")]
    await fails(api.bots.unregister(LINK))


async def test_check(api: Api) -> None:
    api.answers = [ME, webhook()]
    said = await api.bots.check(LINK)
    assert said == (
        "Connected as @hub_teste_bot, webhook set, 3 updates waiting. The last failed delivery "
        "was at 2026-01-01 13:00:00 UTC: Wrong response from the webhook: "
        "500 Internal Server Error."
    )
    for changes, code in (
        ({"url": ""}, "no_webhook"),
        ({"url": "https://x.io/"}, "webhook_elsewhere"),
    ):
        api.answers = [ME, webhook(**changes)]
        assert (await fails(api.bots.check(LINK))).code == code
    api.answers = [failed("401")]
    assert (await fails(api.bots.check(LINK))).code == "unauthorized"


VOICE = Attachment(
    Media.VOICE, "AwACCAACAgEAAxkBAAIBfake0009AAFakeFileIdNotReal", mime="audio/ogg", size=14021
)


async def test_fetch_media(api: Api) -> None:
    path = load("telegram", "out-download-file")["request"]["path"]
    api.answers = [
        load("telegram", "out-get-file")["response"],
        {"status": 200, "body": b"\x00ogg"},
    ]
    got = await api.bots.fetch_media(LINK, VOICE, None)
    assert (got.content, got.mime, got.name) == (b"\x00ogg", "audio/ogg", "file_7.oga")
    assert api.seen[0][1] == load("telegram", "out-get-file")["request"]["body"]
    assert api.seen[1][0] == path


async def test_files_that_cannot_be_fetched(api: Api) -> None:
    found = load("telegram", "out-get-file")["response"]
    no_path = {
        "status": 200,
        "body": {"ok": True, "result": {"file_id": "a", "file_unique_id": "b"}},
    }
    cases: list[tuple[list[Any], Attachment, str, bool]] = [
        ([], replace(VOICE, ref=None), "gone", True),
        ([], replace(VOICE, size=21 * 2**20), "too_large", True),
        ([failed("400-file-too-big")], VOICE, "too_large", True),
        ([no_path], VOICE, "gone", False),
        ([found, {"status": 404, "body": "{}"}], VOICE, "gone", True),
        ([found, {"status": 500, "body": ""}], VOICE, "500", False),
        ([found, {"status": 200, "body": bytes(20 * 2**20 + 1)}], VOICE, "too_large", True),
        ([found, "reset", "reset"], VOICE, "reset", False),
    ]
    for answers, attachment, code, permanent in cases:
        api.answers = answers
        error = await fails(api.bots.fetch_media(LINK, attachment, None))
        assert (error.code, error.permanent, error.ambiguous) == (code, permanent, False)


async def test_nothing_logs_the_token(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api.answers = [SENT, failed("401"), load("telegram", "out-get-file")["response"]]
    api.answers += ["reset", "reset"]  # a query is tried twice on a kept connection
    await api.bots.send(LINK, TEXT)
    await fails(api.bots.send(LINK, TEXT))
    await fails(api.bots.fetch_media(LINK, VOICE, None))
    ours = [r for r in caplog.records if not r.name.startswith("aiohttp.access")]
    assert TOKEN not in "".join(r.getMessage() for r in ours)


@pytest.mark.parametrize(
    ("asked", "method"),
    [
        (lambda bots: bots.typing(LINK, CHAT, None), "sendChatAction"),
        (lambda bots: bots.send(LINK, TEXT), "sendMessage"),
    ],
)
async def test_words_go_as_json_and_files_in_a_form(api: Api, asked: Any, method: str) -> None:
    api.answers = [SENT, SENT]
    await asked(api.bots)
    await api.bots.send(LINK, picture(content=b"FAKE-JPEG"))
    assert [(path.rpartition("/")[2], kind) for (path, _), kind in zip(api.seen, api.kinds, strict=True)] == [
        (method, "application/json"), ("sendPhoto", "multipart/form-data"),
    ]


async def test_what_has_no_json_is_not_sent(api: Api) -> None:
    error = await fails(api.bots.send(LINK, replace(TEXT, choices=(Choice("yes", "\ud800"),))))
    assert error.permanent and api.seen == []
