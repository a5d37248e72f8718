"""What a message goes through, told to whoever collects traces; nothing, and for nothing, unless a collector is set.

Names and attributes are OpenTelemetry's (https://opentelemetry.io/docs/specs/semconv/gen-ai/). `hub.otel` does the
telling; it is imported only where it is wanted.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

Attributes = Mapping[str, Any]
NO_ATTRIBUTES: Mapping[str, Any] = {}
# Under this name a row's JSON carries on whose behalf it was written.
KEY = "trace"


class Span(Protocol):
    """A piece of the way. Begun by `start` it is ended by `end`, by `within` as the block ends."""

    def set(self, name: str, value: Any) -> None:
        """None is left out."""
        ...

    def failed(self, kind: str) -> None:
        """It went wrong; kind: a word of few, no text."""
        ...

    def end(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Tracing(Protocol):
    """on: whether anybody collects. content: whether texts of messages may be told."""

    @property
    def on(self) -> bool: ...
    @property
    def content(self) -> bool: ...
    def within(
        self, name: str, kind: str = "internal", attributes: Attributes = ..., parent: str | None = None
    ) -> Span:
        """A span for a block; what begins meanwhile is part of it. kind: internal, server, client, consumer. parent:
        what `carrier` gave elsewhere; None: what goes on here."""
        ...

    def start(self, name: str, kind: str = "internal", attributes: Attributes = ...) -> Span:
        """A span beside others: nothing becomes part of it."""
        ...

    def carrier(self) -> str | None:
        """What goes on here, for a row that somebody else takes up. None when nothing does."""
        ...

    async def close(self) -> None: ...


class _Nothing:
    """A span that nobody collects."""

    def set(self, name: str, value: Any) -> None:
        return

    def failed(self, kind: str) -> None:
        return

    def end(self) -> None:
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return


NOTHING = _Nothing()


class Off:
    """Nobody collects."""

    on = False
    content = False

    def within(
        self, name: str, kind: str = "internal", attributes: Attributes = NO_ATTRIBUTES, parent: str | None = None
    ) -> Span:
        return NOTHING

    def start(self, name: str, kind: str = "internal", attributes: Attributes = NO_ATTRIBUTES) -> Span:
        return NOTHING

    def carrier(self) -> str | None:
        return None

    async def close(self) -> None:
        return


OFF = Off()
