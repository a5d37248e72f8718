"""A list of recipients, as CSV or JSON lines, made of rows with an address and variables. Pure."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from hub.errors import Invalid
from hub.tools.schedule.targets import named

Json = dict[str, Any]
MOST = 100_000
ADDRESS = ("targetIdentifier", "phone", "to", "chat", "telefone", "telefono", "number")
USER = ("externalUserId", "user")
LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Recipient:
    """place: from 1. refusal: (reason, words) for who cannot get a message at all."""

    place: int
    address: str
    names: list[str]
    external_user: str
    variables: Mapping[str, str]
    refusal: tuple[str, str] | None = None


def read(text: str, channel: str, client: UUID, wanted: set[str]) -> list[Recipient]:
    """`wanted`: variables the message uses. Raise Invalid for what is no list; a bad row is kept with
    its refusal, and who is on the list twice gets one message."""
    rows = list(_rows(text))
    if not rows:
        raise Invalid("recipients is empty; give CSV with a header, or one JSON object a line.", field="recipients")
    if len(rows) > MOST:
        raise Invalid(f"recipients has {len(rows)} rows; one campaign takes {MOST}.", field="recipients")
    found: list[Recipient] = []
    seen: set[str] = set()
    for place, row in enumerate(rows, 1):
        one = _recipient(place, row, channel, client, wanted)
        if one.refusal is None and seen & set(one.names):
            one = Recipient(
                place, one.address, one.names, one.external_user, one.variables,
                ("duplicate", "Refused: this recipient is on the list before"),
            )
        seen |= set(one.names)
        found.append(one)
    return found


def _rows(text: str) -> Iterator[Json]:
    text = text.lstrip("\ufeff").strip()
    if text.startswith("{"):
        yield from _json_lines(text.splitlines())
    elif text.startswith("["):
        yield from _list(text)
    elif text:
        yield from _csv(text)


def _json_lines(lines: Iterable[str]) -> Iterator[Json]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _object(line, f"line {number}")


def _object(text: str, place: str) -> Json:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise Invalid(f"recipients, {place}, is no JSON object.", field="recipients")
    return value


def _list(text: str) -> Iterator[Json]:
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Invalid("recipients begins like a JSON list and is none.", field="recipients") from None
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise Invalid(f"recipients, item {number}, is no JSON object.", field="recipients")
        yield value


def _csv(text: str) -> Iterator[Json]:
    first = text.splitlines()[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        names = [n.strip() for n in reader.fieldnames or ()]
        if not set(names) & {*ADDRESS, *USER}:
            raise Invalid(f"recipients has no column {ADDRESS[0]} or {ADDRESS[1]} in its header.", field="recipients")
        reader.fieldnames = names
        for row in reader:
            yield {k: v for k, v in row.items() if isinstance(k, str) and v is not None}
    except csv.Error:
        raise Invalid(
            f"recipients is no CSV that can be read; look at line {reader.line_num}.", field="recipients"
        ) from None


def _recipient(place: int, row: Json, channel: str, client: UUID, wanted: set[str]) -> Recipient:
    flat = {str(k): v for k, v in row.items() if k != "variables"} | dict(_mapping(row.get("variables")))
    values = {k: _text(v) for k, v in flat.items()}
    given = next((values[name] for name in ADDRESS if values.get(name)), "")
    user = next((values[name] for name in USER if values.get(name)), None)
    variables = {k: v for k, v in values.items() if k not in (*ADDRESS, *USER)}
    try:
        address, names = named(channel, given)
    except Invalid as e:
        return Recipient(place, given[:100], [], user or given[:100], variables, ("no_address", f"Refused: {e}"))
    refusal = None
    missing = sorted(name for name in wanted if not values.get(name, "").strip())
    if missing:
        refusal = ("variables", f"Refused: the row has no value for {', '.join(missing)}")
    elif any(len(v) > LONGEST for v in variables.values()):
        refusal = ("variables", f"Refused: a value is longer than {LONGEST} characters")
    network = "telegram" if channel == "telegram" else "whatsapp"
    user = user or f"zp_{network}:{address}@{str(client)[-12:]}"
    return Recipient(place, address, names, user, {k: v for k, v in values.items() if k in wanted}, refusal)


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)
