"""Small questions to the operator's helper model (HUB_HELPER_MODEL), and what they cost."""

import time
from dataclasses import dataclass, field
from uuid import UUID

from hub.domain import Json
from hub.llm import aside
from hub.llm.gateway import Models

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
        gateway = aside.helper_gateway(self.account, self.name)
        text, rows = await aside.ask(
            self.models, gateway, self.name, [{"role": "user", "content": content}], time.monotonic() + SECONDS,
            flags=aside.flags_of(self.models, gateway, self.name), size=_size(content), tokens=tokens, sku=sku,
            what=what,
        )
        self.rows += rows
        return text


def _size(content: str | list[Json]) -> int:
    """Tokens of the text; what a picture takes only its provider knows."""
    parts = [content] if isinstance(content, str) else [str(p.get("text") or "") for p in content]
    return -(-sum(map(len, parts)) // 4)


def helper(models: Models, name: str, account: UUID) -> Helper | None:
    """The helper of an account's request, or None when the operator has set none."""
    return Helper(models, name, account) if name else None
