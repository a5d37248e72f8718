"""How many bytes of bodies a process holds at once."""

from collections import Counter

from hub.errors import Overloaded

# Of it, what one caller may hold; at least a body of the largest kind.
SHARE, LARGEST = 4, 72 << 20


class Budget:
    """What is over it is refused at once: a process that runs out of memory refuses everybody."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._each = min(most, max(most // SHARE, LARGEST))
        self._of: Counter[str] = Counter()
        self.held = 0

    def hold(self, whom: str, size: int) -> None:
        """Count `size` more bytes of a caller, which `free` gives back. Raise Overloaded, and count them all the same:
        whoever releases a request releases all that it was counted for."""
        self.held += size
        self._of[whom] += size
        if size and (self.held > self._most or self._of[whom] > self._each):
            raise Overloaded("The hub is taking in as much as it can; try again in a few seconds.", retry_after=5)

    def free(self, whom: str, size: int) -> None:
        self.held -= size
        self._of[whom] -= size
        if self._of[whom] <= 0:
            del self._of[whom]
