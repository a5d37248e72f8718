"""What we send to Telegram, and what its refusals mean."""

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import unused_port

from channels.inbound import Media
from channels.outbound import File, Outbound
from channels.telegram import Telegram
from tests.channels.replay import load
from tests.channels.telegram_api import (
    CHAT,
    DONE,
    LINK,
    PREVIEW,
    SENT,
    TEXT,
    Api,
    failed,
    fails,
    given,
    matches,
    picture,
    refused,
    serving,
)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with serving() as found:
        yield found


@pytest.mark.parametrize(
    ("name", "out", "more"),
    [
        ("out-send-text", TEXT, {"parse_mode": "HTML", "link_preview_options": PREVIEW}),
        (
            "out-send-text-reply",
            replace(TEXT, text="Entendi", reply_to="101"),
            {"parse_mode": "HTML", "link_preview_options": PREVIEW},
        ),
        (
            "out-send-photo-url",
            picture(url="https://cdn.example.com/a.jpg"),
            {"parse_mode": "HTML"},
        ),
        ("out-send-photo-upload", picture(content=b"FAKE-JPEG"), {"parse_mode": "HTML"}),
        ("out-send-voice-upload", given(Media.VOICE, "audio/ogg", content=b"FAKE-OGG"), {}),
        (
            "out-send-video-url",
            given(Media.VIDEO, "video/mp4", url="https://cdn.example.com/a.mp4"),
            {},
        ),
        (
            "out-send-audio-url",
            given(Media.AUDIO, "audio/mpeg", url="https://cdn.example.com/a.mp3"),
            {},
        ),
    ],
)
async def test_send(api: Api, name: str, out: Outbound, more: dict[str, Any]) -> None:
    fixture = load("telegram", name)
    api.answers = [fixture["response"]]
    sent = await api.bots.send(LINK, out)
    assert sent == str(fixture["response"]["body"]["result"]["message_id"])
    matches(api, name, **more)


async def test_upload_carries_bytes_and_a_harmless_name(api: Api) -> None:
    api.answers = [SENT]
    file = File(Media.DOCUMENT, "application/pdf", 'a"\r\nX: y/ção.pdf', b"%PDF")
    await api.bots.send(LINK, replace(TEXT, file=file))
    [(path, body)] = api.seen
    key = body["document"].removeprefix("attach://")
    assert path.endswith("/sendDocument")
    assert body[key] == {"filename": "a___X: y_ção.pdf", "bytes": b"%PDF"}


@pytest.mark.parametrize(
    ("media", "mime", "size", "method"),
    [
        (Media.IMAGE, "image/png", 1, "sendPhoto"),
        (Media.IMAGE, "image/svg+xml", 1, "sendDocument"),
        (Media.IMAGE, "image/jpeg", 11 * 2**20, "sendDocument"),
        (Media.VOICE, "audio/ogg; codecs=opus", 1, "sendVoice"),
        (Media.VOICE, "audio/wav", 1, "sendDocument"),
        (Media.AUDIO, "audio/mpeg", 1, "sendAudio"),
        (Media.AUDIO, "audio/ogg", 1, "sendDocument"),
        (Media.VIDEO, "video/mp4", 1, "sendVideo"),
        (Media.VIDEO, "video/webm", 1, "sendDocument"),
        (Media.STICKER, "image/webp", 1, "sendDocument"),
    ],
)
async def test_each_file_goes_by_a_method_that_takes_it(
    api: Api, media: Media, mime: str, size: int, method: str
) -> None:
    api.answers = [SENT]
    await api.bots.send(LINK, given(media, mime, content=b"x" * size))
    assert api.methods == [method]


async def test_files_that_cannot_be_sent(api: Api) -> None:
    large = await fails(
        api.bots.send(LINK, given(Media.VIDEO, "video/mp4", content=bytes(51 * 2**20)))
    )
    empty = await fails(api.bots.send(LINK, given(Media.VIDEO, "video/mp4")))
    assert (large.code, large.permanent, empty.code) == ("too_large", True, "bad_file")
    assert api.seen == []


async def test_a_refused_kind_goes_as_a_document(api: Api) -> None:
    api.answers = [refused("Bad Request: PHOTO_INVALID_DIMENSIONS"), SENT]
    assert await api.bots.send(LINK, picture(content=b"x")) == "201"
    assert api.methods == ["sendPhoto", "sendDocument"]


async def test_a_topic_is_answered_in_the_topic(api: Api) -> None:
    api.answers = [SENT, DONE]
    await api.bots.send(LINK, replace(TEXT, chat="-1001900000001:55"))
    await api.bots.typing(LINK, "-1001900000001:55", None)
    for body in api.bodies:
        assert (body["chat_id"], body["message_thread_id"]) == (-1001900000001, 55)


@pytest.mark.parametrize("chat", ["", "x", "1:x", "1x", "²", "9" * 30])
async def test_what_is_no_chat_is_not_called(api: Api, chat: str) -> None:
    error = await fails(api.bots.send(LINK, replace(TEXT, chat=chat)))
    assert (error.permanent, error.code, api.seen) == (True, "bad_chat", [])


async def test_unreadable_markup_goes_as_plain_text(api: Api) -> None:
    broken = refused("Bad Request: can't parse entities: Unsupported start tag")
    api.answers = [broken, SENT, broken, SENT]
    assert await api.bots.send(LINK, TEXT) == "201"
    await api.bots.edit(LINK, TEXT, "201")
    assert [body["text"] for body in api.bodies] == [TEXT.text, "plain"] * 2
    assert "parse_mode" not in api.bodies[1]


async def test_text_that_utf8_cannot_hold(api: Api) -> None:
    api.answers = [SENT]
    await api.bots.send(LINK, replace(TEXT, text="a\ud800"))
    assert api.bodies[0]["text"] == "a?"


async def test_a_migrated_group_is_followed_once(api: Api) -> None:
    moved = refused(
        "Bad Request: group chat was upgraded to a supergroup chat",
        parameters={"migrate_to_chat_id": -1001900000001},
    )
    api.answers = [moved, SENT]
    assert await api.bots.send(LINK, replace(TEXT, chat="-4100000001", reply_to="5")) == "201"
    assert [body["chat_id"] for body in api.bodies] == [-4100000001, -1001900000001]
    assert "reply_parameters" not in api.bodies[1]
    api.answers = [moved, moved, moved, moved]
    assert (await fails(api.bots.send(LINK, replace(TEXT, chat="-41")))).permanent
    assert (await fails(api.bots.edit(LINK, TEXT, "1"))).code == "gone"


@pytest.mark.parametrize(
    ("answer", "permanent", "ambiguous", "wait", "code"),
    [
        (failed("400-chat-not-found"), True, False, None, "chat_not_found"),
        (failed("400-too-long"), True, False, None, "too_long"),
        (failed("401"), True, False, None, "unauthorized"),
        (failed("403-blocked"), True, False, None, "blocked"),
        (failed("403-deactivated"), True, False, None, "blocked"),
        (failed("404-method"), True, False, None, "no_method"),
        (failed("429"), False, False, 7.0, "429"),
        (failed("502"), False, True, None, "502"),
        (refused("Not Found", 404), True, False, None, "unauthorized"),
        (refused("slow down", 429) | {"headers": {"Retry-After": "9"}}, False, False, 9.0, "429"),
        (refused("slow down", 429), False, False, 1.0, "429"),
        (refused("Internal Server Error", 500), False, False, None, "500"),
        ({"status": 500, "body": "<html>"}, False, True, None, "500"),
        ({"status": 504, "body": "{}"}, False, True, None, "504"),
        ({"status": 413, "body": "<html>"}, True, False, None, "413"),
        ({"status": 302, "body": "", "headers": {"Location": "/x"}}, False, True, None, "302"),
        ({"status": 200, "body": {"ok": True, "result": {}}}, False, True, None, "200"),
        ({"status": 200, "body": b"\xff"}, False, True, None, "200"),
        ({"status": 200, "body": {"ok": False}}, False, False, None, "None"),
        ("reset", False, True, None, "reset"),
    ],
)
async def test_failures(
    api: Api, answer: Any, permanent: bool, ambiguous: bool, wait: float | None, code: str
) -> None:
    api.answers = [answer]
    error = await fails(api.bots.send(LINK, TEXT))
    assert (error.permanent, error.ambiguous) == (permanent, ambiguous)
    assert (error.retry_after, error.code) == (wait, code)
    assert len(api.seen) == 1


@pytest.mark.parametrize("answer", [failed("502"), "reset", {"status": 500, "body": "<html>"}])
async def test_what_may_be_repeated_is_never_ambiguous(api: Api, answer: Any) -> None:
    api.answers = [answer] * 3
    calls = [
        api.bots.edit(LINK, TEXT, "1"),
        api.bots.delete(LINK, CHAT, "1"),
        api.bots.typing(LINK, CHAT, None),
    ]
    for call in calls:
        error = await fails(call)
        assert not error.ambiguous and not error.permanent


async def test_silence_is_ambiguous(api: Api) -> None:
    api.bots._session.wait = 0.2
    api.answers = ["hang"]
    error = await fails(api.bots.send(LINK, TEXT))
    assert (error.ambiguous, error.code) == (True, "timeout")


async def test_what_never_left_is_not_ambiguous() -> None:
    bots = Telegram(f"http://127.0.0.1:{unused_port()}")
    error = await fails(bots.send(LINK, TEXT))
    assert (error.permanent, error.ambiguous, error.code) == (False, False, "unreachable")
    nowhere = Telegram("http://no-such-host.invalid")
    assert (await fails(nowhere.send(LINK, TEXT))).code == "dns"
    await bots.close()
    await nowhere.close()


@pytest.mark.parametrize("token", ["", "x", "1:a/../b", "1:a b", "1:é", "1:" + "a" * 200])
async def test_what_is_no_token_is_not_called(api: Api, token: str) -> None:
    error = await fails(api.bots.send(replace(LINK, settings={"botToken": token}), TEXT))
    assert (error.code, api.seen) == ("unauthorized", [])


@pytest.mark.parametrize("result", [True, None, [], {}, {"message_id": "1"}, {"message_id": True}])
async def test_an_answer_without_the_message_leaves_its_fate_unknown(api: Api, result: Any) -> None:
    """Sent it may be: asking again is for whoever can tell."""
    api.answers = [{"status": 200, "body": {"ok": True, "result": result}}]
    error = await fails(api.bots.send(LINK, TEXT))
    assert error.ambiguous and not error.permanent


def test_importing_the_channels_brings_no_client_library() -> None:
    """Its types alone are 130 MB and seconds in every process."""
    code = "import sys, channels.registry; print(sorted({'aiogram', 'telegram'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
