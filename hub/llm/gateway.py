"""The only door to a model: resolve, retry, fall back, pause a provider that keeps failing."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from hub.domain import Gateway
from hub.errors import Invalid
from hub.guarded_http import Outbound
from hub.llm.breaker import FAILURES, Breaker
from hub.llm.catalogue import Catalogue, Model
from hub.llm.extractive import MODEL as EXTRACTIVE
from hub.llm.extractive import Extractive
from hub.llm.openai import OpenAICompatible
from hub.llm.prices import FREE, Price
from hub.llm.provider import Provider
from hub.llm.types import INTEGRATED, Broken, Delta, Failed, Prompt

TRIES = 3
FIRST_WAIT, LONGEST_WAIT = 0.4, 8.0
KEPT = 2000


@dataclass(frozen=True, slots=True)
class _Place:
    """A model where it is asked. key: of its breaker. name: what its provider calls it."""

    provider: Provider
    key: str
    name: str


class Models:
    """Every model the hub can ask: the integrated ones, the catalogue's, any OpenAI-compatible address."""

    def __init__(
        self, outbound: Outbound, catalogue: Catalogue | None = None, *, trusted: Outbound | None = None,
        first_wait: float = FIRST_WAIT,
    ) -> None:
        """outbound: to addresses of customers. trusted: to those of the catalogue."""
        self._outbound = outbound
        self._trusted = trusted or outbound
        self._first_wait = first_wait
        self._breaker = Breaker()
        self._known: dict[tuple[bool, str, str | None], Provider] = {}
        self._offline: Mapping[str, Provider] = {EXTRACTIVE: Extractive()}
        self.catalogue = catalogue or Catalogue()

    @property
    def integrated(self) -> tuple[str, ...]:
        """Names that need no address and no key of the customer's."""
        return (*self._offline, *self.catalogue.models)

    def offline(self, gateway: Gateway, model: str) -> bool:
        """Whether the answer would come from the hub itself, which follows no instructions."""
        return address_of(gateway) == INTEGRATED and model in self._offline

    def entry(self, gateway: Gateway, model: str) -> Model | None:
        """The catalogue's entry of a gateway's integrated model."""
        return self.catalogue.get(model) if address_of(gateway) == INTEGRATED else None

    def price(self, gateway: Gateway, model: str) -> Price:
        """Of a model of the gateway, or of the fallback of that name."""
        others = [_other(gateway, one) for one in gateway.parameters.get("fallbackModels") or ()]
        known = self.entry(gateway, model), *(self.entry(asked, name) for asked, name in others if name == model)
        return next((one.price for one in known if one is not None), FREE)

    def stream(self, gateway: Gateway, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        """Ask the gateway's model, then its fallbacks, until `deadline` (time.monotonic).

        Failures before anything was said are retried here. Raise Broken when the answer was cut
        after its beginning: the caller knows whether it can be taken back. Raise Failed otherwise, and
        Invalid for a model that there is not.
        """
        if not gateway.parameters.get("fallbackModels"):
            return self._stream(self._resolve(gateway, prompt.model), _for(gateway, prompt), deadline)
        return self._first_of(gateway, prompt, deadline)

    async def _first_of(self, gateway: Gateway, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        others = [_other(gateway, one) for one in gateway.parameters.get("fallbackModels") or ()]
        for n, (asked, model) in enumerate([(gateway, prompt.model), *others]):
            try:
                place = self._resolve(asked, model)
                async with aclosing(self._stream(place, _for(asked, prompt), deadline)) as deltas:
                    async for delta in deltas:
                        yield replace(delta, served=model) if n else delta
                return
            except Broken:
                raise
            except (Failed, Invalid):
                if n == len(others) or time.monotonic() >= deadline:
                    raise

    async def _stream(self, place: _Place, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        prompt, tried = prompt if prompt.model == place.name else replace(prompt, model=place.name), 0
        while True:
            self._check(place.key)
            tried += 1
            said, says, finish = False, False, None
            try:
                async with aclosing(place.provider.stream(prompt, deadline)) as deltas:
                    async for delta in deltas:
                        said = True
                        says = says or bool(delta.tool_calls) or bool(delta.text.strip())
                        finish = delta.finish or finish
                        yield delta
                if not says:
                    raise _nothing(finish)
            except Failed as e:
                if e.permanent:
                    self._breaker.succeeded(place.key)
                else:
                    self._breaker.failed(place.key, time.monotonic())
                if said:
                    raise Broken(str(e), permanent=e.permanent, details=e.details) from e
                await self._pause(e, tried, deadline)
            else:
                self._breaker.succeeded(place.key)
                return

    def _resolve(self, gateway: Gateway, model: str) -> _Place:
        address = address_of(gateway)
        if address != INTEGRATED:
            return _Place(self._provider(self._outbound, address, gateway.api_key), f"{gateway.id}|{address}", model)
        if model in self._offline:
            return _Place(self._offline[model], model, model)
        entry = self.catalogue.get(model)
        if entry is None:
            raise Invalid(
                f"There is no integrated model '{model}' (or its provider has no key); use "
                f"{', '.join(self.integrated)}, or set baseAddress to the address of an OpenAI-compatible provider.",
                field="modelName",
                code="unknown_model",
            )
        return _Place(self._provider(self._trusted, entry.address, entry.key), entry.address, entry.name)

    def _provider(self, outbound: Outbound, address: str, key: str | None) -> Provider:
        """Made once for an address and its key: reading the address costs as much as asking it."""
        name = (outbound is self._trusted, address, key)
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            found = self._known[name] = OpenAICompatible(outbound, address, key)
        return found

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


def address_of(gateway: Gateway) -> str:
    """The gateway's base address; INTEGRATED for the hub's own models."""
    return str(gateway.parameters.get("baseAddress") or INTEGRATED)


def _other(gateway: Gateway, one: Mapping[str, str | None]) -> tuple[Gateway, str]:
    """A fallback as a gateway of its own; without an address it is asked where the first is."""
    model = str(one["modelName"])
    address = one.get("baseAddress")
    if not address:
        return (replace(gateway, api_key=one["apiKey"]) if one.get("apiKey") else gateway), model
    parameters = {**gateway.parameters, "baseAddress": address}
    return replace(gateway, parameters=parameters, api_key=one.get("apiKey")), model


def _for(gateway: Gateway, prompt: Prompt) -> Prompt:
    """The question as this gateway's provider may be asked it: the hub's own ones take no settings of customers."""
    if not prompt.free or address_of(gateway) != INTEGRATED:
        return prompt
    return replace(prompt, options={k: v for k, v in prompt.options.items() if k not in prompt.free})


def _nothing(finish: str | None) -> Failed:
    """An answer that says nothing is a failure."""
    text = f"The model answered nothing (finish reason: {finish or 'none'})."
    return Failed(text, permanent=finish in ("length", "content_filter"), code="empty_answer")
