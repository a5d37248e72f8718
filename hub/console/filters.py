"""How templates write times, sizes, names and figures. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from markupsafe import Markup, escape

from hub.chat.clients.networks import NAMES
from hub.chat.clients.people_names import person
from hub.store import said

HUES = 6
BEFORE, AFTER = 40, 120
_FENCE = re.compile(r"(?m)^\s*(?:`{3,}|~{3,})[\w+#.-]*\s*$|^\s*\|?[\s:|-]*-[\s:|-]*\|[\s:|-]*$")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^()\s]*\)")
_LEAD = re.compile(r"(?m)^\s*(?:#{1,6}\s+|>\s?|[-*+]\s+(?:\[[ xX]\]\s+)?)+|\|")
_PAIRS = (
    re.compile(r"(\*\*\*|\*\*|~~|\*|`+)(?=\S)(.+?)(?<=\S)\1"), re.compile(r"(?<!\w)(__?)(?=\S)(.+?)(?<=\S)\1(?!\w)"),
)


def network(channel: str | None) -> str:
    """Through which a conversation goes, by the name that businesses know."""
    return NAMES.get(channel or "", "Web")


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


def money(value: float | None) -> str:
    """None: who looks is not told."""
    if value is None:
        return "–"
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


def deskwork(told: Mapping[str, Any]) -> str:
    """What was done with a conversation, as its thread tells it."""
    what, by, to = told.get("what"), told.get("by") or "Somebody", told.get("to")
    if what == "assigned":
        names = [n for n in (to, told.get("team")) if n]
        return f"{by} assigned it to {', '.join(names)}" if names else f"{by} assigned it to nobody"
    if what == "snoozed":
        until = told.get("until")
        return f"{by} put it away until " + (stamp(datetime.fromisoformat(str(until))) if until else "they write")
    words = {
        "closed": f"{by} closed it", "open": f"{by} opened it again", "rested": "It was put away until now",
        "priority": f"{by} set the priority to {to}", "labelled": f"{by} set the label {to}",
        "unlabelled": f"{by} took off the label {to}",
    }
    return words.get(str(what), f"{by} changed it")


def around(text: str, words: str) -> Markup:
    """A piece of a text with what was looked for in it, marked; without the marks of Markdown."""
    text = unmarked(text)
    found = re.search("|".join(re.escape(w) for w in said.words(words)) or "$^", text, re.I)
    at = found.start() if found else 0
    begin = max(0, at - BEFORE)
    piece = Markup("")
    head, hit, tail = text[begin:at], found.group() if found else "", text[found.end() if found else at:][:AFTER]
    piece += escape(("…" if begin else "") + head)
    if hit:
        piece += Markup("<mark>{}</mark>").format(hit)
    return piece + escape(tail)


def unmarked(text: str) -> str:
    """The words of Markdown on one line: for lists, where nothing is drawn."""
    text = _FENCE.sub(" ", text)
    text = _LINK.sub(r"\1", text)
    text = _LEAD.sub("", text)
    for mark in _PAIRS:
        text = mark.sub(r"\2", text)
    return " ".join(text.split())


def pretty(value: Any) -> str:
    """JSON for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


FILTERS: Mapping[str, Callable[..., Any]] = {
    "iso": iso, "stamp": stamp, "initials": initials, "hue": hue, "size": size, "number": number, "money": money,
    "span": span, "person": person, "pretty": pretty, "network": network,
    "around": around, "unmarked": unmarked, "deskwork": deskwork,
}
