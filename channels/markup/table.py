"""Tables as rows that a narrow screen can show: every cell beside its column's name."""

from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_block.table import escapedSplit
from markdown_it.token import Token

from channels.markup.inline import runs
from channels.markup.model import Mark, Run, Table

Cell = list[Run]

LABEL = 40  # characters of a column's name that may stand on every row


def rows(
    parser: MarkdownIt, tokens: Sequence[Token], lines: Sequence[str]
) -> tuple[Table, list[tuple[int, list[Run]]]]:
    """The table, and a list of runs for each row in order, with its number: -1 for the names of the columns."""
    header, *body = _cells(parser, tokens, lines)
    whole = Table(tuple(map(tuple, header)), tuple(tuple(map(tuple, row)) for row in body), _aligns(tokens))
    if not body or any(_length(cell) > LABEL for cell in header):
        # Long names on every row would make a short table a long message.
        first = (-1, _joined(header, " | "))
        return whole, [first, *((n, [Run("• "), *_joined(row, " | ")]) for n, row in enumerate(body))]
    never = {
        i for i in range(len(header)) if not any(_length(c) for r in body for c in r[i : i + 1])
    }
    return whole, [(n, _row(header, row, never if n == 0 else set())) for n, row in enumerate(body)]


def _aligns(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Of each column, as the line below the header says it; "" where it says nothing."""
    styles = [str(t.attrs.get("style", "")) for t in tokens if t.type == "th_open"]
    return tuple(style.partition(":")[2] for style in styles)


def _cells(
    parser: MarkdownIt, tokens: Sequence[Token], lines: Sequence[str]
) -> Iterator[list[Cell]]:
    row: list[Cell] = []
    line = 0
    for token in tokens:
        if token.type == "tr_open":
            row, line = [], token.map[0] if token.map else 0
        elif token.type == "inline":
            row.append(runs(token.children or []))
        elif token.type == "tr_close":
            yield row + _surplus(parser, lines[line], len(row))


def _surplus(parser: MarkdownIt, line: str, columns: int) -> list[Cell]:
    """Cells beyond the last column, which the parser drops."""
    parts = escapedSplit(line.lstrip("> \t").rstrip())
    if parts and not parts[0].strip():
        parts.pop(0)
    inlines = [parser.parseInline(part.strip())[0] for part in parts[columns:] if part.strip()]
    return [runs(token.children or []) for token in inlines]


def _row(header: list[Cell], row: list[Cell], never: set[int]) -> list[Run]:
    """`never`: columns without a single cell, named once so that their names are not lost."""
    cells = []
    for i, cell in enumerate(row):
        label = header[i] if i < len(header) else []
        if i == 0:
            cell = [Run(r.text, r.marks | {Mark.BOLD}, r.href, r.tail) for r in cell]
        if i in never and _length(label):
            cells.append([*label, Run(": -")])
        elif _length(cell):
            cells.append([*label, Run(": "), *cell] if _length(label) else cell)
    return [Run("• "), *_joined(cells, "\n  ")] if cells else []


def _length(cell: Cell) -> int:
    return sum(len(run.text) for run in cell) if any(r.text.strip() for r in cell) else 0


def _joined(cells: list[Cell], between: str) -> list[Run]:
    joined: list[Run] = []
    for cell in cells:
        if _length(cell):
            joined += [Run(between), *cell] if joined else cell
    return joined
