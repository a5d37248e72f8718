"""The only door to a model: resolve, retry, fall back, pause a provider that keeps failing."""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit
from uuid import UUID

from hub.domain import Gateway, Usage
from hub.errors import Invalid
from hub.guarded_http import Outbound
from hub.llm import figures, finish
from hub.llm.breaker import FAILURES, Breaker
from hub.llm.catalogue import Catalogue, Model
from hub.llm.extractive import MODEL as EXTRACTIVE
from hub.llm.extractive import Extractive
from hub.llm.figures import Figures
from hub.llm.openai import OpenAICompatible
from hub.llm.patterns import Undecided
from hub.llm.placeholders import Mask, Putting, mask_of
from hub.llm.prices import FREE, Price, bill, cost
from hub.llm.provider import Provider
from hub.llm.types import INTEGRATED, Broken, Delta, Failed, Limits, Prompt
from hub.purse import Purse, purse

TRIES, EMPTY_TRIES = 3, 2
FIRST_WAIT = 0.4
# Seconds that nobody hears of a wait.
PATIENCE = 5.0
KEPT = 2000
# Tokens of an answer whose length nobody limits, as they are set aside for it.
UNKNOWN = 1000
HELPER = UUID(int=0)
# Characters of a model's name that traces tell.
LABEL = 200
EMPTY = "empty_answer"


@dataclass(frozen=True, slots=True)
class _Place:
    """A model where it is asked. key: of its breaker. name: what its provider calls it. told: of it to figures."""

    provider: Provider
    key: str
    name: str
    told: figures.Place


class Models:
    """Every model the hub can ask: the integrated ones, the catalogue's, any OpenAI-compatible address."""

    def __init__(
        self, outbound: Outbound, catalogue: Catalogue | None = None, *, trusted: Outbound | None = None,
        first_wait: float = FIRST_WAIT, counted: Figures | None = None, secret: bytes = b"",
    ) -> None:
        """outbound: to addresses of customers. trusted: to those of the catalogue. counted: what calls take. secret:
        of the hub, by which placeholders are told."""
        self._secret = secret
        self.figures = counted or Figures()
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

    def candidates(self, gateway: Gateway) -> int:
        """How many models may answer: the gateway's and its fallbacks."""
        return 1 + len(gateway.parameters.get("fallbackModels") or ())

    def stream(
        self, gateway: Gateway, prompt: Prompt, deadline: float, *, patience: float = PATIENCE, start: int = 0
    ) -> AsyncGenerator[Delta, None]:
        """As `_asked` does; where a key with limits began it (hub.purse), that pays, and may be refused."""
        mask = mask_of(gateway.parameters, self._secret, (gateway.account_id, prompt.whose or gateway.id))
        if mask is None:
            asked = self._asked(gateway, prompt, deadline, patience=patience, start=start)
        else:
            asked = self._masked(mask, gateway, prompt, deadline, patience=patience, start=start)
        payer = purse.get()
        return asked if payer is None else self._paid(payer, gateway, prompt, deadline, asked)

    async def _masked(
        self, mask: Mask, gateway: Gateway, prompt: Prompt, deadline: float, *, patience: float, start: int
    ) -> AsyncGenerator[Delta, None]:
        """The provider gets placeholders; the values stand in the answer."""
        try:
            hidden = await asyncio.to_thread(mask.prompt, prompt)
        except Undecided:
            text = "The question could not be masked for its provider."
            raise Failed(text, permanent=True, code="mask_failed") from None
        putting = Putting(mask, prompt.whole)
        async with aclosing(self._asked(gateway, hidden, deadline, patience=patience, start=start)) as deltas:
            async for delta in deltas:
                yield putting.take(delta)
        if (rest := putting.end()) is not None:
            yield rest

    async def _paid(
        self, payer: Purse, gateway: Gateway, prompt: Prompt, deadline: float, asked: AsyncGenerator[Delta, None]
    ) -> AsyncGenerator[Delta, None]:
        price, (tokens, most) = self.price(gateway, prompt.model), estimate(prompt)
        seconds = max(0.0, deadline - time.monotonic())
        aside = tokens + most, tokens * price.prompt + most * price.completion
        await payer.take(_names(gateway), *aside, seconds)
        used, said, served = None, 0, prompt.model
        try:
            async with aclosing(asked) as deltas:
                async for delta in deltas:
                    used, served = delta.usage or used, delta.served or served
                    said += len(delta.text) + len(delta.reasoning)
                    yield delta
        finally:
            used = used or Usage(tokens if said else 0, -(-said // 4))
            rows = bill(served, used, self.price(gateway, served))
            await payer.spent(aside, used.total, cost(rows))

    async def _asked(
        self, gateway: Gateway, prompt: Prompt, deadline: float, *, patience: float = PATIENCE, start: int = 0
    ) -> AsyncGenerator[Delta, None]:
        """Ask the gateway's model, then its fallbacks, until `deadline` (time.monotonic); `start`: from which on.

        Failures before anything was said are retried here, with at most `patience` seconds of waiting for each
        model. Raise Broken when the answer was cut after its beginning: the caller knows whether it can be taken
        back. Raise Failed otherwise, and Invalid for a model that there is not.
        """
        others = [_other(gateway, one) for one in gateway.parameters.get("fallbackModels") or ()]
        places = [(gateway, prompt.model), *others]
        for n, (asked, model) in enumerate(places[start:], start):
            more = n + 1 < len(places)
            question = _for(asked, prompt)
            if more:
                question = replace(question, limits=_shared(question.limits, deadline))
            try:
                place = self._resolve(asked, model)
                async with aclosing(self._stream(place, question, deadline, patience, n, more)) as deltas:
                    async for delta in deltas:
                        yield replace(delta, served=model) if n else delta
                return
            except Broken:
                raise
            except (Failed, Invalid):
                if not more or time.monotonic() >= deadline:
                    raise

    async def _stream(
        self, place: _Place, prompt: Prompt, deadline: float, patience: float, number: int, more: bool
    ) -> AsyncGenerator[Delta, None]:
        """One model's answer. number: its place among the gateway's. more: whether another one comes after it."""
        prompt, tried = prompt if prompt.model == place.name else replace(prompt, model=place.name), 0
        waited = 0.0
        while True:
            self._check(place.key)
            tried += 1
            heard, seen = _Heard(prompt.thinks), self.figures.call(replace(place.told, turn=number), prompt)
            try:
                async with self._judged(place.key), aclosing(place.provider.stream(prompt, deadline)) as deltas:
                    async for delta in deltas:
                        seen.take(delta)
                        for one in heard.take(delta):
                            yield one
                rest = heard.end(more)
                seen.answered()
                for one in rest:
                    yield one
                return
            except Failed as e:
                seen.failed(e)
                if heard.begun:
                    raise Broken(e, number) from e
                again = e
            finally:
                seen.end()
            waited += await self._pause(again, tried, waited, deadline, patience)

    @asynccontextmanager
    async def _judged(self, key: str) -> AsyncIterator[None]:
        """What a call says of its provider: only what cannot be reached, is silent or fails by its own word counts."""
        now = time.monotonic
        try:
            yield
        except Failed as e:
            if e.down:
                self._breaker.failed(key, now())
            else:
                self._breaker.succeeded(key)
            if e.kind == 429:
                self._breaker.hold(key, e, now())
            raise
        except BaseException:
            self._breaker.left(key, now())
            raise
        self._breaker.succeeded(key)

    def _resolve(self, gateway: Gateway, model: str) -> _Place:
        address = address_of(gateway)
        if address != INTEGRATED:
            provider = self._provider(self._outbound, address, gateway.api_key)
            told = figures.Place(self.figures.label(model, False), model[:LABEL], host_of(address), FREE)
            return _Place(provider, _key(address, gateway.api_key, model), model, told)
        if model in self._offline:
            return _Place(self._offline[model], model, model, figures.Place(model, model, "hub", FREE))
        entry = self.catalogue.get(model)
        if entry is None:
            raise Invalid(
                f"There is no integrated model '{model}' (or its provider has no key); use "
                f"{', '.join(self.integrated)}, or set baseAddress to the address of an OpenAI-compatible provider.",
                field="modelName",
                code="unknown_model",
            )
        provider = self._provider(self._trusted, entry.address, entry.key)
        told = figures.Place(model, entry.name, entry.vendor, entry.price)
        return _Place(provider, _key(entry.address, entry.key, entry.name), entry.name, told)

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
        now = time.monotonic()
        held = self._breaker.held(key, now)
        if held is not None:
            raise held
        wait = self._breaker.wait(key, now)
        if wait:
            raise Failed(
                f"The model provider failed {FAILURES} times in a row; it is tried again in {wait:.0f} s.",
                permanent=True,
                retry_after=wait,
                code="model_paused",
            )

    async def _pause(self, e: Failed, tried: int, waited: float, deadline: float, patience: float) -> float:
        """Wait before the next try, or raise `e` when there is none; the seconds that were waited."""
        wait: float = self._first_wait * 2.0 ** (tried - 1) * random.uniform(0.75, 1.25)
        wait = wait if e.retry_after is None else max(wait, e.retry_after)
        tries = EMPTY_TRIES if e.code == EMPTY else TRIES
        if e.permanent or tried >= tries or waited + wait > patience or time.monotonic() + wait >= deadline:
            raise e
        await asyncio.sleep(wait)
        return wait


class _Heard:
    """What of an answer was handed on. What nobody is shown is held back until something is, so that an answer
    that comes to nothing can be asked for again, or of another model."""

    def __init__(self, thinks: bool) -> None:
        self._thinks = thinks
        self._held: list[Delta] = []
        self._finish: str | None = None
        self.begun = False

    def take(self, delta: Delta) -> list[Delta]:
        self._finish = delta.finish or self._finish
        if self.begun:
            return [delta]
        self._held.append(delta)
        if not (delta.says or (self._thinks and delta.thinks)):
            return []
        self.begun = True
        return self._all()

    def end(self, more: bool) -> list[Delta]:
        """The rest of an answer without words; it is one when the provider says why. Raise Failed when not, or
        when another model can be asked."""
        if not self.begun and (more or self._finish not in finish.FINAL):
            text = f"The model answered nothing (finish reason: {self._finish or 'none'})."
            raise Failed(text, permanent=self._finish in finish.FINAL, code=EMPTY)
        return self._all()

    def _all(self) -> list[Delta]:
        held, self._held = self._held, []
        return held


def address_of(gateway: Gateway) -> str:
    """The gateway's base address; INTEGRATED for the hub's own models."""
    return str(gateway.parameters.get("baseAddress") or INTEGRATED)


def host_of(address: str) -> str:
    """What a provider is called where nothing else is known of it."""
    return (urlsplit(address).hostname or "").lower()[:LABEL]


def _names(gateway: Gateway) -> tuple[str, ...]:
    """What a key may name to ask it. The operator's helper stands beside whatever is asked."""
    if gateway.id == HELPER:
        return ()
    own = str(gateway.parameters.get("modelName") or "")
    return (str(gateway.id), gateway.slug) if gateway.slug else (own, gateway.name)


def estimate(prompt: Prompt) -> tuple[int, int]:
    """Tokens of a question before it is asked, and the most that its answer may have, as far as anybody says."""
    most = next((prompt.options[n] for n in ("max_completion_tokens", "max_tokens") if prompt.options.get(n)), UNKNOWN)
    size = sum(_length(m.get("content")) + len(str(m.get("tool_calls") or "")) for m in prompt.messages)
    return -(-size // 4), int(most)


def _length(content: object) -> int:
    if isinstance(content, list):
        return sum(len(str(p.get("text") or "")) if isinstance(p, dict) else 0 for p in content)
    return len(str(content or ""))


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


def _key(address: str, key: str | None, model: str) -> str:
    """Of what a provider does: one customer's trouble, and one model's, stays theirs."""
    credential = hashlib.sha256((key or "").encode()).hexdigest()[:16]
    return f"{address}|{credential}|{model}"


def _shared(limits: Limits, deadline: float) -> Limits:
    """A silent model may not use up the time of those that come after it."""
    half = max((deadline - time.monotonic()) / 2, 0.05)
    return Limits(min(limits.first, half), min(limits.silence, half))
