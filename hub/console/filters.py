"""How templates write times, sizes, names and figures. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import jinja2
import orjson
from markupsafe import Markup, escape

from hub.chat.clients.networks import NAMES
from hub.chat.clients.people_names import person
from hub.store import said
from hub.translations import ENGLISH, Catalogue, Told, dated, moment, swapped, told

HUES = 6
CHANGED = told("%(by)s changed it")
DONE: Mapping[str, str] = {
    "assigned": told("%(by)s assigned it to %(to)s"), "nobody's": told("%(by)s assigned it to nobody"),
    "snoozed until": told("%(by)s put it away until %(to)s"), "snoozed": told("%(by)s put it away until they write"),
    "closed": told("%(by)s closed it"), "open": told("%(by)s opened it again"),
    "rested": told("It was put away until now"), "priority": told("%(by)s set the priority to %(to)s"),
    "labelled": told("%(by)s set the label %(to)s"), "unlabelled": told("%(by)s took off the label %(to)s"),
}
RANKS: Mapping[str, str] = {
    "low": told("low"), "normal": told("normal"), "high": told("high"), "urgent": told("urgent"),
}
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


def stamp(at: datetime, words: Catalogue) -> str:
    """For browsers without script; the others say it in the reader's zone."""
    return f"{moment(at.astimezone(UTC), words)} UTC"


def initials(name: str) -> str:
    words = [w for w in name.split() if w[0].isalnum()]
    return ("".join(w[0] for w in (words[:1] + words[-1:] if len(words) > 1 else words)) or "?").upper()[:2]


def hue(name: str) -> int:
    """A colour that stays the same for the same name."""
    return sum(name.encode()) % HUES


def figure(text: str, words: Catalogue) -> str:
    """A figure written the English way, as it is written in a language."""
    return swapped(text, words.code)


def plain(value: float, words: Catalogue) -> str:
    """A figure for a field in which it can be changed: without groups."""
    return figure(str(value), words)


def size(count: float, words: Catalogue) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else figure(f"{count:.1f} {unit}", words)
        count /= 1000
    return figure(f"{count:.1f} GB", words)


def number(value: float, words: Catalogue) -> str:
    return figure(f"{value:,.0f}", words)


def money(value: float | None, words: Catalogue) -> str:
    """Dollars: what models are paid in. None: who looks is not told."""
    if value is None:
        return "–"
    sign = "$" if words.code == ENGLISH else "US$ "
    return sign + figure(f"{value:,.2f}" if value == 0 or value >= 0.01 else f"{value:.4f}", words)


def span(seconds: float | None, words: Catalogue) -> str:
    """A span of time in the unit people use for it."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return figure(f"{seconds:.1f} s", words)
    return f"{seconds / 60:.0f} min" if seconds < 5400 else figure(f"{seconds / 3600:.1f} h", words)


def deskwork(done: Mapping[str, Any], words: Catalogue) -> str:
    """What was done with a conversation, as its thread tells it."""
    what, to = str(done.get("what")), done.get("to")
    by = done.get("by") or words.gettext("Somebody")
    if what == "assigned":
        names = ", ".join(n for n in (to, done.get("team")) if n)
        what, to = ("assigned", names) if names else ("nobody's", "")
    if what == "snoozed" and (until := done.get("until")):
        what, to = "snoozed until", stamp(datetime.fromisoformat(str(until)), words)
    if what == "priority":
        to = words.say(RANKS.get(str(to), str(to)))
    return words.gettext(DONE.get(what, CHANGED)) % {"by": by, "to": to}


def called(row: Mapping[str, Any], words: Catalogue) -> str:
    """What somebody is called; only what the hub calls them has another language."""
    name = person(row)
    return words.say(name) if isinstance(name, Told) else name


def say(text: str, words: Catalogue) -> str:
    """What is English by itself, in the page's language: labels of Python's, and what was told."""
    return words.say(text)


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


def spoken(write: Callable[..., str]) -> Callable[..., str]:
    """A filter whose last argument is the catalogue of the page's environment."""

    @jinja2.pass_environment
    def filter(environment: jinja2.Environment, *given: Any) -> str:
        return write(*given, environment.globals["catalogue"])

    return filter


SPOKEN: Mapping[str, Callable[..., str]] = {
    "stamp": stamp, "size": size, "number": number, "money": money, "span": span, "deskwork": deskwork, "say": say,
    "dated": dated, "figure": figure, "plain": plain, "person": called,
}
FILTERS: Mapping[str, Callable[..., Any]] = {
    "iso": iso, "initials": initials, "hue": hue, "pretty": pretty, "network": network,
    "around": around, "unmarked": unmarked,
    **{name: spoken(write) for name, write in SPOKEN.items()},
}
