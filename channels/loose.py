"""Read values out of JSON whose shape nobody guarantees: a wrong type is None, never an error."""

import contextlib
import hashlib
import hmac
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from channels.base import Unreadable

FIRST_MS = 100_000_000_000  # as seconds this is the year 5138, so larger ones are milliseconds
VALUES = 500_000
DEEPEST = 200  # orjson reads 1024 levels but writes only 254
LONGEST_KEY = 200  # dedupe keys are part of a b-tree index, which refuses long rows
# An escaped pair, half of one, any other escape: what comes first counts, so that an escaped backslash escapes nothing.
ESCAPE = re.compile(r"\\(?:ud[89ab][\da-f]{2}\\ud[c-f][\da-f]{2}|(ud[89a-f][\da-f]{2})|.)", re.DOTALL | re.IGNORECASE)
MENDED = 500_000  # escapes that are looked through, as in a body of text; pictures have none


def load(body: bytes) -> Any:
    """The JSON in a webhook body; Unreadable when there is none, or more of it than any network sends."""
    if len(body) > VALUES and sum(body.count(sign) for sign in (b",", b"{", b"[")) > VALUES:
        raise Unreadable("the body holds too many values")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _mended(body)
    # Counting the brackets is quick and nearly always enough.
    if body.count(b"{") + body.count(b"[") > DEEPEST and _deep(value):
        raise Unreadable("the body is nested too deeply")
    return value


def _mended(body: bytes) -> Any:
    """Its JSON, with U+FFFD for what is no character: half of an emoji at which a name was cut, a byte of another
    encoding. JavaScript writes such a half as an escape, and a message is worth more than a sign of it."""
    if body.count(b"\\") <= MENDED:
        said = body.decode("utf-8-sig", "replace")
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads("".join(_whole(said)))
    raise Unreadable("the body is not JSON")


def _whole(said: str) -> Iterator[str]:
    """From one escape to the next: a pattern that looks through all of a large file lets nobody else work."""
    at = 0
    while (start := said.find("\\", at)) >= 0 and (found := ESCAPE.match(said, start)):
        yield said[at:start]
        yield "\\ufffd" if found[1] else found[0]
        at = found.end()
    yield said[at:]


def _deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for v in level
            for inner in (v.values() if isinstance(v, dict) else v)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def obj(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def objs(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; one object counts as a list of one."""
    if isinstance(value, dict):
        return [value]
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """A non-empty string; numbers are written out, since ids come both ways."""
    if isinstance(value, str):
        # PostgreSQL stores no NUL, neither as text nor as JSON.
        return value.replace("\x00", "") or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def first(*values: Any) -> str | None:
    """The first that is a non-empty string or a number."""
    return next((found for v in values if (found := text(v))), None)


def number(value: Any) -> int | None:
    """An integer, also from digits in a string or from a split {low, high} of 64 bits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return int(value) if len(value) < 20 and value.isascii() and value.isdigit() else None
    low, high = (obj(value).get(k) for k in ("low", "high"))
    if type(low) is not int or type(high) is not int:
        return None
    return (high << 32) + (low & 0xFFFFFFFF)  # a JavaScript Long keeps `low` signed


def decimal(value: Any) -> float | None:
    """A finite number, also from a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def moment(value: Any) -> datetime | None:
    """A time in UTC from seconds, milliseconds or ISO 8601."""
    try:
        if (count := number(value)) is not None:
            return datetime.fromtimestamp(count / (1000 if count >= FIRST_MS else 1), UTC)
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def scalars(source: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The named values that are strings, numbers or booleans, safe to store."""
    found: dict[str, Any] = {}
    for name in names:
        value = source.get(name)
        if isinstance(value, str):
            value = text(value)
        if isinstance(value, str | int | float | bool):
            found[name] = value
    return found


def key(*parts: str | None) -> str:
    """A dedupe key of these parts, shortened to a digest when it would be too long."""
    whole = ":".join(p or "" for p in parts)
    return whole if len(whole) <= LONGEST_KEY else f"{parts[0]}:{_sha(whole.encode())}"


def digest(value: Any) -> str:
    """A short fingerprint of a JSON value, for items that carry no id."""
    return _sha(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))


def same_words(one: str, other: str) -> bool:
    """Whether two texts are the same but for how they are spaced."""
    return one.split() == other.split()


def same(one: str, other: str) -> bool:
    """Equality that takes the same time wherever two secrets differ."""
    # Header values may hold bytes that are no UTF-8; aiohttp keeps them as surrogates.
    return hmac.compare_digest(
        one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape")
    )


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
