"""What an answer costs, as rows of usage."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hub.domain import Json, Usage

SKU = "inference.chat_completions"


@dataclass(frozen=True, slots=True)
class Price:
    """Per token."""

    prompt: float = 0.0
    completion: float = 0.0
    cached: float = 0.0


FREE = Price()
# Models behind a customer's own key are paid by the customer to the provider, so they cost nothing here.
PRICES: Mapping[str, Price] = MappingProxyType({"@hub/extractive": FREE})


def bill(model: str, usage: Usage, prices: Mapping[str, Price] = PRICES) -> list[Json]:
    """Usage rows of one answer; a model without a price costs 0."""
    price = prices.get(model, FREE)
    cached = min(usage.cached, usage.prompt)
    rows = (
        (f"{SKU}.in", price.prompt, usage.prompt - cached),
        (f"{SKU}.out", price.completion, usage.completion),
        (f"{SKU}.in.cached", price.cached, cached),
    )
    return [
        {
            "sku": sku,
            "amount": round(unit * quantity, 12),
            "unit_price": unit,
            "quantity": quantity,
            "description": f"Inference for AI model '{model}'",
        }
        for sku, unit, quantity in rows
        if quantity or not sku.endswith("cached")
    ]
