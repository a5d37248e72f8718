"""Who pays for what a model is asked meanwhile: nobody, unless the key of the request has limits."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Protocol


class Purse(Protocol):
    """Of one key; asked before each call of a model, told after it."""

    async def take(self, names: Sequence[str], tokens: int, cost: float, seconds: float) -> None:
        """Set aside what the call may take. names: of what is asked. Raise HubErrors that say why not."""
        ...

    async def spent(self, aside: tuple[int, float], tokens: int, cost: float) -> None:
        """The call is over, however: what it took, in place of the tokens and the cost that were set aside."""
        ...


purse: ContextVar[Purse | None] = ContextVar("purse", default=None)


@asynccontextmanager
async def aside(names: Sequence[str], tokens: int, cost: float, seconds: float) -> AsyncIterator[None]:
    """Around work whose price is known before: it is taken when the work is done."""
    payer = purse.get()
    if payer is None:
        yield
        return
    await payer.take(names, tokens, cost, seconds)
    done = False
    try:
        yield
        done = True
    finally:
        await payer.spent((tokens, cost), tokens if done else 0, cost if done else 0.0)
