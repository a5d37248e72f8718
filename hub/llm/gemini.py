"""Providers that speak Gemini's generateContent API."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from hub.domain import Json
from hub.guarded_http import Outbound
from hub.llm.addresses import generate_endpoint, joined_headers
from hub.llm.body import Body
from hub.llm.exchange import JSON_EVENTS, Exchange, Request
from hub.llm.gemini_answer import Reading
from hub.llm.gemini_request import body_of
from hub.llm.refusals import REQUEST
from hub.llm.types import NO_HEADERS, Delta, Failed, Prompt


class Gemini:
    """One provider address with its key."""

    def __init__(
        self, outbound: Outbound, address: str, key: str | None, headers: Mapping[str, str] = NO_HEADERS
    ) -> None:
        """headers: the customer's own, beside ours."""
        self._exchange = Exchange(outbound, key)
        self._address = address
        self._headers = joined_headers(headers, {**JSON_EVENTS, **({"x-goog-api-key": key} if key else {})})

    async def stream(self, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        request = Request(
            generate_endpoint(self._address, prompt.model), self._headers, body_of(prompt), lambda: Body(Reading()),
            _learned, lambda: None,
        )
        async with aclosing(self._exchange.deltas(request, prompt, deadline)) as deltas:
            async for delta in deltas:
                yield delta


def _learned(body: Json, e: Failed) -> bool:
    """Whether the refusal is of thoughts, which some models do not have. Nothing was computed yet."""
    config = body.get("generationConfig", {})
    if e.kind not in REQUEST or "thinkingConfig" not in config or "hinking" not in f"{e.details}":
        return False
    del config["thinkingConfig"]
    if not config:
        del body["generationConfig"]
    return True
