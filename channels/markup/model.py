"""Markdown as a flat list of blocks of flat runs: easy to cut anywhere and always well-formed."""

from dataclasses import dataclass, field
from enum import StrEnum


class Mark(StrEnum):
    BOLD = "bold"
    ITALIC = "italic"
    STRIKE = "strike"
    CODE = "code"
    MATH = "math"  # a formula, with the signs around it that readers of plain text see


class Shape(StrEnum):
    TEXT = "text"  # a paragraph, heading, list item or table row
    QUOTE = "quote"
    CODE = "code"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Run:
    """Characters that look alike. `tail` is a link's address for where a link cannot be hidden
    behind words; only the last run of a link has one."""

    text: str
    marks: frozenset[Mark] = frozenset()
    href: str | None = None
    tail: str = ""
    display: bool = False  # of a formula: it stands on lines of its own


Cell = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What the rows of a table are made of, for who can show one."""

    header: tuple[Cell, ...]
    body: tuple[tuple[Cell, ...], ...]
    aligns: tuple[str, ...]

    @property
    def columns(self) -> int:
        return max(len(self.header), *(len(row) for row in self.body), 1)


@dataclass(frozen=True, slots=True)
class Block:
    """What is not torn apart unless it is larger than a message. level: of a heading. table, row: which row of what
    table it is, -1 for the names of its columns."""

    runs: tuple[Run, ...]
    shape: Shape = Shape.TEXT
    language: str = ""  # of code
    gap: str = "\n\n"  # before it, unless it comes first
    fresh: bool = True  # a blank line was before it, outside any list
    heading: bool = False
    level: int = 0
    table: Table | None = None
    row: int = -1

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


@dataclass(slots=True)
class Draft:
    """A block that may still grow."""

    runs: list[Run] = field(default_factory=list)
    shape: Shape = Shape.TEXT
    language: str = ""
    gap: str = "\n\n"
    fresh: bool = True
    heading: bool = False
    level: int = 0
    table: Table | None = None
    row: int = -1

    def done(self) -> Block:
        runs = tuple(join(self.runs))
        rest = self.heading, self.level, self.table, self.row
        return Block(runs, self.shape, self.language, self.gap, self.fresh, *rest)


def join(runs: list[Run]) -> list[Run]:
    """Neighbours that look alike become one."""
    joined: list[Run] = []
    parts: list[str] = []
    for run in runs:
        last = joined[-1] if joined else None
        alike = last and not last.tail and (last.marks, last.href) == (run.marks, run.href)
        if alike and Mark.MATH not in run.marks:
            parts.append(run.text)
            joined[-1] = Run("", run.marks, run.href, run.tail)
        else:
            _close(joined, parts)
            joined.append(run)
            parts = [run.text]
    _close(joined, parts)
    return [run for run in joined if run.text or run.tail]


def _close(joined: list[Run], parts: list[str]) -> None:
    if joined:
        last = joined[-1]
        joined[-1] = Run("".join(parts), last.marks, last.href, last.tail, last.display)
