"""What a Baileys message says: wrappers off, then one reader for each kind of content."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from channels import readable
from channels.evolution import native
from channels.inbound import Attachment, Media
from channels.loose import first, number, obj, objs, text
from channels.readable import Said

Json = dict[str, Any]

DEPTH = 8
# What stands beside the wrapper but belongs to what is in it.
BESIDE = ("base64", "mediaUrl", "speechToText", "messageContextInfo")
# Said to machines: may stand beside content, or be all there is.
NOISE = frozenset(
    {
        "messageContextInfo",
        "senderKeyDistributionMessage",
        "fastRatchetKeySenderKeyDistributionMessage",
    }
)
MEDIA = {
    "imageMessage": Media.IMAGE,
    "videoMessage": Media.VIDEO,
    "ptvMessage": Media.VIDEO,
    "audioMessage": Media.AUDIO,
    "documentMessage": Media.DOCUMENT,
    "stickerMessage": Media.STICKER,
}


def unwrap(message: Json) -> Json:
    """The innermost message; files that Evolution puts beside the wrapper come along.

    WhatsApp makes new wrappers every few months: what holds a message is one, whatever its name, unless it is a content
    that is known or what it holds is empty.
    """
    beside: Json = {n: message[n] for n in BESIDE if n in message}
    for _ in range(DEPTH):
        held = (obj(obj(v).get("message")) for n, v in message.items() if n not in MEDIA and n not in READERS)
        inner = next(filter(None, held), None)
        if inner is None or text(message.get("conversation")):
            break
        message = inner
    return {**beside, **message}


def context(data: Json, message: Json) -> Json:
    """What the message answers to; one version overwrites the outer copy with something else."""
    inner = (obj(obj(value).get("contextInfo")) for value in message.values())
    found = [c for c in (obj(data.get("contextInfo")), *inner) if c]
    return next((c for c in found if c.get("stanzaId")), found[0] if found else {})


def quote(found: Json) -> str | None:
    """The words that the message quotes."""
    quoted = found.get("quotedMessage")
    if not isinstance(quoted, dict):
        return None
    said = read(unwrap(quoted), None)
    return readable.lines(said.text, *(readable.label(a) for a in said.attachments)) or None


def album(message: Json) -> str | None:
    """The id of the album message this picture belongs to."""
    link = obj(obj(message.get("messageContextInfo")).get("messageAssociation"))
    return text(obj(link.get("parentMessageKey")).get("id"))


def read(message: Json, message_id: str | None) -> Said:
    """The content of an unwrapped message."""
    if words := text(message.get("conversation")):
        return Said(words)
    for name, media in MEDIA.items():
        if isinstance(value := message.get(name), dict):
            return _file(media, value, message, message_id)
    for name, reader in READERS.items():
        if isinstance(value := message.get(name), dict):
            return reader(value)
    if all(name in NOISE for name in message):
        return Said(event="message.noise")
    return readable.unread({n: v for n, v in message.items() if n not in NOISE})


def _file(media: Media, value: Json, message: Json, message_id: str | None) -> Said:
    # What came over Meta's own API keeps Meta's names.
    if media is Media.AUDIO and True in (value.get("ptt"), value.get("voice")):
        media = Media.VOICE
    data = text(message.get("base64"))
    # `url` of the content itself is encrypted; the id lets Evolution be asked for the bytes.
    found = Attachment(
        media,
        ref=message_id,
        url=None if data else text(message.get("mediaUrl")),
        data=data,
        mime=first(value.get("mimetype"), value.get("mime_type")),
        name=first(value.get("fileName"), value.get("filename"), value.get("title")),
        size=number(value.get("fileLength")),
        seconds=number(value.get("seconds")),
        text=text(message.get("speechToText")) or "",
    )
    return Said(text(value.get("caption")) or "", (found,))


def _extended(value: Json) -> Said:
    return Said(first(value.get("text"), value.get("matchedText")) or "")


def _place(value: Json) -> Said:
    return readable.place(value, "degreesLatitude", "degreesLongitude")


def _moving(value: Json) -> Said:
    said = _place(value)
    return replace(said, attachments=tuple(replace(a, text=f"{a.text} (live)".strip()) for a in said.attachments))


def _card(value: Json) -> Said:
    return Said(attachments=(readable.vcard(value.get("displayName"), value.get("vcard")),))


def _cards(value: Json) -> Said:
    listed = objs(value.get("contacts"))
    return Said(attachments=tuple(a for c in listed for a in _card(c).attachments))


def _button(value: Json) -> Said:
    chosen = first(value.get("selectedButtonId"), value.get("selectedId"))
    return Said(text(value.get("selectedDisplayText")) or chosen or "", button=chosen)


def _list(value: Json) -> Said:
    chosen = text(obj(value.get("singleSelectReply")).get("selectedRowId"))
    label = first(value.get("title"), value.get("description"), chosen)
    return Said(label or "", button=chosen)


def _interactive_reply(value: Json) -> Said:
    flow = obj(value.get("nativeFlowResponseMessage"))
    answers = native.parameters(flow.get("paramsJson"))
    chosen = first(answers.get("id"), flow.get("name"))
    label = first(obj(value.get("body")).get("text"), answers.get("title"), chosen)
    # A form has no id: what was filled in is the answer.
    filled = flow.get("paramsJson") if answers and not text(answers.get("id")) else None
    return Said(readable.lines(label, filled), button=chosen)


def _poll(value: Json) -> Said:
    options = (o.get("optionName") for o in objs(value.get("options")))
    count = number(value.get("selectableOptionsCount"))
    return Said(readable.poll(value.get("name"), options, several=count is not None and count != 1))


def _poll_result(value: Json) -> Said:
    votes = (f"{o.get('optionName')}: {number(o.get('optionVoteCount')) or 0}" for o in objs(value.get("pollVotes")))
    return Said(readable.poll(value.get("name"), votes))


def _stickers(value: Json) -> Said:
    return Said(readable.labelled("Sticker pack", value.get("name"), value.get("publisher"), value.get("caption")))


def _vote(value: Json) -> Said:
    """The choice is encrypted; the versions that decrypt it put the names beside."""
    target = text(obj(value.get("pollCreationMessageKey")).get("id"))
    listed = obj(value.get("vote")).get("selectedOptions")
    names = [n for v in (listed if isinstance(listed, list) else []) if (n := _option(v))]
    if not names:
        return Said(event="poll.vote", reply_to=target)
    return Said(", ".join(names), reply_to=target)


def _option(value: Any) -> str | None:
    # The encrypted choices are hashes, as bytes or in base64: 32 bytes are 44 characters.
    words = text(value) or text(obj(value).get("name"))
    return None if words and len(words) == 44 and words.endswith("=") else words


def _event(value: Json) -> Said:
    return Said(readable.event(
        value.get("name"), value.get("description"), obj(value.get("location")), value.get("joinLink"),
        begins=value.get("startTime"), ends=value.get("endTime"), off=value.get("isCanceled") is True,
    ))


def _order(value: Json) -> Said:
    total = readable.money(
        number(value.get("totalAmount1000")), value.get("totalCurrencyCode"), 1000
    )
    count = number(value.get("itemCount"))
    words = (value.get("orderTitle"), f"{count} items" if count else None, total)
    goods = readable.goods(value.get("product_items"))  # over Meta's own API
    return Said(readable.labelled("Order", *words, *goods, first(value.get("message"), value.get("text"))))


def _product(value: Json) -> Said:
    product = obj(value.get("product"))
    price = readable.money(
        number(product.get("priceAmount1000")), product.get("currencyCode"), 1000
    )
    words = (product.get("title"), product.get("description"), price, product.get("url"), value.get("body"))
    return Said(readable.labelled("Product", *words))


def _template(value: Json) -> Said:
    if menu := obj(value.get("interactiveMessageTemplate")):
        return _menu(menu)
    inner = obj(value.get("hydratedTemplate")) or obj(value.get("hydratedFourRowTemplate"))
    words = (inner.get(f"hydrated{n}Text") for n in ("Title", "Content", "Footer"))
    opening = (obj(b.get("urlButton")) for b in objs(inner.get("hydratedButtons")))
    return Said(readable.lines(*words, *readable.links((b.get("displayText"), b.get("url")) for b in opening)))


def _menu(value: Json) -> Said:
    """Lists, buttons and interactive messages that a business sends."""
    parts = (obj(value.get(n)) for n in ("header", "body", "footer"))
    named = (value.get(n) for n in ("title", "contentText", "description", "footerText"))
    offered = native.offered(obj(value.get("nativeFlowMessage")))
    rows = (r.get("title") for s in objs(value.get("sections")) for r in objs(s.get("rows")))
    choices = (*(obj(b.get("buttonText")).get("displayText") for b in objs(value.get("buttons"))), *rows)
    cards = (_menu(card).text for card in objs(obj(value.get("carouselMessage")).get("cards")))
    words = (*named, *(p.get("text") or p.get("title") for p in parts), *offered)
    return Said(readable.lines(*words, *(f"- {c}" for v in choices if (c := text(v))), *cards))


def _invite(value: Json) -> Said:
    return Said(readable.labelled("Group invite", value.get("groupName"), value.get("caption")))


def _payment(value: Json) -> Said:
    note = obj(value.get("noteMessage"))
    words = first(note.get("conversation"), obj(note.get("extendedTextMessage")).get("text"))
    amount = readable.money(number(value.get("amount1000")), value.get("currencyCodeIso4217"), 1000)
    return Said(readable.labelled("Payment", amount, words))


def _only(event: str) -> Callable[[Json], Said]:
    return lambda value: Said(event=event)


READERS: dict[str, Callable[[Json], Said]] = {
    "extendedTextMessage": _extended,
    "locationMessage": _place,
    "liveLocationMessage": _moving,
    "stickerPackMessage": _stickers,
    "contactMessage": _card,
    "contactsArrayMessage": _cards,
    "buttonsResponseMessage": _button,
    "templateButtonReplyMessage": _button,
    "listResponseMessage": _list,
    "interactiveResponseMessage": _interactive_reply,
    "pollCreationMessage": _poll,
    "pollCreationMessageV2": _poll,
    "pollCreationMessageV3": _poll,
    "pollCreationMessageV5": _poll,
    "pollCreationMessageV6": _poll,
    "pollResultSnapshotMessage": _poll_result,
    "eventMessage": _event,
    "orderMessage": _order,
    "productMessage": _product,
    "templateMessage": _template,
    "highlyStructuredMessage": lambda value: _template(obj(value.get("hydratedHsm"))),
    "listMessage": _menu,
    "buttonsMessage": _menu,
    "interactiveMessage": _menu,
    "groupInviteMessage": _invite,
    "requestPaymentMessage": _payment,
    "sendPaymentMessage": _payment,
    "pollUpdateMessage": _vote,
    "albumMessage": _only("message.album"),  # its pictures follow one by one
    "pinInChatMessage": _only("message.pin"),
    "keepInChatMessage": _only("message.keep"),
    "encReactionMessage": _only("message.encrypted_reaction"),
    "callLogMesssage": _only("call.log"),
}
