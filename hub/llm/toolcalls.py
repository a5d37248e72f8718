"""Tool calls as providers write them, made what OpenAI's clients expect. Pure.

Pieces of one call that came in one read are one piece; the name, the id and the type stand in its first
piece alone; a call has an id and a place of its own even if its provider gave none, or one twice; its
arguments are a text, `{}` when there are none.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub import ids
from hub.domain import Json
from hub.llm.sse import Halves, safe

_OURS = frozenset(("index", "id", "type", "function"))
_SAID = frozenset(("name", "arguments", "parameters"))


@dataclass(slots=True)
class _Call:
    """One call while it comes. number: in the order they came. given: the provider's id. place: set with its first
    piece that is told. event: the last one that was of it."""

    number: int
    given: str = ""
    name: str = ""
    arguments: str = ""
    place: int | None = None
    event: int = 0
    id: str = ""
    new: list[str] = field(default_factory=list)
    beside: Json = field(default_factory=dict)
    halves: Halves = field(default_factory=Halves)

    @property
    def ready(self) -> bool:
        return _object(self.arguments)


class ToolCalls:
    """The calls of one answer."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}
        self._named: dict[str, _Call] = {}  # by the provider's id, the last of each
        self._changed: dict[int, _Call] = {}
        self._ids: set[str] = set()  # of those that were told
        self._event = 0

    def take(self, *events: Any, last: bool = False) -> list[Json]:
        """What the fragments of the events of one read add, each call once. last: no name goes on. Raise TypeError for
        what is no fragment."""
        for fragments in events:
            self._event += 1
            for fragment in fragments or ():
                self._take(fragment)
        return self._pieces(last)

    def end(self) -> list[Json]:
        """What is still missing: the arguments of calls without any."""
        for call in self._calls:
            rest = call.halves.end()
            call.arguments += rest
            if not call.arguments.strip() and call.name:
                rest = call.arguments = "{}"
            if rest:
                call.new.append(rest)
            self._changed[call.number] = call
        return self._pieces(last=True)

    def _take(self, fragment: Any) -> None:
        if not isinstance(fragment, dict):
            raise TypeError
        function = function_of(fragment)
        given, name = str(fragment.get("id") or ""), str(function.get("name") or "")
        index, piece = _index(fragment.get("index")), _text(function)
        call = self._known(index, given, name, _once(piece))
        if call is None:
            call = _Call(len(self._calls), given)
            self._calls.append(call)
        if index is not None:
            self._at[index] = call
        call.given, call.name, call.event = call.given or given, _named(call, name), self._event
        self._changed[call.number] = call
        if call.given and self._named.get(call.given, call).number <= call.number:
            self._named[call.given] = call
        if not call.arguments:
            piece = _once(piece)  # further on it is a text within the arguments
        if name and index is not None and len(call.arguments) > 1 and piece.startswith(call.arguments):
            piece = piece[len(call.arguments) :]  # it repeats what it has said
        piece = call.halves.feed(piece)
        if piece and not (name and call.ready):
            call.arguments += piece
            call.new.append(piece)
        beside = {k: v for k, v in fragment.items() if k not in _OURS and k not in _SAID and v is not None}
        inner = {k: v for k, v in function.items() if k not in _SAID and v is not None}
        if inner and function is not fragment:
            beside["function"] = inner
        call.beside = merged(call.beside, safe(beside) or {})

    def _known(self, index: int | None, given: str, name: str, piece: str) -> _Call | None:
        """The call that a fragment goes on with; None: it begins one."""
        if index is not None:
            call = self._at.get(index)
        else:
            call = self._named.get(given) or (self._calls[-1] if self._calls and not (given and name) else None)
        if call is None or not name or not call.name:
            return call
        if name != call.name:
            # A name that was cut: nothing of the call but that was told. One event cuts none, and whoever writes all of
            # the arguments at once none either.
            cut = index is not None and not call.arguments and call.event != self._event and not _object(piece)
            return call if cut and given in ("", call.given) else None
        return call if _goes_on(call, index, given, piece) else None

    def _pieces(self, last: bool) -> list[Json]:
        found = []
        for number in sorted(self._changed):
            call = self._changed[number]
            if call.place is None and not (last or call.arguments or call is not self._calls[-1]):
                continue  # its name may go on
            if call.name:
                del self._changed[number]
            if not call.name or not (call.new or call.beside or call.place is None):
                continue
            words, call.new = "".join(call.new), []
            piece: Json = {}
            if call.place is None:
                call.place = len(self._ids)
                call.id = call.given if call.given and call.given not in self._ids else _name()
                self._ids.add(call.id)
                piece = {"id": call.id, "type": "function"}
                piece["function"] = {"name": call.name, "arguments": words}
            elif words:
                piece["function"] = {"arguments": words}
            beside, call.beside = call.beside, {}
            found.append({"index": call.place, **merged(piece, beside)})
        return found


def _named(call: _Call, name: str) -> str:
    """The name with what a piece adds to it, as long as it is not told; some repeat what they have said of it."""
    if not call.name or not name or call.place is not None or name == call.name or call.arguments:
        return call.name or name
    return name if name.startswith(call.name) else call.name + name


def function_of(fragment: Json) -> Json:
    """What is called; some write it without an object around it. Raise TypeError for what is none."""
    function = fragment.get("function") or (fragment if isinstance(fragment.get("name"), str) else {})
    if not isinstance(function, dict):
        raise TypeError
    return function


def _goes_on(call: _Call, index: int | None, given: str, piece: str) -> bool:
    """Whether a fragment that names the tool of a call again belongs to that call."""
    begun = bool(call.arguments.strip())
    if given and call.given:
        if given != call.given:
            # Some give each piece an id of its own.
            return (begun or index is not None) and not call.ready
        return not (call.ready and _object(piece) and piece.strip() != call.arguments.strip())
    if begun:
        return not call.ready or not piece.strip()
    return index is not None or bool(piece.strip())


def whole(fragments: Any) -> list[Json]:
    """The calls of a whole message. Raise TypeError for what is no call."""
    calls = ToolCalls()
    found: dict[int, Json] = {}
    gather(found, calls.take(fragments))
    gather(found, calls.end())
    return list(found.values())


def gather(calls: dict[int, Json], pieces: Iterable[Json]) -> None:
    """Add pieces to the calls that they are of, by place."""
    for piece in pieces:
        rest = {k: v for k, v in piece.items() if k not in ("index", "function")}
        function = dict(piece.get("function") or {})
        call = calls.get(piece["index"])
        if call is None:
            calls[piece["index"]] = {**rest, "function": {"name": "", "arguments": "", **function}}
            continue
        call["function"]["arguments"] += function.pop("arguments", "")
        call["function"] = merged(call["function"], function)
        call.update(merged({k: v for k, v in call.items() if k in rest}, rest))


def merged(old: Json, new: Json) -> Json:
    """Both; objects within objects are merged, otherwise the new one wins."""
    found = dict(old)
    for name, value in new.items():
        before = found.get(name)
        found[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return found


def sent(calls: Any) -> list[Json]:
    """Calls of a message as providers take them back: whole, without what only a stream has."""
    found = []
    for call in calls or ():
        if not isinstance(call, dict) or not isinstance(call.get("function"), dict):
            continue
        kept = {k: v for k, v in call["function"].items() if k != "parsed_arguments" and v is not None}
        function = {**kept, "arguments": _once(_text(call["function"])) or "{}"}
        rest = {k: v for k, v in call.items() if k not in ("index", "function") and v is not None}
        found.append({"type": "function", **rest, "function": function})
    return found


def extra_of(call: Json) -> Json:
    """What a call keeps for providers, by their names."""
    found = call.get("extra_content")
    return found if isinstance(found, dict) else {}


def without_extra(message: Json, name: str) -> Json:
    """The message without what the calls in it keep for the provider of that name, which others would refuse."""
    calls = message.get("tool_calls") or ()
    if not any(name in extra_of(c) for c in calls):
        return message
    found = []
    for call in calls:
        extra = {k: v for k, v in extra_of(call).items() if k != name}
        rest = {k: v for k, v in call.items() if k != "extra_content"}
        found.append({**rest, "extra_content": extra} if extra else rest)
    return message | {"tool_calls": found}


def _index(value: Any) -> int | None:
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _text(function: Json) -> str:
    given = function.get("arguments")
    if given is None:
        given = function.get("parameters")
    if given is None or given == []:
        return ""
    text = given if isinstance(given, str) else orjson.dumps(safe(given)).decode()
    return "" if text.strip() == "null" else text


def _once(text: str) -> str:
    """Arguments that were written as JSON twice."""
    if not text.startswith('"{'):
        return text
    try:
        inner = orjson.loads(text)
    except ValueError:
        return text
    return inner if isinstance(inner, str) and _object(inner) else text


def _object(text: str) -> bool:
    """Whether it is a whole JSON object."""
    if not text.rstrip().endswith("}"):
        return False
    try:
        return isinstance(orjson.loads(text), dict)
    except ValueError:
        return False


def _name() -> str:
    return f"call_{ids.uuid7().hex[-12:]}"
