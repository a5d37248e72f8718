"""Say in plain words what a WhatsApp message holds besides text, for people and models."""

import quopri
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from channels import loose
from channels.inbound import Attachment, Media

VCARD_LINE = re.compile(
    r"^(?:[\w-]+\.)?(FN|TEL|EMAIL|ORG|ADR|URL)((?:;[^:\r\n]*)?):([^\r\n]+)", re.MULTILINE | re.IGNORECASE
)
VCARD_FOLD = re.compile(r"\r?\n[ \t]")
VCARD_PART, VCARD_ESCAPE = re.compile(r"(?<!\\);"), re.compile(r"\\(.)")
# What is read of a card: characters, fields, and characters of a field.
VCARD_LONGEST, VCARD_FIELDS, VCARD_VALUE = 500_000, 60, 500
BESIDE = ("EMAIL", "ORG", "ADR", "URL")


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says, before it is known who said it to whom.

    event: nothing was said (a pin, a key exchange); its name, recorded only. With a text: something was said that
    nobody here can read, and the text is what whoever answers is told of it.
    """

    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    button: str | None = None
    reply_to: str | None = None
    event: str | None = None

    @property
    def empty(self) -> bool:
        return not (self.text or self.attachments or self.button)


UNKNOWN = "message.unknown"
# How WhatsApp calls what programs say to each other: nobody waits for an answer to that.
MACHINES = re.compile(
    r"enc[A-Z]|secret|placeholder|device|messageHistory|status(?!Question)|bot[A-Z]|stickerSync|peer|appState|key|protocol|reaction|"
    r"senderKey|context|newsletter|externalAd|referenced"
)
WORDS = ("title", "name", "eventTitle", "text", "body", "caption", "message", "description", "note", "url")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def unread(content: dict[str, Any]) -> Said:
    """A message none of whose parts anybody can read: what a person said of a kind that came up lately is told."""
    names = (n for n, value in content.items() if _held(value) and not MACHINES.match(n))
    name = next(names, None)
    if name is None:
        return Said(event=UNKNOWN)
    kind = _HUMP.sub(" ", name.removesuffix("Message")).replace("_", " ").lower()[:60]
    if words := _readable(content[name]):
        return Said(f"[{kind}]\n{words}", event=UNKNOWN)
    return Said(f"[{kind}: messages of this kind cannot be read here; it can be said in another way]", event=UNKNOWN)


def _readable(value: dict[str, Any]) -> str:
    """The words of it, as networks use to call them."""
    found = (value.get(name) for name in WORDS)
    return lines(*(v.get("text") if isinstance(v, dict) else v for v in found if isinstance(v, str | dict)))


def _held(value: Any) -> bool:
    """Whether it is content, and no wrapper within too many others."""
    return isinstance(value, dict) and bool(value) and "message" not in value


def label(attachment: Attachment) -> str:
    """An attachment that can only be named, as in a quote."""
    facts = [f for f in (attachment.name, attachment.text) if f]
    return f"[{attachment.media}: {', '.join(facts)}]" if facts else f"[{attachment.media}]"


def links(buttons: Iterable[tuple[Any, Any]]) -> list[str]:
    """Buttons that open an address, one line each."""
    pairs = ((loose.text(name), loose.text(url)) for name, url in buttons)
    return [f"- {name}: {url}" if name and name != url else f"- {url}" for name, url in pairs if url]


def lines(*parts: Any) -> str:
    """The texts among the parts, each on its line, without repetition."""
    found = [t for p in parts if (t := loose.text(p))]
    return "\n".join(dict.fromkeys(found))


def place(source: dict[str, Any], latitude: str = "latitude", longitude: str = "longitude") -> Said:
    """A location: name, address, coordinates, link."""
    lat, lng = loose.decimal(source.get(latitude)), loose.decimal(source.get(longitude))
    point = f"{lat:.6f}, {lng:.6f}" if lat is not None and lng is not None else None
    words = lines(source.get("name"), source.get("address"), point, source.get("url"))
    comment = loose.first(source.get("caption"), source.get("comment")) or ""
    return Said(comment, (Attachment(Media.LOCATION, text=words),))


def card(name: Any, phones: Iterable[Any], more: Iterable[Any] = ()) -> Attachment:
    """A contact card: the name, the phones, and how else somebody is reached."""
    shown = ", ".join(dict.fromkeys(p for v in (*phones, *more) if (p := loose.text(v))))
    known = loose.text(name)
    words = f"{known}: {shown}" if known and shown else known or shown
    return Attachment(Media.CONTACT, text=words)


def vcard(name: Any, content: Any) -> Attachment:
    """A contact card out of a vCard."""
    said = _vcard(content)
    named = next((value for field, value in said if field == "FN"), None)
    reached = ([value for field, value in said if field in kind] for kind in (("TEL",), BESIDE))
    return card(loose.text(name) or named, *reached)


def phones(content: Any) -> list[str]:
    """The numbers of a vCard."""
    return [value for field, value in _vcard(content) if field == "TEL"]


def beside(content: Any) -> list[str]:
    """What a vCard tells besides: mail addresses, the company, streets, websites."""
    return [value for field, value in _vcard(content) if field in BESIDE]


def _vcard(content: Any) -> list[tuple[str, str]]:
    """Its fields and their values, without what only programs read."""
    source = VCARD_FOLD.sub("", (loose.text(content) or "")[:VCARD_LONGEST])
    lines = islice(VCARD_LINE.finditer(source), VCARD_FIELDS)
    found = ((one[1].upper(), _value(one[2], one[3][:VCARD_VALUE])) for one in lines)
    return [(field, value) for field, value in found if value]


def _value(options: str, value: str) -> str:
    if "QUOTED-PRINTABLE" in options.upper():
        value = quopri.decodestring(value.encode()).decode(errors="replace").replace("\0", "")
    parts = (VCARD_ESCAPE.sub(_unescaped, part).strip() for part in VCARD_PART.split(value))
    return ", ".join(part for part in parts if part)


def _unescaped(found: re.Match[str]) -> str:
    return " " if found[1] in "nN" else found[1]


def poll(question: Any, options: Iterable[Any], several: bool = False) -> str:
    """A poll as a question and its options; several: more than one may be chosen."""
    asked = loose.text(question)
    asked = f"{asked or ''} (several may be chosen)".strip() if several else asked
    return lines(asked, *(f"- {t}" for o in options if (t := loose.text(o))))


def event(
    name: Any, description: Any, place: dict[str, Any], link: Any, *, begins: Any, ends: Any = None, off: bool = False
) -> str:
    """A planned event, with when and where."""
    times = (t.strftime("%Y-%m-%d %H:%M UTC") for v in (begins, ends) if (t := loose.moment(v)))
    where = ", ".join(p for n in ("name", "address") if (p := loose.text(place.get(n))))
    return labelled("Event cancelled" if off else "Event", name, description, " - ".join(times), where, link)


def labelled(label: str, *parts: Any) -> str:
    """The parts behind a label, or nothing when there are none."""
    words = lines(*parts)
    return f"{label}: {words}" if words else ""


def money(amount: Any, currency: Any, scale: int = 1) -> str | None:
    """An amount with its currency; `scale` is what one unit is counted in."""
    value = loose.decimal(amount)
    if value is None:
        return None
    return f"{loose.text(currency) or ''} {value / scale:.2f}".strip()


def goods(products: Any, quantity: str = "quantity") -> list[str]:
    """Ordered products, one line each."""
    found = []
    for item in loose.objs(products):
        name = loose.first(
            item.get("name"), item.get("product_retailer_id"), item.get("productId"), item.get("id")
        )
        price = money(item.get("item_price"), item.get("currency")) if item.get("currency") else None
        if name:
            found.append(f"- {loose.number(item.get(quantity)) or 1} x {name}" + (f", {price} each" if price else ""))
    return found


def ad(source: dict[str, Any]) -> dict[str, Any]:
    """The advertisement that brought the contact, whichever network's spelling it has."""
    if not source:
        return {}
    names = {
        "title": ("title", "headline"),
        "body": ("body",),
        "url": ("sourceUrl", "source_url"),
        "source": ("sourceId", "source_id"),
        "kind": ("sourceType", "source_type"),
        "click": ("ctwaClid", "ctwa_clid"),
    }
    found = {k: loose.first(*(source.get(n) for n in v)) for k, v in names.items()}
    return {"ad": {k: v for k, v in found.items() if v}}
