"""Markdown to blocks."""

import re
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from channels.markup import inline, table
from channels.markup.formula import formulas
from channels.markup.model import Block, Draft, Mark, Run, Shape

# Deeper than any answer, shallow enough for the parser's recursion.
NESTING = 40
# Raw HTML is text, and so is a reference definition: nobody's words may vanish.
PARSER = formulas(
    MarkdownIt("commonmark", {"html": False, "maxNesting": NESTING})
    .enable(["table", "strikethrough"])
    .disable("reference")
)
LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]{1,30}")
INDENT = "  "
# A line that begins with a letter and has no sign of Markdown, of a formula or of a table in it.
ORDINARY = re.compile(r"[^\W\d_][^\n\r\0\\`*_\[\]<>&~$^{}|]*")


@dataclass(slots=True)
class List:
    """An open list; `pending` is the marker of an item that has no block yet."""

    ordered: bool
    items: int = 0
    first: int = 1
    pending: str | None = None


def read(markdown: str) -> list[Block]:
    """Blocks in order. What the parser cannot nest is taken as plain text."""
    if ORDINARY.fullmatch(markdown):
        return plain(markdown)  # as the parser would take it, which asks twenty rules about it
    source = re.sub(r"\r\n?", "\n", markdown)
    try:
        tokens = PARSER.parse(source)
    except RecursionError:
        tokens = None
    # The parser drops what lies deeper than its limit.
    if tokens is None or any(t.level + t.nesting >= NESTING for t in tokens if t.type != "inline"):
        return plain(source)
    blocks = Reader(source.split("\n")).read(tokens)
    return blocks or plain(source)


def plain(source: str) -> list[Block]:
    """Every character as it is."""
    text = source.strip()
    return [Block((Run(text),))] if text else []


class Reader:
    """Walks the flat token list; keeps what is open."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._drafts: list[Draft] = []
        self._lists: list[List] = []
        self._quotes = 0
        self._heading = 0
        self._blank = True  # the next block is the first of a top-level one, after a blank line
        self._first = True

    def read(self, tokens: list[Token]) -> list[Block]:
        rows: list[Token] | None = None  # those of the open table
        for token in tokens:
            if token.level == 0 and token.nesting >= 0 and token.map:
                start = token.map[0]
                self._first = True
                self._blank = start == 0 or not self._lines[start - 1].strip()
            if token.type == "table_open":
                rows = []
            elif token.type == "table_close":
                self._table(rows or [])
                rows = None
            elif rows is not None:
                rows.append(token)
            else:
                self._token(token)
        return [block for draft in self._drafts if (block := draft.done()).runs]

    def _token(self, token: Token) -> None:
        match token.type:
            case "inline":
                marks: frozenset[Mark] = frozenset({Mark.BOLD}) if self._heading else frozenset()
                self._text(inline.runs(token.children or [], marks))
            case "heading_open" | "heading_close":
                self._heading = int(token.tag[1:]) if token.nesting == 1 else 0
            case "blockquote_open" | "blockquote_close":
                self._quotes += token.nesting
            case "bullet_list_open" | "ordered_list_open":
                self._lists.append(List(token.type == "ordered_list_open"))
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "list_item_open":
                self._item(token)
            case "list_item_close":
                self._end_item()
            case "fence" | "code_block":
                self._code(token)
            case "hr":
                self._add([Run("———")], Shape.RULE)

    def _table(self, tokens: list[Token]) -> None:
        """Rows as text, each with the table that it is of; in a list or a quote they are nothing but text."""
        whole, rows = table.rows(PARSER, tokens, self._lines)
        apart = not self._lists and not self._quotes
        for number, row in rows:
            drafts = len(self._drafts)
            self._text(row)
            if apart and len(self._drafts) > drafts:
                self._drafts[-1].table, self._drafts[-1].row = whole, number

    def _item(self, token: Token) -> None:
        """The number as written, unless the author wrote the same one everywhere."""
        opened = self._lists[-1]
        if not opened.ordered:
            opened.pending = "• "
            return
        written = int(token.info or 1)
        if opened.items == 0:
            opened.first = written
        elif written == opened.first:
            written += opened.items
        opened.items += 1
        opened.pending = f"{written}{token.markup} "

    def _end_item(self) -> None:
        opened = self._lists[-1]
        if opened.pending and opened.ordered:  # "2024." alone on a line
            self._text([Run("")])
        opened.pending = None

    def _prefix(self) -> str:
        """Indentation, with the markers of all items that begin here."""
        levels = [i for i, opened in enumerate(self._lists) if opened.pending]
        markers = "".join(self._lists[i].pending or "" for i in levels)
        for i in levels:
            self._lists[i].pending = None
        return INDENT * (levels[0] if levels else len(self._lists)) + markers

    def _text(self, runs: list[Run]) -> None:
        prefix = self._prefix()
        if prefix:
            under = Run("\n" + INDENT * len(self._lists))
            runs = [Run(prefix), *(under if run.text == "\n" else run for run in runs)]
        last = self._drafts[-1] if self._drafts else None
        if self._quotes and not self._first and last and last.shape is Shape.QUOTE:
            last.runs += [Run("\n" if self._lists else "\n\n"), *runs]
        elif any(run.text.strip() for run in runs):
            self._add(runs, Shape.QUOTE if self._quotes else Shape.TEXT)

    def _code(self, token: Token) -> None:
        content, info = token.content.removesuffix("\n"), token.info.strip()
        language = info if LANGUAGE.fullmatch(info) else ""
        if info and not language:
            content = f"{info}\n{content}"
        if any(opened.pending for opened in self._lists):
            self._add([Run(self._prefix().rstrip())], Shape.TEXT)
        if content.strip():
            self._add([Run(content)], Shape.CODE, language)

    def _add(self, runs: list[Run], shape: Shape, language: str = "") -> None:
        fresh = self._first and self._blank
        gap = "\n\n" if fresh or (self._quotes and not self._lists) else "\n"
        self._first = False
        level = self._heading if not self._lists and not self._quotes else 0
        self._drafts.append(Draft(runs, shape, language, gap, fresh, self._heading > 0, level))
