"""The only door to a model: resolve, retry, pause a provider that keeps failing."""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from hub.domain import Gateway
from hub.errors import Invalid
from hub.llm.extractive import MODEL as EXTRACTIVE
from hub.llm.extractive import Extractive
from hub.llm.openai import OpenAICompatible
from hub.llm.provider import Provider
from hub.llm.types import INTEGRATED, Broken, Delta, Failed, Prompt
from hub.outbound import Outbound

TRIES = 3
FIRST_WAIT, LONGEST_WAIT = 0.4, 8.0
FAILURES, WINDOW, PAUSE = 5, 30.0, 30.0
REMEMBERED = 2000


class Breaker:
    """Opens for PAUSE seconds after FAILURES failures within WINDOW; then lets one call try."""

    def __init__(self) -> None:
        self._failed: dict[str, deque[float]] = {}
        self._until: dict[str, float] = {}

    def wait(self, key: str, now: float) -> float:
        """Seconds until a call may be made; 0.0: now (the first to hear it is the trial)."""
        until = self._until.get(key)
        if until is None:
            return 0.0
        if until > now:
            return until - now
        self._until[key] = now + PAUSE
        return 0.0

    def failed(self, key: str, now: float) -> None:
        if key not in self._failed and len(self._failed) >= REMEMBERED:
            self.succeeded(next(iter(self._failed)))
        times = self._failed.setdefault(key, deque(maxlen=FAILURES))
        times.append(now)
        if len(times) == FAILURES and now - times[0] <= WINDOW:
            self._until[key] = now + PAUSE

    def succeeded(self, key: str) -> None:
        self._failed.pop(key, None)
        self._until.pop(key, None)


class Models:
    """Every model the hub can ask: the integrated ones and any OpenAI-compatible address."""

    def __init__(self, outbound: Outbound, *, first_wait: float = FIRST_WAIT) -> None:
        self._outbound = outbound
        self._first_wait = first_wait
        self._breaker = Breaker()
        self._integrated: Mapping[str, Provider] = {EXTRACTIVE: Extractive()}

    @property
    def integrated(self) -> tuple[str, ...]:
        """Names of the models that need neither key nor network."""
        return tuple(self._integrated)

    def stream(self, gateway: Gateway, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        """Ask the gateway's model until `deadline` (time.monotonic).

        Failures before anything was said are retried here. Raise Broken when the answer was cut
        after its beginning: the caller knows whether it can be taken back. Raise Failed otherwise.
        """
        return self._stream(gateway, prompt, deadline)

    async def _stream(self, gateway: Gateway, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        provider, key = self._resolve(gateway, prompt.model)
        tried = 0
        while True:
            self._check(key)
            tried += 1
            said = False
            try:
                async with aclosing(_complete(provider, prompt, deadline)) as deltas:
                    async for delta in deltas:
                        said = True
                        yield delta
            except Failed as e:
                if e.permanent:
                    self._breaker.succeeded(key)
                else:
                    self._breaker.failed(key, time.monotonic())
                if said:
                    raise Broken(str(e), permanent=e.permanent, details=e.details) from e
                await self._pause(e, tried, deadline)
            else:
                self._breaker.succeeded(key)
                return

    def _resolve(self, gateway: Gateway, model: str) -> tuple[Provider, str]:
        address = str(gateway.parameters.get("baseAddress") or INTEGRATED)
        if address != INTEGRATED:
            return OpenAICompatible(self._outbound, address, gateway.api_key), f"{gateway.id}|{address}"
        provider = self._integrated.get(model)
        if provider is None:
            raise Invalid(
                f"There is no integrated model '{model}'; use {', '.join(self._integrated)}, or set baseAddress to the "
                "address of an OpenAI-compatible provider.",
                field="modelName",
                code="unknown_model",
            )
        return provider, model

    def _check(self, key: str) -> None:
        wait = self._breaker.wait(key, time.monotonic())
        if wait:
            raise Failed(
                f"The model provider failed {FAILURES} times in a row; it is tried again in {wait:.0f} s.",
                permanent=True,
                retry_after=wait,
                code="model_paused",
            )

    async def _pause(self, e: Failed, tried: int, deadline: float) -> None:
        """Wait before the next try, or raise `e` when there is none."""
        wait = self._first_wait * 2 ** (tried - 1) * random.uniform(0.75, 1.25)
        wait = min(wait, LONGEST_WAIT) if e.retry_after is None else max(wait, e.retry_after)
        if e.permanent or tried >= TRIES or time.monotonic() + wait >= deadline:
            raise e
        await asyncio.sleep(wait)


async def _complete(provider: Provider, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
    """The provider's answer; one that says nothing is a failure."""
    says, finish = False, None
    async with aclosing(provider.stream(prompt, deadline)) as deltas:
        async for delta in deltas:
            says = says or (bool(delta.text.strip()) or bool(delta.tool_calls))
            finish = delta.finish or finish
            yield delta
    if not says:
        final = finish in ("length", "content_filter")
        text = f"The model answered nothing (finish reason: {finish or 'none'})."
        raise Failed(text, permanent=final, code="empty_answer")
