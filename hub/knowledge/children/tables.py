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
Row = tuple[int, list[str]]


def read(content: bytes, asked: Asked, text: Text) -> None:
    """CSV with any delimiter."""
    text.unit = "row"
    said = decoded(content)
    if "\0" in said:
        raise No("is no text")
    said, mark, skipped = _dialect(said)
    try:
        rows = csv.reader(io.StringIO(said, newline=""), delimiter=mark) if mark else ([line] for line in _lines(said))
        put(text, ((n + skipped, row) for n, row in enumerate(rows, 1)), asked)
    except csv.Error as e:
        raise No(f"is no CSV ({e})") from None


def put(text: Text, rows: Iterable[Row], asked: Asked) -> None:
    """The rows of one table. What stands above its header is its title."""
    filled = ((n, [cell.strip() for cell in row]) for n, row in rows if any(cell.strip() for cell in row))
    names: list[str] = []
    for count, (number, row) in enumerate(_headed(filled, text, names), 1):
        if count > asked["rows"]:
            raise No(f"has more than {asked['rows']:,} rows; split it")
        wide = names + [f"Column {n}" for n in range(len(names) + 1, len(row) + 1)]
        text.add("\n".join(f"{n}: {cell}" for n, cell in zip(wide, row, strict=False) if cell), number)


def _headed(rows: Iterator[Row], text: Text, names: list[str]) -> Iterator[Row]:
    """The rows below the header, whose names are put into `names`."""
    ahead = list(islice(rows, SAMPLE))
    width = Counter(sum(map(bool, row)) for _, row in ahead).most_common(1)
    usual = width[0][0] if width else 0
    while len(ahead) > 1 and usual > 1 and sum(map(bool, ahead[0][1])) == 1:
        text.add(next(cell for cell in ahead.pop(0)[1] if cell))
    if ahead and not (len(ahead[0][1]) > 1 and all(NUMBER.match(c) for c in ahead[0][1] if c)):
        names += [" ".join(name.split()) or f"Column {n}" for n, name in enumerate(ahead.pop(0)[1], 1)]
        if not ahead:
            text.add(" | ".join(names))
    yield from ahead
    yield from rows


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
    return text, best if most >= LIKE else "", 0


def _likeness(text: str, mark: str) -> float:
    """Part of the rows that have the usual number of cells; nothing when a mark is a comma of sentences."""
    if mark == "," and not re.search(r",(?=\S)", text[:20_000]):
        return 0.0
    sample = io.StringIO(text[:200_000], newline="")
    try:
        rows = [row for row in islice(csv.reader(sample, delimiter=mark), SAMPLE) if any(c.strip() for c in row)]
    except csv.Error:
        return 0.0
    while len(rows) > 2 and len(rows[0]) == 1:
        rows.pop(0)  # a title
    widths = Counter(len(row) for row in rows)
    widths.pop(1, None)
    return max(widths.values()) / len(rows) if widths else 0.0


def _lines(text: str) -> list[str]:
    try:
        # A quoted cell may go over several lines.
        return [row[0] if row else "" for row in csv.reader(io.StringIO(text, newline=""), delimiter="\x1f")]
    except csv.Error as e:
        raise No(f"is no CSV ({e})") from None


if __name__ == "__main__":
    run({"csv": read})
