"""What WhatsApp's own buttons offer: links, codes to copy, keys to pay to."""

from collections.abc import Iterator
from typing import Any

from channels import loose, readable
from channels.base import Unreadable
from channels.loose import decimal, first, obj, objs, text

Json = dict[str, Any]


def offered(flow: Json) -> list[str]:
    """One line, or a few, for each button of a nativeFlowMessage."""
    return [line for button in objs(flow.get("buttons")) for line in _lines(parameters(button.get("buttonParamsJson")))]


def parameters(written: Any) -> Json:
    """JSON that stands inside of a text."""
    try:
        return obj(loose.load((text(written) or "{}").encode()))
    except Unreadable:
        return {}


def _lines(button: Json) -> Iterator[str]:
    label = first(button.get("display_text"), button.get("title"))
    if opened := first(button.get("url"), button.get("copy_code"), button.get("phone_number")):
        yield from readable.links([(label, opened)])
    elif label:
        yield f"- {label}"
    rows = (r for s in objs(button.get("sections")) for r in objs(s.get("rows")))
    yield from (f"- {title}" for r in rows if (title := text(r.get("title"))))
    yield from _order(button)
    for settings in objs(button.get("payment_settings")):
        for kind in ("pix_static_code", "pix_dynamic_code"):
            pix = obj(settings.get(kind))
            if words := readable.labelled("Pix", pix.get("merchant_name"), pix.get("key"), pix.get("code")):
                yield words


def _order(button: Json) -> Iterator[str]:
    """What is to be paid, where it is more than nothing: a shared key has an order of zero."""
    items = objs(obj(button.get("order")).get("items"))
    total = obj(button.get("total_amount"))
    scale = loose.number(total.get("offset")) or 1
    if decimal(total.get("value")):
        amount = readable.money(total.get("value"), button.get("currency"), scale)
        yield readable.labelled("Order", button.get("reference_id"), *readable.goods(items), amount)
