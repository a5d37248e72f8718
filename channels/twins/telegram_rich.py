"""Rich messages as the Bot API takes them: which blocks there are, what they say, and its limits."""

from collections.abc import Iterator
from typing import Any

from channels.twins.telegram_args import Args, bad

Json = dict[str, Any]
CHARACTERS, BLOCKS, COLUMNS, DEPTH = 32_768, 500, 20, 16
ACROSS, DOWN = ("left", "center", "right"), ("top", "middle", "bottom")
FIELDS = {
    "paragraph": "text", "heading": "text", "pre": "text", "footer": "text", "mathematical_expression": "expression",
    "table": "cells", "list": "items", "blockquote": "blocks", "details": "blocks", "divider": "",
}
INLINE = frozenset({
    "bold", "italic", "underline", "strikethrough", "spoiler", "code", "marked", "subscript", "superscript", "url",
    "mathematical_expression",
})


def rich(args: Args) -> list[Json] | None:
    """The blocks of a call, None when it has none; raise a refusal."""
    given = args.structure("rich_message")
    if given is None:
        return None
    blocks = given.get("blocks") if isinstance(given, dict) else None
    if not isinstance(blocks, list) or not blocks:
        raise bad("RICH_MESSAGE_EMPTY")
    found = list(_blocks(blocks, 1))
    if len(found) > BLOCKS:
        raise bad("RICH_MESSAGE_TOO_MANY_BLOCKS")
    if not (said := said_by(blocks)).strip():
        raise bad("RICH_MESSAGE_EMPTY")
    if len(said) > CHARACTERS:
        raise bad("RICH_MESSAGE_TOO_LONG")
    return blocks


def said_by(blocks: list[Json]) -> str:
    """The words of a rich message, a block a line, cells with bars between."""
    return "\n".join(_words(block) for block in blocks)


def _blocks(blocks: Any, depth: int) -> Iterator[Json]:
    if not isinstance(blocks, list) or depth > DEPTH:
        raise bad("can't parse InputRichBlock")
    for block in blocks:
        field = FIELDS.get(str(block.get("type"))) if isinstance(block, dict) else None
        if field is None or (field and field not in block):
            raise bad("can't parse InputRichBlock")
        yield block
        if block["type"] == "table":
            yield from _rows(block["cells"])
        elif field == "blocks":
            yield from _blocks(block["blocks"], depth + 1)
        elif field == "items":
            for item in block["items"]:
                yield from _blocks(item.get("blocks"), depth + 1)
        elif block["type"] == "heading" and block.get("size") not in range(1, 7):
            raise bad("can't parse InputRichBlock: wrong size")


def _rows(rows: Any) -> Iterator[Json]:
    if not isinstance(rows, list) or not rows:
        raise bad("can't parse InputRichBlockTable")
    for row in rows:
        if not isinstance(row, list) or len(row) > COLUMNS:
            raise bad("RICH_MESSAGE_TABLE_TOO_WIDE")
        for cell in row:
            if cell.get("align") not in ACROSS or cell.get("valign") not in DOWN:
                raise bad("can't parse RichBlockTableCell")
        yield {"type": "row"}


def _words(block: Json) -> str:
    match block["type"]:
        case "table":
            return "\n".join(" | ".join(_text(cell.get("text", "")) for cell in row) for row in block["cells"])
        case "list":
            return "\n".join(f"• {said_by(item['blocks'])}" for item in block["items"])
        case "blockquote" | "details":
            return said_by(block["blocks"])
        case "mathematical_expression":
            return str(block["expression"])
        case "divider":
            return "———"
    return _text(block["text"])


def _text(text: Any) -> str:
    if isinstance(text, str):
        return text
    if isinstance(text, list):
        return "".join(map(_text, text))
    if not isinstance(text, dict) or text.get("type") not in INLINE:
        raise bad("can't parse RichText")
    return str(text.get("expression", "")) if text["type"] == "mathematical_expression" else _text(text.get("text", ""))
