"""Mails, and pages saved as such: what they say, and the mails and texts attached to them; the rest is told."""

import email
import email.policy
import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message

from hub.knowledge.children.common import Asked, No, Text, run
from hub.knowledge.children.encodings import decoded
from hub.knowledge.children.web import page

HEADS = ("Subject", "From", "To", "Cc", "Date")
DEPTH = 10
FEW = 100  # characters of a plain text that may only say that the mail is written in HTML
SIGNED = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")


def eml(content: bytes, asked: Asked, text: Text) -> None:
    mail = email.message_from_bytes(content.removeprefix(b"\xef\xbb\xbf").lstrip(), policy=email.policy.default)
    said = list(_mail(mail, text, 0))
    if not said:
        raise No("holds no text of its own")
    text.add(_heads(mail))
    for part in said:
        text.add(part)


def _heads(mail: Message) -> str:
    return "\n".join(f"{name}: {said}" for name in HEADS if (said := _head(mail, name)))


def _head(mail: Message, name: str) -> str:
    """A line of the head. Some programs write letters with accents there as they are."""
    raw = next((value for key, value in mail.raw_items() if key.lower() == name.lower()), "")
    if raw and not raw.isascii():
        said = decoded(" ".join(raw.split()).encode("ascii", "surrogateescape"))
        return _clean(make_header(decode_header(said)))
    return _clean(mail[name]) if mail[name] else ""


def _clean(value: object) -> str:
    return " ".join(str(value).encode("utf-8", "replace").decode().split())


def _mail(part: Message, text: Text, depth: int) -> Iterator[str]:
    """What a part says, and the parts within it."""
    kind = part.get_content_type()
    if depth > DEPTH:
        text.note("Mails within mails are read to a depth of ten.")
    elif kind == "message/rfc822":
        for one in _within(part):
            yield "\n\n".join(filter(None, [_heads(one), *_mail(one, text, depth + 1)]))
    elif kind == "multipart/alternative":
        yield from _best(part, text, depth)
    elif part.get_content_maintype() == "multipart":
        for one in _within(part):
            yield from _mail(one, text, depth + 1)
    elif kind in ("text/plain", "text/html", "text/markdown", "text/csv"):
        said = _said(part, text)
        name = part.get_filename()
        if said:
            yield f"{_clean(name)}:\n\n{said}" if name and part.get_content_disposition() == "attachment" else said
    elif kind not in SIGNED:
        _left(part, kind, text)


def _within(part: Message) -> list[Message]:
    return [one for one in part.get_payload() if isinstance(one, Message)] if part.is_multipart() else []


def _left(part: Message, kind: str, text: Text) -> None:
    name = _clean(part.get_filename() or kind)
    if part.get("Content-ID") and part.get_content_disposition() != "attachment" or part.get("Content-Location"):
        text.note("Pictures and files shown within it were not read.")
    else:
        text.note(f"The attachment {name} was not read; send it by itself.")


def _best(part: Message, text: Text, depth: int) -> Iterator[str]:
    """One of the ways in which the same is said: the plain one, unless it says next to nothing."""
    ways = _within(part)
    plain = next((w for w in ways if w.get_content_type() == "text/plain"), None)
    said = _said(plain, text) if plain is not None else ""
    others = [w for w in ways if w is not plain]
    if len(said) < FEW and others:
        rich = "\n\n".join(p for p in _mail(others[-1], text, depth + 1) if p)
        if len(rich) > 2 * len(said):
            said = rich
    elif others:
        # What is attached to the other way is told all the same.
        for one in others[-1].walk():
            if one.get_content_maintype() not in ("multipart", "text"):
                _left(one, one.get_content_type(), text)
    if said:
        yield said


def _said(part: Message, text: Text) -> str:
    raw = part.get_payload(decode=True)
    said = decoded(raw if isinstance(raw, bytes) else b"", part.get_content_charset())
    if part.get_content_type() == "text/html":
        return page(said, text)
    if str(part.get_param("format") or "").lower() == "flowed":
        said = re.sub(r"(?<=[^\s-]) \r?\n(?=[^>\s])", " ", said)
    return said.strip()


if __name__ == "__main__":
    run({"eml": eml})
