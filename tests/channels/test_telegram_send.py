"""What we ask of Telegram, and what its answers mean, against a server at a real port."""

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiogram import methods
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from channels.base import Attachment, ChannelError, File, Link, Media, Outbound
from channels.telegram import Telegram
from channels.telegram.send import BOTS, UPDATES
from tests.channels.replay import load

TOKEN = "110000001:AAFakeFakeFakeFakeFakeFakeFakeFakeX"
LINK = Link(
    "link",
    {"botToken": TOKEN},
    "fake-secret-token_0001",
    "https://hub.example.com/webhooks/telegram/t1",
)
CHAT = "700000001"
TEXT = Outbound(CHAT, "key", text="Olá Ana! Como posso ajudar?", plain="plain")
PREVIEW = {"is_disabled": True}
SENT = load("telegram", "out-send-text")["response"]
DONE = {"status": 200, "body": {"ok": True, "result": True}}
ME = {
    "status": 200,
    "body": {
        "ok": True,
        "result": {
            "id": 110000001,
            "is_bot": True,
            "first_name": "Hub Teste",
            "username": "hub_teste_bot",
        },
    },
}


def refused(text: str, status: int = 400, **more: Any) -> dict[str, Any]:
    body = {"ok": False, "error_code": status, "description": text} | more
    return {"status": status, "body": body}


def failed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = load("telegram", f"out-error-{name}")["response"]
    return found


@dataclass
class Api:
    """Answers in turn; "reset" and "hang" are answers too."""

    bots: Telegram = field(init=False)
    answers: list[Any] = field(default_factory=list)
    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        fields = {}
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                content = value.file.read()
                fields[name] = {"filename": value.filename, "bytes": content}
            else:
                fields[name] = _parsed(value)
        self.seen.append((request.path, fields))
        answer = self.answers.pop(0)
        if answer == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if answer == "hang":
            await self.done.wait()
            return web.Response()
        body = answer["body"]
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        raw = text if isinstance(text, bytes) else text.encode()
        headers = {"Content-Type": "application/json"} | answer.get("headers", {})
        return web.Response(status=answer["status"], body=raw, headers=headers)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body in self.seen]

    @property
    def methods(self) -> list[str]:
        return [path.rpartition("/")[2] for path, _ in self.seen]


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    found = Api()
    app = web.Application(client_max_size=2**27)
    app.router.add_route("*", "/{rest:.*}", found.handle)
    async with TestServer(app) as server:
        found.bots = Telegram(str(server.make_url("")))
        try:
            yield found
        finally:
            found.done.set()
            await found.bots.close()


async def fails(call: Any) -> ChannelError:
    """The error, which must not hold the token anywhere that is printed."""
    with pytest.raises(ChannelError) as caught:
        await call
    printed = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in printed
    assert LINK.secret not in printed
    return caught.value


def matches(api: Api, name: str, **more: Any) -> None:
    """The last call is the one in the file plus `more`, and aiogram's own model accepts it."""
    request = load("telegram", name)["request"]
    path, body = api.seen[-1]
    assert path == request["path"]
    expected = request["body"]
    if "_multipart" in expected:
        files = {
            k: v["bytes_base64"] for k, v in expected["_multipart"].items() if isinstance(v, dict)
        }
        words = {k: _parsed(v) for k, v in expected["_multipart"].items() if k not in files}
        for key in files:
            assert body.pop(key).startswith("attach://")
        [attached] = [k for k, v in body.items() if isinstance(v, dict) and "bytes" in v]
        body.pop(attached)
        expected = words
    assert body == expected | more
    method = path.rpartition("/")[2]
    model = getattr(methods, method[0].upper() + method[1:])
    model.model_validate(body | {k: "x" for k in ("photo", "voice") if k in model.model_fields})


def picture(**source: Any) -> Outbound:
    return replace(TEXT, text="Produto", file=File(Media.IMAGE, "image/jpeg", "a.jpg", **source))


def given(media: Media, mime: str, **source: Any) -> Outbound:
    return replace(TEXT, text="", plain="", file=File(media, mime, "a", **source))


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
    api.answers = [moved, moved, moved]
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
        (failed("404-method"), True, False, None, "404"),
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
    api.bots._session.timeout = 0.2
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


async def test_bots_are_kept_but_not_forever(api: Api) -> None:
    first = api.bots._bot(LINK)
    assert api.bots._bot(LINK) is first
    for n in range(BOTS):
        api.bots._bot(replace(LINK, settings={"botToken": f"{n}:abc"}))
    assert len(api.bots._bots) == BOTS
    assert api.bots._bot(LINK) is not first


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
    assert api.bodies[1] == {"callback_query_id": 30}
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
