"""Blocks to a network's text."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape

from channels.markup.model import Block, Mark, Run, Shape

TAGS = {Mark.BOLD: "b", Mark.ITALIC: "i", Mark.STRIKE: "s", Mark.CODE: "code"}
SIGNS = {Mark.BOLD: "*", Mark.ITALIC: "_", Mark.STRIKE: "~"}
FENCE = "```"
# Signs in plain words that WhatsApp would take for its own; a space without width keeps them apart.
LITERAL = re.compile(r"(?<![\w*_~`])([*_~])(?=\S)([^\n*_~`]+?)(?<=\S)\1(?![\w*_~`])")
APART = "\ufeff"


def render(blocks: Sequence[Block], markup: str) -> str:
    """The text of one message."""
    draw = RENDERERS[markup]
    parts: list[str] = []
    for block in blocks:
        parts += [block.gap, draw(block)] if parts else [draw(block)]
    return "".join(parts).lstrip("\n").rstrip()


def html(block: Block) -> str:
    """Telegram's HTML: only its own tags, everything else escaped."""
    if block.shape is Shape.CODE:
        inner = _escaped(block.text)
        if block.language:
            inner = f'<code class="language-{escape(block.language)}">{inner}</code>'
        return f"<pre>{inner}</pre>"
    inner = "".join(_tagged(block.runs))
    return f"<blockquote>{inner}</blockquote>" if block.shape is Shape.QUOTE else inner


def tags(block: Block) -> int:
    """How many pieces of formatting a block has."""
    drawn = html(block)
    return drawn.count("<") - drawn.count("</")


def whatsapp(block: Block) -> str:
    if block.shape is Shape.CODE:
        # There is no way to write the fence inside itself.
        return block.text if FENCE in block.text else f"{FENCE}\n{block.text}\n{FENCE}"
    return _quoted(block, "".join(_signed(block.runs)))


def plain(block: Block) -> str:
    if block.shape is Shape.CODE:
        return block.text
    return _quoted(block, "".join(run.text + run.tail for run in block.runs))


RENDERERS: Mapping[str, Callable[[Block], str]] = {
    "html": html,
    "whatsapp": whatsapp,
    "plain": plain,
}


def _quoted(block: Block, text: str) -> str:
    if block.shape is not Shape.QUOTE:
        return text
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _escaped(text: str) -> str:
    return escape(text, quote=False)


def _tagged(runs: Iterable[Run]) -> Iterable[str]:
    """Each run opens and closes its own tags, except those it shares with its neighbour."""
    opened: list[tuple[str, str]] = []
    for run in runs:
        wanted = _tags(run)
        same = 0
        while same < min(len(opened), len(wanted)) and opened[same] == wanted[same]:
            same += 1
        yield from (f"</{name}>" for name, _ in reversed(opened[same:]))
        yield from (f"<{name}{rest}>" for name, rest in wanted[same:])
        opened = wanted
        yield _escaped(run.text)
        if run.tail and not _clickable(run):
            # Telegram drops mailto: and tel: links, but finds the bare address itself.
            yield from (f"</{name}>" for name, _ in reversed(opened))
            opened = []
            yield _escaped(run.tail)
    yield from (f"</{name}>" for name, _ in reversed(opened))


def _tags(run: Run) -> list[tuple[str, str]]:
    link = [("a", f' href="{escape(run.href)}"')] if run.href and _clickable(run) else []
    if Mark.CODE in run.marks:  # Telegram allows nothing around code
        return link or [("code", "")]
    return link + [(tag, "") for mark, tag in TAGS.items() if mark in run.marks]


def _clickable(run: Run) -> bool:
    return (run.href or "").lower().startswith(("http://", "https://"))


def _signed(runs: Sequence[Run]) -> Iterable[str]:
    before = ""
    for i, run in enumerate(runs):
        after = run.tail or (runs[i + 1].text if i + 1 < len(runs) else "")
        yield _lines(run, before[-1:], after[:1]) + run.tail
        before = run.tail or run.text or before


def _lines(run: Run, before: str, after: str) -> str:
    """WhatsApp's signs work within a line only and stand at its words' edges."""
    if not run.marks - {Mark.MATH}:
        return LITERAL.sub(rf"\1{APART}\2{APART}\1", run.text)
    lines = run.text.split("\n")
    last = len(lines) - 1
    return "\n".join(
        _wrapped(line, run.marks, before if i == 0 else "", after if i == last else "")
        for i, line in enumerate(lines)
    )


def _wrapped(line: str, marks: frozenset[Mark], before: str, after: str) -> str:
    core = line.strip()
    if not core:
        return line
    at = line.index(core)
    lead, trail = line[:at], line[at + len(core) :]
    if not (_edge(lead[-1:] or before) and _edge(trail[:1] or after)):
        return line  # inside a word the signs would be shown as they are
    if Mark.CODE in marks:
        return line if "`" in core else f"{lead}{FENCE}{core}{FENCE}{trail}"
    for mark, sign in SIGNS.items():
        if mark in marks and sign not in core:
            core = f"{sign}{core}{sign}"
    return lead + core + trail


def _edge(char: str) -> bool:
    return not char or not (char.isalnum() or char in "*_~`")
