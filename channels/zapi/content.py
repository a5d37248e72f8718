"""What a Z-API message says: one reader for each content object a callback may carry."""

from collections.abc import Callable
from typing import Any

from channels import readable
from channels.inbound import Attachment, Media
from channels.loose import first, number, obj, objs, text
from channels.readable import Said

Json = dict[str, Any]


def read(body: Json) -> Said:
    """The content of a received callback; an event named after it when nobody can read it."""
    for name, reader in READERS.items():
        if isinstance(value := body.get(name), dict):
            return reader(value)
    if cards := objs(body.get("contacts")):
        return Said(attachments=tuple(_card(c) for c in cards))
    return readable.unread(body)


def _text(value: Json) -> Said:
    return Said(text(value.get("message")) or "")


def _file(media: Media, url: str) -> Callable[[Json], Said]:
    def reader(value: Json) -> Said:
        found = Attachment(
            media,
            url=text(value.get(url)),
            mime=text(value.get("mimeType")),
            name=first(value.get("fileName"), value.get("title")),
            seconds=number(value.get("seconds")),
            error=text(value.get("downloadError")),
        )
        return Said(text(value.get("caption")) or "", (found,))

    return reader


def _audio(value: Json) -> Said:
    media = Media.VOICE if value.get("ptt") is True else Media.AUDIO
    return _file(media, "audioUrl")(value)


def _card(value: Json) -> Attachment:
    phones = value.get("phones")
    if isinstance(phones, list) and phones:
        return readable.card(value.get("displayName"), phones, readable.beside(value.get("vCard")))
    return readable.vcard(value.get("displayName"), value.get("vCard"))


def _button(value: Json) -> Said:
    chosen = text(value.get("buttonId"))
    return Said(text(value.get("message")) or chosen or "", button=chosen)


def _list(value: Json) -> Said:
    chosen = text(value.get("selectedRowId"))
    label = first(value.get("title"), value.get("message"), chosen)
    return Said(label or "", button=chosen)


def _poll(value: Json) -> Said:
    options = (o.get("name") for o in objs(value.get("options")))
    most = number(value.get("pollMaxOptions"))
    return Said(readable.poll(value.get("question"), options, several=most is not None and most != 1))


def _vote(value: Json) -> Said:
    chosen = ", ".join(n for o in objs(value.get("options")) if (n := text(o.get("name"))))
    if not chosen:  # the vote was taken back
        return Said(event="poll.vote_removed", reply_to=text(value.get("pollMessageId")))
    return Said(chosen, reply_to=text(value.get("pollMessageId")))


def _shown(value: Json) -> tuple[Attachment, ...]:
    """Pictures, films and files above the words of a template, of buttons, of a card."""
    files: list[Attachment] = []
    for name, (url, media) in SHOWN.items():
        held = obj(value.get(name)) or {url: value.get(url)}
        if text(held.get(url)):
            files += _file(media, url)(held).attachments
    return tuple(files)


def _template(value: Json) -> Said:
    header = obj(value.get("header"))
    opening = (obj(b.get("urlButton")) for b in objs(value.get("hydratedButtons")))
    buttons = readable.links((b.get("displayText"), b.get("url")) for b in opening)
    return Said(
        readable.lines(
            value.get("title"), header.get("text"), value.get("message"), value.get("footer"), *buttons
        ),
        _shown(header),
    )


def _buttons(value: Json) -> Said:
    labels = (obj(b.get("buttonText")).get("displayText") for b in objs(value.get("buttons")))
    return Said(readable.poll(value.get("message"), labels), _shown(value))


def _carousel(value: Json) -> Said:
    cards = objs(value.get("cards"))
    words = (first(c.get("body"), c.get("text")) for c in cards)
    files = (one for c in cards for one in _shown(obj(c.get("header"))))
    return Said(readable.poll(value.get("text"), words), tuple(files))


def _pix(value: Json) -> Said:
    return Said(readable.labelled("Pix", value.get("merchantName"), value.get("key")))


def _order(value: Json) -> Said:
    # Amounts of orders are counted in thousandths, as WhatsApp itself does.
    total = readable.money(value.get("total"), value.get("currency"), 1000)
    products = readable.goods(value.get("products"))
    return Said(
        readable.labelled("Order", value.get("orderTitle"), *products, total, value.get("message"))
    )


def _review(value: Json) -> Said:
    products = readable.goods(value.get("products"))
    return Said(
        readable.labelled("Order", value.get("referenceId"), *products, value.get("orderStatus"))
    )


def _product(value: Json) -> Said:
    price = readable.money(value.get("price"), value.get("currencyCode"))
    words = (value.get("title"), value.get("description"), price, value.get("url"))
    return Said(readable.labelled("Product", *words))


def _payment(value: Json) -> Said:
    info = obj(value.get("paymentInfo")) or value
    amount = readable.money(info.get("value"), info.get("currencyCode"))
    return Said(readable.labelled("Payment", amount, info.get("status")))


def _event(value: Json) -> Said:
    return Said(readable.event(
        value.get("name"), value.get("description"), obj(value.get("location")), value.get("joinLink"),
        begins=value.get("scheduleTime"), off=value.get("canceled") is True,
    ))


def _event_response(value: Json) -> Said:
    reference = text(obj(value.get("referencedMessage")).get("messageId"))
    return Said(readable.labelled("Event", value.get("response")), reply_to=reference)


SHOWN = {
    "image": ("imageUrl", Media.IMAGE), "video": ("videoUrl", Media.VIDEO), "document": ("documentUrl", Media.DOCUMENT),
}


def _only(event: str) -> Callable[[Json], Said]:
    return lambda value: Said(event=event)


READERS: dict[str, Callable[[Json], Said]] = {
    "text": _text,
    "image": _file(Media.IMAGE, "imageUrl"),
    "audio": _audio,
    "video": _file(Media.VIDEO, "videoUrl"),
    "ptv": _file(Media.VIDEO, "ptvUrl"),
    "document": _file(Media.DOCUMENT, "documentUrl"),
    "sticker": _file(Media.STICKER, "stickerUrl"),
    "location": readable.place,
    "contact": lambda value: Said(attachments=(_card(value),)),
    "buttonsResponseMessage": _button,
    "listResponseMessage": _list,
    "poll": _poll,
    "pollVote": _vote,
    "hydratedTemplate": _template,
    "buttonsMessage": _buttons,
    "carouselMessage": _carousel,
    "pixKeyMessage": _pix,
    "order": _order,
    "reviewAndPay": _review,
    "reviewOrder": _review,
    "product": _product,
    "requestPayment": _payment,
    "sendPayment": _payment,
    "event": _event,
    "eventResponse": _event_response,
    "pinMessage": _only("message.pin"),
    "newsletterAdminInvite": _only("newsletter.invite"),
}
