"""Cut a document into pieces along its structure. Pure; the pieces joined are the document."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from markdown_it import MarkdownIt

LONGEST = 900  # characters: some 250 tokens, half of what the embedder reads at once
ENOUGH = 600  # a piece this long takes no further paragraph
SMALL = 200  # a section shorter than this shares its piece with the next
CONTEXT = 200
HEAD = 400  # characters of the longest header of a table that is said again

# Finer and finer places to cut a block that is too long: lines, sentences, words. The look-behind keeps a long row of
# dots from being tried at each dot.
CUTS = (re.compile(r"\n"), re.compile(r"(?<![.!?…;。！？])[.!?…;。！？]++[\"'”’)\]]*+\s+|[。！？]"), re.compile(r"\s+"))
COLUMNS = re.compile(r"[^\n]*\|[^\n]*\n[ ]{0,3}\|?[ ]*:?-+:?[ ]*(?:\|[ ]*:?-+:?[ ]*)*\|?[ ]*(?:\n|$)")
HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")


@dataclass(frozen=True, slots=True)
class Piece:
    """`body` is a slice of the document; `context` the headings above it; `head` those of its columns, where it goes on
    with a table."""

    body: str
    context: str = ""
    head: str = ""

    @property
    def text(self) -> str:
        """What is embedded, found and shown."""
        body = f"{self.head}\n{self.body.strip()}" if self.head else self.body.strip()
        return f"{self.context}\n\n{body}" if self.context else body


@dataclass(frozen=True, slots=True)
class _Block:
    text: str
    path: tuple[str, ...]
    opens: bool = False
    head: str = ""


def pieces(text: str) -> list[Piece]:
    """Pieces of at most LONGEST characters, headings above them aside. Empty for a blank text."""
    found: list[Piece] = []
    body, head, path = "", "", ()  # type: tuple[str, str, tuple[str, ...]]
    for block in _fitting(text):
        long = len(body.strip())
        full = long >= ENOUGH or len(body) + len(block.text) > LONGEST or (block.opens and long >= SMALL)
        if full and body.strip():
            found.append(_piece(body, path, head))
            body = ""
        if not body.strip():
            path, head = block.path, block.head
        body += block.text
    if body.strip():
        found.append(_piece(body, path, head))
    elif body and found:
        found[-1] = replace(found[-1], body=found[-1].body + body)
    return found


def _piece(body: str, path: tuple[str, ...], head: str) -> Piece:
    return Piece(body, " > ".join(path)[:CONTEXT], head)


def _fitting(text: str) -> Iterator[_Block]:
    for block in _blocks(text):
        for number, part in enumerate(_parts(block.text, 0)):
            yield _Block(part, block.path, block.opens and number == 0, _columns(block.text) if number else "")


def _columns(block: str) -> str:
    """The header of a table, to be said again where the table goes on."""
    match = COLUMNS.match(block[: HEAD + 1])  # one that is longer is not said again
    return match[0].rstrip("\n") if match and len(match[0]) <= HEAD else ""


def _blocks(text: str) -> Iterator[_Block]:
    """Top level blocks of the Markdown with the blank lines after them, and the headings above."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts = _starts("\n".join(lines), len(lines))
    above: list[tuple[int, str]] = []
    for place, (start, level) in enumerate(starts):
        end = starts[place + 1][0] if place + 1 < len(starts) else len(lines)
        last = end == len(lines)
        block = "\n".join(lines[start:end]) + ("" if last else "\n")
        if level:
            above = [h for h in above if h[0] < level]
        yield _Block(block, tuple(t for _, t in above if t), bool(level))
        if level:
            above.append((level, _title(lines[start])))


def _starts(text: str, lines: int) -> list[tuple[int, int]]:
    """First line of every top level block, and the level of a heading (0: none)."""
    parser = MarkdownIt("commonmark").enable("table")
    parser.core.ruler.enableOnly(["normalize", "block"])
    starts = {0: 0} if lines else {}
    for token in parser.parse(text):
        if token.level == 0 and token.map and token.nesting >= 0:
            starts[token.map[0]] = int(token.tag[1]) if token.type == "heading_open" else 0
    return sorted(starts.items())


def _title(line: str) -> str:
    match = HEADING.match(line)
    return ((match[2] or "") if match else line).strip()


def _parts(text: str, cut: int) -> Iterator[str]:
    """The block, or when it is too long its parts, as few as fit."""
    if len(text) <= LONGEST:
        yield text
        return
    if cut == len(CUTS):
        for start in range(0, len(text), LONGEST):
            yield text[start : start + LONGEST]
        return
    held = ""
    for part in _split(text, CUTS[cut]):
        if len(held) + len(part) > LONGEST:
            if held:
                yield from _parts(held, cut + 1)
            held = ""
        held += part
    if held:
        yield from _parts(held, cut + 1)


def _split(text: str, cut: re.Pattern[str]) -> Iterator[str]:
    start = 0
    for match in cut.finditer(text):
        yield text[start : match.end()]
        start = match.end()
    if start < len(text):
        yield text[start:]
