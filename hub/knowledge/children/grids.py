"""Tables of pages: a cell that goes over several rows or columns stands in each of them."""

from typing import Any

from hub.knowledge.children.soups import Tag

MOST = 40
Due = dict[int, tuple[int, Any]]  # columns in which cells from above go on: for how many rows, and which


def spread(soup: Any) -> None:
    for table in soup.find_all("table"):
        if table.find("table"):
            _unnested(table)
    for table in soup.find_all("table"):
        cells = (one for one in table.descendants if isinstance(one, Tag))
        if any("rowspan" in one.attrs or "colspan" in one.attrs for one in cells):
            _spread(table)


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
