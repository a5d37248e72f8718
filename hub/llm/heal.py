"""JSON in what a model wrote: found, mended, checked. Pure."""

import re
from typing import TYPE_CHECKING, Any

import orjson

from hub.domain import Json
from hub.errors import Invalid
from hub.later import later
from hub.schemas import Schema, Unusable

if TYPE_CHECKING:
    import json_repair
else:
    json_repair = later("json_repair")

SHOWN = 8
# Of what is mended: characters, and brackets that nothing closes. Each costs the more, the more there are.
LONGEST, OPEN = 200_000, 64
_FENCE = re.compile(r"```[a-zA-Z0-9_-]*\s*\n(.*?)(?:```|$)", re.DOTALL)
_KINDS = {"bool": "boolean"}


def checker(schema: Json) -> Schema:
    """A compiled schema. Raise Invalid when it is none. References outside of it are never fetched."""
    try:
        return Schema(_mended(schema))
    except Unusable as e:
        raise Invalid(f"response_schema cannot be used: {e}.", field="response_schema") from None


def _mended(schema: Any) -> Any:
    """`bool` is a documented spelling of `boolean`."""
    if isinstance(schema, list):
        return [_mended(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    found = {k: _mended(v) for k, v in schema.items()}
    kind = found.get("type")
    if isinstance(kind, str):
        found["type"] = _KINDS.get(kind, kind)
    elif isinstance(kind, list):
        found["type"] = [_KINDS.get(k, k) if isinstance(k, str) else k for k in kind]
    return found


def instructions(schema: Json | None) -> str:
    """What a model is told that shall answer with JSON."""
    words = "Answer with one JSON value and nothing else: no words around it, no code fence."
    if schema is None:
        return words
    return f"{words} It must be valid by this JSON Schema:\n{orjson.dumps(schema).decode()}"


def candidates(text: str) -> list[Any]:
    """JSON values a text may mean, the likeliest first: all of it, its code blocks, then repaired."""
    found: list[Any] = []
    bodies = [text.strip(), *(b.strip() for b in _FENCE.findall(text))]
    start = min((p for p in (text.find("{"), text.find("[")) if p >= 0), default=-1)
    if start >= 0:
        bodies.append(text[start : max(text.rfind("}"), text.rfind("]")) + 1].strip())
    for body in bodies:
        try:
            found.append(orjson.loads(body))
        except ValueError:
            continue
    if start >= 0:
        found += [v for b in (*reversed(bodies[1:]), text[start:]) if b for v in repaired(b)]
    return found


def repaired(text: str) -> list[Any]:
    """The value of mended JSON; none when it cannot be written as JSON again, or is far from being any."""
    opened = text.count("{") + text.count("[") - text.count("}") - text.count("]")
    if len(text) > LONGEST or opened > OPEN:
        return []
    try:
        value = json_repair.loads(text)
        orjson.dumps(value)
    except (RecursionError, TypeError):  # nested too deep, numbers beyond 64 bits, halves of characters
        return []
    return [value]


def read(text: str, schema: Schema | None) -> tuple[bool, Any, list[str]]:
    """(whether a valid value was found, the value, what is wrong with the likeliest one)."""
    values = candidates(text)
    if not values:
        return False, None, ["no JSON was found in the text"]
    if schema is None:
        return True, values[0], []
    wrong: list[str] = []
    for value in values:
        found = _complaints(schema, value)
        if not found:
            return True, value, []
        wrong = wrong or found
    return False, None, wrong


def _complaints(schema: Schema, value: Any) -> list[str]:
    """Where and why a value is not valid."""
    try:
        return [f"{place or 'the value'}: {words}" for place, words in schema.complaints(value, SHOWN)]
    except Unusable as e:
        raise Invalid(f"response_schema cannot be used: {e}.", field="response_schema") from None


def feedback(wrong: list[str]) -> str:
    """What a model is told whose answer is not valid."""
    return (
        "Your last answer is not valid:\n" + "\n".join(f"- {w}" for w in wrong)
        + "\nWrite the whole JSON value again, corrected, and nothing else."
    )
