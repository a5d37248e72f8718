"""Documented shapes as data, and what in an answer differs from them.

An object's names are exact. A shape is a dict, a list of one shape, one of the kinds below, `maybe`
(or null), `one_of` (these values), `pairs` (any names, values of one shape) or `plus` (an object with
names of ours beside the documented ones).
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

Shape = Any
INT32 = 2**31


@dataclass(frozen=True)
class Kind:
    """A kind of value by its name in the document."""

    name: str


TEXT, FLAG, WHOLE, NUMBER = Kind("string"), Kind("boolean"), Kind("integer"), Kind("number")
ID, TIME, ANY = Kind("uuid"), Kind("time"), Kind("any")


@dataclass(frozen=True)
class Maybe:
    shape: Shape


@dataclass(frozen=True)
class OneOf:
    values: tuple[str, ...]


@dataclass(frozen=True)
class Pairs:
    shape: Shape


@dataclass(frozen=True)
class Plus:
    shape: dict[str, Shape]
    ours: frozenset[str]


def maybe(shape: Shape) -> Maybe:
    return Maybe(shape)


def one_of(*values: str) -> OneOf:
    return OneOf(values)


def pairs(shape: Shape) -> Pairs:
    return Pairs(shape)


def plus(shape: dict[str, Shape], *ours: str) -> Plus:
    return Plus(shape, frozenset(ours))


def differences(value: Any, shape: Shape, place: str = "answer") -> list[str]:
    """Every place where the value is not as documented."""
    match shape:
        case Maybe():
            return [] if value is None else differences(value, shape.shape, place)
        case OneOf():
            return [] if value in shape.values else [f"{place} is {value!r}, none of {shape.values}"]
        case Kind():
            return [] if _is(value, shape) else [f"{place} is {value!r}, not {shape.name}"]
        case list():
            if not isinstance(value, list):
                return [f"{place} is no list"]
            return [d for n, one in enumerate(value) for d in differences(one, shape[0], f"{place}.{n}")]
        case Pairs():
            if not isinstance(value, dict):
                return [f"{place} is no object"]
            return [d for k, v in value.items() for d in differences(v, shape.shape, f"{place}.{k}")]
        case Plus():
            return _object(value, shape.shape, shape.ours, place)
    return _object(value, shape, frozenset(), place)


def _object(value: Any, shape: dict[str, Shape], ours: frozenset[str], place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place} is no object"]
    found = [f"{place}.{name} is missing" for name in shape if name not in value]
    found += [f"{place}.{name} is not documented" for name in value if name not in shape and name not in ours]
    return found + [d for n, s in shape.items() if n in value for d in differences(value[n], s, f"{place}.{n}")]


def _is(value: Any, kind: Kind) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is NUMBER or kind is WHOLE:
        return number and (kind is NUMBER or (isinstance(value, int) and -INT32 <= value < INT32))
    if kind is FLAG:
        return isinstance(value, bool)
    return kind is ANY or (isinstance(value, str) and _text(value, kind))


def _text(value: str, kind: Kind) -> bool:
    try:
        if kind is ID:
            return str(UUID(value)) == value
        if kind is TIME:
            return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value) and datetime.fromisoformat(value))
    except ValueError:
        return False
    return True


def names(shape: Shape, place: str = "") -> set[str]:
    """Dotted names of all fields that a shape documents; lists and nulls do not count."""
    match shape:
        case Maybe() | Plus():
            return names(shape.shape, place)
        case list():
            return names(shape[0], place) if shape else set()
        case dict():
            below = [(f"{place}.{name}".lstrip("."), inner) for name, inner in shape.items()]
            return {path for path, _ in below}.union(*(names(inner, path) for path, inner in below))
    return set()
