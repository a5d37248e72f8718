"""The Bot API over HTTP, with our own view of failures: what was done, what was not, what is unknown."""

import asyncio
import re
from typing import Any

import aiohttp

from channels.base import ChannelError
from channels.http import (
    AMBIGUOUS,
    SHOWN,
    answered,
    failure,
    gateway_failure,
    limits,
    parse,
    read,
    seconds,
)
from channels.telegram.calls import Call
from channels.trace import note, watched

FILE_LIMIT = 20 * 1024 * 1024  # getFile gives no larger ones
TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{1,128}")
# What a refusal of 400 means, by a part of its description.
CODES = (
    ("method not found", "no_method"),
    ("chat not found", "chat_not_found"),
    ("message to edit not found", "gone"),
    ("message to delete not found", "gone"),
    ("message can't be edited", "gone"),
    ("message_id_invalid", "gone"),
    ("message is not modified", "not_modified"),
    ("message to react not found", "gone"),
    ("reaction_invalid", "bad_reaction"),
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
WAIT = 15.0
CONNECTIONS = 100
ENDING = 0.25


class Moved(ChannelError):
    """The group became a supergroup with another id."""

    def __init__(self, chat: int) -> None:
        super().__init__("The group has a new id.", permanent=True, code="moved")
        self.chat = chat


class Session:
    """One connection pool for all bots; raises ChannelError only. Its addresses hold tokens: nothing may quote them."""

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")
        self.wait = WAIT
        self._http: aiohttp.ClientSession | None = None

    async def call(self, token: str, call: Call, wait: float | None = None) -> Any:
        """The result of a call. wait: seconds at most."""
        name = call.method
        # Only a send that is done twice is seen twice.
        safe = not name.startswith("send") or name in ("sendChatAction", "sendMessageDraft", "sendRichMessageDraft")
        body, headers = call.written()
        try:
            async with self._session().post(
                f"{self._base}/bot{token}/{name}", data=body, headers=headers, timeout=limits(wait or self.wait),
                allow_redirects=False,
            ) as response:
                content = await answered(response, retry_safe=safe)
        except (aiohttp.ClientError, OSError, ValueError) as e:
            raise failure(e, retry_safe=safe) from None
        if watched():
            note("POST", name, call.said, response.status, content[:SHOWN].decode("utf-8", "replace"))
        if response.status in AMBIGUOUS:
            raise gateway_failure(response.status, retry_safe=safe)
        answer = parse(content)
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
            raise unreadable(response.status, safe)
        if not answer["ok"]:
            raise refusal(answer, response.headers.get("Retry-After"), token)
        return answer.get("result")

    async def download(self, token: str, path: str) -> bytes:
        """The bytes behind getFile's path."""
        try:
            async with self._session().get(
                f"{self._base}/file/bot{token}/{path}", timeout=limits(60), allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise _no_file(response.status)
                return await read(response, FILE_LIMIT)
        except (aiohttp.ClientError, OSError, ValueError) as e:
            raise failure(e, retry_safe=True) from None

    async def close(self) -> None:
        if self._http is None:
            return
        await self._http.close()
        if self._base.startswith("https:"):
            await asyncio.sleep(ENDING)  # secure connections need a moment to end

    def _session(self) -> aiohttp.ClientSession:
        """Made when it is first used, in the loop that uses it."""
        if self._http is None or self._http.closed:
            connector = aiohttp.TCPConnector(limit=CONNECTIONS, ttl_dns_cache=300)
            self._http = aiohttp.ClientSession(connector=connector, trust_env=False)
        return self._http


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


def unreadable(status: int, safe: bool) -> ChannelError:
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
