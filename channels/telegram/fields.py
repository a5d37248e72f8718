"""Typed reading of untrusted JSON: a wrong shape is Unreadable, never another exception."""

from datetime import UTC, datetime
from typing import Any

import orjson

from channels.base import Unreadable

Json = dict[str, Any]

LATEST = 32_503_680_000  # the year 3000: datetime must not overflow
BIGGEST = 2**63  # identifiers are kept in bigint columns


def load(body: bytes) -> Json:
    """The body as an object."""
    try:
        return record(orjson.loads(body), "body")
    except orjson.JSONDecodeError as e:  # also too deep, NaN, bad UTF-8, lone surrogates
        raise Unreadable("The body is not JSON.") from e


def record(value: Any, name: str) -> Json:
    if not isinstance(value, dict):
        raise Unreadable(f"{name[:64]} is not an object.")
    return value


def child(data: Json, key: str) -> Json | None:
    value = data.get(key)
    return None if value is None else record(value, key)


def need(data: Json, key: str) -> Json:
    return record(data.get(key), key)


def many(data: Json, key: str) -> list[Json]:
    value = data.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable(f"{key} is not a list.")
    return [record(item, key) for item in value]


def text(data: Json, key: str) -> str | None:
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Unreadable(f"{key} is not text.")
    return value.replace("\0", "")  # no database text can hold a NUL


def name(data: Json, key: str) -> str:
    value = text(data, key)
    if not value:
        raise Unreadable(f"{key} is missing.")
    return value


def number(data: Json, key: str) -> int | None:
    value = data.get(key)
    if value is None:
        return None
    if type(value) is not int or not -BIGGEST <= value < BIGGEST:  # bool is an int as well
        raise Unreadable(f"{key} is not a whole number.")
    return value


def identifier(data: Json, key: str) -> int:
    value = number(data, key)
    if value is None:
        raise Unreadable(f"{key} is missing.")
    return value


def decimal(data: Json, key: str) -> float:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(f"{key} is not a number.")
    return float(value)


def flag(data: Json, key: str) -> bool:
    return data.get(key) is True


def moment(data: Json, key: str) -> datetime | None:
    """Unix seconds; 0 stands for "unknown" (a message that is no longer accessible)."""
    value = number(data, key)
    if not value:
        return None
    if not 0 < value < LATEST:
        raise Unreadable(f"{key} is not a time.")
    return datetime.fromtimestamp(value, UTC)
