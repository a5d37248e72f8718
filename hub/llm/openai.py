"""Any OpenAI-compatible address, over the guarded HTTP client. Always streams."""

import re
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import orjson

from hub.domain import Json
from hub.errors import Invalid
from hub.guarded_http import Outbound
from hub.llm.sse import Events, of_completion
from hub.llm.types import Delta, Failed, Prompt

SILENCE = 60.0
ERROR_SIZE, ANSWER_SIZE = 64_000, 16_000_000
PERMANENT = {400, 401, 402, 403, 404, 405, 413, 415, 422, 501}
HOPELESS = {"insufficient_quota", "invalid_request_error", "context_length_exceeded"}
VERSIONED = re.compile(r"/v\d+[a-z]*\d*(/|$)")
SECRETS = re.compile(r"(?i)\b(?:sk|pk|key|gsk|xai|hf|AIza)[-_][\w*-]{6,}|bearer\s+\S+")
PLACES = re.compile(r"(?i)\b(?:https?|wss?|tcp)://\S+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|\[[0-9a-f:]+\](?::\d+)?")


def endpoint(address: str) -> str:
    """The address of the chat completions under a base address, however much of it was written."""
    parts = urlsplit(address.strip())
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        versioned = VERSIONED.search(path) or "api-version=" in parts.query
        path += "/chat/completions" if versioned else "/v1/chat/completions"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


class OpenAICompatible:
    """One provider address with its key."""

    def __init__(self, outbound: Outbound, address: str, key: str | None) -> None:
        self._outbound = outbound
        self._url = endpoint(address)
        self._key = key
        self._session: aiohttp.ClientSession | None = None

    async def stream(self, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        body: Json = {
            **prompt.options,
            "model": prompt.model,
            "messages": prompt.messages,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        try:
            async with aclosing(self._answers(body, deadline, prompt.whole)) as deltas:
                async for delta in deltas:
                    yield delta
        except Invalid as e:
            raise Failed(f"The gateway's baseAddress cannot be used: {e}", permanent=True) from None
        except TimeoutError:
            raise Failed("The model provider did not answer in time.", code="model_timeout") from None
        except (aiohttp.ClientError, OSError) as e:
            details = {"kind": type(e).__name__}
            raise Failed("The model provider cannot be reached, or broke off.", details=details) from None
        except ValueError:
            raise Failed("The model provider's answer cannot be read.", code="model_unreadable") from None

    async def _answers(self, body: Json, deadline: float, whole: bool) -> AsyncGenerator[Delta, None]:
        session = self._session = self._session or self._outbound.session(self._url)
        sent = False
        while not sent:
            async with session.post(
                self._url,
                data=orjson.dumps(body),
                headers=self._headers(),
                timeout=_limits(deadline),
                allow_redirects=False,
            ) as reply:
                if reply.status != 200:
                    refused = await _error(reply, self._key)
                    # Older servers know no stream_options; nothing was computed yet, so ask again without.
                    if "stream_options" in body and "stream_options" in str(refused.details):
                        del body["stream_options"]
                        continue
                    raise refused
                sent = True
                async with aclosing(_read(reply, self._key, whole)) as deltas:
                    async for delta in deltas:
                        yield delta

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream, application/json"}
        return headers | {"Authorization": f"Bearer {self._key}"} if self._key else headers


def _limits(deadline: float) -> aiohttp.ClientTimeout:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    # A silent provider may not use up all the time: half is left for another try.
    return aiohttp.ClientTimeout(total=left, sock_connect=min(5.0, left), sock_read=min(SILENCE, max(left / 2, 0.05)))


async def _read(reply: aiohttp.ClientResponse, key: str | None, revised: bool) -> AsyncGenerator[Delta, None]:
    """Deltas of an answer, one for all events of a read."""
    events = Events(revised)
    size = 0
    whole: bytearray | None = None
    first = True
    while chunk := await reply.content.readany():
        size += len(chunk)
        if size > ANSWER_SIZE:
            raise Failed("The model's answer is too large.", permanent=True)
        if first:
            first = False
            whole = bytearray() if reply.content_type.endswith("json") or chunk.lstrip()[:1] == b"{" else None
        if whole is not None:
            whole += chunk
            continue
        delta = events.feed(chunk)
        if events.error is not None:
            raise failure(200, events.error, key)
        if delta is not None:
            yield delta
        if events.done:
            return
    if whole is not None:
        yield _whole(bytes(whole), key)
    elif not events.complete:
        raise Failed("The model provider broke off in the middle of its answer.", code="model_cut")


def _whole(raw: bytes, key: str | None) -> Delta:
    """A server that does not stream answers one JSON document."""
    found = orjson.loads(raw)
    if not isinstance(found, dict) or found.get("error"):
        raise failure(200, found, key)
    return of_completion(found)


async def _error(reply: aiohttp.ClientResponse, key: str | None) -> Failed:
    raw = await reply.content.read(ERROR_SIZE)
    try:
        body = orjson.loads(raw)
    except ValueError:
        body = raw.decode("utf-8", errors="replace") if reply.content_type.startswith("text/plain") else None
    return failure(reply.status, body, key, retry_after(reply.headers))


def failure(status: int, body: Any, key: str | None, wait: float | None = None) -> Failed:
    """A provider's error in words that carry neither keys nor addresses."""
    error = body.get("error", body) if isinstance(body, dict) else body
    code = str(error.get("code") or error.get("type") or "") if isinstance(error, dict) else ""
    words = error.get("message") if isinstance(error, dict) else error
    details: Json = {"status": status}
    if isinstance(words, str) and words:
        details["message"] = clean(words, key)
    permanent = status in PERMANENT or code in HOPELESS
    if 300 <= status < 400:
        return Failed("The model provider redirects to another address; use that one.", permanent=True, details=details)
    if status == 429:
        text = "The model provider limits the requests."
    elif status == 200:
        text = "The model provider reported an error in its answer."
    else:
        text = f"The model provider {'refused the request' if permanent else 'failed'} (status {status})."
    return Failed(text, permanent=permanent, retry_after=wait, details=details)


def clean(words: str, key: str | None) -> str:
    """A provider's sentence without keys, addresses and markup."""
    if key:
        words = words.replace(key, "***")
    words = PLACES.sub("(address)", SECRETS.sub("***", words))
    return " ".join(words.split())[:300]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds a provider asks to wait; dates are not worth a parser here."""
    for name, unit in (("Retry-After-Ms", 0.001), ("Retry-After", 1.0)):
        try:
            return max(0.0, float(headers[name]) * unit)
        except (KeyError, ValueError):
            continue
    return None
