"""Tables of pages: a cell that goes over several rows or columns stands in each of them."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from hub.knowledge.children.soups import Tag

MOST = 40
LAID = ("table", "thead", "tbody", "tfoot", "tr", "td", "th", "colgroup")
NAME = 40  # characters of the longest name of a column
# What may stand again on one page because a cell goes over several rows or columns: its elements, and its words.
COPIED = 40_000
WORDS = 40  # characters that count as one element
WIDEST = 1000  # cells of the widest row into which others are put
AMOUNT = re.compile(r"^\W*(?:[A-Za-z]{1,3}\$?\s?)?\d")


class Over(NamedTuple):
    """A cell from above that goes on. left: for how many rows; size: what a copy of it counts."""

    left: int
    cell: Any
    size: int


Due = dict[int, Over]  # by their columns


def spread(soup: Any, note: Callable[[str], object]) -> None:
    """note: told what is not read."""
    _unnest(soup)
    left, lost = COPIED, 0
    for table in soup.find_all("table"):
        cells = (one for one in table.descendants if isinstance(one, Tag))
        if any("rowspan" in one.attrs or "colspan" in one.attrs for one in cells):
            left, more = _spread(table, left)
            lost += more
        if table.find("th") is None:
            _unmarked(table)
    if lost:
        note(f"{lost} rows of tables were not read: too many cells go over several rows or columns.")


def _unmarked(table: Any) -> None:
    """The first row of a table in which nothing is marked as a header, where it is one: names above numbers, bold
    words, or short words above several rows of several columns. Word and old pages mark none."""
    rows = [[c for c in row.contents if isinstance(c, Tag)] for row in table.find_all("tr")]
    if len(rows) < 2 or len(rows[0]) < 2:
        return
    first = [c.get_text(" ", strip=True) for c in rows[0]]
    body = [[c.get_text(" ", strip=True) for c in row] for row in rows[1:] if len(row) == len(first)]
    if not body or not all(first[1:]) or any(len(t) > NAME or AMOUNT.search(t) for t in first):
        return
    counted = any(2 * sum(bool(AMOUNT.search(row[n])) for row in body) > len(body) for n in range(len(first)))
    bold = all(c.find(["strong", "b"]) is not None for c, t in zip(rows[0], first, strict=True) if t)
    if counted or bold or (len(first) > 2 and len(body) > 1):
        for cell in rows[0]:
            cell.name = "th"


def _spread(table: Any, left: int) -> tuple[int, int]:
    """What may still be copied afterwards, and how many rows were left out because it was not enough: their cells
    would stand below the wrong names."""
    rows = table.find_all("tr")
    several = bool(rows) and rows[0].find(["td", "th"], attrs={"colspan": True}) is not None
    due: Due = {}
    for number, row in enumerate(rows):
        cells = list(row.find_all(["td", "th"], recursive=False))
        if len(cells) == 1 and not due and cells[0].has_attr("colspan"):
            continue  # a title
        cost = _fill(row, cells, due, len(rows), left)
        if cost is None:
            for rest in rows[number:]:
                rest.clear()
                rest.name = "span"
            return left, len(rows) - number
        left -= cost
        due = {c: over._replace(left=over.left - 1) for c, over in due.items() if over.left > 1}
    if several and len(rows) > 2:
        _head(rows[0], rows[1])
    return left, 0


class _Nested:
    """Tables of a page and what stands in each, found in one walk. parts: what stands in a table and in no other within
    it; inner: the tables among that; holds: elements in which a table stands."""

    def __init__(self, soup: Any) -> None:
        self.tables: list[Any] = []
        self.parts: dict[int, list[Any]] = {}
        self.inner: dict[int, list[Any]] = {}
        self.holds: set[int] = set()
        within: dict[int, Any] = {}
        for one in soup.find_all(True):
            above = within[id(one)] = one.parent if one.parent.name == "table" else within.get(id(one.parent))
            if above is not None:
                self.parts[id(above)].append(one)
            if one.name == "table":
                self._table(one, above)

    def _table(self, table: Any, above: Any) -> None:
        self.tables.append(table)
        self.parts[id(table)], self.inner[id(table)] = [], []
        if above is not None:
            self.inner[id(above)].append(table)
        for parent in table.parents:
            if id(parent) in self.holds:
                return
            self.holds.add(id(parent))


def _unnest(soup: Any) -> None:
    """A table that holds tables lays a page out: its cells are parts of the page. In one with a header the tables
    within are values, and become lines of them. The innermost first, so that each is looked at once."""
    nested = _Nested(soup)
    for table in reversed(nested.tables):
        parts = nested.parts[id(table)]
        if not nested.inner[id(table)]:
            continue
        if any(p.name == "th" and id(p) not in nested.holds for p in parts):
            for one in _inner(table, nested.inner):
                one.string = f" {'; '.join(filter(None, _lines(one)))} "
                one.name, one.attrs = "span", {}
            nested.inner[id(table)] = []
            continue
        for one in (table, *parts):
            if one.name in LAID:
                one.name, one.attrs = "div", {}


def _inner(table: Any, inner: dict[int, list[Any]]) -> list[Any]:
    """The tables within one, also within those that only lay something out."""
    found, pending = [], list(inner[id(table)])
    while pending:
        one = pending.pop()
        if one.name == "table":
            found.append(one)
        else:
            pending += inner[id(one)]
    return found


def _lines(table: Any) -> Iterator[str]:
    for row in table.find_all("tr"):
        yield ", ".join(c.get_text(" ", strip=True) for c in row.find_all(["td", "th"]))


def _fill(row: Any, cells: list[Any], due: Due, most: int, left: int) -> int | None:
    """Put into a row what goes on from above, and again what goes over several columns. What that costs; None when it
    is more than is left."""
    cost, place = len(due), 0
    plan: list[tuple[Any, bool]] = []
    for cell in cells:
        while place in due:
            plan.append((due[place].cell, True))
            cost += due[place].size
            place += 1
        down, across = _times(cell, "rowspan", most), _times(cell, "colspan", MOST)
        size = _weight(cell) if down > 1 or across > 1 else 0
        cost += size * (across - 1)
        if cost > left:
            return None
        for n in range(across):
            if down > 1:
                due[place + n] = Over(down, cell, size)
            plan.append((cell, n > 0))
        place += across
    while place in due:
        plan.append((due[place].cell, True))
        cost += due[place].size
        place += 1
    if cost > left or cost and len(plan) > WIDEST:
        return None
    if cost:
        made = [_copy(cell) if again else cell for cell, again in plan]
        row.clear()
        for cell in made:
            row.append(cell)
    return cost


def _weight(cell: Any) -> int:
    """What a copy of a cell counts."""
    return 1 + sum(1 if isinstance(one, Tag) else 1 + len(one) // WORDS for one in cell.descendants)


def _head(first: Any, second: Any) -> None:
    """Two rows of a header as one: "Price" above "Month" makes "Price Month"."""
    above, below = (row.find_all(["td", "th"], recursive=False) for row in (first, second))
    if len(above) != len(below) or len(above) < 2 or not all(c.name == "th" for c in (*above, *below)):
        return
    for one, other in zip(above, below, strict=True):
        words = [c.get_text(" ", strip=True) for c in (one, other)]
        one.string = " ".join(dict.fromkeys(filter(None, words)))
    second.decompose()


def _copy(cell: Any) -> Any:
    copied = cell.__copy__()
    for name in ("rowspan", "colspan", "id"):
        copied.attrs.pop(name, None)
    return copied


def _times(cell: Any, name: str, most: int) -> int:
    said = str(cell.attrs.pop(name, None) or "1").strip()
    return max(1, min(most, int(said))) if said.isdigit() else 1
