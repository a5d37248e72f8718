"""The only door to a model: resolve, retry, fall back, pause a provider that keeps failing."""

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from hub.domain import Gateway, Json
from hub.errors import Invalid
from hub.guarded_http import Outbound
from hub.llm import figures
from hub.llm.anthropic import Anthropic
from hub.llm.balancing import Balancer
from hub.llm.breaker import FAILURES, Breaker
from hub.llm.candidates import EMPTY, LABEL, SOURCE, Candidate, address_of, fallbacks, host_of, pool
from hub.llm.catalogue import Catalogue, Model
from hub.llm.embeddings import vectors
from hub.llm.extractive import MODEL as EXTRACTIVE
from hub.llm.extractive import Extractive
from hub.llm.figures import Figures
from hub.llm.gemini import Gemini
from hub.llm.heard import Heard, Turn
from hub.llm.likeness import Likeness
from hub.llm.openai import OpenAICompatible
from hub.llm.patterns import Undecided
from hub.llm.paying import paid
from hub.llm.placeholders import Mask, Putting, mask_of
from hub.llm.prices import FREE, Price
from hub.llm.provider import Provider
from hub.llm.straight import Straight
from hub.llm.types import INTEGRATED, NO_HEADERS, Broken, Delta, Failed, Limits, Prompt
from hub.purse import purse

TRIES, EMPTY_TRIES = 3, 2
FIRST_WAIT = 0.4
# Seconds that nobody hears of a wait.
PATIENCE = 5.0
KEPT = 2000
# How providers are spoken to, by the documented names.
TRANSPORTS: Mapping[str, type[OpenAICompatible] | type[Anthropic] | type[Gemini]] = {
    SOURCE: OpenAICompatible, "Anthropic": Anthropic, "Gemini": Gemini,
}
_Known = tuple[bool, type, str, str | None, tuple[tuple[str, str], ...]]


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
        likeness: Likeness | None = None,
    ) -> None:
        """outbound: to addresses of customers. trusted: to those of the catalogue. counted: what calls take. secret:
        of the hub, by which placeholders are told. likeness: what the offline answerer asks where it is not sure."""
        self._secret = secret
        self.figures = counted or Figures()
        self._outbound = outbound
        self._trusted = trusted or outbound
        self._first_wait = first_wait
        self._breaker = Breaker()
        self._balancer = Balancer()
        self._known: dict[_Known, Provider] = {}
        self._offline: Mapping[str, Provider] = {EXTRACTIVE: Extractive(likeness)}
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
        others = [one.gateway for one in fallbacks(gateway) if one.model == model]
        known = self.entry(gateway, model), *(self.entry(one, model) for one in others)
        return next((one.price for one in known if one is not None), FREE)

    def candidates(self, gateway: Gateway, model: str) -> list[Candidate]:
        """Who may answer, in the order in which they are asked now."""
        same = pool(gateway, model)
        if len(same) > 1:
            now, places = time.monotonic(), []
            for one in same:
                key = _key(address_of(one.gateway), one.gateway.api_key, one.model)
                places.append((key, one.weight, self._breaker.stopped(key, now)))
            strategy = (gateway.parameters.get("loadBalancing") or {}).get("strategy")
            same = [same[n] for n in self._balancer.order(places, strategy)]
        return [*same, *fallbacks(gateway)]

    def stream(
        self, gateway: Gateway, prompt: Prompt, deadline: float, *, patience: float = PATIENCE,
        candidates: Sequence[Candidate] | None = None, start: int = 0,
    ) -> AsyncGenerator[Delta, None]:
        """As `_asked` does; where a key with limits began it (hub.purse), that pays, and may be refused."""
        mask = mask_of(gateway.parameters, self._secret, (gateway.account_id, prompt.whose or gateway.id))
        if mask is None:
            asked = self._asked(gateway, prompt, deadline, patience=patience, candidates=candidates, start=start)
        else:
            asked = self._masked(
                mask, gateway, prompt, deadline, patience=patience, candidates=candidates, start=start
            )
        payer = purse.get()
        return asked if payer is None else paid(payer, self.price, gateway, prompt, deadline, asked)

    async def _masked(
        self, mask: Mask, gateway: Gateway, prompt: Prompt, deadline: float, *, patience: float,
        candidates: Sequence[Candidate] | None, start: int,
    ) -> AsyncGenerator[Delta, None]:
        """The provider gets placeholders; the values stand in the answer."""
        try:
            hidden = await asyncio.to_thread(mask.prompt, prompt)
        except Undecided:
            text = "The question could not be masked for its provider."
            raise Failed(text, permanent=True, code="mask_failed") from None
        putting = Putting(mask, prompt.whole)
        asked = self._asked(gateway, hidden, deadline, patience=patience, candidates=candidates, start=start)
        async with aclosing(asked) as deltas:
            async for delta in deltas:
                yield putting.take(delta)
        if (rest := putting.end()) is not None:
            yield rest

    async def _asked(
        self, gateway: Gateway, prompt: Prompt, deadline: float, *, patience: float,
        candidates: Sequence[Candidate] | None, start: int,
    ) -> AsyncGenerator[Delta, None]:
        """Ask the gateway's model, then its fallbacks, until `deadline` (time.monotonic). candidates: those of before,
        of whom `start` is asked first.

        Failures before anything was said are retried here, with at most `patience` seconds of waiting for each
        model. Raise Broken when the answer was cut after its beginning: the caller knows whether it can be taken
        back. Raise Failed otherwise, and Invalid for a model that there is not.
        """
        every = candidates or self.candidates(gateway, prompt.model)
        failure: Exception | None = None
        for n, one in enumerate(every[start:], start):
            if failure is not None and not one.takes(failure):
                continue
            rest = every[n + 1 :]
            question = _for(one.gateway, prompt)
            if rest:
                question = replace(question, limits=_shared(question.limits, deadline))
            tries = 1 if rest and not rest[0].fallback else int(gateway.parameters.get("tries") or TRIES)
            try:
                place = self._resolve(one.gateway, one.model)
                if one.fallback:
                    place = replace(place, told=replace(place.told, turn=n))
                turn = Turn(n, rest, tries, deadline, patience)
                async with aclosing(self._stream(place, question, turn)) as deltas:
                    async for delta in deltas:
                        yield replace(delta, served=one.model) if one.fallback else delta
                return
            except Broken:
                raise
            except (Failed, Invalid) as e:
                failure = e
                if time.monotonic() >= deadline:
                    break
        if failure is not None:
            raise failure

    async def vectors(self, gateway: Gateway, body: Json, seconds: float) -> bytes:
        """What a customer's own provider says of an embeddings request. Raise Failed."""
        address, model = address_of(gateway), str(body["model"])
        key = _key(address, gateway.api_key, model)
        self._check(key)
        headers = dict(gateway.parameters.get("providerHeaders") or {})
        mask = mask_of(gateway.parameters, self._secret, (gateway.account_id, gateway.id))
        if mask is not None:
            body = {**body, "input": await _hidden(mask, body["input"])}
        async with self._judged(key):
            return await vectors(self._outbound, address, gateway.api_key, headers, body, seconds)

    async def _stream(self, place: _Place, prompt: Prompt, turn: Turn) -> AsyncGenerator[Delta, None]:
        """One model's answer."""
        prompt, tried = prompt if prompt.model == place.name else replace(prompt, model=place.name), 0
        waited = 0.0
        while True:
            self._check(place.key)
            tried += 1
            heard, seen, timed = Heard(prompt.thinks, turn), self.figures.call(place.told, prompt), False
            try:
                async with self._judged(place.key), aclosing(place.provider.stream(prompt, turn.deadline)) as deltas:
                    async for delta in deltas:
                        seen.take(delta)
                        if not timed and seen.first is not None:
                            timed = True
                            self._balancer.answered(place.key, seen.first)
                        for one in heard.take(delta):
                            yield one
                rest = heard.end()
                seen.answered()
                for one in rest:
                    yield one
                return
            except Failed as e:
                seen.failed(e)
                if heard.begun:
                    raise Broken(e, turn.number) from e
                again = e
            finally:
                seen.end()
            waited += await self._pause(again, tried, waited, turn)

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
                self._balancer.limited(key, e.retry_after)
            raise
        except BaseException:
            self._breaker.left(key, now())
            raise
        self._breaker.succeeded(key)

    def _resolve(self, gateway: Gateway, model: str) -> _Place:
        address = address_of(gateway)
        if address != INTEGRATED:
            p = gateway.parameters
            headers = p.get("providerHeaders") or NO_HEADERS
            provider = self._provider(self._outbound, address, gateway.api_key, p.get("transportInterface"), headers)
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
        provider = self._provider(self._trusted, entry.address, entry.key, entry.transport)
        told = figures.Place(model, entry.name, entry.vendor, entry.price)
        return _Place(provider, _key(entry.address, entry.key, entry.name), entry.name, told)

    def straight(self, gateway: Gateway, model: str) -> Straight | None:
        """The shortest way to a model at an OpenAI-compatible address."""
        place = self._resolve(gateway, model)
        if not isinstance(place.provider, OpenAICompatible):
            return None
        memory = self._breaker, self._balancer, self.figures
        return Straight(place.provider, place.key, place.name, place.told, *memory)

    def _provider(
        self, outbound: Outbound, address: str, key: str | None, transport: str | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Provider:
        """Made once for an address and its key: reading the address costs as much as asking it."""
        kind = TRANSPORTS.get(transport or "", OpenAICompatible)
        name = (outbound is self._trusted, kind, address, key, tuple(sorted(headers.items())))
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            found = self._known[name] = kind(outbound, address, key, headers)
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

    async def _pause(self, e: Failed, tried: int, waited: float, turn: Turn) -> float:
        """Wait before the next try, or raise `e` when there is none; the seconds that were waited."""
        wait: float = self._first_wait * 2.0 ** (tried - 1) * random.uniform(0.75, 1.25)
        wait = wait if e.retry_after is None else max(wait, e.retry_after)
        tries = min(EMPTY_TRIES, turn.tries) if e.code == EMPTY else turn.tries
        late = waited + wait > turn.patience or time.monotonic() + wait >= turn.deadline
        if e.permanent or tried >= tries or late:
            raise e
        await asyncio.sleep(wait)
        return wait


async def _hidden(mask: Mask, given: str | Sequence[Any]) -> Any:
    """Texts to be embedded, with placeholders. Raise Failed for what cannot be looked through."""
    if not isinstance(given, str) and not all(isinstance(one, str) for one in given):
        text = "This gateway masks personal data, which cannot be found in tokens; send the text itself."
        raise Failed(text, permanent=True, kind=400, code="mask_failed")
    try:
        return await asyncio.to_thread(mask.value, given)
    except Undecided:
        raise Failed("The texts could not be masked for the provider.", permanent=True, code="mask_failed") from None


def _for(gateway: Gateway, prompt: Prompt) -> Prompt:
    """The question as this gateway's provider may be asked it: the hub's own ones take no settings of customers."""
    if not prompt.free or address_of(gateway) != INTEGRATED:
        return prompt
    return replace(prompt, options={k: v for k, v in prompt.options.items() if k not in prompt.free})


@lru_cache(maxsize=KEPT)
def _key(address: str, key: str | None, model: str) -> str:
    """Of what a provider does: one customer's trouble, and one model's, stays theirs."""
    credential = hashlib.sha256((key or "").encode()).hexdigest()[:16]
    return f"{address}|{credential}|{model}"


def _shared(limits: Limits, deadline: float) -> Limits:
    """A silent model may not use up the time of those that come after it."""
    half = max((deadline - time.monotonic()) / 2, 0.05)
    return Limits(min(limits.first, half), min(limits.silence, half))
