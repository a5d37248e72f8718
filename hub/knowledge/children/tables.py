"""Tables as text: each row with the names of its columns, so that it can be found, understood and cited alone."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from hub.knowledge.children.common import Asked, No, Text, run
from hub.knowledge.children.encodings import decoded

DELIMITERS = ";\t|,"
SAMPLE = 60  # rows from which the delimiter is told
LIKE = 0.7  # part of the rows that have the same number of cells
NUMBER = re.compile(r"[-+(]?\s*(?:R\$|US\$|[$€£])?\s*\d[\d.,\s]*%?\)?$")
PRICE = re.compile(r"(?:R\$|US\$|[$€£])\s*\d[\d.,]*$|\d[\d.]*,\d\d$|\d[\d,]*\.\d\d$")
ESCAPED = re.compile(r'(?<!\\)\\"\w')
Row = tuple[int, list[str]]


def read(content: bytes, asked: Asked, text: Text) -> None:
    """CSV with any delimiter."""
    text.unit = "row"
    said = decoded(content)
    if "\0" in said:
        raise No("is no text")
    csv.field_size_limit(len(said) + 1)  # how long a text may be is decided where it is added
    said, mark, skipped = _dialect(said)
    try:
        rows = _cut(said, mark) if mark else ([line] for line in _lines(said))
        put(text, ((n + skipped, row) for n, row in enumerate(rows, 1)), asked)
    except csv.Error as e:
        raise No(f"is no CSV ({e})") from None


def _cut(said: str, mark: str) -> Iterator[list[str]]:
    """The rows. Some programs put a backslash before a quote within a cell."""
    torn = _torn(said, mark)
    reader = csv.reader(
        io.StringIO(said, newline=""), delimiter=mark, skipinitialspace=True,
        escapechar="\\" if ESCAPED.search(said) else None, quoting=csv.QUOTE_NONE if torn else csv.QUOTE_MINIMAL,
    )
    return ([c.strip().strip('"') for c in row] for row in reader) if torn else reader


def _torn(said: str, mark: str) -> bool:
    """Whether a quote that nothing closes would swallow rows: all lines have as many cells, quoted or not."""
    if not re.search(rf'(?:^|{re.escape(mark)}) *"[^"\n]*$', said, re.MULTILINE):
        return False
    lines = csv.reader(io.StringIO(said, newline=""), delimiter=mark, quoting=csv.QUOTE_NONE)
    return len({len(row) for row in lines if row}) == 1


def put(text: Text, rows: Iterable[Row], asked: Asked) -> None:
    """The rows of one sheet, which may hold several tables. What stands above a header is its title."""
    count = 0
    # A cell that goes over several lines is one value: its next lines are none of the record's.
    filled = ((n, [" ".join(cell.split()) for cell in row]) for n, row in rows if any(cell.strip() for cell in row))
    taken = list(islice(filled, asked["rows"] + SAMPLE + 1))
    if len(taken) > asked["rows"] + SAMPLE:
        raise No(f"has more than {asked['rows']:,} rows; split it")
    for table in _tables(taken):
        names, below = _headed(table, text)
        count += len(below)
        if count > asked["rows"]:
            raise No(f"has more than {asked['rows']:,} rows; split it")
        for number, row in below:
            wide = names + [f"Column {n}" for n in range(len(names) + 1, len(row) + 1)]
            text.add("\n".join(f"{n}: {cell}" for n, cell in zip(wide, row, strict=False) if cell), number)


def _tables(rows: list[Row]) -> list[list[Row]]:
    """The parts between blank rows, those together of which the next only goes on with the one before."""
    found: list[list[Row]] = []
    titles: list[Row] = []
    for block in _blocks(rows):
        if found and _single(block) and not _single(found[-1]):
            titles += block
            continue
        if found and (_single(found[-1]) or not _begins(titles + block, found[-1])):
            found[-1] += titles + block
        else:
            found.append(titles + block)
        titles = []
    if titles:
        found[-1] += titles
    return found


def _blocks(rows: list[Row]) -> Iterator[list[Row]]:
    start = 0
    for n in range(1, len(rows) + 1):
        if n == len(rows) or rows[n][0] > rows[n - 1][0] + 1:
            yield rows[start:n]
            start = n


def _single(rows: list[Row]) -> bool:
    return all(sum(map(bool, row)) == 1 for _, row in rows)


def _begins(block: list[Row], before: list[Row]) -> bool:
    """Whether a part begins with a header of its own: in other columns than the table before, or above numbers."""
    start = next((n for n, (_, row) in enumerate(block) if sum(map(bool, row)) > 1), len(block))
    rest = [row for _, row in block[start + 1 : start + SAMPLE]]
    if not rest or any(NUMBER.match(c) for c in block[start][1] if c):
        return False
    first = _places(block[start][1])
    if first and not first & set().union(*(_places(row) for _, row in before[:SAMPLE])):
        return True
    under = [n for n in first if all(n < len(row) and NUMBER.match(row[n]) for row in rest)]
    return bool(under) and (start > 0 or len(rest) > 1)


def _places(row: list[str]) -> set[int]:
    return {n for n, cell in enumerate(row) if cell}


def _headed(rows: list[Row], text: Text) -> tuple[list[str], list[Row]]:
    """The names of the columns, and the rows below them; titles are said."""
    at = 0
    width = Counter(sum(map(bool, row)) for _, row in rows[:SAMPLE]).most_common(1)
    usual = width[0][0] if width else 0
    while at < len(rows) - 1 and usual > 1 and _title(rows[at][1], usual):
        text.add(" | ".join(filter(None, rows[at][1])))
        at += 1
    if at == len(rows) or _data(rows[at][1], [row for _, row in rows[at + 1 : at + SAMPLE]]):
        return [], rows[at:]
    names = [" ".join(name.split()) or f"Column {n}" for n, name in enumerate(rows[at][1], 1)]
    if at == len(rows) - 1:
        text.add(" | ".join(names))
    return names, rows[at + 1 :]


def _title(row: list[str], usual: int) -> bool:
    many = sum(map(bool, row))
    return many == 1 or 2 * many <= usual


def _data(first: list[str], rest: list[list[str]]) -> bool:
    """Whether a table has no header: numbers alone, or a price above prices."""
    if len(first) > 1 and all(NUMBER.match(c) for c in first if c):
        return True
    priced = [n for n, cell in enumerate(first) if PRICE.match(cell)]
    return bool(rest) and any(all(n < len(row) and NUMBER.match(row[n]) for row in rest) for n in priced)


def _dialect(text: str) -> tuple[str, str, int]:
    """The text, what parts its cells (empty: it has one column) and how many lines were taken off its head."""
    said = re.match(r"\s*\"?sep=(.)\"?[ \t]*\r?\n", text, re.IGNORECASE)
    if said:
        return text[said.end() :], said[1], 1
    best, most = "", 0.0
    for mark in DELIMITERS:
        score = _likeness(text, mark)
        if score > most + 0.01:
            best, most = mark, score
    return text, best if most >= LIKE else _ragged(text), 0


def _ragged(text: str) -> str:
    """What parts the cells of rows of which many end early or go on: a header of short names, and some in each row."""
    for mark in DELIMITERS:
        try:
            rows = [row for row in islice(_cut(text[:200_000], mark), SAMPLE) if any(c.strip() for c in row)]
        except csv.Error:
            continue
        if len(rows) < 3 or any(len(row) < 2 for row in rows) or re.search(rf"{re.escape(mark)} ", text[:20_000]):
            continue
        if all(0 < len(c.split()) < 4 for c in rows[0]):
            return mark
    return ""


def _likeness(text: str, mark: str) -> float:
    """Part of the rows that have the usual number of cells; nothing when a mark is a comma of sentences."""
    try:
        rows = [row for row in islice(_cut(text[:200_000], mark), SAMPLE) if any(c.strip() for c in row)]
    except csv.Error:
        return 0.0
    if mark == "," and not re.search(r",(?=\S)", text[:20_000]) and not _spaced(rows):
        return 0.0
    if mark == ";" and rows and len(rows[0]) == 1 and not re.search(r";(?=\S)", text[:20_000]):
        return 0.0
    while len(rows) > 2 and len(rows[0]) == 1:
        rows.pop(0)  # a title
    widths = Counter(len(row) for row in rows)
    widths.pop(1, None)
    return max(widths.values()) / len(rows) if widths else 0.0


def _spaced(rows: list[list[str]]) -> bool:
    """Whether commas with a blank behind them part cells: as many in each row, and short names above."""
    alike = len(rows) > 2 and len({len(row) for row in rows}) == 1
    return alike and all(0 < len(c.split()) < 4 for c in rows[0])


def _lines(text: str) -> list[str]:
    try:
        # A quoted cell may go over several lines.
        return [row[0] if row else "" for row in csv.reader(io.StringIO(text, newline=""), delimiter="\x1f")]
    except csv.Error as e:
        raise No(f"is no CSV ({e})") from None


if __name__ == "__main__":
    run({"csv": read})
