"""Blocks to Telegram's rich messages: what plain HTML cannot show, as the Bot API's own blocks (10.2)."""

from collections.abc import Iterable, Sequence
from typing import Any

from channels.markup.model import Block, Mark, Run, Shape, Table

Json = dict[str, Any]
# Telegram's limits of one message.
CHARACTERS, BLOCKS, COLUMNS = 32_768, 500, 20
NAMES = {Mark.BOLD: "bold", Mark.ITALIC: "italic", Mark.STRIKE: "strikethrough"}
FORMULAS = ("$$", "\\[")


def needed(blocks: Iterable[Block]) -> bool:
    """Whether there is something that plain HTML cannot show: a table, a heading, a formula."""
    return any(b.table or b.level or any(Mark.MATH in run.marks for run in b.runs) for b in blocks)


def rich(blocks: Sequence[Block]) -> list[Json] | None:
    """The blocks of one message; None where nothing needs them, or where they would be too many."""
    if not needed(blocks):
        return None
    found: list[Json] = []
    at = 0
    while at < len(blocks):
        block = blocks[at]
        if block.table is not None:
            rows = [b.row for b in blocks[at:] if b.table is block.table]
            found.append(_table(block.table, rows))
            at += len(rows)
            continue
        group = [block]
        while at + len(group) < len(blocks) and _joins(block, blocks[at + len(group)]):
            group.append(blocks[at + len(group)])
        found.append(_drawn(group))
        at += len(group)
    return found if _fits(found, blocks) else None


def _joins(first: Block, then: Block) -> bool:
    """Lines of one paragraph, as those of a list are."""
    alike = first.shape is then.shape is Shape.TEXT and not (first.level or then.level or then.table)
    return alike and then.gap == "\n" and not _formula(first) and not _formula(then)


def _drawn(group: Sequence[Block]) -> Json:
    block = group[0]
    if block.level:
        plain = [Run(run.text, run.marks - {Mark.BOLD}, run.href, run.tail) for run in block.runs]
        return {"type": "heading", "text": _text(plain), "size": block.level}
    if block.shape is Shape.RULE:
        return {"type": "divider"}
    if block.shape is Shape.CODE:
        return {"type": "pre", "text": block.text} | ({"language": block.language} if block.language else {})
    if (formula := _formula(block)) is not None:
        return {"type": "mathematical_expression", "expression": formula}
    runs = [run for n, one in enumerate(group) for run in (*([Run("\n")] if n else []), *one.runs)]
    paragraph = {"type": "paragraph", "text": _text(runs)}
    return {"type": "blockquote", "blocks": [paragraph]} if block.shape is Shape.QUOTE else paragraph


def _formula(block: Block) -> str | None:
    """The formula that is a block by itself."""
    runs = [run for run in block.runs if run.text.strip()]
    if len(runs) != 1 or Mark.MATH not in runs[0].marks or runs[0].display is False:
        return None
    return _source(runs[0])


def _source(run: Run) -> str:
    """A formula without the signs around it."""
    width = 2 if run.text.startswith("$$") else 1
    return run.text[width:-width].strip()


def _table(table: Table, rows: Sequence[int]) -> Json:
    """Its header and the rows of this message."""
    chosen = sorted({n for n in rows if n >= 0})
    cells = [[_cell(table, c, cell, header=True) for c, cell in enumerate(table.header)]]
    cells += [[_cell(table, c, cell) for c, cell in enumerate(_filled(table, n))] for n in chosen]
    return {"type": "table", "cells": cells, "is_bordered": True}


def _filled(table: Table, n: int) -> Sequence[tuple[Run, ...]]:
    """A row with as many cells as the table has columns."""
    row = table.body[n]
    return (*row, *([()] * (table.columns - len(row))))


def _cell(table: Table, column: int, runs: tuple[Run, ...], header: bool = False) -> Json:
    align = table.aligns[column] if column < len(table.aligns) else "left"
    cell: Json = {"text": _text(runs), "align": align or "left", "valign": "top"}
    return cell | ({"is_header": True} if header else {})


def _text(runs: Iterable[Run]) -> Any:
    """Rich text: words as they are, one piece alone, several as a list."""
    pieces = [piece for run in runs for piece in _pieces(run)]
    if not pieces:
        return ""
    return pieces[0] if len(pieces) == 1 else pieces


def _pieces(run: Run) -> Iterable[Any]:
    if not run.text and not run.tail:
        return
    if Mark.MATH in run.marks and (source := _source(run)):
        yield {"type": "mathematical_expression", "expression": source}
        return
    text: Any = run.text
    if Mark.CODE in run.marks:
        text = {"type": "code", "text": text}
    for mark, name in NAMES.items():
        if mark in run.marks and run.text:
            text = {"type": name, "text": text}
    if run.href and run.href.lower().startswith(("http://", "https://")):
        yield {"type": "url", "text": text, "url": run.href}
        return
    if run.text:
        yield text
    if run.tail:
        yield run.tail


def _fits(found: Sequence[Json], blocks: Sequence[Block]) -> bool:
    """Within what Telegram takes. Rows of tables count as blocks, and cells' words as characters."""
    rows = [row for one in found if one["type"] == "table" for row in one["cells"]]
    size = sum(len(run.text) + len(run.tail) + len(run.href or "") for block in blocks for run in block.runs)
    tables = {id(b.table): b.table for b in blocks if b.table}
    size += sum(len(r.text) for t in tables.values() for row in (t.header, *t.body) for cell in row for r in cell)
    return len(found) + len(rows) <= BLOCKS and size <= CHARACTERS and all(len(row) <= COLUMNS for row in rows)
