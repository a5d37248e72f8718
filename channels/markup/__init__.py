"""Markdown as a model writes it, to messages as a network shows them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from channels.markup import render
from channels.markup.cut import cut, dealt
from channels.markup.model import Block, Shape
from channels.markup.read import plain, read
from channels.markup.rich import rich
from channels.outbound import Style

__all__ = ["SIGNS", "Piece", "signs", "split"]


SIGNS = 4000


@dataclass(frozen=True, slots=True)
class Piece:
    """One message: in the network's formatting, and the same without any; rich: as the blocks of a network that has
    them, where the formatting cannot show what it says."""

    text: str
    plain: str
    rich: tuple[dict[str, Any], ...] = ()


def split(markdown: str, style: Style, *, chunks: bool = False) -> list[Piece]:
    """Messages within the style's limit, in order. `chunks`: one for each block of the source
    that blank lines set apart. Nothing visible gives []."""
    source = markdown.encode("utf-8", "replace").decode().replace("\0", "")
    if not _visible(source):
        return []
    # What is so full of signs was not meant as Markdown, and takes the longer the more there are of them.
    pieces = _split(read(source) if signs(source) <= SIGNS else plain(source), style, chunks)
    # Markdown made of signs alone ("**") has no words; then the signs are the message.
    return pieces or _split(plain(source), style, chunks)


def _split(blocks: list[Block], style: Style, chunks: bool) -> list[Piece]:
    groups = _chunks(blocks) if chunks else [blocks]
    drawn = (_draw(part, style) for group in groups for part in _pack(group, style))
    return [piece for piece in drawn if _visible(piece.plain)]


def _chunks(blocks: list[Block]) -> list[list[Block]]:
    groups: list[list[Block]] = []
    apart = True  # a line across is no message of its own, but sets apart what is around it
    for block in blocks:
        if block.shape is Shape.RULE:
            apart = True
        elif block.fresh or apart:
            groups.append([block])
            apart = False
        else:
            groups[-1].append(block)
    return groups or [blocks]


def _pack(blocks: Iterable[Block], style: Style) -> Iterable[list[Block]]:
    """As many whole blocks in one message as fit."""
    packed: list[Block] = []
    used = marked = 0
    for block in (b for whole in blocks for b in dealt(whole, style.entities, render.tags)):
        need, marks = _size(block, style), _marks(block, style)
        full = style.entities and marked + marks > style.entities
        if packed and (full or used + len(block.gap) + need > style.limit):
            yield packed[:-1] if _moves(packed, need, style) else packed
            packed = packed[-1:] if _moves(packed, need, style) else []
            used = sum(_size(b, style) for b in packed)
            marked = sum(_marks(b, style) for b in packed)
        if need > style.limit:
            *whole, block = cut(block, style.limit, lambda b: _size(b, style))
            yield from ([part] for part in whole)
            need = _size(block, style)
        used += need + (len(block.gap) if packed else 0)
        marked += marks
        packed.append(block)
    if packed:
        yield packed


def _marks(block: Block, style: Style) -> int:
    return render.tags(block) if style.entities else 0


def _moves(packed: list[Block], need: int, style: Style) -> bool:
    """Whether a heading at the end goes with what it heads."""
    last = packed[-1]
    return len(packed) > 1 and last.heading and _size(last, style) + 2 + need <= style.limit


def _draw(blocks: list[Block], style: Style) -> Piece:
    while len(blocks) > 1 and blocks[0].shape is Shape.RULE:
        blocks = blocks[1:]
    while len(blocks) > 1 and blocks[-1].shape is Shape.RULE:
        blocks = blocks[:-1]
    shown = rich(blocks) if style.rich else None
    return Piece(render.render(blocks, style.markup), render.render(blocks, "plain"), tuple(shown or ()))


def _size(block: Block, style: Style) -> int:
    """The larger of both forms. Telegram counts what is seen, which never exceeds the plain one."""
    size = _units(render.plain(block), style)
    if style.markup == "html":
        return size
    return max(size, _units(render.RENDERERS[style.markup](block), style))


def _units(text: str, style: Style) -> int:
    return len(text) + sum(c > "\uffff" for c in text) if style.utf16 else len(text)


def signs(text: str) -> int:
    """How much of the text may be Markdown."""
    return sum(text.count(sign) for sign in "*_~[`<|!")


def _visible(text: str) -> bool:
    return any(char.isprintable() and not char.isspace() for char in text)
