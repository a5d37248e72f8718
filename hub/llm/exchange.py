"""One question over HTTP to a provider, whatever it speaks: the body out, the answer in pieces."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import aiohttp
import orjson

from hub.domain import Json
from hub.errors import Invalid
from hub.guarded_http import Outbound
from hub.llm.begun import Again, Answering
from hub.llm.body import Body
from hub.llm.posting import Posts
from hub.llm.refusals import failure, read
from hub.llm.types import Delta, Failed, Limits, Prompt

ERROR_SIZE, ANSWER_SIZE = 64_000, 16_000_000
# After the reason for its end an answer has its usage left to say; no caller waits longer for that.
AFTERWARDS = 5.0
# A shorter silence says more of who asked with little time than of the provider.
SILENT = 30.0
JSON_EVENTS: Mapping[str, str] = {
    "Content-Type": "application/json", "Accept": "text/event-stream, application/json",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. answer: reads what comes. learn: changes the body after a refusal that names what can be left
    out or called otherwise, and tells whether it did. unlearn: that was not it. first: seconds until the first piece,
    where they are not the question's."""

    url: str
    headers: Mapping[str, str]
    body: Json
    answer: Callable[[], Body]
    learn: Callable[[Json, Failed], bool]
    unlearn: Callable[[], None]
    first: float = 0.0


class Exchange:
    """Asks one provider over the guarded client. key: never shown in what the provider says."""

    def __init__(self, outbound: Outbound, key: str | None) -> None:
        self._outbound = outbound
        self._key = key
        self._posts: Posts | None = None

    async def deltas(self, request: Request, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        """The answer. Raise Failed."""
        known = prompt.begun
        begun = known.at if known is not None and known.open else time.monotonic()
        try:
            async with aclosing(self._answers(request, prompt, deadline)) as deltas:
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

    async def _answers(self, request: Request, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        begun, first = time.monotonic(), request.first or prompt.limits.first
        refused: Failed | None = None
        while True:
            until = min(begun + first, deadline)
            async with asyncio.timeout(until - time.monotonic()):
                reply = await self._asked(request, prompt, deadline)
            async with reply:
                if reply.status == 200:
                    async with aclosing(self._read(reply, request, prompt, until, deadline)) as deltas:
                        async for delta in deltas:
                            yield delta
                    return
                e = await self._error(reply)
            if refused is not None:
                request.unlearn()
            if not request.learn(request.body, e):
                raise refused or e
            refused = e

    async def _asked(self, request: Request, prompt: Prompt, deadline: float) -> Answering | Again:
        known = prompt.begun.reply() if prompt.begun is not None else None
        return known or await self.post(request.url, request.headers, request.body, deadline)

    async def post(self, url: str, headers: Mapping[str, str], body: Json, deadline: float) -> Answering:
        """Raise aiohttp's errors, TimeoutError, and Invalid for an address that cannot be used."""
        session, posts = self._outbound.session(url), self._posts
        if posts is None or not posts.serves(session, url, headers):
            posts = self._posts = Posts(session, url, headers)
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return await posts.post(orjson.dumps(body), left)

    async def _error(self, reply: Answering | Again) -> Failed:
        async with asyncio.timeout(AFTERWARDS):
            raw = await reply.content.read(ERROR_SIZE)
        return failure(reply.status, read(raw, reply.content_type == "text/html"), self._key, headers=reply.headers)

    async def _read(
        self, reply: Answering | Again, request: Request, prompt: Prompt, until: float, deadline: float
    ) -> AsyncGenerator[Delta, None]:
        """Deltas of an answer, one for all events of a read. until: when its first bytes have to be there."""
        body, size = request.answer(), 0
        try:
            while chunk := await next_of(reply, until):
                size += len(chunk)
                if size > ANSWER_SIZE:
                    raise Failed("The model's answer is too large.", permanent=True)
                delta = body.feed(chunk)
                if delta is not None:
                    yield delta
                if body.over:
                    break
                until = min(later(body, until, prompt.limits), deadline)
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


async def next_of(reply: Answering | Again, until: float) -> bytes:
    """The next bytes; none at the end. Raise TimeoutError when the provider is silent for too long."""
    async with asyncio.timeout(until - time.monotonic()):
        return await reply.content.readany()


def later(body: Body, until: float, limits: Limits) -> float:
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
