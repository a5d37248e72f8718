"""Any OpenAI-compatible address, over the guarded HTTP client. Always streams."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

import aiohttp
import orjson

from hub.domain import Json
from hub.errors import Invalid
from hub.guarded_http import Outbound
from hub.llm.addresses import endpoint, key_headers, limit_name
from hub.llm.body import Body
from hub.llm.refusals import REQUEST, failure, read
from hub.llm.types import Delta, Failed, Limits, Prompt

ERROR_SIZE, ANSWER_SIZE = 64_000, 16_000_000
CONNECT = 5.0
# After the reason for its end an answer has its usage left to say; no caller waits longer for that.
AFTERWARDS = 5.0
# A shorter silence says more of who asked with little time than of the provider.
SILENT = 30.0
LIMITS = ("max_completion_tokens", "max_tokens")
_UNKNOWN = re.compile(
    r"(?i)unsupported|unknown|unrecogni[sz]ed|unexpected|not supported|not permitted|extra|not allowed|forbidden"
    r"|does not exist|no such|invalid (?:parameter|argument|field|request)|not recogni[sz]ed|additional|instead"
)
KEPT = 200


class OpenAICompatible:
    """One provider address with its key."""

    def __init__(self, outbound: Outbound, address: str, key: str | None) -> None:
        self._outbound = outbound
        self._url = endpoint(address)
        self._key = key
        self._headers = {
            "Content-Type": "application/json", "Accept": "text/event-stream, application/json",
            **key_headers(self._url, key),
        }
        self._limit = limit_name(self._url)
        self._session: aiohttp.ClientSession | None = None
        # Learned from its refusals, by model: what it calls the limit; who knows no stream_options.
        self._limits: dict[str, str] = {}
        self._plain: set[str] = set()

    async def stream(self, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        begun = time.monotonic()
        body: Json = {**self._named(prompt), "model": prompt.model, "messages": prompt.messages, "stream": True}
        if prompt.model not in self._plain:
            body["stream_options"] = {"include_usage": True}
        try:
            async with aclosing(self._answers(body, prompt, deadline)) as deltas:
                async for delta in deltas:
                    yield delta
        except Invalid as e:
            raise Failed(f"The gateway's baseAddress cannot be used: {e}", permanent=True) from None
        except aiohttp.ConnectionTimeoutError:
            raise Failed("The model provider cannot be reached in time.", code="model_timeout", down=True) from None
        except TimeoutError:
            # So long a silence may have been paid for; the same again would be.
            raise Failed(
                "The model provider did not answer in time.", permanent=True, code="model_timeout",
                down=time.monotonic() - begun >= SILENT,
            ) from None
        except (aiohttp.ClientError, OSError) as e:
            details = {"kind": _broken(e)}
            raise Failed("The model provider cannot be reached, or broke off.", details=details, down=True) from None
        except ValueError:
            raise Failed("The model provider's answer cannot be read.", code="model_unreadable") from None

    def _named(self, prompt: Prompt) -> Json:
        """The options; the limit of tokens as this provider calls it."""
        wanted = self._limits.get(prompt.model) or self._limit
        other = LIMITS[wanted == LIMITS[0]]
        options = dict(prompt.options)
        known = wanted == LIMITS[1] or prompt.model in self._limits
        if known and other in options:
            value = options.pop(other)
            options.setdefault(wanted, value)
        return options

    async def _answers(self, body: Json, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        begun = time.monotonic()
        refused: Failed | None = None
        while True:
            async with asyncio.timeout(begun + prompt.limits.first - time.monotonic()):
                reply = await self._asked(body, deadline)
            async with reply:
                if reply.status == 200:
                    async with aclosing(self._read(reply, prompt, begun)) as deltas:
                        async for delta in deltas:
                            yield delta
                    return
                e = await self._error(reply)
            if refused is not None:
                self._limits.pop(prompt.model, None)  # it was not the name
            if not self._learned(body, prompt.model, e):
                raise refused or e
            refused = e

    async def _asked(self, body: Json, deadline: float) -> aiohttp.ClientResponse:
        session = self._session = self._session or self._outbound.session(self._url)
        return await session.post(
            self._url, data=orjson.dumps(body), headers=self._headers, timeout=_timeout(deadline),
            allow_redirects=False,
        )

    def _learned(self, body: Json, model: str, e: Failed) -> bool:
        """Whether the refusal names a field that can be left out, or called otherwise. Nothing was computed yet."""
        told = f"{e.details} {e.param}"
        if len(self._limits) + len(self._plain) > KEPT:
            self._limits.clear()
            self._plain.clear()
        if "stream_options" in body and "stream_options" in told:
            del body["stream_options"]
            self._plain.add(model)
            return True
        name = next((n for n in LIMITS if n in body), None)
        if name is None or e.kind not in REQUEST or model in self._limits:
            return False
        if not re.search(rf"\b{name}\b", told) or not _UNKNOWN.search(told):
            return False
        other = LIMITS[name == LIMITS[0]]
        body[other] = body.pop(name)
        self._limits[model] = other
        return True

    async def _error(self, reply: aiohttp.ClientResponse) -> Failed:
        async with asyncio.timeout(AFTERWARDS):
            raw = await reply.content.read(ERROR_SIZE)
        return failure(reply.status, read(raw, reply.content_type == "text/html"), self._key, headers=reply.headers)

    async def _read(
        self, reply: aiohttp.ClientResponse, prompt: Prompt, begun: float
    ) -> AsyncGenerator[Delta, None]:
        """Deltas of an answer, one for all events of a read."""
        body, size, until = Body(prompt.whole), 0, begun + prompt.limits.first
        try:
            while chunk := await _next(reply, until):
                size += len(chunk)
                if size > ANSWER_SIZE:
                    raise Failed("The model's answer is too large.", permanent=True)
                delta = body.feed(chunk)
                if delta is not None:
                    yield delta
                if body.over:
                    break
                until = _later(body, until, prompt.limits)
        except (aiohttp.ClientError, OSError, TimeoutError):
            if not body.complete:
                raise
        for delta in body.end():
            yield delta
        self._check(body)

    def _check(self, body: Body) -> None:
        """Raise Failed, or ValueError, for an answer that did not come to its end."""
        if body.error is not None:
            raise failure(200, body.error, self._key)
        if body.cut is not None:
            raise Failed(
                f"The model provider broke off its answer (finish reason: {body.cut}).", code="model_cut"
            )
        if body.complete:
            return
        if not body.heard:
            raise ValueError("nothing that could be read")
        raise Failed("The model provider broke off in the middle of its answer.", code="model_cut", down=True)


def _timeout(deadline: float) -> aiohttp.ClientTimeout:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return aiohttp.ClientTimeout(total=left, sock_connect=min(CONNECT, left))


async def _next(reply: aiohttp.ClientResponse, until: float) -> bytes:
    """The next bytes; none at the end. Raise TimeoutError when the provider is silent for too long."""
    async with asyncio.timeout(until - time.monotonic()):
        return await reply.content.readany()


def _later(body: Body, until: float, limits: Limits) -> float:
    """Until when the next bytes have to come. What says nothing yet does not prolong the wait for the first word."""
    now = time.monotonic()
    if body.complete:
        return now + min(AFTERWARDS, limits.silence)
    return now + limits.silence if body.spoke else until


def _broken(e: BaseException) -> str:
    """What went wrong with a connection, in the field's own words."""
    match e:
        case aiohttp.ClientConnectorDNSError():
            return "dns"
        case aiohttp.ClientSSLError() | aiohttp.ClientConnectorCertificateError():
            return "tls"
        case aiohttp.ClientConnectorError():
            return "unreachable"
        case _:
            return "disconnected"
