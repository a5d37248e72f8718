"""What we ask of Kapso, and what its answers mean."""

from dataclasses import replace
from typing import Any

import pytest

from channels.base import ChannelError, Link
from channels.inbound import Attachment, Media
from channels.kapso import Kapso
from channels.outbound import File, Outbound
from tests.channels.replay import Fetched, Seen, check_call, load, serving

CHAT = "5511999990000"
HANDLE = "9e8d7c6b-0000-4000-8000-000000000001"
SENT = "wamid.HBgNNTUxMTk5OTk5MDAwMBUCABIYFEZBS0800001AA=="
LINK = Link(
    "link",
    {
        "apiKey": "FAKE_KAPSO_API_KEY",
        "phoneNumberId": "100000000000001",
        "webhookSecretKey": "fake-kapso-webhook-secret-0001",
    },
    "path-secret",
    "https://hub.example.com/webhooks/kapso/t1",
)
KNOWN = replace(LINK, handle=HANDLE)
TEXT = Outbound(CHAT, "", text="Olá Ana! Como posso ajudar?")
OK = load("kapso", "out-send-text")["response"]
UPLOADED = load("kapso", "out-upload-media")["response"]


def with_file(media: Media, mime: str, name: str, **more: Any) -> Outbound:
    words = more.pop("text", "")
    return Outbound(CHAT, "", text=words, file=File(media, mime, name, **more))


async def send(out: Outbound, *answers: dict[str, Any]) -> tuple[str, list[Seen]]:
    async with serving(*answers) as (provider, http):
        found = await Kapso(http, Fetched(), provider.url + "/").send(LINK, out)
        return found, provider.seen


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("out-send-text", TEXT),
        ("out-send-text-callback-data", replace(TEXT, key="hub-msg-42")),
        (
            "out-send-image-url",
            with_file(
                Media.IMAGE,
                "image/jpeg",
                "a.jpg",
                url="https://cdn.example.com/a.jpg",
                text="Produto",
            ),
        ),
        (
            "out-send-audio-url",
            with_file(Media.AUDIO, "audio/mpeg", "a.mp3", url="https://cdn.example.com/a.mp3"),
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
            "out-send-template-paused",
            replace(TEXT, template="retomar_conversa", language="pt-BR"),
        ),
    ],
)
async def test_send(name: str, out: Outbound) -> None:
    case = load("kapso", name)
    found, [seen] = await send(out, case["response"])
    check_call(seen, case["request"])
    assert found == SENT


async def test_voice_is_uploaded_first() -> None:
    upload, sending = load("kapso", "out-upload-media"), load("kapso", "out-send-voice-id")
    voice = with_file(Media.VOICE, "audio/ogg; codecs=opus", "v.ogg", content=b"OggS")
    found, [first, second] = await send(voice, upload["response"], sending["response"])
    check_call(first, upload["request"])
    check_call(second, sending["request"])
    assert found == SENT


async def test_image_is_uploaded_first() -> None:
    sending = load("kapso", "out-send-image-id")
    image = with_file(Media.IMAGE, "image/png", "a.png", content=b"x", text="Produto")
    uploaded = {"status": 200, "body": {"id": "300000000000010"}}
    _, [_, seen] = await send(image, uploaded, sending["response"])
    check_call(seen, sending["request"])


async def test_voice_in_another_format_is_plain_sound() -> None:
    _, [_, seen] = await send(
        with_file(Media.VOICE, "audio/mpeg", "v.mp3", content=b"ID3", text="oi"), UPLOADED, OK
    )
    assert seen.body["audio"] == {"id": "300000000000011"}


async def test_reply() -> None:
    _, [seen] = await send(replace(TEXT, reply_to="wamid.Q"), OK)
    assert seen.body["context"] == {"message_id": "wamid.Q"}


@pytest.mark.parametrize(
    ("chat", "receiver"),
    [
        ("+55 11 99999-0000", {"recipient_type": "individual", "to": CHAT}),
        ("BR.1000000001", {"recipient_type": "individual", "recipient": "BR.1000000001"}),
        ("Y2FwaV9ncm91cDpGQUtF", {"recipient_type": "group", "to": "Y2FwaV9ncm91cDpGQUtF"}),
    ],
)
async def test_receivers(chat: str, receiver: dict[str, str]) -> None:
    _, [seen] = await send(replace(TEXT, chat=chat), OK)
    named = {k: seen.body[k] for k in ("recipient_type", "to", "recipient") if k in seen.body}
    assert named == receiver


async def test_nobody_or_nothing_to_send_to() -> None:
    for out, code in (
        (replace(TEXT, chat="@ana.teste"), "no_address"),
        (with_file(Media.LOCATION, "x/y", "z", url="https://x.example.com"), "unsupported"),
    ):
        with pytest.raises(ChannelError) as caught:
            await send(out)
        assert (caught.value.permanent, caught.value.code) == (True, code)


@pytest.mark.parametrize(
    ("name", "permanent", "code", "wait"),
    [
        ("24h-window", True, "window_closed", None),
        ("100-param", True, "bad_request", None),
        ("100-upload-type", True, "bad_request", None),
        ("130429-rate", False, "rate_limited", 10),
        ("130429-rate-http429", False, "rate_limited", 10),
        ("131016-unavailable", False, "131016", 5),
        ("131056-pair-rate", False, "rate_limited", 6),
        ("132001-template-missing", True, "template", None),
        ("190-token", True, "unauthorized", None),
        ("401-kapso", True, "unauthorized", None),
        ("404-kapso", True, "not_found", None),
        ("409-in-flight", False, "in_flight", 3),
    ],
)
async def test_refusals(name: str, permanent: bool, code: str, wait: float | None) -> None:
    with pytest.raises(ChannelError) as caught:
        await send(TEXT, load("kapso", f"out-error-{name}")["response"])
    error = caught.value
    assert (error.permanent, error.code, error.retry_after) == (permanent, code, wait)
    assert not error.ambiguous
    assert "FAKE" not in str(error)


@pytest.mark.parametrize(
    ("answer", "permanent", "wait"),
    [
        ({"status": 429, "body": None, "headers": {"Retry-After": "30"}}, False, 30),
        ({"status": 500, "body": {"error": {"message": "boom"}}}, False, None),
        ({"status": 503, "body": {"error": {"code": 424242}}}, False, None),
        ({"status": 400, "body": {"error": {"code": 424242}}}, True, None),
        ({"status": 422, "body": {"error": "no"}}, True, None),
    ],
)
async def test_other_refusals(answer: Any, permanent: bool, wait: float | None) -> None:
    with pytest.raises(ChannelError) as caught:
        await send(TEXT, answer)
    assert (caught.value.permanent, caught.value.retry_after) == (permanent, wait)


async def test_gateway_may_have_sent_a_message_but_not_an_upload() -> None:
    voice = with_file(Media.VOICE, "audio/ogg", "v.ogg", content=b"OggS")
    for out, ambiguous in ((TEXT, True), (voice, False)):
        with pytest.raises(ChannelError) as caught:
            await send(out, {"status": 504, "body": None})
        assert caught.value.ambiguous is ambiguous


async def test_typing() -> None:
    case = load("kapso", "out-mark-read-typing")
    async with serving(case["response"]) as (provider, http):
        channel = Kapso(http, Fetched(), provider.url)
        await channel.typing(LINK, CHAT, None)
        await channel.typing(LINK, CHAT, case["request"]["body"]["message_id"])
        [seen] = provider.seen
        check_call(seen, case["request"])


async def test_nothing_sent_can_be_changed() -> None:
    async with serving() as (provider, http):
        channel = Kapso(http, Fetched(), provider.url)
        for attempt in (channel.edit(LINK, TEXT, SENT), channel.delete(LINK, CHAT, SENT)):
            with pytest.raises(ChannelError) as caught:
                await attempt
            assert (caught.value.permanent, caught.value.code) == (True, "unsupported")


async def test_register_creates_and_then_updates() -> None:
    create, update = load("kapso", "out-create-webhook"), load("kapso", "out-update-webhook")
    async with serving(create["response"], update["response"]) as (provider, http):
        channel = Kapso(http, Fetched(), provider.url)
        assert await channel.register(LINK) == HANDLE
        assert await channel.register(KNOWN) == HANDLE
        first, second = provider.seen
        check_call(first, {**create["request"], "body": first.body})
        check_call(second, {**update["request"], "body": first.body})
        hook, asked = (
            first.body["whatsapp_webhook"],
            create["request"]["body"]["whatsapp_webhook"],
        )
        for name in ("url", "secret_key", "active", "kind", "payload_version"):
            assert hook[name] == asked[name]
        assert set(asked["events"]) < set(hook["events"])
        assert hook["buffer_enabled"] is False


async def test_register_signs_with_our_secret_when_no_key_is_set() -> None:
    settings = {k: v for k, v in LINK.settings.items() if k != "webhookSecretKey"}
    async with serving(load("kapso", "out-create-webhook")["response"]) as (provider, http):
        await Kapso(http, Fetched(), provider.url).register(replace(LINK, settings=settings))
        assert provider.seen[0].body["whatsapp_webhook"]["secret_key"] == "path-secret"


async def test_register_again_when_the_webhook_was_removed() -> None:
    gone = load("kapso", "out-error-404-kapso")["response"]
    async with serving(gone, {"status": 201, "body": {"data": {"id": "new"}}}) as (provider, http):
        assert await Kapso(http, Fetched(), provider.url).register(KNOWN) == "new"


async def test_unregister() -> None:
    case = load("kapso", "out-delete-webhook")
    gone = load("kapso", "out-error-404-kapso")["response"]
    async with serving(case["response"], gone) as (provider, http):
        channel = Kapso(http, Fetched(), provider.url)
        await channel.unregister(LINK)
        await channel.unregister(KNOWN)
        await channel.unregister(KNOWN)
        assert len(provider.seen) == 2
        check_call(provider.seen[0], case["request"])


NUMBER = {"status": 200, "body": {"data": {"display_phone_number": "+55 11 98888-0000"}}}


async def test_check() -> None:
    hook = {"status": 200, "body": {"data": {"active": True, "url": LINK.webhook_url}}}
    async with serving(NUMBER, NUMBER, hook) as (provider, http):
        channel = Kapso(http, Fetched(), provider.url)
        assert "no webhook" in await channel.check(LINK)
        words = await channel.check(KNOWN)
        assert words == "Kapso knows +55 11 98888-0000, the webhook points here."
        assert provider.seen[0].path == "/platform/v1/whatsapp/phone_numbers/100000000000001"
        assert provider.seen[2].path.endswith(f"/100000000000001/webhooks/{HANDLE}")


@pytest.mark.parametrize(
    "hook", [{"active": False, "url": LINK.webhook_url}, {"active": True, "url": "https://other"}]
)
async def test_check_finds_trouble(hook: dict[str, Any]) -> None:
    async with serving(NUMBER, {"status": 200, "body": {"data": hook}}) as (provider, http):
        with pytest.raises(ChannelError) as caught:
            await Kapso(http, Fetched(), provider.url).check(KNOWN)
        assert caught.value.code == "webhook"


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("https://api.kapso.ai/media/a", {"X-API-Key": "FAKE_KAPSO_API_KEY"}),
        ("https://files.kapso.ai/media/a", {"X-API-Key": "FAKE_KAPSO_API_KEY"}),
        ("https://lookaside.fbsbx.com/a", {}),
        ("https://kapso.ai.example.com/a", {}),
        ("https://notkapso.ai/a", {}),
        ("https://api.kapso.ai@example.com/a", {}),
    ],
)
async def test_the_key_goes_to_kapso_only(url: str, headers: dict[str, str]) -> None:
    async with serving() as (provider, http):
        fetch = Fetched()
        held = Attachment(Media.IMAGE, url=url, mime="image/jpeg", name="a.jpg")
        found = await Kapso(http, fetch, "https://api.kapso.ai").fetch_media(LINK, held, None)
        assert (found.content, found.mime, found.name) == (b"bytes", "image/jpeg", "a.jpg")
        assert fetch.calls == [(url, headers, 20 * 1024 * 1024)]


async def test_media_by_id() -> None:
    case = load("kapso", "out-get-media")
    async with serving(case["response"]) as (provider, http):
        fetch = Fetched()
        held = Attachment(Media.VOICE, ref="300000000000003")
        await Kapso(http, fetch, provider.url).fetch_media(LINK, held, None)
        check_call(provider.seen[0], case["request"])
        assert fetch.calls[0][0] == case["response"]["body"]["download_url"]


async def test_media_by_id_when_the_address_has_expired() -> None:
    async with serving(load("kapso", "out-get-media")["response"]) as (provider, http):
        expired = ChannelError("expired", permanent=True, code="404")
        fetch = Fetched(errors=[expired])
        held = Attachment(Media.VOICE, ref="300000000000003", url="https://api.kapso.ai/media/a")
        found = await Kapso(http, fetch, provider.url).fetch_media(LINK, held, None)
        assert found.content == b"bytes"
        assert len(fetch.calls) == 2


async def test_media_that_is_gone() -> None:
    async with serving({"status": 200, "body": {}}) as (provider, http):
        channel = Kapso(http, Fetched(), provider.url)
        for held in (
            Attachment(Media.VOICE, ref="300000000000003"),
            Attachment(Media.VOICE),
            Attachment(Media.VOICE, url="http://files.example.com/a"),
        ):
            with pytest.raises(ChannelError) as caught:
                await channel.fetch_media(LINK, held, None)
            assert (caught.value.permanent, caught.value.code) == (True, "media_gone")
