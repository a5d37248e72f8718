"""How many webhook calls are being stored just now: what cannot be stored within a second is refused at once."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from hub.errors import Overloaded

# The oldest has waited so long: whoever comes now would wait for longer than a network should.
FULL = 0.6
# Of one address, which others must not suffer from; and what each address may always have.
MOST, FEW = 256, 2
AGAIN = 5.0


class Crowd:
    """The calls of one process, oldest first."""

    def __init__(self) -> None:
        self._inside: dict[object, float] = {}
        self._of: Counter[UUID] = Counter()

    @contextmanager
    def one(self, client: UUID) -> Iterator[None]:
        """Be one of them. Raise Overloaded."""
        now = asyncio.get_running_loop().time()
        oldest = next(iter(self._inside.values()), now)
        mine = self._of[client]
        if mine >= MOST or (now - oldest > FULL and mine >= FEW):
            raise Overloaded(retry_after=AGAIN)
        ticket = object()
        self._inside[ticket] = now
        self._of[client] += 1
        try:
            yield
        finally:
            del self._inside[ticket]
            self._of[client] -= 1
            if not self._of[client]:
                del self._of[client]
