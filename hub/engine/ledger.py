"""What an answer has consumed so far, whether it comes to an end or not."""

from dataclasses import dataclass, field
from functools import reduce

from hub.domain import Gateway, Json, Usage
from hub.llm.gateway import Models
from hub.llm.prices import bill


@dataclass(slots=True)
class Ledger:
    """rows: usage of what stands around the answer. said: tokens of the answer's own models."""

    rows: list[Json] = field(default_factory=list)
    said: dict[str, Usage] = field(default_factory=dict)

    def add(self, model: str, used: Usage) -> None:
        """Tokens of the answer's own model."""
        self.said[model] = self.said.get(model, Usage()).plus(used)

    @property
    def usage(self) -> Usage:
        return reduce(Usage.plus, self.said.values(), Usage())

    def billed(self, models: Models, gateway: Gateway) -> list[Json]:
        """Rows of usage: what was resolved beforehand, then the answer itself, then its tools."""
        before = [r for r in self.rows if r["sku"].startswith("inference.")]
        after = [r for r in self.rows if not r["sku"].startswith("inference.")]
        own = [row for model, used in self.said.items() for row in bill(model, used, models.price(gateway, model))]
        return [*before, *own, *after]
