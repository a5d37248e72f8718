"""The Telegram channel: what is asked of the Bot API."""

import mimetypes
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from posixpath import basename
from typing import Any
from urllib.parse import urlsplit

from channels import loose
from channels.base import ChannelError, Download, Hook, Link
from channels.http import down
from channels.inbound import Attachment, Inbound, Media
from channels.outbound import Choice, File, Outbound, Sought, Style
from channels.telegram import files
from channels.telegram.buttons import keyboard, shared
from channels.telegram.calls import Call
from channels.telegram.place import Place, message_number
from channels.telegram.reading import words
from channels.telegram.receive import prove, receive
from channels.telegram.session import FILE_LIMIT, TOKEN, Moved, Session, unreadable

UPDATES = [
    "message",
    "edited_message",
    "callback_query",
    "message_reaction",
    "my_chat_member",
    "channel_post",
]
UPLOAD_TIME = 120
LACKING = 600.0  # seconds for which a server is taken to lack rich messages
# Refusals that may be of the blocks: an older server, a kind of block, a size.
NOT_RICH = frozenset({"no_method", "bad_markup", "too_long", "400", "404", "413"})
NO_PREVIEW = {"is_disabled": True}
GET_ME = Call("getMe", {})
GET_WEBHOOK_INFO = Call("getWebhookInfo", {})

# Makes the call that says a text in a formatting.
Build = Callable[[str, str | None], Call]


class Telegram:
    """Bots of the Telegram Bot API."""

    name = "telegram"
    style = Style("html", 4096, 1024, utf16=True, entities=100, buttons="links", rich=True, albums=10)
    mode = "placeholder_edit"
    echoes = False
    renew = 4.0  # shown for five
    typing_reads = False

    def __init__(self, base: str = "https://api.telegram.org") -> None:
        self._session = Session(base)
        # Until when the server is not asked again for what it does not know.
        self._plain_until = 0.0

    def prove(self, link: Link, headers: Mapping[str, str]) -> None:
        prove(link, headers)

    def vouch(self, link: Link, hook: Hook) -> Sequence[str] | None:
        prove(link, hook.headers)
        return ()

    def receive(self, link: Link, hook: Hook) -> list[Inbound]:
        return receive(link, hook)

    async def send(self, link: Link, out: Outbound) -> str:
        place = Place.of(out.chat, out.reply_to)
        try:
            return await self._send(link, out, place)
        except Moved as e:
            return await self._send(link, out, place.moved(e.chat))
        except ChannelError as e:
            if e.code != "no_topic" or place.thread is None:
                raise
        return await self._send(link, out, place.topless())

    async def find(self, link: Link, out: Outbound, since: datetime) -> Sought:
        """Bots cannot read what they have sent."""
        return Sought(False)

    async def edit(self, link: Link, out: Outbound, message_id: str) -> None:
        if out.file is not None:
            raise ChannelError("A text cannot become a file.", permanent=True, code="bad_file")
        place, number = Place.of(out.chat), message_number(message_id)
        try:
            await self._edit(link, out, place.chat, number)
        except Moved as e:
            # It may have been sent when the group had its new id already.
            await self._edit(link, out, e.chat, number, moved=True)

    async def _edit(
        self, link: Link, out: Outbound, chat: int | str, number: int, *, moved: bool = False
    ) -> None:
        def build(text: str, parse_mode: str | None) -> Call:
            return Call("editMessageText", where | {
                "text": text, "parse_mode": parse_mode, "link_preview_options": NO_PREVIEW,
            })

        where = {"chat_id": chat, "message_id": number, "reply_markup": keyboard(out.choices)}
        try:
            await self._best(link, out, "editMessageText", where, build)
        except Moved:
            if not moved:
                raise
            raise ChannelError(
                "The message stayed in the old group.", permanent=True, code="gone"
            ) from None
        except ChannelError as e:
            if e.code != "not_modified":
                raise

    async def words(
        self, link: Link, chat: str, message_id: str, buttons: Mapping[str, Sequence[Choice]]
    ) -> str | None:
        where = {"chat_id": Place.of(chat).chat, "message_id": message_number(message_id)}
        return await words(lambda call: self._call(link, call, 5), where, buttons)

    async def delete(self, link: Link, chat: str, message_id: str) -> None:
        place, number = Place.of(chat), message_number(message_id)
        try:
            await self._unless_gone(link, _delete(place.chat, number))
        except Moved as e:
            await self._unless_gone(link, _delete(e.chat, number))

    async def typing(self, link: Link, chat: str, message_id: str | None) -> None:
        place = Place.of(chat)
        arguments = {"chat_id": place.chat, "message_thread_id": place.thread, "action": "typing"}
        await self._call(link, Call("sendChatAction", arguments), 5)

    async def seen(self, link: Link, chat: str, message_id: str) -> None:
        """Bots mark nothing as read."""

    def drafts(self, chat: str) -> bool:
        """People's chats have positive ids."""
        return chat.partition(":")[0].isdecimal()

    async def draft(
        self, link: Link, chat: str, number: int, text: str, plain: str, rich: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        place = Place.of(chat)
        where = {"chat_id": place.chat, "message_thread_id": place.thread, "draft_id": number}
        if await self._enriched(link, "sendRichMessageDraft", where, rich, 5) is not None:
            return

        def build(said: str, parse_mode: str | None) -> Call:
            return Call("sendMessageDraft", {**where, "text": said, "parse_mode": parse_mode if said else None})

        await self._formatted(link, Outbound(chat, "", text, plain), build, 5)

    async def react(self, link: Link, chat: str, message_id: str, emoji: str) -> None:
        # Telegram's signs have no mark of how they are drawn.
        signs = [{"type": "emoji", "emoji": emoji.replace("\ufe0f", "")}] if emoji else []
        where = {"chat_id": Place.of(chat).chat, "message_id": message_number(message_id)}
        await self._call(link, Call("setMessageReaction", where | {"reaction": signs}), 5)

    async def acknowledge(self, link: Link, callback: str) -> None:
        await self._unless_gone(link, Call("answerCallbackQuery", {"callback_query_id": callback}))

    async def register(self, link: Link) -> str | None:
        """The handle is the bot's username: without it `receive` cannot tell who is mentioned."""
        me = await self._object(link, GET_ME)
        arguments = {"url": link.webhook_url, "secret_token": link.proof, "allowed_updates": UPDATES}
        await self._call(link, Call("setWebhook", arguments))
        return loose.text(me.get("username"))

    async def unregister(self, link: Link) -> None:
        try:
            url = loose.text((await self._object(link, GET_WEBHOOK_INFO)).get("url"))
            # Another system may have taken the bot over; its webhook is not ours to remove.
            if not url or urlsplit(url).path == urlsplit(link.webhook_url).path:
                await self._call(link, Call("deleteWebhook", {"drop_pending_updates": False}))
        except ChannelError as e:
            if e.code != "unauthorized":  # a revoked token has no webhook
                raise

    async def greet(
        self, link: Link, openers: Sequence[str], commands: Sequence[Sequence[str]], *, again: bool
    ) -> bool:
        """The menu of commands; one that the business made with BotFather stays."""
        listed = [{"command": name, "description": words} for name, words in commands]
        if not again and (shown := await self._call(link, Call("getMyCommands", {}))):
            # Ours, where the answer to setting them was lost.
            return bool(shown == listed)
        if not commands:
            await self._call(link, Call("deleteMyCommands", {}))
            return False
        await self._call(link, Call("setMyCommands", {"commands": listed}))
        return True

    async def alive(self, link: Link) -> bool:
        try:
            await self._call(link, GET_ME, 5)
        except ChannelError as e:
            return not down(e)
        return True

    async def check(self, link: Link) -> str:
        me = await self._object(link, GET_ME)
        info = await self._object(link, GET_WEBHOOK_INFO)
        return report(loose.text(me.get("username")) or str(loose.number(me.get("id"))), info, link)

    async def fetch_media(
        self, link: Link, attachment: Attachment, message_id: str | None
    ) -> Download:
        if not attachment.ref:
            raise ChannelError("There is no file to fetch.", permanent=True, code="gone")
        if (attachment.size or 0) > FILE_LIMIT:
            raise ChannelError("The file is larger than 20 MB.", permanent=True, code="too_large")
        path = loose.text((await self._object(link, Call("getFile", {"file_id": attachment.ref}))).get("file_path"))
        if not path:
            raise ChannelError("Telegram gave no path to the file.", code="gone")
        content = await self._session.download(_token(link), path)
        # Telegram calls every download a stream of octets.
        mime = attachment.mime or mimetypes.guess_type(path)[0] or "application/octet-stream"
        return Download(content, mime, attachment.name or basename(path) or None)

    async def close(self) -> None:
        await self._session.close()

    async def _send(self, link: Link, out: Outbound, place: Place) -> str:
        file = out.file
        if out.spot or out.card:
            return _number(await self._call(link, shared(out, place)))
        if file is not None and out.album:
            return await self._album(link, out, place, (file, *out.album))
        if file is None:
            where = place.arguments() | {"reply_markup": keyboard(out.choices)}
            return _number(await self._best(link, out, "sendRichMessage", where, _text(place, out.choices)))
        try:
            return await self._sent(link, out, _file(file, place), UPLOAD_TIME)
        except ChannelError as e:
            if e.code != "bad_kind":
                raise
            # A picture of odd proportions, or a person who takes no voice messages.
            plain = replace(file, media=Media.DOCUMENT)
            return await self._sent(link, out, _file(plain, place), UPLOAD_TIME)

    async def _album(self, link: Link, out: Outbound, place: Place, listed: Sequence[File]) -> str:
        """The id of its first message."""
        def build(text: str, parse_mode: str | None) -> Call:
            return files.album(listed, place, text, parse_mode)

        made = await self._formatted(link, out, build, UPLOAD_TIME)
        return _number(made[0] if isinstance(made, list) and made else made)

    async def _sent(self, link: Link, out: Outbound, build: Build, seconds: int | None = None) -> str:
        """The id of the message that was made."""
        return _number(await self._formatted(link, out, build, seconds))

    async def _best(self, link: Link, out: Outbound, method: str, where: Mapping[str, Any], build: Build) -> Any:
        """As a rich message where there is one, and as HTML when Telegram does not take it."""
        made = await self._enriched(link, method, where, out.rich)
        return made if made is not None else await self._formatted(link, out, build)

    async def _enriched(
        self, link: Link, method: str, where: Mapping[str, Any], rich: Sequence[Mapping[str, Any]],
        seconds: int | None = None,
    ) -> Any:
        """What was made of blocks, None where there are none or they are not taken. A server that does not know them is
        not asked again with every heading."""
        if not rich or time.monotonic() < self._plain_until:
            return None
        try:
            return await self._call(link, Call(method, {**where, "rich_message": {"blocks": list(rich)}}), seconds)
        except ChannelError as e:
            if not e.permanent or e.code not in NOT_RICH:
                raise
            if e.code == "no_method":
                self._plain_until = time.monotonic() + LACKING
        return None

    async def _formatted(self, link: Link, out: Outbound, build: Build, seconds: int | None = None) -> Any:
        """Send as HTML, and once more without any when Telegram cannot read ours."""
        try:
            return await self._call(link, build(_clean(out.text), "HTML"), seconds)
        except ChannelError as e:
            if e.code != "bad_markup":
                raise
        return await self._call(link, build(_clean(out.plain or out.text), None), seconds)

    async def _unless_gone(self, link: Link, call: Call) -> None:
        try:
            await self._call(link, call)
        except ChannelError as e:
            if e.code != "gone":
                raise

    async def _call(self, link: Link, call: Call, seconds: int | None = None) -> Any:
        return await self._session.call(_token(link), call, seconds)

    async def _object(self, link: Link, call: Call) -> dict[str, Any]:
        """The result of a question that has an object for an answer."""
        found = await self._call(link, call)
        if not isinstance(found, dict):
            raise unreadable(200, safe=True)
        return found


def _token(link: Link) -> str:
    token = link.settings.get("botToken", "")
    if not TOKEN.fullmatch(token):
        raise ChannelError("This is not a bot token.", permanent=True, code="unauthorized")
    return token


def report(name: str, info: Mapping[str, Any], link: Link) -> str:
    """The state of the webhook in plain words."""
    url = loose.text(info.get("url"))
    if not url:
        raise ChannelError(f"@{name} is reachable, but has no webhook.", code="no_webhook")
    if url != link.webhook_url:
        raise ChannelError(
            f"@{name} is reachable, but its webhook points to another address.",
            code="webhook_elsewhere",
        )
    waiting = loose.number(info.get("pending_update_count")) or 0
    said = [f"Connected as @{name}, webhook set, {waiting} updates waiting."]
    problem, at = loose.text(info.get("last_error_message")), loose.moment(info.get("last_error_date"))
    if problem and at:
        problem = problem.replace(link.secret, "***").replace(link.proof, "***")[:200]
        said.append(f"The last failed delivery was at {at:%Y-%m-%d %H:%M:%S} UTC: {problem}.")
    return " ".join(said)


def _delete(chat: int | str, number: int) -> Call:
    return Call("deleteMessage", {"chat_id": chat, "message_id": number})


def _number(made: Any) -> str:
    number = made.get("message_id") if isinstance(made, dict) else None
    if type(number) is not int:  # True is an int as well
        raise unreadable(200, safe=False)
    return str(number)


def _text(place: Place, choices: Sequence[Choice] = ()) -> Build:
    def build(text: str, parse_mode: str | None) -> Call:
        rest = {
            "text": text, "parse_mode": parse_mode, "link_preview_options": NO_PREVIEW,
            "reply_markup": keyboard(choices),
        }
        return Call("sendMessage", place.arguments() | rest)

    return build


def _file(file: File, place: Place) -> Build:
    def build(text: str, parse_mode: str | None) -> Call:
        return files.method(file, place, text, parse_mode)

    return build


def _clean(text: str) -> str:
    """Without lone surrogates, which have no UTF-8."""
    return text.encode("utf-8", "replace").decode()
