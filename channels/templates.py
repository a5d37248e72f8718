"""WhatsApp's templates as Meta keeps them: what they say, what must be filled in, whether they may be sent. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from channels.base import Link
from channels.outbound import Fill

NAMED = re.compile(r"\{\{\s*(\w{1,100})\s*\}\}")
APPROVED = "APPROVED"
# Events that leave a template as it may be sent, and those after which it may be.
BESIDE = frozenset({"FLAGGED", "LOCKED", "UNLOCKED", "LIMIT_EXCEEDED"})
STILL = frozenset({"APPROVED", "REINSTATED", "UNPAUSED", "UNARCHIVED"})
MOST = 1000  # of an account, as far as they are listed
MEDIA = ("image", "video", "document")


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a template. kind: Meta's word in small letters. url: where it leads, perhaps with a variable."""

    kind: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """Something that must be given. key: "body.1", "body.name", "header", "button.0"."""

    key: str
    place: str  # header | body | button
    kind: str  # text | image | video | document | code
    name: str = ""  # of a named variable
    index: int = 0


@dataclass(frozen=True, slots=True)
class Template:
    """status: APPROVED, PAUSED, DISABLED, REJECTED, PENDING ... as Meta says it. quality: GREEN, YELLOW, RED or
    UNKNOWN. odd: what of it the hub cannot fill in. header: text, or the kind of its file."""

    name: str
    language: str
    status: str = APPROVED
    category: str = ""
    reason: str = ""
    quality: str = ""
    header: str = ""
    header_text: str = ""
    body: str = ""
    footer: str = ""
    buttons: tuple[Button, ...] = ()
    named: bool = False
    odd: str = ""

    @property
    def approved(self) -> bool:
        return self.status == APPROVED

    @property
    def slots(self) -> tuple[Slot, ...]:
        """What must be given, in the order in which people read it."""
        found = [Slot("header", "header", self.header)] if self.header in MEDIA else []
        if self.header == "text":
            found += [Slot("header", "header", "text", self._name(n)) for n in _names(self.header_text)[:1]]
        found += [Slot(f"body.{n}", "body", "text", self._name(n)) for n in _names(self.body)]
        for place, one in enumerate(self.buttons):
            if one.kind == "copy_code" or NAMED.search(one.url):
                kind = "code" if one.kind == "copy_code" else "text"
                found.append(Slot(f"button.{place}", "button", kind, index=place))
        return tuple(found)

    def _name(self, found: str) -> str:
        return found if self.named else ""

    def shown(self, values: Mapping[str, str]) -> str:
        """How it reads with these values by the keys of its slots; what is missing stays a variable."""
        def put(text: str, place: str) -> str:
            return NAMED.sub(lambda m: values.get(place or f"body.{m[1]}") or m[0], text)

        head = put(self.header_text, "header") if self.header == "text" else f"[{self.header}]" if self.header else ""
        taps = " ".join(f"[{b.text}]" for b in self.buttons if b.text)
        return "\n\n".join(t for t in (head, put(self.body, ""), self.footer, taps) if t)

    def why_not(self) -> str | None:
        """Why it cannot be sent now, in words; None where it can."""
        if self.odd:
            return f"The template {self.name} holds {self.odd}, which cannot be filled in here."
        if self.approved:
            return None
        because = f" ({self.reason.lower().replace('_', ' ')})" if self.reason not in ("", "NONE") else ""
        said = {
            "PAUSED": "is paused by WhatsApp, mostly because people reported it",
            "DISABLED": "is disabled by WhatsApp",
            "REJECTED": "was rejected by WhatsApp",
            "PENDING": "waits for WhatsApp's approval",
        }.get(self.status, f"is {self.status.lower().replace('_', ' ')} at WhatsApp")
        return f"The template {self.name} ({self.language}) {said}{because}."


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(m[1] for m in NAMED.finditer(text)))


class Unfit(ValueError):
    """The values do not fit the template; says which, in words."""


def filled(template: Template, body: Sequence[str], values: Mapping[str, str]) -> tuple[list[Fill], dict[str, str]]:
    """The values as they are sent, and by the keys of their slots. body: of the body's variables in their order;
    values: by key, before those. Raise Unfit."""
    slots = template.slots
    in_body = [s for s in slots if s.place == "body"]
    if len(body) > len(in_body):
        raise Unfit(
            f"The template {template.name} has {_count(len(in_body))} in its body, and {len(body)} were given."
        )
    given = {s.key: v for s, v in zip(in_body, body, strict=False)} | dict(values)
    if unknown := sorted(given.keys() - {s.key for s in slots}):
        raise Unfit(f"The template {template.name} has no {', '.join(unknown)}.")
    if missing := [s.key for s in slots if not given.get(s.key, "").strip()]:
        raise Unfit(
            f"The template {template.name} wants {_count(len(slots))}; missing: {', '.join(missing)}."
        )
    for slot in slots:
        if slot.kind in MEDIA and not re.fullmatch(r"(https://|\{)\S+", given[slot.key].strip()):
            raise Unfit(f"{slot.key} must be the https:// address of the {slot.kind}.")
    found = [Fill(s.place, given[s.key].strip(), s.kind, s.name, s.index) for s in slots]
    return found, {s.key: given[s.key].strip() for s in slots}


def _count(n: int) -> str:
    return "no variables" if n == 0 else "1 variable" if n == 1 else f"{n} variables"


def best(templates: Sequence[Template], name: str, language: str | None) -> Template | None:
    """The one of a name in a language; without a language the only one there is, or an approved one."""
    found = [t for t in templates if t.name == name]
    if language:
        wanted = language.replace("-", "_").lower()
        return next((t for t in found if t.language.lower() == wanted), None)
    return next((t for t in found if t.approved), found[0] if found else None)


def changed(
    template: Template, *, status: str | None = None, reason: str | None = None, quality: str | None = None
) -> Template:
    """As an event of the network's says it is now."""
    fresh = replace(template, quality=quality) if quality else template
    if status is None or status in BESIDE:
        return fresh
    now = APPROVED if status in STILL else status
    return replace(fresh, status=now, reason="" if now == APPROVED else reason or "")


@runtime_checkable
class Templated(Protocol):
    """A network that lists its templates."""

    async def templates(self, link: Link) -> list[Template]:
        """All of the account, at most `MOST`. Raise ChannelError, code "no_account" where the settings do not name
        whose they are."""
        ...
