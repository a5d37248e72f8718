"""Conditions of steps: `{{steps.draft.output}} != '' and {{inputs.count}} > 3`. Pure.

or, and, not, ( ), == != < <= > >= contains, between templates, 'texts', numbers, true, false and null.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.studio.aresgen.workflow.template import resolve, text

Scope = Mapping[str, Any]
LONGEST, DEEPEST = 2000, 20
TOKEN = re.compile(
    r"""\s*(?:(?P<path>\{\{.*?\}\})|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<sign>==|!=|<=|>=|<|>|\(|\))|(?P<word>[A-Za-z]+))"""
)
COMPARED = ("==", "!=", "<=", ">=", "<", ">", "contains")
WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}


class Wrong(ValueError):
    """The condition cannot be read; the text says why, without a full stop."""


@dataclass(frozen=True, slots=True)
class Node:
    """kind: or, and, not, path, value, or one of COMPARED."""

    kind: str
    parts: tuple[Any, ...]


def parse(source: str) -> Node:
    """Raise Wrong."""
    if len(source) > LONGEST:
        raise Wrong(f"it is longer than {LONGEST} characters")
    reader = _Reader(_tokens(source))
    found = reader.either(0)
    if reader.ahead is not None:
        raise Wrong(f"'{reader.ahead[1][:40]}' is not expected there")
    return found


def _tokens(source: str) -> list[tuple[str, str]]:
    found, place = [], 0
    source = source.rstrip()
    while place < len(source):
        match = TOKEN.match(source, place)
        if match is None or match.lastgroup is None:
            raise Wrong(f"'{source[place : place + 20].strip()}' cannot be read")
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._place = 0

    @property
    def ahead(self) -> tuple[str, str] | None:
        return self._tokens[self._place] if self._place < len(self._tokens) else None

    def _take(self, *wanted: str) -> str | None:
        if self.ahead is not None and self.ahead[0] in ("sign", "word") and self.ahead[1] in wanted:
            self._place += 1
            return self._tokens[self._place - 1][1]
        return None

    def either(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise Wrong(f"it is nested more than {DEEPEST} levels deep")
        parts = [self._both(depth)]
        while self._take("or"):
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Node("or", tuple(parts))

    def _both(self, depth: int) -> Node:
        parts = [self._negated(depth)]
        while self._take("and"):
            parts.append(self._negated(depth))
        return parts[0] if len(parts) == 1 else Node("and", tuple(parts))

    def _negated(self, depth: int) -> Node:
        if self._take("not"):
            if depth > DEEPEST:
                raise Wrong(f"it is nested more than {DEEPEST} levels deep")
            return Node("not", (self._negated(depth + 1),))
        return self._compared(depth)

    def _compared(self, depth: int) -> Node:
        left = self._single(depth)
        sign = self._take(*COMPARED)
        return Node(sign, (left, self._single(depth))) if sign else left

    def _single(self, depth: int) -> Node:
        if self._take("("):
            inner = self.either(depth + 1)
            if not self._take(")"):
                raise Wrong("a ) is missing")
            return inner
        if self.ahead is None:
            raise Wrong("it ends too early")
        kind, token = self.ahead
        self._place += 1
        if kind == "path":
            return Node("path", (token[2:-2].strip(),))
        if kind == "text":
            return Node("value", (re.sub(r"\\(.)", r"\1", token[1:-1]),))
        if kind == "number":
            return Node("value", (float(token) if "." in token else int(token),))
        if kind == "word" and token in WORDS:
            return Node("value", (WORDS[token],))
        raise Wrong(f"'{token[:40]}' is not expected there")


def holds(node: Node, scope: Scope) -> bool:
    """Whether the condition is true."""
    return truth(_value(node, scope))


def truth(value: Any) -> bool:
    """Nothing, zero, empty ones and the texts "false" and "0" are false."""
    if isinstance(value, str):
        return value.strip().lower() not in ("", "false", "0")
    return bool(value)


def _value(node: Node, scope: Scope) -> Any:
    if node.kind == "path":
        return resolve(node.parts[0], scope)
    if node.kind == "value":
        return node.parts[0]
    if node.kind == "or":
        return any(holds(p, scope) for p in node.parts)
    if node.kind == "and":
        return all(holds(p, scope) for p in node.parts)
    if node.kind == "not":
        return not holds(node.parts[0], scope)
    return _compare(node.kind, _value(node.parts[0], scope), _value(node.parts[1], scope))


def _compare(sign: str, a: Any, b: Any) -> bool:
    if sign == "contains":
        if isinstance(a, dict):
            return isinstance(b, str) and b in a
        return b in a if isinstance(a, list) else text(b) in text(a)
    if sign in ("==", "!="):
        return _equal(a, b) is (sign == "==")
    one, other = _number(a), _number(b)
    if one is not None and other is not None:
        return _ordered(sign, one, other)
    return _ordered(sign, text(a), text(b))


def _equal(a: Any, b: Any) -> bool:
    """A null is an empty text; a number and a text that says it are the same."""
    if a is None or b is None:
        return (a or "") == "" and (b or "") == "" and not isinstance(a, bool) and not isinstance(b, bool)
    if isinstance(a, bool) or isinstance(b, bool):
        return truth(a) is truth(b) if isinstance(a, bool) and isinstance(b, bool) else text(a) == text(b)
    one, other = _number(a), _number(b)
    if one is not None and other is not None:
        return one == other
    return bool(a == b)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:
        return math.copysign(math.inf, 1 if int(value) > 0 else -1)


def _ordered(sign: str, a: Any, b: Any) -> bool:
    if sign == "<":
        return bool(a < b)
    if sign == "<=":
        return bool(a <= b)
    return bool(a > b) if sign == ">" else bool(a >= b)


def places(node: Node) -> list[str]:
    """The paths of a condition."""
    if node.kind == "path":
        return [node.parts[0]]
    return [p for part in node.parts if isinstance(part, Node) for p in places(part)]
