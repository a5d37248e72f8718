"""How templates write times, sizes, names and figures. Pure."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import orjson

HUES = 6
NETWORKS: Mapping[str, str] = MappingProxyType({
    "telegram": "Telegram", "zapi": "WhatsApp", "evolution": "WhatsApp", "kapso": "WhatsApp",
})


def iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp(at: datetime) -> str:
    """For browsers without script; the others say it in the reader's zone."""
    return at.astimezone(UTC).strftime("%d %b %H:%M UTC")


def initials(name: str) -> str:
    words = [w for w in name.split() if w[0].isalnum()]
    return ("".join(w[0] for w in (words[:1] + words[-1:] if len(words) > 1 else words)) or "?").upper()[:2]


def hue(name: str) -> int:
    """A colour that stays the same for the same name."""
    return sum(name.encode()) % HUES


def size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def number(value: float) -> str:
    return f"{value:,.0f}"


def money(value: float) -> str:
    return f"${value:,.2f}" if value == 0 or value >= 0.01 else f"${value:.4f}"


def span(seconds: float | None) -> str:
    """A span of time in the unit people use for it."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def person(row: Mapping[str, Any]) -> str:
    """What somebody is called: never by what they said, nor by a name that the hub has made up for a network."""
    tag = str(row.get("tag") or row.get("external_user") or "")
    named = next((str(row[n]) for n in ("contact_name", "said_name", "phone", "username") if row.get(n)), "")
    if named.isdigit() and named == str(row.get("phone") or ""):
        named = f"+{named}"
    if tag.startswith("preview-"):
        tag = "Preview"
    if not named and tag.startswith("zp_"):
        address = str(row.get("chat") or row.get("address") or tag.partition(":")[2].partition("@")[0])
        named = f"{NETWORKS.get(str(row.get('channel')), 'Visitor')} {address.partition('@')[0][-20:]}"
    return (named or tag or f"Visitor {str(row.get('id') or '')[-4:]}".strip())[:80]


def pretty(value: Any) -> str:
    """JSON for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


FILTERS: Mapping[str, Callable[..., Any]] = {
    "iso": iso, "stamp": stamp, "initials": initials, "hue": hue, "size": size, "number": number, "money": money,
    "span": span, "person": person, "pretty": pretty,
}
