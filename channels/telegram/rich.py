"""What a rich message says and shows: blocks within blocks, whose nesting is the sender's choice."""

from collections.abc import Iterator
from typing import Any

from channels import readable
from channels.telegram.fields import Json

# What is said within a line, and what holds further blocks.
SAID = ("summary", "text", "expression", "alternative_text", "button")
HOLDS = ("blocks", "items")


def words(message: Json) -> str:
    """Its lines; a row of a table is one."""
    said = "".join(_strings(message)).replace("\0", "")
    return "\n".join(line.rstrip() for line in said.split("\n") if line.strip())


def shown(message: Json) -> Iterator[Json]:
    """The blocks that hold no others: pictures, videos, recordings, files and places are among them."""
    stack: list[Any] = [message]
    while stack:
        match stack.pop():
            case list() as parts:
                stack.extend(reversed(parts))
            case dict() as part:
                inner = [part[k] for k in HOLDS if part.get(k)]
                if not inner:
                    yield part
                stack.extend(reversed(inner))


def _strings(message: Json) -> Iterator[str]:
    stack: list[Any] = [message]  # without recursion
    while stack:
        match stack.pop():
            case str() as part:
                yield part
            case list() as parts:
                stack.extend(reversed(parts))
            case dict() as part:
                stack.extend(reversed(list(_inner(part))))


def _inner(part: Json) -> Iterator[Any]:
    if isinstance(label := part.get("label"), str):
        yield f"{label} "
    yield from (value for k in SAID if (value := part.get(k)) is not None)
    if isinstance(url := part.get("url"), str) and url != part.get("text"):
        yield f" ({url})"
    if part.get("is_checked") is True:
        yield "(done) "
    for key in HOLDS:
        for n, block in enumerate(_list(part.get(key))):
            yield "" if label and not n else "\n"
            yield block
    for row in _list(part.get("cells")):
        yield "\n"
        yield from (piece for n, cell in enumerate(_list(row)) for piece in (" | " if n else "", cell))
    for key in ("caption", "credit"):
        if part.get(key):
            yield "\n"
            yield part[key]
    opening = ((b.get("text"), b.get("url")) for b in _list(part.get("buttons")) if isinstance(b, dict))
    yield from (f"\n{line}" for line in readable.links(opening))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
