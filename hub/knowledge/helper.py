"""Small questions to the operator's helper model (HUB_HELPER_MODEL), and what they cost."""

import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hub.domain import Gateway, Json, Usage
from hub.llm import thinking
from hub.llm.gateway import Models
from hub.llm.prices import bill
from hub.llm.types import INTEGRATED, Prompt

SECONDS = 60.0


@dataclass(slots=True)
class Helper:
    """`name` is a model of the hub's catalogue; `rows` collects the usage of everything it was asked."""

    models: Models
    name: str
    account: UUID
    rows: list[Json] = field(default_factory=list)

    async def ask(self, content: str | list[Json], *, sku: str, what: str, tokens: int) -> str:
        """The model's text. sku, what: of the usage rows. Raise Failed or Invalid."""
        parameters = {"baseAddress": INTEGRATED, "modelName": self.name}
        gateway = Gateway(UUID(int=0), self.account, self.name, "", parameters)
        entry = self.models.entry(gateway, self.name)
        options: dict[str, Any] = {"max_completion_tokens": tokens}
        if not entry or "NoTemperature" not in entry.flags:
            options["temperature"] = 0
        prompt = Prompt(self.name, [{"role": "user", "content": content}], options)
        text, used = "", None
        async with aclosing(self.models.stream(gateway, prompt, time.monotonic() + SECONDS)) as deltas:
            async for delta in deltas:
                text += delta.text
                used = delta.usage or used
        used = used or Usage(-(-len(str(content)) // 4), -(-len(text) // 4))
        self.rows += bill(self.name, used, self.models.price(gateway, self.name), sku=sku, what=what)
        return thinking.strip(text).strip()


def helper(models: Models, name: str, account: UUID) -> Helper | None:
    """The helper of an account's request, or None when the operator has set none."""
    return Helper(models, name, account) if name else None
