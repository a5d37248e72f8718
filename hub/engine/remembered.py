"""Answers of models that are given again: opt-in, exact, only where nobody is named and the hub runs no tools."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import orjson

from hub.domain import Gateway, Json
from hub.engine.ask import Wish
from hub.engine.context import AnswerContext
from hub.errors import HubError
from hub.llm.finish import CALLS, STOP
from hub.llm.reading import joined_logprobs, with_beside
from hub.llm.toolcalls import gather, merged
from hub.llm.types import Delta, Prompt
from hub.runtime import Hub
from hub.store import answer_cache

log = logging.getLogger(__name__)

HIT, MISS, OFF = "hit", "miss", "off"
SKU = "inference.chat_completions.cached"
LARGEST = 1_000_000
# A change here makes old answers unfindable.
VERSION = 1


class Memory:
    """What is remembered of one call of the model."""

    def __init__(self, hub: Hub, ctx: AnswerContext, prompt: Prompt) -> None:
        self._hub = hub
        self._ask = ctx.ask
        wish = ctx.ask.cache
        open_ = wish is not None and not ctx.tools and not ctx.ask.external_user and not ctx.ask.person
        self._wish = wish if open_ and _lasting(prompt) else None
        self._prompt = prompt
        self._digest = b""
        # Of several calls of the model all have to be remembered.
        self._found = MISS if ctx.ask.trace.cache == MISS else HIT
        if wish is not None:
            ctx.ask.trace.cache = MISS if self._wish else OFF
        self._heard = Delta()
        self._texts: list[str] = []
        self._calls: dict[int, Json] = {}

    async def known(self) -> Delta | None:
        """The answer that was given before."""
        if self._wish is None or self._wish.fresh:
            return None
        try:
            raw = await answer_cache.get(self._hub.db, self._ask.account_id, await self._named(self._wish))
        except HubError as e:
            log.warning("an answer was not looked up: %s", e)
            return None
        if raw is None:
            return None
        self._ask.trace.cache = self._found
        found = orjson.loads(raw)
        self._ask.trace.ledger.rows.append({
            "sku": SKU, "amount": 0, "unit_price": 0, "quantity": 1,
            "description": f"Answer from the cache: '{found.get('served') or self._name}'",
        })
        return Delta(**{**found, "tool_calls": tuple(found["tool_calls"]), "details": tuple(found["details"])})

    async def _named(self, wish: Wish) -> bytes:
        """The question's name, made beside the loop: it may hold pictures."""
        if not self._digest:
            self._digest = await asyncio.to_thread(_digest, self._hub, self._ask.gateway, self._prompt, wish.rights)
        return self._digest

    @property
    def _name(self) -> str:
        return str(self._ask.gateway.parameters.get("modelName") or "")

    def hear(self, delta: Delta) -> None:
        """A piece of the answer."""
        if self._wish is None:
            return
        old = self._heard
        gather(self._calls, delta.tool_calls)
        if delta.text and self._prompt.whole:
            self._texts.clear()
        self._texts.append(delta.text)
        self._heard = Delta(
            reasoning=old.reasoning + delta.reasoning,
            finish=delta.finish or old.finish, model=delta.model or old.model, details=(*old.details, *delta.details),
            served=delta.served or old.served, refusal=old.refusal + delta.refusal,
            logprobs=joined_logprobs(old.logprobs, delta.logprobs), beside=with_beside(old.beside, delta.beside),
            around={**old.around, **delta.around}, back=merged(old.back, delta.back), named=delta.named or old.named,
            passing=old.passing or delta.passing,
        )

    async def keep(self, finish: str) -> None:
        """The answer came to its end. It is given even when it cannot be kept. Made while the embedder rests it is not
        kept: soon there is a better one."""
        if self._wish is None or finish not in (STOP, CALLS) or self._heard.refusal:
            return
        if self._heard.passing or self._ask.trace.worded:
            return
        calls = tuple({"index": n, **call} for n, call in self._calls.items())
        raw = orjson.dumps(asdict(replace(self._heard, text="".join(self._texts), tool_calls=calls)))
        if len(raw) > LARGEST:
            return
        ask, most = self._ask, self._hub.settings.answer_cache_mb << 20
        try:
            name = await self._named(self._wish)
            await answer_cache.put(self._hub.db, ask.account_id, name, raw, self._wish.seconds, most)
        except HubError as e:
            log.warning("an answer was not kept: %s", e)


async def again(delta: Delta) -> AsyncGenerator[Delta, None]:
    """A remembered answer as if the model said it."""
    yield delta


def _digest(hub: Hub, gateway: Gateway, prompt: Prompt, rights: str) -> bytes:
    """Of everything that decides the answer: who asks, whom, with what. What was found in the knowledge, and the
    tools, are part of the question."""
    entry = hub.models.entry(gateway, prompt.model)
    everything: Mapping[str, Any] = {
        "version": VERSION, "account": gateway.account_id, "rights": rights,
        "parameters": gateway.parameters, "key": hashlib.sha256((gateway.api_key or "").encode()).hexdigest(),
        "model": [prompt.model, entry and (entry.address, entry.name, entry.transport)],
        "messages": prompt.messages, "options": dict(prompt.options), "free": sorted(prompt.free),
        "question": prompt.question, "language": prompt.language,
        "passages": [[p.document_id, p.content, p.name, p.score] for p in prompt.passages],
    }
    raw = orjson.dumps(everything, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    return hashlib.sha256(raw).digest()


def _lasting(prompt: Prompt) -> bool:
    """Whether all that is asked is in the question: what lies at an address may change."""
    for message in prompt.messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            inner = part.get(str(part.get("type"))) if isinstance(part, dict) else None
            if isinstance(inner, dict) and not _within(inner):
                return False
    return True


def _within(inner: Json) -> bool:
    url = inner.get("url") or inner.get("file_url") or ""
    return not inner.get("file_id") and (not url or str(url).startswith("data:"))


def rights_of(kind: str, role: str, models: tuple[UUID, ...], origins: tuple[str, ...]) -> str:
    """What a key may see and do, as part of a question's name."""
    return repr((kind, role, sorted(map(str, models)), sorted(origins)))
