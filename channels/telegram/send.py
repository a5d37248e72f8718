"""The Telegram channel: calls to the Bot API through aiogram."""

import mimetypes
from collections import OrderedDict
from dataclasses import replace
from posixpath import basename
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from aiogram import Bot
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessage,
    DeleteWebhook,
    EditMessageText,
    GetFile,
    GetMe,
    GetWebhookInfo,
    SendChatAction,
    SendMessage,
    SetWebhook,
    TelegramMethod,
)
from aiogram.types import LinkPreviewOptions, Message, WebhookInfo

from channels.base import (
    Attachment,
    ChannelError,
    Download,
    File,
    Hook,
    Inbound,
    Link,
    Media,
    Outbound,
    Style,
)
from channels.http import down
from channels.telegram import files
from channels.telegram.place import Place, message_number
from channels.telegram.receive import receive
from channels.telegram.session import FILE_LIMIT, TOKEN, Moved, Session

UPDATES = [
    "message",
    "edited_message",
    "callback_query",
    "message_reaction",
    "my_chat_member",
    "channel_post",
]
BOTS = 1000  # each is a small object; the connections are shared
UPLOAD_TIME = 120
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

T = TypeVar("T")


class Build(Protocol[T]):
    """Makes the call that says a text in a formatting."""

    def __call__(self, text: str, parse_mode: str | None) -> TelegramMethod[T]: ...


class Telegram:
    """Bots of the Telegram Bot API."""

    name = "telegram"
    style = Style("html", 4096, 1024, utf16=True, entities=100)
    mode = "placeholder_edit"

    def __init__(self, base: str = "https://api.telegram.org") -> None:
        self._session = Session(base)
        self._bots: OrderedDict[str, Bot] = OrderedDict()

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
        def build(text: str, parse_mode: str | None) -> TelegramMethod[Message | bool]:
            return EditMessageText(
                chat_id=chat,
                message_id=number,
                text=text,
                parse_mode=parse_mode,
                link_preview_options=NO_PREVIEW,
            )

        try:
            await self._formatted(link, out, build)
        except Moved:
            if not moved:
                raise
            raise ChannelError(
                "The message stayed in the old group.", permanent=True, code="gone"
            ) from None
        except ChannelError as e:
            if e.code != "not_modified":
                raise

    async def delete(self, link: Link, chat: str, message_id: str) -> None:
        place, number = Place.of(chat), message_number(message_id)
        try:
            await self._unless_gone(link, DeleteMessage(chat_id=place.chat, message_id=number))
        except Moved as e:
            await self._unless_gone(link, DeleteMessage(chat_id=e.chat, message_id=number))

    async def typing(self, link: Link, chat: str, message_id: str | None) -> None:
        place = Place.of(chat)
        action = SendChatAction(chat_id=place.chat, message_thread_id=place.thread, action="typing")
        await self._call(link, action, 5)

    async def acknowledge(self, link: Link, callback: str) -> None:
        await self._unless_gone(link, AnswerCallbackQuery(callback_query_id=callback))

    async def register(self, link: Link) -> str | None:
        """The handle is the bot's username: without it `receive` cannot tell who is mentioned."""
        me = await self._call(link, GetMe())
        await self._call(
            link,
            SetWebhook(url=link.webhook_url, secret_token=link.secret, allowed_updates=UPDATES),
        )
        return me.username

    async def unregister(self, link: Link) -> None:
        try:
            info = await self._call(link, GetWebhookInfo())
            # Another system may have taken the bot over; its webhook is not ours to remove.
            if not info.url or urlsplit(info.url).path == urlsplit(link.webhook_url).path:
                await self._call(link, DeleteWebhook(drop_pending_updates=False))
        except ChannelError as e:
            if e.code != "unauthorized":  # a revoked token has no webhook
                raise

    async def alive(self, link: Link) -> bool:
        try:
            await self._call(link, GetMe(), 5)
        except ChannelError as e:
            return not down(e)
        return True

    async def check(self, link: Link) -> str:
        me = await self._call(link, GetMe())
        info = await self._call(link, GetWebhookInfo())
        return report(me.username or str(me.id), info, link)

    async def fetch_media(
        self, link: Link, attachment: Attachment, message_id: str | None
    ) -> Download:
        if not attachment.ref:
            raise ChannelError("There is no file to fetch.", permanent=True, code="gone")
        if (attachment.size or 0) > FILE_LIMIT:
            raise ChannelError("The file is larger than 20 MB.", permanent=True, code="too_large")
        path = (await self._call(link, GetFile(file_id=attachment.ref))).file_path
        if not path:
            raise ChannelError("Telegram gave no path to the file.", code="gone")
        content = await self._session.download(self._bot(link), path)
        # Telegram calls every download a stream of octets.
        mime = attachment.mime or mimetypes.guess_type(path)[0] or "application/octet-stream"
        return Download(content, mime, attachment.name or basename(path) or None)

    async def close(self) -> None:
        await self._session.close()

    async def _send(self, link: Link, out: Outbound, place: Place) -> str:
        file = out.file
        if file is None:
            return str((await self._formatted(link, out, _text(place))).message_id)
        try:
            sent = await self._formatted(link, out, _file(file, place), UPLOAD_TIME)
        except ChannelError as e:
            if e.code != "bad_kind":
                raise
            # A picture of odd proportions, or a person who takes no voice messages.
            plain = replace(file, media=Media.DOCUMENT)
            sent = await self._formatted(link, out, _file(plain, place), UPLOAD_TIME)
        return str(sent.message_id)

    async def _formatted(
        self, link: Link, out: Outbound, build: Build[T], seconds: int | None = None
    ) -> T:
        """Send as HTML, and once more without any when Telegram cannot read ours."""
        try:
            return await self._call(link, build(_clean(out.text), "HTML"), seconds)
        except ChannelError as e:
            if e.code != "bad_markup":
                raise
        return await self._call(link, build(_clean(out.plain or out.text), None), seconds)

    async def _unless_gone(self, link: Link, method: TelegramMethod[bool]) -> None:
        try:
            await self._call(link, method)
        except ChannelError as e:
            if e.code != "gone":
                raise

    async def _call(self, link: Link, method: TelegramMethod[T], seconds: int | None = None) -> T:
        return await self._bot(link)(method, request_timeout=seconds)

    def _bot(self, link: Link) -> Bot:
        token = link.settings.get("botToken", "")
        if not TOKEN.fullmatch(token):
            raise ChannelError("This is not a bot token.", permanent=True, code="unauthorized")
        bot = self._bots.pop(token, None) or Bot(token, session=self._session)
        self._bots[token] = bot  # the last used is last, so the first goes
        if len(self._bots) > BOTS:
            self._bots.popitem(last=False)
        return bot


def report(name: str, info: WebhookInfo, link: Link) -> str:
    """The state of the webhook in plain words."""
    if not info.url:
        raise ChannelError(f"@{name} is reachable, but has no webhook.", code="no_webhook")
    if info.url != link.webhook_url:
        raise ChannelError(
            f"@{name} is reachable, but its webhook points to another address.",
            code="webhook_elsewhere",
        )
    said = [f"Connected as @{name}, webhook set, {info.pending_update_count} updates waiting."]
    if info.last_error_message and info.last_error_date:
        at = info.last_error_date.strftime("%Y-%m-%d %H:%M:%S UTC")
        problem = info.last_error_message.replace(link.secret, "***")[:200]
        said.append(f"The last failed delivery was at {at}: {problem}.")
    return " ".join(said)


def _text(place: Place) -> Build[Message]:
    def build(text: str, parse_mode: str | None) -> TelegramMethod[Message]:
        return SendMessage(
            text=text, parse_mode=parse_mode, link_preview_options=NO_PREVIEW, **place.arguments()
        )

    return build


def _file(file: File, place: Place) -> Build[Message]:
    def build(text: str, parse_mode: str | None) -> TelegramMethod[Message]:
        return files.method(file, place, text, parse_mode)

    return build


def _clean(text: str) -> str:
    """Without lone surrogates, which have no UTF-8."""
    return text.encode("utf-8", "replace").decode()
