"""How much waits in the journal, as far as a process knows: it only guides, what is true is in the database."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(slots=True)
class Backlog:
    """Of an integration. coming: calls that are being kept; kept: that are, and not folded; past: that go past the
    journal now; barred: how many wait until nothing is before them."""

    coming: int = 0
    kept: int = 0
    size: int = 0
    past: int = 0
    barred: int = 0

    @property
    def count(self) -> int:
        return self.coming + self.kept

    @property
    def waits(self) -> bool:
        return self.count > 0


class Backlogs:
    """Of all integrations that something waits for. count, size: of all together."""

    def __init__(self) -> None:
        self._of: dict[UUID, Backlog] = {}
        self.count = 0
        self.size = 0

    def known(self, integration: UUID) -> Backlog | None:
        return self._of.get(integration)

    def of(self, integration: UUID) -> Backlog:
        """To be changed; `tidy` forgets it when it says nothing."""
        return self._of.setdefault(integration, Backlog())

    def comes(self, integration: UUID, size: int) -> None:
        """A call is being kept."""
        mine = self.of(integration)
        mine.coming += 1
        self._more(mine, 1, size)

    def came(self, integration: UUID, size: int, kept: bool) -> None:
        """It is kept, or was not."""
        mine = self.of(integration)
        mine.coming -= 1
        mine.kept += kept
        if not kept:
            self._more(mine, -1, -size)
            self.tidy(integration)

    def folded(self, integration: UUID, count: int, size: int | None) -> None:
        """So many fewer wait; another process may have kept some of them. size: None where it is not known."""
        mine = self.of(integration)
        gone = min(count, mine.kept)
        if size is None:
            size = mine.size * gone // max(1, mine.count)
        mine.kept -= gone
        self._more(mine, -gone, -(min(size, mine.size) if mine.waits else mine.size))
        self.tidy(integration)

    def exceeds(self, mine: Backlog, count: int, size: int) -> bool:
        """Whether there are so many, or so much, of all together, and of this one no less than its share of that: who
        has little waiting is not refused for what others have."""
        if self.count < count and self.size < size:
            return False
        each = max(1, len(self._of))
        return mine.count >= count // each or mine.size >= size // each

    def _more(self, mine: Backlog, count: int, size: int) -> None:
        mine.size += size
        self.count += count
        self.size += size

    def tidy(self, integration: UUID) -> None:
        if self._of.get(integration) == Backlog():
            del self._of[integration]
