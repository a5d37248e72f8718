"""Passages cut into what can be quoted alone: sentences, items of lists, rows of tables, code. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from hub.domain import Passage
from hub.language import codes, words
from hub.language.addressed import to_an_assistant
from hub.language.folding import fold
from hub.language.lexicon import LABELS
from hub.language.validity import Validity, read
from hub.language.weekdays import within
from hub.llm.blocks import Block, cut, sentences

_RULE = re.compile(r"^[\s|:+=-]*-[\s|:+=-]*$")
_FIELD = re.compile(r"^(?:[-*+]\s+)?(?:\*\*)?([^:|\n*]{1,60}?)(?:\*\*)?:(?:\*\*)?\s+(\S.*)$")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")
FIELDS = 2  # lines of the form "name: value" that make a record


@dataclass(frozen=True, slots=True)
class Words:
    """What a text is compared by."""

    stems: frozenset[str]
    meanings: frozenset[int]

    def has(self, stem: str, meaning: int | None = None) -> bool:
        """A stem that words of several ideas have counts with the idea alone."""
        return stem in self.stems and (meaning is None or meaning in self.meanings)

    def means(self, meaning: int | None) -> bool:
        return meaning is not None and meaning in self.meanings


def compared(text: str) -> Words:
    found = words.words(text)
    named = frozenset(n for m in (words.meaning(w) for w in found) if m is not None for n in (m, *words.around(m)))
    return Words(frozenset(words.stem(w) for w in found), named.union(within(" ".join(fold(text).split()))))


@dataclass(frozen=True, slots=True)
class Cell:
    name: str
    value: str
    named: Words
    valued: Words


@dataclass(frozen=True, slots=True)
class Part:
    """A block with what is known of it."""

    block: Block
    passage: Passage
    held: Validity
    above: Words
    name: Words
    before: Block | None
    after: Block | None
    inside: Words
    titled: frozenset[str]  # what the heading it begins under is about; empty further down


@dataclass(frozen=True, slots=True)
class Unit:
    """kind: sentence, item, row, code. number: its place among the units of its block. said: its text folded."""

    text: str
    kind: str
    part: Part
    number: int
    own: Words
    near: Words
    said: str
    squeezed: str
    cells: tuple[Cell, ...] = ()
    siblings: tuple[str, ...] = field(default=(), compare=False)


def units(passages: Sequence[Passage]) -> list[Unit]:
    """All of the passages and of those beside them, without what speaks to an assistant."""
    flat = [one for p in passages for one in (p, *p.references)]
    return [unit for p in flat for part in _parts(p) for unit in _units(part)]


def _parts(passage: Passage) -> Iterator[Part]:
    content = passage.content
    if passage.heading and content.startswith(passage.heading):
        content = f"# {passage.heading}\n{content[len(passage.heading) :]}"
    found = cut(content)
    whole = Validity(passage.since, passage.until, passage.replaced) or read(_chapter(found, 0), passage.metadata)
    held = {c: read(_chapter(found, c)) or whole for c in {b.chapter for b in found}}
    name = compared(re.sub(r"[-_./]", " ", re.sub(r"\.\w{1,5}$", "", unquote(passage.name))))
    for n, block in enumerate(found):
        if to_an_assistant(block.text) and not _table(block.text):
            continue
        before = _honest(found[n - 1]) if n and found[n - 1].leads and block.kind != "text" else None
        after = _honest(found[n + 1]) if n + 1 < len(found) and found[n + 1].title == block.title else None
        above = compared(f"{block.title} {before.text if before else ''}")
        begins = not n or found[n - 1].title != block.title
        titled = frozenset(words.terms(block.heading)) if begins else frozenset[str]()
        yield Part(block, passage, held[block.chapter], above, name, before, after, compared(block.text), titled)


def _honest(block: Block) -> Block | None:
    return None if to_an_assistant(block.text) else block


def _chapter(found: Sequence[Block], chapter: int) -> str:
    own = [b for b in found if b.chapter == chapter]
    return "\n".join([*(b.title for b in own[:1]), *(b.text for b in own)])


def _units(part: Part) -> list[Unit]:
    block = part.block
    if block.kind == "code":
        return [_unit(part, block.text, "code", 0, ())]
    rows = _table(block.text)
    if rows:
        return [u for n, row in enumerate(rows) if not to_an_assistant((u := _row(part, row, n)).text)]
    kind = "item" if block.kind == "list" else "sentence"
    texts = _items(block.text) if block.kind == "list" else sentences(block.text)
    return [_unit(part, text, kind, n, texts) for n, text in enumerate(texts)]


def _unit(part: Part, text: str, kind: str, number: int, siblings: Sequence[str]) -> Unit:
    near = part.inside if kind in ("sentence", "code") else Words(frozenset(), frozenset())
    said = fold(text)
    return Unit(text, kind, part, number, compared(said), near, said, codes.squeezed(said), (), tuple(siblings))


def _row(part: Part, row: Sequence[tuple[str, str]], number: int) -> Unit:
    cells = tuple(Cell(name, value, compared(name), compared(value)) for name, value in row)
    own = compared(" ".join(value for _, value in row))
    text = " | ".join(value for _, value in row)
    near = compared(" ".join(name for name, _ in row))
    said = f"{fold(text)} | {counted(cells)}"
    return Unit(text, "row", part, number, own, near, said, codes.squeezed(said), cells)


def counted(cells: Sequence[Cell]) -> str:
    """Numbers with what they count, which is in the names of their columns: "Days" and "21" are 21 days."""
    return "; ".join(f"{c.value} {c.name}" for c in map(_folded, cells) if c.value[:1].isdigit() and c.name)


def _folded(cell: Cell) -> Cell:
    return replace(cell, name=fold(cell.name), value=fold(cell.value))


def _items(text: str) -> list[str]:
    """Items of a list, each with the lines that belong to it."""
    found: list[str] = []
    for line in text.split("\n"):
        if _ITEM.match(line) or not found:
            found.append(line)
        else:
            found[-1] += f"\n{line}"
    return found


def _table(text: str) -> list[list[tuple[str, str]]]:
    """Rows of a table as (column, value), of pipes, tabs or "name: value" lines; empty when it is none."""
    lines = [line for line in text.split("\n") if line.strip()]
    for sign in ("|", "\t"):
        if len(lines) >= 2 and all(sign in line.strip() for line in lines):
            return _rows([[c.strip() for c in line.strip().strip(sign).split(sign)] for line in lines], lines)
    fields = [m for m in map(_FIELD.match, lines) if m]
    record = len(fields) == len(lines) >= FIELDS and not any(_ITEM.match(line) for line in lines)
    if record and LABELS & frozenset(words.words(fields[0][1])):
        return [[(m[1].strip(), m[2].strip()) for m in fields]]
    return []


def _rows(cells: list[list[str]], lines: list[str]) -> list[list[tuple[str, str]]]:
    rules = [n for n, line in enumerate(lines) if _RULE.match(line)]
    head = cells[0] if not rules or rules[0] > 0 else []
    body = [row for n, row in enumerate(cells) if n not in rules and (n > 0 or not head)]
    return [
        [(_clean(head[n]) if n < len(head) else "", _clean(value)) for n, value in enumerate(row) if value]
        for row in body if any(row)
    ]


def _clean(text: str) -> str:
    return re.sub(r"[*_`]{1,2}(?=\S)|(?<=\S)[*_`]{1,2}", "", text).strip()
