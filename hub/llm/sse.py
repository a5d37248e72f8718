"""Server-sent events of model providers: the JSON objects in their data. Pure.

By the specification (CR, LF or both end a line, a byte order mark is dropped, lines of data belong
together until a blank one), and by what providers do beside it: a line of data that is a whole event
counts at once, as some put no blank line between events, and what is no JSON costs that line alone.
"""

import codecs
import json
import math
import re
from collections.abc import Iterator
from typing import Any

import orjson

from hub.domain import Json
from hub.llm.alike import Alike

DONE = b"[DONE]"
BOM = b"\xef\xbb\xbf"
LINE_SIZE = 8_000_000
# What an event of a completion has; a line inside of a longer event has none of them.
_MARKS = ("choices", "error", "object", "usage")
# Texts that are said piece by piece: half a character at their end waits for its other half.
SAID = frozenset(("content", "text", "reasoning_content", "reasoning", "refusal", "arguments", "thinking"))
_BIG = 1 << 63
# Bytes that are no character, as Python writes them: of one that was cut between two events, which may meet yet.
_LAST = re.compile("[\udc80-\udcff]{1,3}\\Z")
# Halves of characters, as escapes: two that belong together, and all that are no such byte.
_PAIR, _LONE = re.compile("[\ud800-\udbff][\udc00-\udfff]"), re.compile("[\ud800-\udc7f\udd00-\udfff]")
# Names of events that say nothing but that their provider is there.
_ALIVE = frozenset(("ping", "pong", "heartbeat", "keepalive", "keep-alive", "keep_alive"))


class Events:
    """Takes a body apart, fed as it arrives. `done`: its end was announced."""

    def __init__(self, adds: bool = False) -> None:
        """adds: each event adds its words to those before it, so that a row of events may be told as one."""
        self._alike = Alike() if adds else None
        self._begun = False
        self._return = False
        self._parts: list[bytes] = []
        self._size = 0
        self._data: list[bytes] = []
        self._name = ""
        self.done = False

    def feed(self, chunk: bytes) -> list[Json]:
        """The events that are whole now. Raise ValueError when one has no end."""
        if self._return and chunk:
            # A line ended with CR: the LF that follows belongs to it, however the stream was cut.
            chunk, self._return = chunk.removeprefix(b"\n"), False
        self._parts.append(chunk)
        self._size += len(chunk)
        if self._size > LINE_SIZE:
            raise ValueError("an event without end")
        if b"\n" not in chunk and b"\r" not in chunk and self._begun:
            return []
        text = self._joined()
        if text is None:
            return []
        if b"\r" in text:
            self._return = text.endswith(b"\r")
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        found: list[Json] = []
        start = self._rows(self._alike, text, found) if self._alike is not None else 0
        *lines, rest = text[start:].split(b"\n")
        found += self._events(lines)
        self._parts, self._size = [rest], len(rest) + sum(map(len, self._data))
        return found

    def _rows(self, alike: Alike, text: bytes, found: list[Json]) -> int:
        """Take events as long as they are whole and each by itself; where the rest begins."""
        start = 0
        while not (self._data or self._name or self.done or alike.given_up):
            at, joined = alike.row(text, start)
            if joined is not None:
                found.append(joined)
                start = at
            end = text.find(b"\n\n", start) + 2
            if end < 2:
                break
            block = text[start:end]
            told = list(self._events(block.split(b"\n")[:-1]))
            if len(told) == 1:
                alike.learn(block, told[0])
            found += told
            start = end
        return start

    def end(self) -> list[Json]:
        """The body is over: what is left is a line too, and ends the last event."""
        rest = b"".join(self._parts).removeprefix(b"" if self._begun else BOM)
        self._parts = []
        return list(self._events([rest, b""]))

    def _joined(self) -> bytes | None:
        text = b"".join(self._parts)
        if not self._begun:
            if len(text) < len(BOM) and BOM.startswith(text):
                return None
            self._begun, text = True, text.removeprefix(BOM)
        return text

    def _events(self, lines: list[bytes]) -> Iterator[Json]:
        for line in lines:
            if self.done:
                return
            if not line:
                if self._data:
                    yield from self._ended()
                self._name = ""
            elif line.startswith(b"data:"):
                data = line[5:].strip()
                # Nearly all lines of a stream are an event each, of no name.
                found = parse(data) if data[:1] == b"{" and not self._data and not self._name else None
                if isinstance(found, dict):
                    yield found
                else:
                    yield from self._more(data)
            elif line.startswith(b"event:"):
                self._name = line[6:].strip().decode("utf-8", "replace")
            else:
                yield from self._odd(line)

    def _odd(self, line: bytes) -> Iterator[Json]:
        """Lines that no standard knows."""
        if line.startswith(b"error:"):
            self._name = "error"  # of llama.cpp's older servers
            yield from self._more(line[6:].strip())
        elif line.startswith(b"{"):
            yield from self._more(line.strip())
        elif line.startswith(BOM):
            yield from self._events([line.lstrip(BOM)])

    def _more(self, data: bytes) -> Iterator[Json]:
        if not data:
            return
        if data[:6].upper() == DONE:
            yield from self._ended()
            self.done = True
            return
        found = parse(data) if data[:1] in (b"{", b"[") else None
        if found is None and data[:7].upper() == b"[ERROR]":
            self._name, data = "error", data[7:].strip() or data
        if found is not None and (not self._data or _marked(found)):
            self._data.clear()
            yield from self._named(found)
        else:
            self._data.append(data)

    def _ended(self) -> Iterator[Json]:
        data, self._data = self._data, []
        found = parse(b"\n".join(data)) if len(data) > 1 else None
        if found is None and data and self._name == "error":
            found = {"message": b"\n".join(data).decode("utf-8", "replace")}  # in words alone
        yield from self._named(found)
        self._name = ""

    def _named(self, found: Any) -> Iterator[Json]:
        if self._name in _ALIVE and not (isinstance(found, dict) and found.get("choices")):
            return  # no blank line may stand between it and words
        for one in found if isinstance(found, list) else (found,):
            if isinstance(one, dict):
                yield {"error": one} if self._name == "error" and not one.get("error") else one


def _marked(found: Any) -> bool:
    return isinstance(found, dict) and any(name in found for name in _MARKS)


def parse(raw: bytes) -> Any:
    """The value of a JSON text; None for what is none. Numbers that JSON does not have, and halves of
    characters, do not cost the rest."""
    try:
        return orjson.loads(raw)
    except ValueError:
        pass
    try:
        return _tamed(json.loads(raw.decode("utf-8", "surrogateescape"), strict=False), "")
    except (ValueError, RecursionError):
        return None


def documents(raw: bytes) -> list[Any]:
    """The JSON of a body that is no event stream: one document, or one on each line."""
    text = raw.removeprefix(BOM).strip()
    found = parse(text)
    if found is not None:
        return found if isinstance(found, list) else [found]
    return [one for line in text.splitlines() if (one := parse(line.strip().rstrip(b","))) is not None]


def _tamed(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {whole(k): _tamed(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_tamed(v, name) for v in value]
    if isinstance(value, str):
        return value if name in SAID else whole(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool) and not -_BIG <= value < _BIG:
        return float(value) if abs(value) < 1 << 1000 else None
    return value


def whole(text: str) -> str:
    """Text without halves of characters."""
    if text.isascii():
        return text
    return _bytes(_LONE.sub("\ufffd", _paired(text))).decode("utf-8", "replace")


def _paired(text: str) -> str:
    """The text in which halves that stand beside each other are one character."""
    return _PAIR.sub(lambda pair: pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le"), text)


def _bytes(cut: str) -> bytes:
    return cut.encode("utf-8", "surrogateescape")


def _open(text: str) -> int:
    """How many signs at the end are the beginning of a character."""
    if "\ud800" <= text[-1] <= "\udbff":
        return 1
    if (cut := _LAST.search(text[-3:])) is None:
        return 0
    reader = codecs.getincrementaldecoder("utf-8")("replace")
    reader.decode(_bytes(cut[0]))
    return len(reader.getstate()[0])


def safe(value: Any) -> Any:
    """The value as JSON can be written: halves of characters are none. None for one of too many levels."""
    try:
        orjson.dumps(value)
    except TypeError:
        pass
    else:
        return value
    try:
        value = _mended(value)
        orjson.dumps(value)
    except (TypeError, RecursionError):
        return None
    return value


def _mended(value: Any) -> Any:
    if isinstance(value, dict):
        return {whole(str(k)): _mended(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_mended(v) for v in value]
    return whole(value) if isinstance(value, str) else value


class Halves:
    """Puts a character together again whose halves, as escapes or as bytes, came in two pieces of a text."""

    def __init__(self) -> None:
        self._rest = ""

    def feed(self, text: str) -> str:
        if not text or (not self._rest and text.isascii()):
            return text
        text, self._rest = _paired(self._rest + text), ""
        if rest := _open(text):
            text, self._rest = text[:-rest], text[-rest:]
        return whole(text)

    def end(self) -> str:
        rest, self._rest = self._rest, ""
        return "\ufffd" if rest else ""
