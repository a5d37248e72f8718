"""Named places on the road of a message (C1 to C12 and their kin) where somebody outside may look on or step in.

The hub tells of each as it passes it; what is done there is given when a process is made, and by default it is
nothing.
"""

from collections.abc import Callable

Reached = Callable[[str], None]


def unwatched(place: str) -> None:
    """Nobody looks on."""
