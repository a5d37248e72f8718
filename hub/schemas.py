"""JSON Schemas that others wrote: checked within bounds of time and size.

They come from customers, from servers elsewhere and from callers: nothing they refer to is fetched, no
pattern of theirs may take long, and a schema that refers to itself without end is given up.
"""

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from hub.later import later
from hub.loading import loaded

if TYPE_CHECKING:
    import jsonschema
    import referencing.exceptions as unresolved
    import referencing.jsonschema as references
    import regex
    from jsonschema.protocols import Validator
else:
    jsonschema, regex = later("jsonschema"), later("regex")
    references, unresolved = later("referencing.jsonschema"), later("referencing.exceptions")

Json = dict[str, Any]
Keyword = Callable[[Any, Any, Any, Any], Iterator["jsonschema.ValidationError"] | None]
SECONDS, PATTERN_SECONDS = 0.5, 0.05
LARGEST, SHOWN = 200_000, 300
PATTERN, REPEATS = 2000, 100_000
COUNTED = re.compile(r"\{\s*(\d{1,9})")

_until: ContextVar[float] = ContextVar("until")


class Unusable(ValueError):
    """The schema cannot be used; the text says why, without a full stop."""


class _TooLong(Exception):
    """The check took longer than it may."""


async def ready() -> None:
    """Before the first check of a process: what it needs is brought in beside the loop."""
    for name in ("jsonschema", "regex"):
        await loaded(name)


class Schema:
    """A schema, compiled."""

    def __init__(self, schema: Json) -> None:
        """Raise Unusable when it is none."""
        if len(dumped(schema)) > LARGEST:
            raise Unusable(f"it is larger than {LARGEST:,} bytes")
        known = jsonschema.validators.validator_for(schema, jsonschema.Draft202012Validator)
        try:
            known.check_schema(schema)
        except jsonschema.SchemaError as e:
            raise Unusable(f"it is not a JSON Schema: {e.message[:200]}") from None
        except (TypeError, RecursionError, regex.error):
            raise Unusable("it is not a JSON Schema") from None
        timed = {name: _timed(BOUNDED.get(name, keyword)) for name, keyword in known.VALIDATORS.items()}
        made: Any = jsonschema.validators.extend(known, timed)  # type: ignore[no-untyped-call]  # it ships no types
        self._validator: Validator = made(
            schema, registry=references.EMPTY_REGISTRY, format_checker=known.FORMAT_CHECKER
        )

    def complaints(self, value: Any, most: int = 5) -> list[tuple[str, str]]:
        """(place, what is wrong there); the place is "" for the value itself. At most so many. Raise Unusable."""
        token = _until.set(time.monotonic() + SECONDS)
        try:
            return [_told(e) for e in _first(self._validator.iter_errors(value), most)]
        except (_TooLong, TimeoutError, RecursionError):
            raise Unusable("it is too complicated to be checked") from None
        except unresolved.Unresolvable:
            raise Unusable("it refers to another schema") from None
        except (regex.error, jsonschema.SchemaError, jsonschema.exceptions.UnknownType, TypeError, ValueError):
            raise Unusable("it is not valid") from None
        finally:
            _until.reset(token)


def dumped(value: Any) -> bytes:
    """JSON to measure and compare; what JSON cannot say is said in some other way."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Numbers beyond 64 bits, lone surrogates.
        return repr(value).encode(errors="replace")


def _timed(keyword: Keyword) -> Keyword:
    def within(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator["jsonschema.ValidationError"]:
        if time.monotonic() > _until.get():
            raise _TooLong
        yield from keyword(validator, value, instance, schema) or ()

    return within


def _pattern(_: Any, value: Any, instance: Any, __: Any) -> Iterator["jsonschema.ValidationError"]:
    if isinstance(instance, str) and not _found(value, instance):
        yield jsonschema.ValidationError(f"does not match {value!r}")


def _pattern_properties(validator: Any, value: Any, instance: Any, _: Any) -> Iterator["jsonschema.ValidationError"]:
    if not isinstance(instance, dict):
        return
    for pattern, inner in value.items():
        for name, one in instance.items():
            if _found(pattern, name):
                yield from validator.descend(one, inner, path=name, schema_path=pattern)


def _additional(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator["jsonschema.ValidationError"]:
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


def _unique(_: Any, value: Any, instance: Any, __: Any) -> Iterator["jsonschema.ValidationError"]:
    if value and isinstance(instance, list) and len({dumped(_plain(one)) for one in instance}) < len(instance):
        yield jsonschema.ValidationError("has one item twice")


def _unevaluated(_: Any, __: Any, ___: Any, ____: Any) -> Iterator["jsonschema.ValidationError"]:
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


def _first(errors: Iterator["jsonschema.ValidationError"], most: int) -> list["jsonschema.ValidationError"]:
    return list(islice(errors, most))


def _told(error: "jsonschema.ValidationError") -> tuple[str, str]:
    if error.context:
        error = jsonschema.exceptions.best_match([error])
    place = ".".join(str(p) for p in error.absolute_path)
    return place[:SHOWN], error.message[:SHOWN]
