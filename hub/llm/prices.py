"""What an answer costs, as rows of usage."""

from dataclasses import dataclass

from hub.domain import Json, Usage

SKU = "inference.chat_completions"


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars a token. cached, written: of the question, what the provider had remembered, and what it now does."""

    prompt: float = 0.0
    completion: float = 0.0
    cached: float = 0.0
    written: float = 0.0


# Models behind a customer's own key are paid by the customer to the provider, so they cost nothing here.
FREE = Price()


def bill(model: str, usage: Usage, price: Price = FREE, *, sku: str = SKU, what: str | None = None) -> list[Json]:
    """Usage rows of one answer of a model. what: description in place of the model's."""
    cached = min(usage.cached, usage.prompt)
    written = min(usage.written, usage.prompt - cached)
    rows = (
        (f"{sku}.in", price.prompt, usage.prompt - cached - written),
        (f"{sku}.out", price.completion, usage.completion),
        (f"{sku}.in.cached", price.cached, cached),
        (f"{sku}.in.written", price.written, written),
    )
    return [
        {
            "sku": name,
            "amount": round(unit * quantity, 12),
            "unit_price": unit,
            "quantity": quantity,
            "description": what or f"Inference for AI model '{model}'",
        }
        for name, unit, quantity in rows
        if quantity or not name.endswith((".cached", ".written"))
    ]


def cost(rows: list[Json]) -> float:
    """Dollars of usage rows."""
    return sum(float(row["amount"]) for row in rows)
