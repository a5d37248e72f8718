"""`{{inputs.x}}` and `{{steps.id.output}}` in the texts of a workflow: paths, nothing that could run. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

Json = dict[str, Any]
PATTERN = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
PATH = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")
PLACE = re.compile("[0-9]{1,9}")
ROOTS = ("inputs", "steps", "run")
LARGEST = 2_000_000


def paths(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """(pointer, what stands between the braces) of every template in a value."""
    if isinstance(value, str):
        for found in PATTERN.finditer(value[: _end(value)]):
            yield pointer, found[1].strip()
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, f"{pointer}/{escaped(str(key))}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from paths(inner, f"{pointer}/{place}")


def escaped(name: str) -> str:
    """A name in a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def resolve(path: str, scope: Mapping[str, Any]) -> Any:
    """What is at a path; None where there is nothing."""
    value: Any = scope
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and PLACE.fullmatch(name):
            value = value[int(name)] if int(name) < len(value) else None
        else:
            return None
    return value


def filled(value: Any, scope: Mapping[str, Any]) -> Any:
    """A value with its templates filled in. One that is nothing but a template keeps the kind of what it names;
    what was filled in is not looked at again. Raise TooMuch when it would grow beyond LARGEST characters."""
    return _Filler(scope).fill(value)


class TooMuch(ValueError):
    """What is filled in is too large."""


class _Filler:
    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope
        self._left = LARGEST
        self._known: dict[str, tuple[Any, str]] = {}

    def _at(self, path: str) -> tuple[Any, str]:
        """What is at a path, and as text."""
        if path not in self._known:
            value = resolve(path, self._scope)
            self._known[path] = value, text(value)
        found = self._known[path]
        self._left -= len(found[1]) + 1
        if self._left < 0:
            raise TooMuch(f"it would be larger than {LARGEST:,} characters")
        return found

    def fill(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.fill(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.fill(inner) for inner in value]
        if not isinstance(value, str):
            return value
        whole = PATTERN.fullmatch(value.strip())
        if whole and "}}" not in whole[1]:
            return self._at(whole[1].strip())[0]
        end = _end(value)
        return PATTERN.sub(lambda found: self._at(found[1].strip())[1], value[:end]) + value[end:]


def _end(value: str) -> int:
    """Behind the last template: what is open there is none, and is not looked for from each of its braces."""
    return value.rfind("}}") + 2 if "}}" in value else 0


def text(value: Any) -> str:
    """A value as it stands in a text: nothing for null, JSON for lists and objects. Raise TooMuch for one that is
    nested too deep, or holds a number that is too large."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError as e:
        raise TooMuch(f"a value cannot be written as JSON: {e}") from None
