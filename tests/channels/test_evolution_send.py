"""What we ask of an Evolution server, and what its answers mean."""

from dataclasses import replace
from typing import Any

import pytest

from channels.base import ChannelError, Link
from channels.evolution import Evolution
from channels.inbound import Attachment, Media
from channels.outbound import File, Outbound
from tests.channels.replay import Fetched, Seen, check_call, load, serving

CHAT = "5511999990000"
JID = "5511999990000@s.whatsapp.net"
SENT = "3EB0AAAAAAAAAAAAAAAA02"
TEXT = Outbound(CHAT, "key", text="Olá Ana! Como posso ajudar?")
HOOK = "https://hub.example.com/webhooks/evolution/hub-teste"
OK = {"status": 201, "body": {"key": {"id": SENT}}}
ERRORS = "out-error-"


def link(url: str) -> Link:
    settings = {
        "endpointUrl": url + "/",
        "instanceName": "hub-teste",
        "apiKey": "FAKE-INSTANCE-TOKEN-0001",
    }
    return Link("link", settings, "fake-secret-0001", HOOK)


def with_file(media: Media, mime: str, name: str, **more: Any) -> Outbound:
    words = more.pop("text", "")
    return Outbound(CHAT, "key", text=words, file=File(media, mime, name, **more))


async def send(out: Outbound, answer: dict[str, Any]) -> tuple[str, Seen]:
    async with serving(answer) as (provider, http):
        found = await Evolution(lambda _: http, Fetched()).send(link(provider.url), out)
        return found, provider.seen[0]


IMAGE = with_file(Media.IMAGE, "image/jpeg", "a.jpg", text="Produto", content=b"FAKE-JPEG")


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("out-send-text", TEXT),
        ("out-send-text-lid", replace(TEXT, chat="181234567890123@lid")),
        ("out-send-media-image-base64", IMAGE),
        (
            "out-send-media-image-url",
            replace(
                IMAGE,
                file=File(Media.IMAGE, "image/jpeg", "a.jpg", url="https://cdn.example.com/a.jpg"),
            ),
        ),
        (
            "out-send-media-document",
            with_file(
                Media.DOCUMENT,
                "application/pdf",
                "nota.pdf",
                text="Nota",
                url="https://cdn.example.com/a.pdf",
            ),
        ),
        ("out-send-audio-base64", with_file(Media.VOICE, "audio/ogg", "v.ogg", content=b"OggS")),
    ],
)
async def test_send(name: str, out: Outbound) -> None:
    case = load("evolution", name)
    found, seen = await send(out, case["response"])
    check_call(seen, case["request"])
    assert found == SENT


async def test_reply_and_the_other_kinds_of_file() -> None:
    _, seen = await send(replace(TEXT, reply_to="QUOTED"), OK)
    assert seen.body["quoted"] == {"key": {"id": "QUOTED"}}
    _, seen = await send(with_file(Media.STICKER, "image/webp", "s.webp", content=b"ab"), OK)
    assert seen.path == "/message/sendSticker/hub-teste"
    assert seen.body == {"number": CHAT, "sticker": "YWI="}
    _, seen = await send(with_file(Media.AUDIO, "audio/mpeg", "a.mp3", content=b"ab"), OK)
    assert seen.body == {
        "number": CHAT,
        "mediatype": "audio",
        "mimetype": "audio/mpeg",
        "media": "YWI=",
        "fileName": "a.mp3",
    }


async def test_nothing_to_send() -> None:
    for out in (replace(TEXT, template="x"), with_file(Media.CONTACT, "x/y", "z", content=b"a")):
        with pytest.raises(ChannelError) as caught:
            await send(out, OK)
        assert (caught.value.permanent, caught.value.code) == (True, "unsupported")


async def test_edit() -> None:
    case = load("evolution", "out-update-message")
    async with serving(case["response"]) as (provider, http):
        channel = Evolution(lambda _: http, Fetched())
        await channel.edit(link(provider.url), replace(TEXT, text="Corrigido"), SENT)
        check_call(provider.seen[0], case["request"])


async def test_delete() -> None:
    async with serving(OK, OK) as (provider, http):
        channel = Evolution(lambda _: http, Fetched())
        await channel.delete(link(provider.url), CHAT, SENT)
        await channel.delete(link(provider.url), "77@lid", SENT)
        seen = provider.seen[0]
        assert (seen.method, seen.path) == ("DELETE", "/chat/deleteMessageForEveryone/hub-teste")
        assert seen.body == {"remoteJid": JID, "fromMe": True, "id": SENT}
        assert provider.seen[1].body["remoteJid"] == "77@lid"


async def test_typing() -> None:
    read = {"status": 201, "body": {"message": "Read messages", "read": "success"}}
    shown = {"status": 201, "body": {"presence": "composing"}}
    async with serving(read, shown, shown) as (provider, http):
        channel = Evolution(lambda _: http, Fetched())
        await channel.typing(link(provider.url), CHAT, "M1")
        await channel.typing(link(provider.url), CHAT, None)
        marked, first, second = provider.seen
        assert marked.path == "/chat/markMessageAsRead/hub-teste"
        assert marked.body == {"readMessages": [{"remoteJid": JID, "fromMe": False, "id": "M1"}]}
        assert first.path == second.path == "/chat/sendPresence/hub-teste"
        assert (first.body["number"], first.body["presence"]) == (CHAT, "composing")
        assert 0 < first.body["delay"] <= 2000


async def test_register_and_unregister() -> None:
    gone = load("evolution", "out-error-404-instance")["response"]
    async with serving(OK, OK, gone) as (provider, http):
        channel = Evolution(lambda _: http, Fetched())
        await channel.register(link(provider.url))
        await channel.unregister(link(provider.url))
        await channel.unregister(link(provider.url))
        on, off = (s.body["webhook"] for s in provider.seen[:2])
        assert provider.seen[0].path == "/webhook/set/hub-teste"
        assert on["headers"] == {"x-hub-secret": "fake-secret-0001"}
        assert (on["enabled"], on["url"], on["byEvents"], on["base64"]) == (True, HOOK, False, True)
        assert {"MESSAGES_UPSERT", "MESSAGES_UPDATE", "SEND_MESSAGE"} <= set(on["events"])
        assert all(e.isupper() for e in on["events"])
        assert off == {**on, "enabled": False}


async def test_check() -> None:
    case = load("evolution", "out-connection-state")
    hook = {"status": 200, "body": {"enabled": True, "url": HOOK}}
    async with serving(case["response"], hook) as (provider, http):
        words = await Evolution(lambda _: http, Fetched()).check(link(provider.url))
        check_call(provider.seen[0], case["request"])
        assert provider.seen[1].path == "/webhook/find/hub-teste"
        assert words == "Connected to WhatsApp, the webhook points here."


@pytest.mark.parametrize(
    ("state", "hook", "code"),
    [
        ("close", None, "disconnected"),
        ("open", {"enabled": True, "url": "https://other.example.com"}, "webhook"),
        ("open", {"enabled": False, "url": HOOK}, "webhook"),
        ("open", None, "webhook"),
    ],
)
async def test_check_finds_trouble(state: str, hook: Any, code: str) -> None:
    answers = [
        {"status": 200, "body": {"instance": {"state": state}}},
        {"status": 200, "body": hook},
    ]
    async with serving(*answers) as (provider, http):
        with pytest.raises(ChannelError) as caught:
            await Evolution(lambda _: http, Fetched()).check(link(provider.url))
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("name", "permanent", "code", "ambiguous"),
    [
        ("400-connection-closed", False, "disconnected", False),
        ("400-not-on-whatsapp", True, "not_on_whatsapp", False),
        ("400-validation", True, "400", False),
        ("400-media-not-found", True, "media_gone", False),
        ("401", True, "unauthorized", False),
        ("404-instance", True, "no_instance", False),
        ("500", False, "timeout", True),
        ("503-license", True, "license", False),
    ],
)
async def test_refusals(name: str, permanent: bool, code: str, ambiguous: bool) -> None:
    with pytest.raises(ChannelError) as caught:
        await send(TEXT, load("evolution", ERRORS + name)["response"])
    error = caught.value
    assert (error.permanent, error.code, error.ambiguous) == (permanent, code, ambiguous)
    assert "FAKE" not in str(error)


@pytest.mark.parametrize(
    ("answer", "permanent", "code"),
    [
        ({"status": 500, "body": {"response": {"message": "Connection Closed"}}}, False, "disconnected"),
        ({"status": 400, "body": {"response": {"message": ["SessionError: No sessions"]}}}, False,
         "disconnected"),
        ({"status": 429, "body": None, "headers": {"Retry-After": "7"}}, False, "rate_limited"),
        ({"status": 503, "body": None}, False, "503"),
        ({"status": 404, "body": "nginx"}, True, "not_found"),
        ({"status": 302, "body": None}, True, "302"),
    ],
)  # fmt: skip
async def test_other_refusals(answer: dict[str, Any], permanent: bool, code: str) -> None:
    with pytest.raises(ChannelError) as caught:
        await send(TEXT, answer)
    assert (caught.value.permanent, caught.value.code) == (permanent, code)
    assert code != "rate_limited" or caught.value.retry_after == 7


async def test_server_that_does_not_answer() -> None:
    async with serving() as (provider, http):
        nobody = link(provider.url.rpartition(":")[0] + ":1")
        with pytest.raises(ChannelError) as caught:
            await Evolution(lambda _: http, Fetched()).send(nobody, TEXT)
        assert (caught.value.permanent, caught.value.ambiguous) == (False, False)


async def test_media_from_the_body_and_from_the_storage() -> None:
    async with serving() as (provider, http):
        fetch = Fetched()
        channel, here = Evolution(lambda _: http, fetch), link(provider.url)
        held = Attachment(Media.IMAGE, data="RkFLRQ==", mime="image/jpeg", name="a.jpg")
        found = await channel.fetch_media(here, held, None)
        assert (found.content, found.mime, found.name) == (b"FAKE", "image/jpeg", "a.jpg")
        stored = Attachment(Media.IMAGE, url="https://minio.example.com/a", ref="M1")
        assert (await channel.fetch_media(here, stored, None)).content == b"bytes"
        assert fetch.calls == [("https://minio.example.com/a", {}, 20 * 1024 * 1024)]
        assert provider.seen == []


@pytest.mark.parametrize("url", [None, "http://minio:9000/a"])
async def test_media_asked_of_the_server(url: str | None) -> None:
    body = {"mimetype": "audio/ogg", "fileName": "v.ogg", "base64": "T2dnUw==", "buffer": None}
    async with serving({"status": 201, "body": body}) as (provider, http):
        fetch = Fetched()
        held = Attachment(Media.VOICE, ref="M1", url=url)
        found = await Evolution(lambda _: http, fetch).fetch_media(link(provider.url), held, "M1")
        assert (found.content, found.mime, found.name) == (b"OggS", "audio/ogg", "v.ogg")
        seen = provider.seen[0]
        assert seen.path == "/chat/getBase64FromMediaMessage/hub-teste"
        assert seen.body == {"message": {"key": {"id": "M1"}}, "convertToMp4": False}
        assert fetch.calls == []


async def test_media_that_is_gone_or_too_large() -> None:
    missing = load("evolution", "out-error-400-media-not-found")["response"]
    async with serving(missing, {"status": 201, "body": {"base64": None}}) as (provider, http):
        channel, here = Evolution(lambda _: http, Fetched()), link(provider.url)
        huge = "A" * (28 * 1024 * 1024)
        for held, code in (
            (Attachment(Media.IMAGE, ref="NOPE"), "media_gone"),
            (Attachment(Media.IMAGE, ref="NOPE"), "media_gone"),
            (Attachment(Media.IMAGE), "media_gone"),
            (Attachment(Media.IMAGE, data="A"), "media_gone"),
            (Attachment(Media.IMAGE, data=huge), "too_large"),
        ):
            with pytest.raises(ChannelError) as caught:
                await channel.fetch_media(here, held, None)
            assert (caught.value.permanent, caught.value.code) == (True, code)
