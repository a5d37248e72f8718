"""How many bytes of bodies a process holds at once."""

from hub.errors import Overloaded


class Budget:
    """What is over it is refused at once: a process that runs out of memory refuses everybody."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.held = 0

    def hold(self, size: int) -> None:
        """Count `size` more bytes, which `free` gives back. Raise Overloaded, and count them all the same: whoever
        releases a request releases all that it was counted for."""
        self.held += size
        if size and self.held > self._most:
            raise Overloaded("The hub is taking in as much as it can; try again in a few seconds.", retry_after=5)

    def free(self, size: int) -> None:
        self.held -= size
