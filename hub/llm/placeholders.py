"""Personal data that a provider does not get: placeholders go out, the values come back in the answer.

A placeholder is told by a key of the hub and the value: the same value has the same one in all of a conversation,
whatever is left out of it, and nothing has to be remembered. Neither is ever logged.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from hub.domain import Json
from hub.llm import patterns, personal_data
from hub.llm.personal_data import Kind
from hub.llm.types import Delta, Prompt

CODE = 8
# Of a message: what is no text of anybody.
PLAIN = frozenset(("role", "id", "type", "tool_call_id", "url", "signature", "data", "thought_signature", "file_data"))
OPTIONS = ("user", "metadata", "safety_identifier", "prompt_cache_key", "prediction")
_MARK = re.compile(r"\[[A-Z]{3,5}_[A-Z2-7]{8}\]", re.IGNORECASE)
# An address that is its own content, from the beginning to the end: whoever begins a text so is read all the same.
_DATA = re.compile(r"data:[\w.+/-]*(?:;[\w=.+-]+)*;base64,[A-Za-z0-9+/=_-]*+\Z")
LONGEST = 16


@dataclass(slots=True)
class Mask:
    """Of one conversation. known: what stands for what, as far as it was met."""

    key: bytes
    kinds: tuple[Kind, ...] = ()
    words: Any = None
    known: dict[str, str] = field(default_factory=dict)

    def text(self, text: str) -> str:
        """The text as the provider gets it."""
        spans = [(f.start, f.end, str(f.kind)) for f in personal_data.find(text, self.kinds)]
        if self.words is not None:
            spans += [(begin, end, "Word") for begin, end, _ in patterns.spans(self.words, text, seconds=patterns.OURS)]
        out, place = [], 0
        for begin, end, kind in sorted(spans, key=lambda s: (s[0], -s[1])):
            if begin < place:
                continue
            out += [text[place:begin], self._mark(kind, text[begin:end])]
            place = end
        return "".join([*out, text[place:]])

    def _mark(self, kind: str, value: str) -> str:
        same = personal_data.same("Email", value) if kind in ("Email", "Word") else personal_data.same("Phone", value)
        told = hmac.digest(self.key, f"{kind}:{same}".encode(errors="replace"), hashlib.sha256)
        mark = f"[{kind.upper()}_{base64.b32encode(told).decode()[:CODE]}]"
        self.known.setdefault(mark, value)
        return mark

    def value(self, value: Any, plain: frozenset[str] = PLAIN) -> Any:
        """The same for all texts of a message. plain: names of what is no text of anybody."""
        if isinstance(value, str):
            return value if _DATA.match(value) else self._written(value)
        if isinstance(value, list | tuple):
            return [self.value(v, plain) for v in value]
        if isinstance(value, dict):
            return {k: v if k in plain else self.value(v, plain) for k, v in value.items()}
        return value

    def _written(self, text: str) -> str:
        """Arguments of calls and results of tools are JSON, which may write a value in other signs."""
        if "\\" in text and text[:1] in "{[":
            try:
                given = orjson.loads(text)
            except ValueError:
                return self.text(text)
            made = self.value(given, frozenset())
            return orjson.dumps(made).decode() if made != given else text
        return self.text(text)

    def prompt(self, prompt: Prompt) -> Prompt:
        options = {n: self.value(v) if n in OPTIONS else v for n, v in prompt.options.items()}
        return replace(prompt, messages=[self._message(m) for m in prompt.messages], options=options)

    def _message(self, message: Json) -> Json:
        found: Json = self.value(message)
        for name in ("name",):
            if message.get("role") == "tool" and name in message:
                found[name] = message[name]
        for given, made in zip(message.get("tool_calls") or (), found.get("tool_calls") or (), strict=False):
            made["function"] = {**made["function"], "name": given["function"]["name"]}
        return found

    def again(self, text: str, json: bool = False) -> str:
        """The text with the values in their places. json: it is within a text of JSON."""
        if "[" not in text or not self.known:
            return text

        def put(match: "re.Match[str]") -> str:
            value = self.known.get(match[0].upper())
            if value is None:
                return match[0]
            return orjson.dumps(value).decode()[1:-1] if json else value

        return _MARK.sub(put, text)

    def all_again(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.again(value)
        if isinstance(value, list | tuple):
            return [self.all_again(v) for v in value]
        return {k: self.all_again(v) for k, v in value.items()} if isinstance(value, dict) else value


@dataclass(slots=True)
class _Text:
    """One text in pieces: what may become a placeholder waits, at most LONGEST characters."""

    mask: Mask
    json: bool = False
    held: str = ""

    def feed(self, piece: str) -> str:
        text = self.held + piece
        place = text.rfind("[", max(0, len(text) - LONGEST))
        cut = place if place >= 0 and self._may_become(text[place:]) else len(text)
        self.held = text[cut:]
        return self.mask.again(text[:cut], self.json)

    def _may_become(self, end: str) -> bool:
        end = end.upper()
        return any(mark.startswith(end) and mark != end for mark in self.mask.known)

    def end(self) -> str:
        text, self.held = self.held, ""
        return self.mask.again(text, self.json)


class Putting:
    """Puts the values back into an answer while it comes."""

    def __init__(self, mask: Mask, revised: bool) -> None:
        """revised: every piece is the whole text so far."""
        self._mask, self._revised = mask, revised
        self._texts = {name: _Text(mask) for name in ("text", "reasoning", "refusal")}
        self._calls: dict[int, _Text] = {}

    def take(self, delta: Delta) -> Delta:
        found: dict[str, Any] = {}
        for name, text in self._texts.items():
            piece = getattr(delta, name)
            if piece:
                found[name] = self._mask.again(piece) if self._revised else text.feed(piece)
        if delta.tool_calls:
            found["tool_calls"] = tuple(self._call(n, call) for n, call in enumerate(delta.tool_calls))
        for name in ("details", "beside", "around"):
            if value := getattr(delta, name):
                again = self._mask.all_again(value)
                found[name] = tuple(again) if isinstance(value, tuple) else again
        return replace(delta, **found) if found else delta

    def _call(self, place: int, call: Json) -> Json:
        function = call.get("function") or {}
        if not function.get("arguments"):
            return call
        text = self._calls.setdefault(call.get("index", place), _Text(self._mask, json=True))
        return {**call, "function": {**function, "arguments": text.feed(function["arguments"])}}

    def end(self) -> Delta | None:
        """What waited."""
        found: dict[str, Any] = {name: text.end() for name, text in self._texts.items()}
        calls = [(n, text.end()) for n, text in self._calls.items()]
        rest = tuple({"index": n, "function": {"arguments": text}} for n, text in calls if text)
        if not (any(found.values()) or rest):
            return None
        return Delta(**found, tool_calls=rest)


def mask_of(parameters: Mapping[str, Any], key: bytes, whose: Sequence[object]) -> Mask | None:
    """Of a gateway that masks towards its provider, for one conversation. key: of the hub."""
    wanted = parameters.get("providerMasking")
    if not wanted or not (wanted.get("kinds") or wanted.get("words")):
        return None
    own = hmac.digest(key, "\x00".join(str(w) for w in whose).encode(errors="replace"), hashlib.sha256)
    words = patterns.joined(wanted.get("words") or ())
    kinds = tuple(k for k in personal_data.KINDS if k in (wanted.get("kinds") or ()))
    return Mask(own, kinds, patterns.of_words(words) if words else None)
