"""`offer_choices`: buttons below the answer. Tools of the customer's may offer some too."""

from typing import Any

import orjson

from hub.domain import Json
from hub.tools.base import Context, Result, Tool, schema

NAME, MOST = "offer_choices", 10
ONE = schema(
    ["label"],
    label={"type": "string", "minLength": 1, "maxLength": 60, "description": "On the button; best two or three words."},
    text={"type": "string", "maxLength": 1000, "description": "What the person says by pressing it; else the label."},
    url={"type": "string", "maxLength": 2000, "description": "A web address that it opens instead."},
)
OFFERED = schema(["choices"], choices={"type": "array", "minItems": 1, "maxItems": MOST, "items": ONE})
# Beside what a tool of the customer's gives back: of a function's JSON, or in `_meta` of an MCP result.
KEY = "_choices"


def offered() -> Tool:
    text = (
        "Show buttons below your next answer, one for each likely reply of the person. Call it before the answer; do"
        " not repeat the choices in its text."
    )
    return Tool(NAME, text, OFFERED, _offer, effect=False)


async def _offer(_: Context, given: Json) -> Result:
    return Result("The choices are shown below your answer. Write it now.", choices=tuple(given["choices"]))


def beside(text: str) -> tuple[Json, ...]:
    """The choices in a function's answer."""
    if f'"{KEY}"' not in text:
        return ()
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ()
    return listed(found.get(KEY)) if isinstance(found, dict) else ()


def listed(given: Any) -> tuple[Json, ...]:
    """Those that have a label."""
    many = given if isinstance(given, list) else []
    return tuple(c for c in many[:MOST] if isinstance(c, dict) and isinstance(c.get("label"), str))
