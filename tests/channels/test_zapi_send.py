"""What we ask of Z-API, and what its answers mean."""

from dataclasses import replace
from typing import Any

import pytest

from channels.base import ChannelError, Link
from channels.inbound import Attachment, Media
from channels.outbound import File, Outbound
from channels.zapi import ZApi
from tests.channels.replay import Fetched, Seen, check_call, load, serving

CHAT = "5511999990000"
LINK = Link(
    "link",
    {
        "instanceId": "3FAKE000INSTANCE000000000000FAKE",
        "instanceToken": "FAKEINSTANCETOKEN000000000000001",
        "clientToken": "Ffakeclienttoken00000000000000000S",
    },
    "path-secret",
    "https://hub.example.com/webhooks/zapi/i1/secret",
)
TEXT = Outbound(CHAT, "key", text="Olá Ana! Como posso ajudar?")
SENT = {"status": 200, "body": {"messageId": "3EB0AAAAAAAAAAAAAAAA02"}}


def with_file(media: Media, mime: str, name: str, **more: Any) -> Outbound:
    words = more.pop("text", "")
    return Outbound(CHAT, "key", text=words, file=File(media, mime, name, **more))


async def send(out: Outbound, answer: dict[str, Any]) -> tuple[str, Seen]:
    async with serving(answer) as (provider, http):
        found = await ZApi(http, Fetched(), provider.url + "/").send(LINK, out)
        return found, provider.seen[0]


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("out-send-text", TEXT),
        ("out-send-text-reply", replace(TEXT, reply_to="3EB00001FAKE00000001")),
        ("out-send-text-lid", replace(TEXT, chat="181234567890123@lid")),
        ("out-send-text-group", replace(TEXT, chat="120363040000000001-group")),
        (
            "out-send-text-formatted",
            replace(TEXT, text="*negrito* _itálico_ ~riscado~ ```mono```\nlinha 2"),
        ),
        (
            "out-send-audio-base64",
            with_file(Media.VOICE, "audio/ogg; codecs=opus", "v.ogg", content=b"OggS"),
        ),
        (
            "out-send-document-url",
            with_file(
                Media.DOCUMENT,
                "application/pdf",
                "nota.pdf",
                url="https://cdn.example.com/a.pdf",
                text="Nota",
            ),
        ),
        (
            "out-send-video-url",
            with_file(
                Media.VIDEO, "video/mp4", "a.mp4", url="https://cdn.example.com/a.mp4", text="Vídeo"
            ),
        ),
    ],
)
async def test_send(name: str, out: Outbound) -> None:
    case = load("zapi", name)
    found, seen = await send(out, case["response"])
    check_call(seen, case["request"])
    assert found == "3EB0AAAAAAAAAAAAAAAA02"


@pytest.mark.parametrize(
    ("media", "mime", "path", "body"),
    [
        (Media.IMAGE, "image/png", "send-image", {"image": "data:image/png;base64,YWI="}),
        (Media.STICKER, "image/webp", "send-sticker", {"sticker": "data:image/webp;base64,YWI="}),
        (
            Media.DOCUMENT,
            "text/csv",
            "send-document/csv",
            {"document": "data:text/csv;base64,YWI=", "fileName": "conta"},
        ),
    ],
)
async def test_send_content(media: Media, mime: str, path: str, body: dict[str, Any]) -> None:
    _, seen = await send(with_file(media, mime, "conta", content=b"ab"), SENT)
    assert seen.path.endswith(f"/token/FAKEINSTANCETOKEN000000000000001/{path}")
    assert seen.body == {"phone": CHAT, **body}


async def test_no_client_token_no_header() -> None:
    bare = replace(LINK, settings={k: v for k, v in LINK.settings.items() if k != "clientToken"})
    async with serving(SENT) as (provider, http):
        await ZApi(http, Fetched(), provider.url).send(bare, TEXT)
        assert "Client-Token" not in provider.seen[0].headers


async def test_edit() -> None:
    case = load("zapi", "out-send-text-edit")
    async with serving(case["response"]) as (provider, http):
        channel = ZApi(http, Fetched(), provider.url)
        await channel.edit(LINK, replace(TEXT, text="Corrigido"), "3EB0AAAAAAAAAAAAAAAA02")
        check_call(provider.seen[0], case["request"])


async def test_delete() -> None:
    case = load("zapi", "out-delete-message")
    async with serving(case["response"]) as (provider, http):
        await ZApi(http, Fetched(), provider.url).delete(LINK, CHAT, "3EB0AAAAAAAAAAAAAAAA02")
        check_call(provider.seen[0], case["request"])


async def test_typing_marks_as_read() -> None:
    case = load("zapi", "out-read-message")
    async with serving(case["response"]) as (provider, http):
        channel = ZApi(http, Fetched(), provider.url)
        await channel.typing(LINK, CHAT, None)
        await channel.typing(LINK, CHAT, "3EB00001FAKE00000001")
        [seen] = provider.seen
        check_call(seen, case["request"])


async def test_register_asks_for_our_own_messages_too() -> None:
    case = load("zapi", "out-webhook-every")
    async with serving(case["response"], case["response"]) as (provider, http):
        channel = ZApi(http, Fetched(), provider.url)
        await channel.register(LINK)
        await channel.unregister(LINK)
        body = {"value": LINK.webhook_url, "notifySentByMe": True}
        check_call(provider.seen[0], {**case["request"], "body": body})
        assert provider.seen[1].body["value"] == ""


async def test_register_refused() -> None:
    async with serving({"status": 200, "body": {"value": False}}) as (provider, http):
        with pytest.raises(ChannelError, match="webhook"):
            await ZApi(http, Fetched(), provider.url).register(LINK)


async def test_check() -> None:
    case = load("zapi", "out-status")
    me = {"status": 200, "body": {"receivedCallbackUrl": LINK.webhook_url, "token": "secret"}}
    async with serving(case["response"], me) as (provider, http):
        words = await ZApi(http, Fetched(), provider.url).check(LINK)
        check_call(provider.seen[0], case["request"])
        assert words == "Connected to WhatsApp, the webhook points here."


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([load("zapi", "out-status-disconnected")["response"]], "disconnected"),
        (
            [
                load("zapi", "out-status")["response"],
                {"status": 200, "body": {"receivedCallbackUrl": "https://other.example.com"}},
            ],
            "webhook",
        ),
    ],
)
async def test_check_finds_trouble(answers: list[dict[str, Any]], code: str) -> None:
    async with serving(*answers) as (provider, http):
        with pytest.raises(ChannelError) as caught:
            await ZApi(http, Fetched(), provider.url).check(LINK)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("name", "permanent", "code"),
    [
        ("out-error-not-sent", False, "not_sent"),
        ("out-error-429", False, "rate_limited"),
        ("out-error-client-token-missing", True, "client_token"),
        ("out-error-client-token-null", True, "client_token"),
        ("out-error-ip", True, "forbidden"),
        ("out-error-405", True, "405"),
        ("out-error-415", True, "415"),
        ("out-chat-messages-unsupported", True, "400"),
    ],
)
async def test_refusals(name: str, permanent: bool, code: str) -> None:
    with pytest.raises(ChannelError) as caught:
        await send(TEXT, load("zapi", name)["response"])
    error = caught.value
    assert (error.permanent, error.code, error.ambiguous) == (permanent, code, False)
    assert (error.retry_after is not None) == (code == "rate_limited")


async def test_refusal_never_repeats_the_token() -> None:
    answer = {"status": 403, "body": {"error": "Client-Token Ffakeclient not allowed"}}
    with pytest.raises(ChannelError) as caught:
        await send(TEXT, answer)
    assert "Ffake" not in str(caught.value)
    assert caught.value.permanent


@pytest.mark.parametrize(("status", "ambiguous"), [(500, False), (503, False), (504, True)])
async def test_server_errors(status: int, ambiguous: bool) -> None:
    with pytest.raises(ChannelError) as caught:
        await send(TEXT, {"status": status, "body": None})
    assert (caught.value.permanent, caught.value.ambiguous) == (False, ambiguous)


async def test_nothing_to_send() -> None:
    for out in (
        replace(TEXT, template="retomar"),
        with_file(Media.LOCATION, "x/y", "z", content=b"a"),
        with_file(Media.IMAGE, "image/png", "a.png"),
    ):
        with pytest.raises(ChannelError) as caught:
            await send(out, SENT)
        assert caught.value.permanent


async def test_fetch_media() -> None:
    async with serving() as (provider, http):
        fetch = Fetched()
        channel = ZApi(http, fetch, provider.url)
        place = Attachment(Media.IMAGE, url="https://files.example.com/a", mime="image/jpeg")
        found = await channel.fetch_media(LINK, place, "M")
        assert (found.content, found.mime, found.name) == (b"bytes", "image/jpeg", "served.bin")
        assert fetch.calls == [("https://files.example.com/a", {}, 20 * 1024 * 1024)]
        for broken in (
            replace(place, url=None),
            replace(place, error="Failed to download media"),
            replace(place, url="http://files.example.com/a"),
        ):
            with pytest.raises(ChannelError) as caught:
                await channel.fetch_media(LINK, broken, "M")
            assert (caught.value.code, caught.value.permanent) == ("media_gone", True)
