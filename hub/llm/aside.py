"""Small questions beside an answer: to the operator's helper model (HUB_HELPER_MODEL) or another one."""

from collections.abc import Collection
from contextlib import aclosing
from typing import Any
from uuid import UUID

from hub.domain import Gateway, Json, Usage
from hub.llm import thinking
from hub.llm.gateway import Models
from hub.llm.prices import bill
from hub.llm.types import INTEGRATED, Failed, Prompt


def helper_gateway(account: UUID, name: str) -> Gateway:
    """A model of the catalogue as a gateway of nobody's."""
    return Gateway(UUID(int=0), account, name, "", {"baseAddress": INTEGRATED, "modelName": name})


async def ask(
    models: Models, gateway: Gateway, model: str, messages: list[Json], deadline: float, *,
    flags: Collection[str], size: int, tokens: int, sku: str, what: str,
) -> tuple[str, list[Json]]:
    """The model's text and rows of usage. Raise Failed or Invalid.

    size: an estimate of the tokens of the messages, for providers that count none. tokens: most of the
    answer. sku: `<sku>.in` and so on; what: description in the bill. deadline: time.monotonic.
    """
    options: dict[str, Any] = {"max_tokens" if "UseMaxTokens" in flags else "max_completion_tokens": tokens}
    if "NoTemperature" not in flags:
        options["temperature"] = 0
    text, used, served = "", None, model
    async with aclosing(models.stream(gateway, Prompt(model, messages, options), deadline)) as deltas:
        async for delta in deltas:
            text += delta.text
            used = delta.usage or used
            served = delta.served or served
    if not text.strip():
        raise Failed("The model answered nothing.", permanent=True, code="empty_answer")
    used = used or Usage(size, -(-len(text) // 4))
    return thinking.strip(text).strip(), bill(served, used, models.price(gateway, served), sku=sku, what=what)


def flags_of(models: Models, gateway: Gateway, model: str) -> frozenset[str]:
    """Those of the gateway and of the catalogue's entry of the model."""
    entry = models.entry(gateway, model)
    return frozenset(gateway.parameters.get("flags") or ()) | (entry.flags if entry else frozenset())
