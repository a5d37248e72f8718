"""Whose webhook calls a process could not store at once, until that is written down.

What such a call tells is not known for a while, so nobody may conclude from its silence that something was not sent.
"""

from uuid import UUID

MOST = 5000
Place = tuple[UUID, str]  # of which chat client, on which network


class Lagging:
    """everybody: whose they were is not known."""

    def __init__(self) -> None:
        self.places: set[Place] = set()
        self.everybody = False

    def add(self, client: UUID, channel: str) -> None:
        if len(self.places) < MOST:
            self.places.add((client, channel))
        else:
            self.everybody = True

    def taken(self) -> "Lagging":
        """What was not written down yet; from here on it counts anew."""
        found = Lagging()
        found.places, self.places = self.places, set()
        found.everybody, self.everybody = self.everybody, False
        return found

    def back(self, found: "Lagging") -> None:
        """It could not be written down."""
        self.places |= found.places
        self.everybody = self.everybody or found.everybody

    def __bool__(self) -> bool:
        return bool(self.places) or self.everybody
