"""Streams that stay open: how many of them one key and one address may hold in this process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from hub.errors import TooMany

PER_KEY, PER_ADDRESS = 20, 300
AGAIN = 15.0


class Streams:
    """Each costs a connection and a look at the database now and then."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, key: str, address: str) -> Iterator[None]:
        """Hold one. Raise TooMany."""
        held = (f"k:{key}", f"a:{address}")
        if self._open[held[0]] >= PER_KEY or self._open[held[1]] >= PER_ADDRESS:
            raise TooMany("Too many open streams of this conversation or address; close some.", retry_after=AGAIN)
        self._open.update(held)
        try:
            yield
        finally:
            self._open.subtract(held)
            for name in held:
                if self._open[name] <= 0:
                    del self._open[name]
