"""One JSON call with a time limit; every transport failure becomes a ChannelError.

Addresses and headers hold tokens, so no error text quotes the request or the library's own words,
and causes are cut off (`from None`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from channels.base import ChannelError
from channels.trace import note

# The gateway gave up waiting for the provider, which may have done the work all the same.
AMBIGUOUS = frozenset({502, 504, 520, 524})
# Nobody is there: nothing of it depends on what was asked.
AWAY = frozenset({"unreachable", "dns", "tls", "timeout", "reset", "disconnected"})
CONNECT = 10.0
SHOWN = 2000
LARGEST = 32 * 1024 * 1024  # a 20 MB file in base64 inside JSON
REFUSAL = 1024 * 1024  # of a refusal no more is read


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is the parsed JSON, None when it is not JSON; header names lower."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        return seconds(self.headers.get("retry-after"))


async def call(
    http: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Any = None,
    form: aiohttp.FormData | Mapping[str, str] | None = None,
    timeout: float = 15.0,
    retry_safe: bool = False,
) -> Answer:
    """Make one call and return any answer but 502/504-like ones, which raise.

    `retry_safe` says that doing it twice is harmless (a query), so no failure is ambiguous.
    Redirects are not followed: they would carry the key to another host.
    """
    body, sent = _body(json, form, headers or {})
    try:
        async with http.request(
            method, url, headers=sent, data=body, timeout=limits(timeout), allow_redirects=False
        ) as response:
            content = await answered(response, retry_safe=retry_safe)
    except (aiohttp.ClientError, OSError, ValueError) as e:
        raise failure(e, retry_safe=retry_safe) from None
    note(method, urlsplit(url).path, json, response.status, content[:SHOWN].decode("utf-8", "replace"))
    if response.status in AMBIGUOUS:
        raise gateway_failure(response.status, retry_safe=retry_safe)
    lower = {k.lower(): v for k, v in response.headers.items()}
    return Answer(response.status, lower, parse(content), content.decode("utf-8", "replace"))


def _body(
    json: Any, form: aiohttp.FormData | Mapping[str, str] | None, headers: Mapping[str, str]
) -> tuple[Any, dict[str, str]]:
    if json is None:
        return form, dict(headers)
    try:
        return orjson.dumps(json), {"Content-Type": "application/json", **headers}
    except TypeError:  # a lone surrogate, for one
        raise ChannelError("The message cannot be written as JSON.", permanent=True) from None


def limits(total: float) -> aiohttp.ClientTimeout:
    """Connecting always ends before the total, so a total that expires means: written."""
    return aiohttp.ClientTimeout(total=total, connect=min(CONNECT, total / 2))


async def answered(response: aiohttp.ClientResponse, *, retry_safe: bool) -> bytes:
    """The body of what a call is answered with. Of a refusal its beginning is enough; where anything else never ends,
    nobody knows what was done."""
    refused = response.status >= 400
    try:
        return await read(response, REFUSAL if refused else LARGEST, cut=refused)
    except ChannelError as e:
        raise ChannelError(str(e), permanent=retry_safe, ambiguous=not retry_safe, code=e.code) from None


async def read(response: aiohttp.ClientResponse, limit: int, *, cut: bool = False) -> bytes:
    """The body, at most `limit` bytes (after decompression). cut: of a larger one its beginning."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > limit and cut:
            return b"".join([*parts, part])[:limit]
        if size > limit:
            raise ChannelError("The answer is too large.", permanent=True, code="too_large")
        parts.append(part)
    return b"".join(parts)


def failure(error: BaseException, *, retry_safe: bool = False) -> ChannelError:
    """Classify what aiohttp raised: before the wire, after it, or never possible."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return ChannelError("A secure connection could not be made.", code="tls")
        case aiohttp.ClientConnectorDNSError():
            return ChannelError("The server's name could not be resolved.", code="dns")
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return ChannelError("The server could not be reached.", code="unreachable")
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError() | ValueError():
            return ChannelError(
                "The address or key in the settings cannot be used in a call.",
                permanent=True,
                code="bad_settings",
            )
        case TimeoutError():
            text, code = "The server did not answer in time.", "timeout"
        case _:
            text, code = "The connection broke before the answer came.", "reset"
    return ChannelError(text, ambiguous=not retry_safe, code=code)


def gateway_failure(status: int, *, retry_safe: bool = False) -> ChannelError:
    """A 502, 504 or the like: the work may have been done."""
    return ChannelError(
        f"A gateway before the server answered {status}.",
        ambiguous=not retry_safe,
        code=str(status),
    )


def down(error: ChannelError) -> bool:
    """Whether a query failed because nobody is there, and not because of what was asked."""
    code = error.code or ""
    return not error.permanent and (code in AWAY or (len(code) == 3 and code.startswith("5")))


def parse(content: bytes) -> Any:
    """The JSON in it, or None."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def seconds(header: str | None) -> float | None:
    """Retry-After as seconds; the date form is rare enough to be left to the caller's backoff."""
    try:
        value = float(header) if header else -1.0
    except ValueError:
        return None
    return value if 0 <= value <= 86_400 else None
