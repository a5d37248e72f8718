"""Say in plain words what a WhatsApp message holds besides text, for people and models."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from channels import loose
from channels.base import Attachment, Media

VCARD_NAME = re.compile(r"^FN[^:\r\n]*:([^\r\n]+)", re.MULTILINE | re.IGNORECASE)
VCARD_PHONE = re.compile(r"^(?:item\d+\.)?TEL[^:\r\n]*:([^\r\n]+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says, before it is known who said it to whom.

    event: nothing was said (a pin, a key exchange); its name, recorded only.
    """

    text: str = ""
    attachments: tuple[Attachment, ...] = ()
    button: str | None = None
    reply_to: str | None = None
    event: str | None = None

    @property
    def empty(self) -> bool:
        return not (self.text or self.attachments or self.button)


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


def card(name: Any, phones: Iterable[Any]) -> Attachment:
    """A contact card: the name and the phones."""
    shown = ", ".join(dict.fromkeys(p for v in phones if (p := loose.text(v))))
    known = loose.text(name)
    words = f"{known}: {shown}" if known and shown else known or shown
    return Attachment(Media.CONTACT, text=words)


def vcard(name: Any, content: Any) -> Attachment:
    """A contact card out of a vCard."""
    source = loose.text(content) or ""
    named = VCARD_NAME.search(source)
    return card(loose.text(name) or (named and named[1].strip()), phones(source))


def phones(content: Any) -> list[str]:
    """The numbers of a vCard."""
    return [p.strip() for p in VCARD_PHONE.findall(loose.text(content) or "")]


def poll(question: Any, options: Iterable[Any], several: bool = False) -> str:
    """A poll as a question and its options; several: more than one may be chosen."""
    asked = loose.text(question)
    asked = f"{asked or ''} (several may be chosen)".strip() if several else asked
    return lines(asked, *(f"- {t}" for o in options if (t := loose.text(o))))


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
