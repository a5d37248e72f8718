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
    words = what or f"Inference for AI model '{model}'"
    rows = [_row(f"{sku}.in", price.prompt, usage.prompt - cached - written, words)]
    rows.append(_row(f"{sku}.out", price.completion, usage.completion, words))
    if cached:
        rows.append(_row(f"{sku}.in.cached", price.cached, cached, words))
    if written:
        rows.append(_row(f"{sku}.in.written", price.written, written, words))
    return rows


def _row(sku: str, unit: float, quantity: int, words: str) -> Json:
    return {
        "sku": sku, "amount": round(unit * quantity, 12), "unit_price": unit, "quantity": quantity,
        "description": words,
    }


def cost(rows: list[Json]) -> float:
    """Dollars of usage rows."""
    return sum(float(row["amount"]) for row in rows)
