"""What a business wants to know of a visitor before they write. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from hub.domain import Json
from hub.errors import Invalid

LONGEST = 500
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_PHONE = re.compile(r"\+?[\d ()./-]{6,30}")
_YES = ("yes", "on", "true", "1")


def checked(fields: Sequence[Json], said: Mapping[str, str]) -> dict[str, str]:
    """What is kept of it, a consent with its time. Raise Invalid for what is missing or cannot be."""
    kept = dict(said)
    for f in fields:
        value = said.get(f["name"], "").strip()[:LONGEST]
        if f["kind"] == "consent":
            value = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}" if value.lower() in _YES else ""
        if not value and f["required"]:
            raise Invalid(f"{f['name']} is asked for before a conversation begins.", field=f["name"], code="pre_chat")
        wrong = {"email": _EMAIL, "phone": _PHONE}.get(f["kind"])
        if value and wrong and not wrong.fullmatch(value):
            raise Invalid(f"{f['name']} is no {f['kind']}.", field=f["name"], code="pre_chat")
        kept.pop(f["name"], None)
        if value:
            kept[f["name"]] = value
    return kept
