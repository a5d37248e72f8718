"""The Telegram twin as its clients and its webhook see it."""

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from channels.base import Link
from channels.outbound import Choice
from channels.telegram.send import Telegram
from tests.later import later
from tests.twins.rig import Json, Rig, rig

if TYPE_CHECKING:
    import aiogram
    import aiogram.client.session.aiohttp
    import telegram as ptb
else:
    aiogram, ptb = later("aiogram"), later("telegram")

TOKEN = "110000001:AAFakeFakeFakeFakeFakeFakeFakeFakeX"
ANA = 700000001
UPDATES = ["message", "edited_message", "callback_query", "message_reaction", "my_chat_member"]


async def bot(twins: Rig, method: str, **args: Any) -> tuple[int, Json]:
    """One Bot API call."""
    status, found = await twins.call("POST", f"/telegram/bot{TOKEN}/{method}", args)
    return status, found


async def register(twins: Rig, **more: Any) -> None:
    """With a secret."""
    url = f"{twins.hook.url}/hook"
    status, found = await bot(
        twins, "setWebhook", url=url, secret_token="s3cret", allowed_updates=UPDATES, **more
    )
    assert (status, found["description"]) == (200, "Webhook was set")


async def test_message_arrives_with_the_secret(twins: Rig) -> None:
    await register(twins)
    message_id = await twins.say("telegram", text="/start now")
    (got,) = await twins.hook.wait(1)
    assert got.headers["X-Telegram-Bot-Api-Secret-Token"] == "s3cret"
    assert got.json["message"]["message_id"] == int(message_id)
    assert got.json["message"]["entities"] == [{"offset": 0, "length": 6, "type": "bot_command"}]
    aiogram.types.Update.model_validate(got.json)


@pytest.mark.parametrize(
    "kind",
    [
        *("image", "voice", "audio", "video", "video_note", "animation", "document", "sticker"),
        *("location", "contact"),
    ],
)
async def test_kinds_are_telegram_messages(twins: Rig, kind: str) -> None:
    await register(twins)
    await twins.say("telegram", kind=kind, text="look" if kind == "image" else "", forwarded=True)
    (got,) = await twins.hook.wait(1)
    message = aiogram.types.Update.model_validate(got.json).message
    assert message is not None
    assert getattr(message, "photo" if kind == "image" else kind)
    other = ptb.Update.de_json(got.json, None).message
    assert other is not None and other.message_id == message.message_id


async def test_edit_reaction_button_and_block(twins: Rig) -> None:
    await register(twins)
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    _, sent = await bot(twins, "sendMessage", chat_id=ANA, text="Sure?", reply_markup=markup)
    number = sent["result"]["message_id"]
    first = await twins.say("telegram", text="helo")
    await twins.say("telegram", kind="edit", message_id=first, text="hello")
    await twins.say("telegram", kind="reaction", message_id=number, emoji="👍")
    await twins.say("telegram", kind="button", message_id=number, button={"id": "yes"})
    await twins.say("telegram", kind="block")
    await twins.hook.wait(5)
    found = {next(k for k in g.json if k != "update_id"): g.json for g in twins.hook.got}
    assert found["edited_message"]["edited_message"]["text"] == "hello"
    assert found["message_reaction"]["message_reaction"]["new_reaction"][0]["emoji"] == "👍"
    query = found["callback_query"]["callback_query"]
    assert query["data"] == "yes"
    assert found["my_chat_member"]["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    assert (await bot(twins, "answerCallbackQuery", callback_query_id=query["id"]))[0] == 200
    assert (await bot(twins, "answerCallbackQuery", callback_query_id=query["id"]))[0] == 400
    status, refused = await bot(twins, "sendMessage", chat_id=ANA, text="x")
    assert (status, refused["description"]) == (403, "Forbidden: bot was blocked by the user")


async def test_a_failing_update_blocks_its_chat_only(twins: Rig) -> None:
    await register(twins)
    twins.hook.answers = [web.Response(status=500) for _ in range(3)]
    twins.hook.answers[2].headers["Retry-After"] = "30"
    await twins.say("telegram", messages=[{"text": "one"}, {"text": "two"}])
    got = await twins.hook.wait(5)
    assert [g.json["message"]["text"] for g in got] == ["one"] * 4 + ["two"]
    assert len({g.body for g in got[:4]}) == 1, "a repetition is the same body"
    assert got[3].at - got[2].at > 0.25, "Retry-After is honoured"
    found = await twins.control("telegram/deliveries")
    assert [d["status"] for d in found["deliveries"]] == [500, 500, 500, 200, 200]
    _, info = await bot(twins, "getWebhookInfo")
    expected = "Wrong response from the webhook: 500 Internal Server Error"
    assert info["result"]["last_error_message"] == expected


async def test_updates_wait_for_a_webhook(twins: Rig) -> None:
    await bot(twins, "getMe")
    await twins.say("telegram", text="anyone?")
    await twins.idle()
    assert (await bot(twins, "getWebhookInfo"))[1]["result"]["pending_update_count"] == 1
    _, polled = await bot(twins, "getUpdates")
    assert polled["result"][0]["message"]["text"] == "anyone?"
    await register(twins)
    await twins.hook.wait(1)
    assert (await bot(twins, "getUpdates"))[0] == 409


async def test_the_webhook_may_answer_with_a_call(twins: Rig) -> None:
    await register(twins)
    call = {"method": "sendMessage", "chat_id": ANA, "text": "from the answer"}
    twins.hook.answers = [web.json_response(call)]
    await twins.say("telegram", text="hi")
    await twins.idle()
    assert (await twins.chat("telegram", str(ANA)))[-1]["text"] == "from the answer"


async def test_duplicates_and_concurrency(twins: Rig) -> None:
    await register(twins)
    await twins.say("telegram", text="once", duplicate=3, concurrent=True)
    got = await twins.hook.wait(4)
    assert len({g.json["update_id"] for g in got}) == 1


async def test_edits_replace_and_are_kept(twins: Rig) -> None:
    _, sent = await bot(twins, "sendMessage", chat_id=ANA, text="…")
    target = {"chat_id": ANA, "message_id": sent["result"]["message_id"]}
    for text in ("a", "ab", "abc"):
        _, edited = await bot(twins, "editMessageText", **target, text=text)
        assert edited["result"]["text"] == text
    status, same = await bot(twins, "editMessageText", **target, text="abc")
    assert status == 400 and "message is not modified" in same["description"]
    (message,) = await twins.chat("telegram", str(ANA))
    assert message["text"] == "abc"
    assert [e["text"] for e in message["edits"]] == ["…", "a", "ab"]
    assert (await bot(twins, "deleteMessage", **target))[1]["result"] is True
    assert (await twins.chat("telegram", str(ANA)))[0]["deleted"]


@pytest.mark.parametrize(
    ("text", "mode", "plain", "kinds"),
    [
        ("<b>a</b> &lt;<i>b</i>", "HTML", "a <b", ["bold", "italic"]),
        ('<pre><code class="language-py">x</code></pre>', "HTML", "x", ["pre"]),
        ('<a href="https://a.example">l</a>', "HTML", "l", ["text_link"]),
        ("<blockquote>q</blockquote>", "HTML", "q", ["blockquote"]),
        ("*a* _b_ `c` \\!", "MarkdownV2", "a b c !", ["bold", "italic", "code"]),
        ("[l](https://a.example)", "MarkdownV2", "l", ["text_link"]),
        ("*a* _b_", "Markdown", "a b", ["bold", "italic"]),
    ],
)
async def test_markup(twins: Rig, text: str, mode: str, plain: str, kinds: list[str]) -> None:
    _, sent = await bot(twins, "sendMessage", chat_id=ANA, text=text, parse_mode=mode)
    assert sent["result"]["text"] == plain
    assert [e["type"] for e in sent["result"]["entities"]] == kinds


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"text": "<b>a", "parse_mode": "HTML"}, "can't parse entities: Can't find end tag"),
        ({"text": "<x>a</x>", "parse_mode": "HTML"}, 'Unsupported start tag "x"'),
        ({"text": "a.b", "parse_mode": "MarkdownV2"}, "Character '.' is reserved"),
        ({"text": " "}, "message text is empty"),
        ({"text": "😀" * 2049}, "message is too long"),
        ({"text": "a", "chat_id": 5}, "chat not found"),
        ({"text": "a", "reply_parameters": {"message_id": 9}}, "to be replied not found"),
    ],
)
async def test_refusals(twins: Rig, args: Json, words: str) -> None:
    status, found = await bot(twins, "sendMessage", **{"chat_id": ANA, **args})
    assert status == found["error_code"] == 400
    assert words in found["description"]


@pytest.mark.parametrize(
    ("token", "words"),
    [("bad", "Unauthorized: invalid token specified"), ("11:badbadbad", "Unauthorized")],
)
async def test_tokens(twins: Rig, token: str, words: str) -> None:
    status, found = await twins.call("POST", f"/telegram/bot{token}/getMe", {})
    assert (status, found["description"]) == (401, words)


async def test_named_accounts() -> None:
    async with rig(accounts={"telegram": {"110000001": TOKEN}}) as twins:
        assert (await bot(twins, "getMe"))[0] == 200
        status, _ = await twins.call("GET", "/telegram/bot5:AAAAAAAA/getMe")
        assert status == 401


def served(twins: Rig) -> "aiogram.client.session.aiohttp.AiohttpSession":
    """aiogram's session with the twin as its server."""
    server = aiogram.client.telegram.TelegramAPIServer.from_base(f"{twins.base}/telegram")
    return aiogram.client.session.aiohttp.AiohttpSession(api=server)


async def test_aiogram_is_content(twins: Rig) -> None:
    await twins.say("telegram", kind="voice", file={"base64": base64.b64encode(b"OggS").decode()})
    async with aiogram.Bot(TOKEN, session=served(twins)) as client:
        assert (await client.get_me()).is_bot
        await client.set_webhook(f"{twins.hook.url}/h", secret_token="x", allowed_updates=UPDATES)
        assert (await client.get_webhook_info()).allowed_updates == UPDATES
        keys = aiogram.types.InlineKeyboardMarkup(
            inline_keyboard=[[aiogram.types.InlineKeyboardButton(text="Go", callback_data="go")]]
        )
        sent = await client.send_message(ANA, "<b>hi</b>", parse_mode="HTML", reply_markup=keys)
        assert sent.html_text == "<b>hi</b>"
        await client.edit_message_text("later", chat_id=ANA, message_id=sent.message_id)
        photo = await client.send_photo(ANA, aiogram.types.BufferedInputFile(b"JPEG", "a.jpg"), caption="see")
        assert photo.photo and photo.caption == "see"
        again = await client.send_photo(ANA, photo.photo[-1].file_id)
        assert again.photo
        file = await client.get_file(photo.photo[-1].file_id)
        assert file.file_path is not None
        found = await client.download_file(file.file_path)
        assert found is not None and found.read() == b"JPEG"
        await client.send_chat_action(ANA, "typing")
        assert (await twins.control(f"telegram/chats/{ANA}"))["typing"]
        await client.send_message_draft(ANA, 7, text="<b>so far</b>", parse_mode="HTML")
        draft = (await twins.control(f"telegram/chats/{ANA}"))["draft"]
        assert (draft["id"], draft["text"], draft["entities"][0]["type"]) == (7, "so far", "bold")
        words = ["a ", {"type": "bold", "text": "b"}]
        blocks = [{"type": "heading", "text": "Prices", "size": 1}, {"type": "paragraph", "text": words}]
        rich = aiogram.types.InputRichMessage.model_validate({"blocks": blocks})
        told = await client(aiogram.methods.SendRichMessage(chat_id=ANA, rich_message=rich))
        assert told.rich_message is not None and len(told.rich_message.blocks) == 2
        wrong = {"blocks": [{"type": "heading", "text": {"type": "blinking", "text": "x"}, "size": 1}]}
        assert (await bot(twins, "sendRichMessage", chat_id=ANA, rich_message=wrong))[0] == 400
        with pytest.raises(aiogram.exceptions.TelegramBadRequest, match="chat not found"):
            await client.send_message(1, "x")
        await twins.control("telegram/faults", {"retry_after": 7})
        with pytest.raises(aiogram.exceptions.TelegramRetryAfter) as limited:
            await client.send_message(ANA, "x")
        assert limited.value.retry_after == 7
        await client.delete_webhook()


async def test_python_telegram_bot_is_content(twins: Rig) -> None:
    builder = ptb.Bot(
        TOKEN,
        base_url=f"{twins.base}/telegram/bot",
        base_file_url=f"{twins.base}/telegram/file/bot",
    )
    async with builder as client:
        assert await client.set_webhook(f"{twins.hook.url}/h", secret_token="x")
        sent = await client.send_message(ANA, "*hi*", parse_mode="MarkdownV2")
        assert sent.text == "hi"
        voice = await client.send_voice(ANA, b"OggS", caption="v", duration=2)
        assert voice.voice is not None
        file = await client.get_file(voice.voice.file_id)
        assert bytes(await file.download_as_bytearray()) == b"OggS"
        album = [ptb.InputMediaPhoto(b"one"), ptb.InputMediaPhoto(b"two")]
        sent_album = await client.send_media_group(ANA, album)
        assert len({m.media_group_id for m in sent_album}) == 1
        await client.send_location(ANA, -23.5, -46.6)
        assert await client.set_message_reaction(ANA, sent.message_id, "👍")
        with pytest.raises(ptb.error.BadRequest, match="rong file identifier"):
            await client.send_document(ANA, "nothing")
        await twins.control("telegram/person", {"id": str(ANA), "state": "deactivated"})
        with pytest.raises(ptb.error.Forbidden, match="user is deactivated"):
            await client.send_message(ANA, "x")


async def test_a_lost_answer_was_carried_out(twins: Rig) -> None:
    await twins.control("telegram/faults", {"match": "sendMessage", "drop": "after"})
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await bot(twins, "sendMessage", chat_id=ANA, text="did it arrive?")
    await twins.control("telegram/faults", {"match": "sendMessage", "drop": "before"})
    with pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)):
        await bot(twins, "sendMessage", chat_id=ANA, text="it did not")
    assert [m["text"] for m in await twins.chat("telegram", str(ANA))] == ["did it arrive?"]


async def test_chats_do_not_wait_for_each_other(twins: Rig) -> None:
    await register(twins)
    twins.hook.answers = [web.Response(status=500, headers={"Retry-After": "60"})]
    await twins.say("telegram", text="stuck")
    await twins.hook.wait(1)
    await twins.say("telegram", text="free", person="700000002")
    got = await twins.hook.wait(2)
    assert got[1].json["message"]["text"] == "free"
    await asyncio.sleep(0)


async def test_the_pace_of_a_chat() -> None:
    async with rig(flood=True) as twins:
        assert (await bot(twins, "sendMessage", chat_id=ANA, text="1"))[0] == 200
        status, found = await bot(twins, "sendMessage", chat_id=ANA, text="2")
        assert (status, found["parameters"]) == (429, {"retry_after": 1})


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://hub.example.com/h", "An HTTPS URL must be provided"),
        ("https://hub.example.com:9000/h", "only on ports 80, 88, 443 or 8443"),
        ("ftp://hub.example.com", "invalid webhook URL"),
    ],
)
async def test_webhook_addresses(twins: Rig, url: str, words: str) -> None:
    status, found = await bot(twins, "setWebhook", url=url)
    assert status == 400 and words in found["description"]
    url, secret = f"{twins.hook.url}/h", "not allowed!"
    _, found = await bot(twins, "setWebhook", url=url, secret_token=secret)
    assert "secret token contains unallowed characters" in found["description"]


async def test_what_a_message_of_ours_says_can_be_asked(twins: Rig) -> None:
    """By a button that is put there and taken away: words stay, and what is another's or gone says nothing."""
    await register(twins)
    theirs = await twins.say("telegram", text="hello")
    _, one = await bot(twins, "sendMessage", chat_id=ANA, text="…")
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "yes"}]]}
    _, asked = await bot(twins, "sendMessage", chat_id=ANA, text="Red or blue?", reply_markup=markup)
    channel, link = Telegram(f"{twins.base}/telegram"), Link("i", {"botToken": TOKEN}, "s", "https://hub.example/hook")
    ids = [str(sent["result"]["message_id"]) for sent in (one, asked)]
    try:
        known = {"Red or blue?": [Choice("yes", "Yes")]}
        found = [await channel.words(link, str(ANA), id, known) for id in (*ids, theirs, "999999")]
    finally:
        await channel.close()
    assert found == ["…", "Red or blue?", None, None]
    assert [m["text"] for m in await twins.chat("telegram", str(ANA))] == ["hello", "…", "Red or blue?"]
    _, again = await bot(twins, "editMessageReplyMarkup", chat_id=ANA, message_id=int(ids[0]))
    assert "not modified" in again["description"], "no button is left"
    status, whole = await bot(twins, "editMessageReplyMarkup", chat_id=ANA, message_id=int(ids[1]), reply_markup=markup)
    assert (status, whole["description"].count("not modified")) == (400, 1), "and its own are there again"
