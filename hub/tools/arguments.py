"""Arguments that a model sends: checked against the tool's schema, within bounds of time and size.

Schemas come from customers and from servers elsewhere: nothing they refer to is fetched, no pattern
of theirs may take long, and a schema that refers to itself without end is given up.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import jsonschema
import orjson
import regex
from jsonschema.protocols import Validator
from jsonschema.validators import extend, validator_for
from referencing.exceptions import Unresolvable
from referencing.jsonschema import EMPTY_REGISTRY

from hub.forms import Json
from hub.tools.base import Tool, ToolFailed

SECONDS, PATTERN_SECONDS = 0.5, 0.05
LARGEST, SCHEMA = 1_000_000, 200_000
SHOWN, TOLD = 300, 5
PATTERN, REPEATS = 2000, 100_000
COUNTED = regex.compile(r"\{\s*(\d{1,9})")
REASON, GOAL = "_tool_reason", "_tool_goal"
EXPLANATION: Json = {
    REASON: {"type": "string", "description": "Why this tool is needed now, in one short sentence."},
    GOAL: {"type": "string", "description": "What this call is meant to achieve, in one short sentence."},
}
Keyword = Callable[[Any, Any, Any, Any], Iterator[jsonschema.ValidationError] | None]

_until: ContextVar[float] = ContextVar("until")


class _TooLong(Exception):
    """The check took longer than it may."""


class Checker:
    """Compiled schemas of one turn."""

    def __init__(self) -> None:
        self._compiled: dict[int, tuple[Json, Validator]] = {}

    def check(self, schema: Json, arguments: Any) -> None:
        """Raise ToolFailed naming the places that do not fit, in words for the model."""
        if len(_dumped(arguments)) > LARGEST:
            raise ToolFailed(f"The arguments are larger than {LARGEST:,} bytes; send less.")
        token = _until.set(time.monotonic() + SECONDS)
        try:
            errors = _first(self._validator(schema).iter_errors(arguments))
        except (_TooLong, TimeoutError, RecursionError):
            raise ToolFailed("The arguments cannot be checked: the tool's schema is too complicated.") from None
        except Unresolvable:
            raise ToolFailed("The arguments cannot be checked: the tool's schema refers to another one.") from None
        except (regex.error, jsonschema.SchemaError, jsonschema.exceptions.UnknownType, TypeError, ValueError):
            raise ToolFailed("The arguments cannot be checked: the tool's schema is not valid.") from None
        finally:
            _until.reset(token)
        if errors:
            raise ToolFailed("The arguments do not fit: " + "; ".join(_told(e) for e in errors) + ".")

    def _validator(self, schema: Json) -> Validator:
        # The schema is kept with its validator, so that its id stays its own.
        kept = self._compiled.get(id(schema))
        if kept is None:
            kept = self._compiled[id(schema)] = (schema, _compiled(schema))
        return kept[1]


def check(schema: Json, arguments: Any) -> None:
    """Check once; `Checker` remembers what it compiled. Raise ToolFailed."""
    Checker().check(schema, arguments)


def explained(tool: Tool, on: bool) -> Tool:
    """The tool as it is offered when calls are to be explained: two more arguments, both required.

    Only for the offer; check (after `split`) and run the tool itself.
    """
    if not on:
        return tool
    properties = {**(tool.schema.get("properties") or {}), **EXPLANATION}
    required = [*(n for n in tool.schema.get("required") or () if n not in EXPLANATION), *EXPLANATION]
    schema = {**tool.schema, "type": "object", "properties": properties, "required": required}
    return replace(tool, schema=schema)


def split(arguments: Json) -> tuple[Json, dict[str, str] | None]:
    """The arguments without the explanation, and `{"reason", "goal"}`, or None when none was given."""
    if not isinstance(arguments, dict) or not EXPLANATION.keys() & arguments.keys():
        return arguments, None
    rest = {k: v for k, v in arguments.items() if k not in EXPLANATION}
    return rest, {"reason": str(arguments.get(REASON) or ""), "goal": str(arguments.get(GOAL) or "")}


def _compiled(schema: Json) -> Validator:
    if len(_dumped(schema)) > SCHEMA:
        raise _TooLong
    known = validator_for(schema, jsonschema.Draft202012Validator)
    known.check_schema(schema)
    timed = {name: _timed(BOUNDED.get(name, keyword)) for name, keyword in known.VALIDATORS.items()}
    kind: Any = extend(known, timed)  # type: ignore[no-untyped-call]
    made: Validator = kind(schema, registry=EMPTY_REGISTRY)
    return made


def _timed(keyword: Keyword) -> Keyword:
    def within(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
        if time.monotonic() > _until.get():
            raise _TooLong
        yield from keyword(validator, value, instance, schema) or ()

    return within


def _pattern(_: Any, value: Any, instance: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    if isinstance(instance, str) and not _found(value, instance):
        yield jsonschema.ValidationError(f"does not match {value!r}")


def _pattern_properties(validator: Any, value: Any, instance: Any, _: Any) -> Iterator[jsonschema.ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, inner in value.items():
        for name, one in instance.items():
            if _found(pattern, name):
                yield from validator.descend(one, inner, path=name, schema_path=pattern)


def _additional(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    if not isinstance(instance, dict):
        return
    patterns = schema.get("patternProperties") or {}
    known = schema.get("properties") or {}
    more = [n for n in instance if n not in known and not any(_found(p, n) for p in patterns)]
    if isinstance(value, dict):
        for name in more:
            yield from validator.descend(instance[name], value, path=name)
    elif value is False and more:
        yield jsonschema.ValidationError(f"has {', '.join(map(repr, more[:5]))}, which it does not know")


def _unique(_: Any, value: Any, instance: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    if value and isinstance(instance, list) and len({_dumped(_plain(one)) for one in instance}) < len(instance):
        yield jsonschema.ValidationError("has one item twice")


def _unevaluated(_: Any, __: Any, ___: Any, ____: Any) -> Iterator[jsonschema.ValidationError]:
    yield from ()


# In place of those whose cost an outsider decides. What is left over by all other keywords is not
# looked for: that search cannot be bounded, and the tool itself looks at its arguments as well.
BOUNDED: Mapping[str, Any] = {
    "unevaluatedProperties": _unevaluated,
    "unevaluatedItems": _unevaluated,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "uniqueItems": _unique,
}


def _found(pattern: str, text: str) -> bool:
    # Counted repeats inside one another are written out when a pattern is compiled.
    repeats = math.prod(max(1, int(n)) for n in COUNTED.findall(pattern))
    if len(pattern) > PATTERN or repeats > REPEATS:
        raise _TooLong
    return regex.search(pattern, text, timeout=PATTERN_SECONDS) is not None


def _plain(value: Any) -> Any:
    """1.0 and 1 are one number in JSON Schema."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list) else value


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Numbers beyond 64 bits, lone surrogates.
        return repr(value).encode(errors="replace")


def _first(errors: Iterator[jsonschema.ValidationError]) -> list[jsonschema.ValidationError]:
    found = []
    for error in errors:
        found.append(error)
        if len(found) == TOLD:
            break
    return found


def _told(error: jsonschema.ValidationError) -> str:
    if error.context:
        error = jsonschema.exceptions.best_match([error])
    place = ".".join(str(p) for p in error.absolute_path)
    return f"{place[:SHOWN] or 'the arguments'}: {error.message[:SHOWN]}"
