"""Room on the disks: what nears its end is said, and nothing new is taken, before anything fails for want of it."""

import os
import time
from pathlib import Path

LOOK = 1.0  # seconds a look is good for
FULL = "The disk of the hub is almost full; nothing new is taken until there is room again."
DATABASE_FULL = "The database of the hub has almost reached its limit; nothing new is taken until there is room again."


class Room:
    """The home folder and, within it, the embedded database; of a database elsewhere how large it may become.

    The reserve is what begun work is finished with: half of it is for calls of networks that never send again."""

    def __init__(self, home: Path, reserve: int, database_most: int) -> None:
        """reserve: bytes that stay free. database_most: bytes the database may have; 0: no limit."""
        self._places = (home, home / "postgres")
        self.reserve = reserve
        self._most = database_most
        self._looked, self._free = 0.0, 0
        self.database = 0  # bytes of the database, as they were measured last

    @property
    def free(self) -> int:
        """Bytes that are free where there are fewest."""
        now = time.monotonic()
        if not self._looked or now - self._looked > LOOK:
            self._free, self._looked = min(_free(p) for p in self._places), now
        return self._free

    @property
    def full(self) -> str | None:
        """Why nothing new is taken; None while there is room."""
        if self.reserve and self.free < self.reserve:
            return FULL
        return DATABASE_FULL if self._most and self.database > self._most else None

    @property
    def spare(self) -> bool:
        """Whether there is room for what would else be lost."""
        return not self.reserve or self.free >= self.reserve // 2


def _free(path: Path) -> int:
    """What an ordinary user may write; of a folder that is not there yet, where it will be."""
    for place in (path, *path.absolute().parents):
        try:
            found = os.statvfs(place)
        except OSError:
            continue
        return found.f_bavail * found.f_frsize
    return 0
