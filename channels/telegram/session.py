"""aiogram's session with our own view of failures: what was done, what was not, what is unknown."""

import re
from typing import Any, cast

import aiohttp
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import ClientDecodeError
from aiogram.methods import EditMessageText, SendChatAction, SendMessage, TelegramMethod
from aiogram.methods.base import Response, TelegramType

from channels.base import ChannelError
from channels.http import (
    AMBIGUOUS,
    LARGEST,
    SHOWN,
    failure,
    gateway_failure,
    limits,
    parse,
    read,
    seconds,
)
from channels.trace import note, watched

FILE_LIMIT = 20 * 1024 * 1024  # getFile gives no larger ones
TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{1,128}")
# What a refusal of 400 means, by a part of its description.
CODES = (
    ("chat not found", "chat_not_found"),
    ("message to edit not found", "gone"),
    ("message to delete not found", "gone"),
    ("message can't be edited", "gone"),
    ("message_id_invalid", "gone"),
    ("message is not modified", "not_modified"),
    ("can't parse entities", "bad_markup"),
    ("too long", "too_long"),
    ("file is too big", "too_large"),
    ("query is too old", "gone"),
    ("query id is invalid", "gone"),
    ("message thread not found", "no_topic"),
    ("topic_closed", "no_topic"),
    ("topic_deleted", "no_topic"),
    ("topic closed", "no_topic"),
    ("topic deleted", "no_topic"),
    ("not enough rights", "forbidden"),
    ("no rights to send", "forbidden"),
    ("photo_invalid_dimensions", "bad_kind"),
    ("image_process_failed", "bad_kind"),
    ("voice_messages_forbidden", "bad_kind"),
    ("wrong file identifier", "bad_file"),
    ("failed to get http url content", "bad_file"),
    ("wrong type of the web page content", "bad_file"),
)
# pydantic forgets the model of an answer when nobody holds it, and building it anew at every call
# costs more than the call.
_RESULTS: tuple[Any, ...] = tuple(
    method.__returning__ for method in (SendMessage, EditMessageText, SendChatAction)
)
KEPT = tuple(Response.__class_getitem__(result) for result in _RESULTS)


class Moved(ChannelError):
    """The group became a supergroup with another id."""

    def __init__(self, chat: int) -> None:
        super().__init__("The group has a new id.", permanent=True, code="moved")
        self.chat = chat


class Session(AiohttpSession):
    """One connection pool for all bots; raises ChannelError only."""

    def __init__(self, base: str) -> None:
        super().__init__(api=TelegramAPIServer.from_base(base), timeout=15.0)

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,
    ) -> TelegramType:
        name = method.__api_method__
        # Only a send that is done twice is seen twice.
        safe = not name.startswith("send") or name == "sendChatAction"
        url = self.api.api_url(token=bot.token, method=name)
        try:
            http = await self.create_session()
            form = self.build_form_data(bot=bot, method=method)
            async with http.post(
                url, data=form, timeout=limits(timeout or self.timeout), allow_redirects=False
            ) as response:
                content = await read(response, LARGEST)
        except (aiohttp.ClientError, OSError, ValueError) as e:
            raise failure(e, retry_safe=safe) from None
        if watched():
            said = content[:SHOWN].decode("utf-8", "replace")
            note("POST", name, method.model_dump(exclude_none=True, warnings=False), response.status, said)
        if response.status in AMBIGUOUS:
            raise gateway_failure(response.status, retry_safe=safe)
        answer = parse(content)
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
            raise _unreadable(response.status, safe)
        if not answer["ok"]:
            raise refusal(answer, response.headers.get("Retry-After"), bot.token)
        try:
            checked = self.check_response(bot, method, 200, content.decode())
        except ClientDecodeError:
            raise _unreadable(response.status, safe) from None
        return cast(TelegramType, checked.result)

    async def close(self) -> None:
        """Only secure connections need the time that aiogram gives them to end."""
        if self.api.base.startswith("https:"):
            await super().close()
        elif self._session is not None:
            await self._session.close()

    async def download(self, bot: Bot, path: str) -> bytes:
        """The bytes behind getFile's path. The address holds the token: nothing may quote it."""
        try:
            http = await self.create_session()
            async with http.get(
                self.api.file_url(bot.token, path), timeout=limits(60), allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise _no_file(response.status)
                return await read(response, FILE_LIMIT)
        except (aiohttp.ClientError, OSError, ValueError) as e:
            raise failure(e, retry_safe=True) from None


def refusal(answer: dict[str, Any], header: str | None, token: str) -> ChannelError:
    """What Telegram's own "ok": false means."""
    status = answer.get("error_code")
    extra = answer.get("parameters")
    parameters: dict[str, Any] = extra if isinstance(extra, dict) else {}
    said = str(answer.get("description") or "no reason given").replace(token, "***")[:200]
    if isinstance(chat := parameters.get("migrate_to_chat_id"), int):
        return Moved(chat)
    text = f"Telegram refused: {said}"
    if status == 429:
        wait = parameters.get("retry_after")
        after = float(wait) if isinstance(wait, int) else seconds(header)
        return ChannelError(text, retry_after=1.0 if after is None else after, code="429")
    if status == 401 or (status == 404 and "method" not in said):  # 404: no such bot
        return ChannelError(
            "Telegram does not know the bot token.", permanent=True, code="unauthorized"
        )
    if status == 403:
        return ChannelError(text, permanent=True, code="blocked")
    if isinstance(status, int) and 400 <= status < 500 and status != 409:
        return ChannelError(text, permanent=True, code=_code(said, status))
    return ChannelError(text, code=str(status))


def _code(said: str, status: int) -> str:
    lower = said.lower()
    return next((code for part, code in CODES if part in lower), str(status))


def _unreadable(status: int, safe: bool) -> ChannelError:
    text = f"Telegram answered {status} with something that is not its own."
    refused = 400 <= status < 500
    return ChannelError(
        text, permanent=refused, ambiguous=not safe and not refused, code=str(status)
    )


def _no_file(status: int) -> ChannelError:
    gone = 400 <= status < 500 and status != 429
    return ChannelError(
        f"Telegram answered {status} instead of the file.",
        permanent=gone,
        code="gone" if gone else str(status),
    )
