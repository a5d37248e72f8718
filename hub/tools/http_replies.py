"""Answers from elsewhere as text for a model."""

import codecs
import re
from collections.abc import Mapping

from hub.guarded_http import Reply
from hub.tools.sources import textual

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)


def text(reply: Reply) -> str:
    """The body as text; bytes that are no text become a short marker."""
    if not textual(reply.mime) and not _utf8(reply.body):
        return marker(reply.mime, len(reply.body))
    return decoded(reply.body, reply.headers)


def decoded(body: bytes, headers: Mapping[str, str]) -> str:
    """In the charset that the answer names, UTF-8 without one; what does not fit is replaced."""
    kind = next((v for k, v in headers.items() if k.lower() == "content-type"), "")
    found = _CHARSET.search(kind)
    try:
        charset = codecs.lookup(found[1] if found else "utf-8")
        # Codecs that are no charsets ("zip", "base64") would make something else of it.
        name = charset.name if charset._is_text_encoding else "utf-8"
    except LookupError:
        name = "utf-8"
    return body.decode(name, errors="replace").removeprefix("\ufeff")


def marker(mime: str, size: int) -> str:
    return f"[{mime or 'unknown kind'}, {size:,} bytes: not text]"


def cut(text: str, longest: int) -> str:
    """At most `longest` characters, and a word about what is missing."""
    if len(text) <= longest:
        return text
    return f"{text[:longest]}\n[cut: {len(text) - longest:,} more characters]"


def _utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in body
