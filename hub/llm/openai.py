"""Any OpenAI-compatible address."""

import asyncio
import hashlib
import math
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

import orjson

from hub.domain import Json
from hub.guarded_http import Outbound
from hub.llm.addresses import endpoint, joined_headers, key_headers, limit_name
from hub.llm.begun import Answering
from hub.llm.body import Body
from hub.llm.exchange import JSON_EVENTS, Exchange, Request
from hub.llm.reading import Reading
from hub.llm.refusals import REQUEST
from hub.llm.toolcalls import without_extra
from hub.llm.types import NO_HEADERS, Delta, Failed, Prompt

LIMITS = ("max_completion_tokens", "max_tokens")
_UNKNOWN = re.compile(
    r"(?i)unsupported|unknown|unrecogni[sz]ed|unexpected|not supported|not permitted|extra|not allowed|forbidden"
    r"|does not exist|no such|invalid (?:parameter|argument|field|request)|not recogni[sz]ed|additional|instead"
)
_STREAMS = re.compile(r"(?i)\bstream(?:ing)?\b")
KEPT = 200
# Seconds: an answer in one piece that takes longer; how long answers are streamed after it, so that whoever waits for
# them can be kept alive and a silence is heard.
SLOW, STREAMED = 5.0, 600.0


class OpenAICompatible:
    """One provider address with its key."""

    def __init__(
        self, outbound: Outbound, address: str, key: str | None, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        """headers: the customer's own, beside ours."""
        self._exchange = Exchange(outbound, key)
        self._url = endpoint(address)
        self._headers = joined_headers(headers, {**JSON_EVENTS, **key_headers(self._url, key)})
        self._limit = limit_name(self._url)
        # Learned from its refusals, by model: what it calls the limit; who knows no stream_options, who no hint for
        # its cache.
        self._limits: dict[str, str] = {}
        self._plain: set[str] = set()
        self._uncached: set[str] = set()
        # Until when answers of a model are streamed in any case.
        self._slow: dict[str, float] = {}

    async def stream(self, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        once = 0.0 if self.slow(prompt.model) else prompt.once
        slow = self.timed(prompt.model) if once else None
        try:
            async with aclosing(self._exchange.deltas(self._asked(prompt, once), prompt, deadline)) as deltas:
                async for delta in deltas:
                    yield delta
        finally:
            if slow is not None:
                slow.cancel()

    def slow(self, model: str) -> bool:
        """Whether its answers are streamed in any case."""
        return bool(self._slow) and self._slow.get(model, 0.0) > time.monotonic()

    def timed(self, model: str) -> asyncio.TimerHandle:
        """To be cancelled as soon as an answer in one piece is there."""
        return asyncio.get_running_loop().call_later(*self.long(model))

    def long(self, model: str) -> tuple[float, Callable[[], None]]:
        """After how many seconds an answer in one piece takes long, and what is to be called then."""
        return SLOW, partial(self._takes_long, model)

    async def post(
        self, model: str, messages: list[Json], options: Json, deadline: float, *, stream: bool = False
    ) -> Answering:
        """Ask a plain question. Raise as `Exchange.post` does."""
        body: Json = {**self._named(model, options), "model": model, "messages": messages}
        if stream:
            body |= self._streaming(model)
        return await self._exchange.post(self._url, self._headers, body, deadline)

    def _takes_long(self, model: str) -> None:
        self._streams(model, time.monotonic() + STREAMED)

    def _streams(self, model: str, until: float) -> None:
        if len(self._slow) >= KEPT:
            self._slow.clear()
        self._slow[model] = max(until, self._slow.get(model, 0.0))

    def _streaming(self, model: str) -> Json:
        """The fields that ask for a stream."""
        return {"stream": True} if model in self._plain else {"stream": True, "stream_options": {"include_usage": True}}

    def _asked(self, prompt: Prompt, once: float) -> Request:
        """once: seconds that the answer may take in one piece; 0: it is streamed."""
        messages = [without_extra(m, "anthropic") for m in prompt.messages]
        body: Json = {**self._named(prompt.model, prompt.options), "model": prompt.model, "messages": messages}
        if not once:
            body |= self._streaming(prompt.model)
        if prompt.cached:
            body.setdefault("prompt_cache_key", _prefix(body))
        if prompt.model in self._uncached:
            body.pop("prompt_cache_key", None)
        return Request(
            self._url, self._headers, body, lambda: Body(Reading(prompt.whole), adds=not prompt.whole),
            partial(self._learned, prompt.model), lambda: self._forget(prompt.model), once,
        )

    def _named(self, model: str, given: Mapping[str, Any]) -> Json:
        """The options; the limit of tokens as this provider calls it."""
        wanted = self._limits.get(model) or self._limit
        other = LIMITS[wanted == LIMITS[0]]
        options = dict(given)
        known = wanted == LIMITS[1] or model in self._limits
        if known and other in options:
            value = options.pop(other)
            options.setdefault(wanted, value)
        return options

    def _learned(self, model: str, body: Json, e: Failed) -> bool:
        """Whether the refusal names a field that can be left out, or called otherwise. Nothing was computed yet."""
        told = f"{e.details} {e.param}"
        if len(self._limits) + len(self._plain) + len(self._uncached) > KEPT:
            for known in (self._limits, self._plain, self._uncached):
                known.clear()
        if "stream_options" in body and "stream_options" in told:
            del body["stream_options"]
            self._plain.add(model)
            return True
        if "prompt_cache_key" in body and "prompt_cache_key" in told and e.kind in REQUEST:
            # A hint, which changes no answer.
            del body["prompt_cache_key"]
            self._uncached.add(model)
            return True
        if "stream" not in body and e.kind in REQUEST and _STREAMS.search(told):
            # It answers in streams alone.
            body |= self._streaming(model)
            self._streams(model, math.inf)
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

    def _forget(self, model: str) -> None:
        self._limits.pop(model, None)  # it was not the name
        self._slow.pop(model, None)


def _prefix(body: Json) -> str:
    """A name of what stays the same from one question to the next: instructions and tools."""
    head = [m for m in body["messages"][:1] if m.get("role") == "system"]
    return hashlib.sha256(orjson.dumps([body["model"], head, body.get("tools")])).hexdigest()[:32]
