"""The body of a provider's answer: an event stream, or a JSON document, whatever its header says. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Protocol

from hub.domain import Json
from hub.llm.refusals import words
from hub.llm.sse import BOM, Events, documents
from hub.llm.types import Delta


class Reader(Protocol):
    """Makes deltas of a provider's events. error: the event that told of one; cut: the provider's word for an end
    that is none; heard: whether anything was an answer; calling: whether a call of a tool is on its way, although
    nothing of it may be told yet; ended: whether a reason for its end was given; over: nothing more is to come."""

    heard: bool
    calling: bool
    ended: bool
    over: bool
    cut: str | None
    error: Any

    def take(self, events: Iterable[Json]) -> Delta | None: ...
    def end(self) -> Delta | None: ...


class Body:
    """Takes the bytes of an answer as they come. `error`: what the provider told of one. `spoke`: whether it
    has said anything."""

    def __init__(self, reading: Reader, adds: bool = False) -> None:
        """adds: of a stream each event adds to those before it."""
        self._reading = reading
        self._adds = adds
        self._events: Events | None = None
        self._raw = bytearray()
        self._document = False
        self.spoke = False
        self.error: Any = None

    @property
    def done(self) -> bool:
        """Whether its end was announced."""
        return self._reading.over or (self._events is not None and self._events.done)

    @property
    def complete(self) -> bool:
        """Whether the answer ended; a closed connection alone is not an end."""
        return self.done or self._reading.ended

    @property
    def heard(self) -> bool:
        return self._reading.heard

    @property
    def cut(self) -> str | None:
        """The provider's word for an end that is none."""
        return self._reading.cut

    def feed(self, chunk: bytes) -> Delta | None:
        """What can be said now. Raise ValueError for an event without end."""
        if self._events is None:
            self._raw += chunk
            if self._document or not self._decided():
                return None
            chunk, self._events = bytes(self._raw), Events(self._adds)
            self._raw.clear()
        return self._read(self._events.feed(chunk))

    @property
    def over(self) -> bool:
        """Whether nothing more is to be read."""
        return self.done or self.error is not None

    def end(self) -> list[Delta]:
        """What is left at the end. Raise ValueError when the body is no answer."""
        last = None
        if not self.over:
            last = self._whole() if self._events is None else self._read(self._events.end())
        return self._with(last, self._reading.end() if self.error is None else None)

    @staticmethod
    def _with(*deltas: Delta | None) -> list[Delta]:
        return [d for d in deltas if d is not None]

    def _decided(self) -> bool:
        """Whether the body is known to be a stream: nothing but a document begins with a bracket."""
        if len(self._raw) < len(BOM) and BOM.startswith(self._raw):
            return False
        # Blank lines keep a caller waiting before a document as well.
        self._raw = self._raw.removeprefix(BOM).lstrip()
        start = bytes(self._raw[:1])
        if not start:
            return False
        self._document = start in (b"{", b"[")
        return not self._document

    def _read(self, events: Any) -> Delta | None:
        delta = self._reading.take(events)
        # What was counted beforehand is no word yet.
        says = self._reading.calling or (delta is not None and bool(delta.text or delta.says or delta.thinks))
        self.spoke = self.spoke or says
        self.error = self._reading.error
        return delta

    def _whole(self) -> Delta | None:
        told = [one for one in documents(bytes(self._raw)) if isinstance(one, dict)]
        delta = self._read(told)
        if self.error is None and not self.heard:
            self.error = next((one for one in told if words(one)), None)
            if self.error is None:
                raise ValueError("an answer of another shape")
        if delta is not None and not self._reading.ended and self.cut is None:
            # A whole document is no beginning of one.
            delta, self._reading.ended = replace(delta, finish="stop"), True
        return delta
