"""Durations as they are documented: "hh:mm:ss" or "d.hh:mm:ss", with parts of a second behind a point."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

LONGEST = 3650 * 86400
PARTS = 10_000_000  # of a second, as seven digits tell them
_FORM = re.compile(r"(?:(\d{1,4})\.)?(\d{1,2}):(\d{1,2}):(\d{1,2})(\.\d{1,7})?")
MEND = 'must be "hh:mm:ss", "d.hh:mm:ss", a number of seconds or null'


def seconds(value: str) -> int:
    """Whole seconds. Raise ValueError for anything but a time span."""
    return int(exact(value))


def exact(value: str) -> float:
    """Raise ValueError for anything but a time span."""
    match = _FORM.fullmatch(value.strip())
    if match is None:
        raise ValueError(MEND)
    days, hours, minutes, rest = (int(g or 0) for g in match.groups()[:4])
    if hours > 23 or minutes > 59 or rest > 59:
        raise ValueError(MEND)
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest + float(match[5] or 0)


def text(total: float) -> str:
    whole, parts = divmod(round(total * PARTS), PARTS)
    days, rest = divmod(whole, 86400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}" + (f".{parts:07}" if parts else "")
    return f"{days}.{clock}" if days else clock


def _read(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(MEND)
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}(\.\d{1,7})?", value):
        value = float(value)
    total = exact(value) if isinstance(value, str) else value
    if not 0 <= total <= LONGEST:
        raise ValueError("must be between 0 and ten years")
    return text(total)


TimeSpan = Annotated[
    str | None,
    BeforeValidator(_read),
    WithJsonSchema({"type": ["string", "number", "null"], "examples": ["03:00:00", "1.00:00:00", 90]}),
]
