"""What was said to a network and what it answered, for whoever asks why a delivery failed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

LONGEST = 4000
Json = dict[str, Any]
_calls: ContextVar[list[Json] | None] = ContextVar("calls", default=None)


@contextmanager
def tracing() -> Iterator[list[Json]]:
    """The calls made inside, in order: {request: {method, path, body}, response: {status, body}}."""
    calls: list[Json] = []
    token = _calls.set(calls)
    try:
        yield calls
    finally:
        _calls.reset(token)


def watched() -> bool:
    """Whether somebody wants to know."""
    return _calls.get() is not None


def note(method: str, path: str, sent: Any, status: int, answer: Any) -> None:
    """Remember a call, if somebody wants to know. What is sent as a form has no body here."""
    calls = _calls.get()
    if calls is not None:
        calls.append({
            "request": {"method": method, "path": path, "body": sent}, "response": {"status": status, "body": answer},
        })


def scrubbed(value: Any, secrets: Mapping[str, str]) -> Any:
    """The same without secrets, and with long texts cut. Pure."""
    if isinstance(value, str):
        for secret in secrets.values():
            if len(secret) >= 6:
                value = value.replace(secret, "***")
        return value if len(value) <= LONGEST else value[:LONGEST] + "…"
    if isinstance(value, Mapping):
        return {str(k): scrubbed(v, secrets) for k, v in list(value.items())[:60]}
    if isinstance(value, list | tuple):
        return [scrubbed(v, secrets) for v in value[:60]]
    return value if isinstance(value, int | float | bool | None) else str(type(value).__name__)
