"""JSON in what a model wrote: found, mended, checked. Pure."""

import re
from itertools import islice
from typing import Any

import json_repair
import orjson
from jsonschema import exceptions, validators
from jsonschema.protocols import Validator
from referencing import Registry
from referencing.exceptions import Unresolvable

from hub.domain import Json
from hub.errors import Invalid

SHOWN = 8
_FENCE = re.compile(r"```[a-zA-Z0-9_-]*\s*\n(.*?)(?:```|$)", re.DOTALL)
_KINDS = {"bool": "boolean"}


def checker(schema: Json) -> Validator:
    """A validator. Raise Invalid when the schema is none. References outside of it are never fetched."""
    mended = _mended(schema)
    kind = validators.validator_for(mended, default=validators.Draft202012Validator)
    try:
        kind.check_schema(mended)
    except exceptions.SchemaError as e:
        raise Invalid(f"The schema is not a JSON Schema: {e.message[:200]}.", field="response_schema") from None
    # An empty registry: a reference to elsewhere cannot be resolved, and nothing asks for it.
    return kind(mended, registry=Registry(), format_checker=kind.FORMAT_CHECKER)


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
        found += [json_repair.loads(b) for b in (*reversed(bodies[1:]), text[start:]) if b]
    return found


def read(text: str, validator: Validator | None) -> tuple[bool, Any, list[str]]:
    """(whether a valid value was found, the value, what is wrong with the likeliest one)."""
    values = candidates(text)
    if not values:
        return False, None, ["no JSON was found in the text"]
    if validator is None:
        return True, values[0], []
    wrong: list[str] = []
    for value in values:
        found = complaints(validator, value)
        if not found:
            return True, value, []
        wrong = wrong or found
    return False, None, wrong


def complaints(validator: Validator, value: Any) -> list[str]:
    """Where and why a value is not valid."""
    try:
        return [f"{e.json_path}: {e.message[:300]}" for e in islice(validator.iter_errors(value), SHOWN)]
    except (Unresolvable, RecursionError) as e:
        raise Invalid(f"The schema cannot be used: {str(e)[:200]}.", field="response_schema") from None


def feedback(wrong: list[str]) -> str:
    """What a model is told whose answer is not valid."""
    return (
        "Your last answer is not valid:\n" + "\n".join(f"- {w}" for w in wrong)
        + "\nWrite the whole JSON value again, corrected, and nothing else."
    )
