"""What every model provider does."""

from collections.abc import AsyncGenerator
from typing import Protocol

from hub.llm.types import Delta, Prompt


class Provider(Protocol):
    def stream(self, prompt: Prompt, deadline: float) -> AsyncGenerator[Delta, None]:
        """Answer piece by piece until `deadline` (time.monotonic). Raise Failed."""
        ...
