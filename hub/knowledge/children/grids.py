"""Tables of pages: a cell that goes over several rows or columns stands in each of them."""

import re
from typing import Any

from hub.knowledge.children.soups import Tag

MOST = 40
NAME = 40  # characters of the longest name of a column
AMOUNT = re.compile(r"^\W*(?:[A-Za-z]{1,3}\$?\s?)?\d")
Due = dict[int, tuple[int, Any]]  # columns in which cells from above go on: for how many rows, and which


def spread(soup: Any) -> None:
    for table in soup.find_all("table"):
        if table.find("table"):
            _unnested(table)
    for table in soup.find_all("table"):
        cells = (one for one in table.descendants if isinstance(one, Tag))
        if any("rowspan" in one.attrs or "colspan" in one.attrs for one in cells):
            _spread(table)
        if table.find("th") is None:
            _unmarked(table)


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


def _spread(table: Any) -> None:
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    several = bool(rows) and rows[0].find(["td", "th"], attrs={"colspan": True}) is not None
    due: Due = {}
    for row in rows:
        cells = list(row.find_all(["td", "th"], recursive=False))
        if len(cells) == 1 and not due and cells[0].has_attr("colspan"):
            continue  # a title
        _fill(row, cells, due, len(rows))
        due = {c: (left - 1, cell) for c, (left, cell) in due.items() if left > 1}
    if several and len(rows) > 2:
        _head(rows[0], rows[1])


def _unnested(table: Any) -> None:
    """A table that holds tables lays a page out: its cells are parts of the page. In one with a header the tables
    within are values, and become lines of them."""
    rows = [row for row in table.find_all("tr") if row.find_parent("table") is table]
    heads = (cell for row in rows for cell in row.find_all("th", recursive=False))
    if any(cell.find("table") is None for cell in heads):
        for inner in table.find_all("table"):
            if inner.parent is not None and inner.find("table") is None:
                lines = (", ".join(c.get_text(" ", strip=True) for c in row.find_all(["td", "th"]))
                         for row in inner.find_all("tr"))
                inner.replace_with(f" {'; '.join(filter(None, lines))} ")
        return
    parts = table.find_all(["thead", "tbody", "tfoot", "tr", "td", "th", "colgroup"])
    for one in [p for p in parts if p.find_parent("table") is table]:
        one.name = "div"
        one.attrs = {}
    table.name = "div"


def _fill(row: Any, cells: list[Any], due: Due, most: int) -> None:
    """Put into a row what goes on from above, and again what goes over several columns."""
    place = 0
    for cell in cells:
        while place in due:
            cell.insert_before(_copy(due[place][1]))
            place += 1
        down, across = _times(cell, "rowspan", most), _times(cell, "colspan", MOST)
        for n in range(across):
            if down > 1:
                due[place + n] = (down, cell)
            if n:
                cell.insert_after(_copy(cell))
        place += across
    while place in due:
        row.append(_copy(due[place][1]))
        place += 1


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
