"""One question, one answer: context, model, tools. Every channel and the API come through here."""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from hub.engine import brand, output_rules
from hub.engine.ask import Answer, Ask, Sink
from hub.engine.gather import gather
from hub.engine.loop import Loop
from hub.engine.output_rules import Rule
from hub.engine.tool_calls import Calls
from hub.llm.types import Delta
from hub.runtime import Hub


async def answer(hub: Hub, ask: Ask, sink: Sink | None = None) -> Answer:
    """Answer; `sink` gets the pieces as they come. Raise Upstream when the model fails for good."""
    started, banned = time.monotonic(), brand.banned_of(ask.gateway)
    heard = brand.held(sink) if banned else sink
    rules = output_rules.rules_of(ask.gateway.parameters)
    async with AsyncExitStack() as stack:
        ctx = await gather(hub, ask, stack)
        asked = time.monotonic()
        calls = Calls(hub, ctx, heard)
        ctx.invoke = calls.invoke
        loop = Loop(hub, ctx, heard, calls, rules=rules)
        await loop.run()
        made = _chosen(ask, loop.answer(started, asked), rules, banned)
    if banned and made.withheld is None:
        made = await brand.checked(hub, ask, made, banned)
        made = _ruled(ask, made, rules)
        if sink is not None and made.text:
            await sink(Delta(made.text))
    for rule in rules:
        if count := made.fired.get(rule.name):
            hub.models.figures.guarded(rule.what, rule.action, count)
    return made


def _chosen(ask: Ask, made: Answer, rules: Sequence[Rule], banned: Sequence[str]) -> Answer:
    """Choices are words of the answer as well: what may not be said is not offered."""
    if not made.choices or not (rules or banned):
        return made
    kept = []
    for one in made.choices:
        words = "\n".join(str(v) for v in one.values())
        ruled, blocked = output_rules.whole(rules, ask.trace.fired, words) if rules else (words, None)
        if not blocked and ruled == words and not brand.found(words, banned):
            kept.append(one)
    return replace(made, choices=kept)


def _ruled(ask: Ask, made: Answer, rules: Sequence[Rule]) -> Answer:
    """An answer that was written anew, by the gateway's rules."""
    if not rules:
        return made
    text, blocked = output_rules.whole(rules, ask.trace.fired, made.text)
    if blocked:
        text = output_rules.withheld(ask.gateway.parameters, ask.language)
    last = [*made.messages[:-1], {**made.messages[-1], "content": text}] if made.messages else []
    value = made.value if text == made.text else None
    return replace(made, text=text, messages=last, fired=dict(ask.trace.fired), withheld=blocked, value=value)
