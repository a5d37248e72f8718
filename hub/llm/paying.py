"""What an answer costs the key that began it: set aside before the model is asked, settled when it has answered."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from uuid import UUID

from hub.domain import Gateway, Usage
from hub.llm.prices import Price, bill, cost
from hub.llm.types import Delta, Prompt
from hub.purse import Purse

# Tokens of an answer whose length nobody limits, as they are set aside for it.
UNKNOWN = 1000
HELPER = UUID(int=0)


async def paid(
    payer: Purse, price_of: Callable[[Gateway, str], Price], gateway: Gateway, prompt: Prompt, deadline: float,
    asked: AsyncGenerator[Delta, None],
) -> AsyncGenerator[Delta, None]:
    """The answer that is asked for. Raise what the purse refuses with, before anything is asked."""
    price, (tokens, most) = price_of(gateway, prompt.model), estimate(prompt)
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
        rows = bill(served, used, price_of(gateway, served))
        await payer.spent(aside, used.total, cost(rows))


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
