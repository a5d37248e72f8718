"""Providers that speak Anthropic's Messages API."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from hub.domain import Json
from hub.guarded_http import Outbound
from hub.llm.addresses import joined_headers, messages_endpoint, messages_headers
from hub.llm.anthropic_answer import Reading
from hub.llm.anthropic_request import SAMPLING, Abilities, abilities, body_of
from hub.llm.body import Body
from hub.llm.exchange import JSON_EVENTS, Exchange, Request
from hub.llm.refusals import REQUEST
from hub.llm.types import NO_HEADERS, Delta, Failed, Prompt

KEPT = 200
# The one that servers of others know too, and that takes all that older models do.
VERSION: Mapping[str, str] = {"anthropic-version": "2023-06-01"}
_FIELDS = re.compile(r"\b(temperature|top_p|top_k)\b")
_MOST = re.compile(r"max_tokens\D{0,40}\d+\s*>\s*(\d+)|max_tokens\D{0,80}(?:at most|maximum(?: of)?|up to)\s*(\d+)")
_ADAPTIVE = re.compile(r"thinking\.type\W+(?:of\W+)?adaptive|thinking\.type\.adaptive")


class Anthropic:
    """One provider address with its key."""

    def __init__(
        self, outbound: Outbound, address: str, key: str | None, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        """headers: the customer's own, beside ours."""
        self._exchange = Exchange(outbound, key)
        self._url = messages_endpoint(address)
        self._headers = joined_headers(headers, {**JSON_EVENTS, **messages_headers(self._url, key)}, VERSION)
        # Learned from its refusals, by model.
        self._known: dict[str, Abilities] = {}

    async def stream(self, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        able = self._known.get(prompt.model) or abilities(prompt.model)
        request = Request(
            self._url, self._headers, body_of(prompt, able), lambda: Body(Reading()), partial(self._learned, prompt),
            lambda: None,
        )
        async with aclosing(self._exchange.deltas(request, prompt, deadline)) as deltas:
            async for delta in deltas:
                yield delta

    def _learned(self, prompt: Prompt, body: Json, e: Failed) -> bool:
        """Whether the refusal says what the model does not take. Nothing was computed yet."""
        if e.kind not in REQUEST:
            return False
        old = self._known.get(prompt.model) or abilities(prompt.model)
        new = _less(old, body, f"{e.details}")
        if new == old:
            return False
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[prompt.model] = new
        fresh = body_of(prompt, new)
        if fresh == body:
            return False
        body.clear()
        body.update(fresh)
        return True


def _less(able: Abilities, body: Json, told: str) -> Abilities:
    """What a model is able to by what it refused."""
    most = _MOST.search(told)
    if most and int(most[1] or most[2]) < able.tokens and body["max_tokens"] == able.tokens:
        return replace(able, tokens=int(most[1] or most[2]))
    if _ADAPTIVE.search(told) and not able.adaptive:
        return replace(able, adaptive=True)
    if any(name in body for name in SAMPLING) and _FIELDS.search(told):
        return replace(able, samples=False)
    if "format" in body.get("output_config", {}) and "output_config" in told and "format" in told:
        return replace(able, formats=False)
    return able
