"""Files and pages from elsewhere as text, converted where nothing can be broken."""

import asyncio
from dataclasses import replace

from hub.child_processes import GRACE
from hub.errors import Unreadable
from hub.guarded_http import Reply
from hub.knowledge import extract
from hub.knowledge.extract import Limits
from hub.runtime import Hub
from hub.tools import http_replies

SECONDS = 15.0
LIMITS = Limits(memory=1 << 30, longest=400_000)
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
KINDS = {"text/html": "html", "application/xhtml+xml": "html", "application/pdf": "pdf", DOCX: "docx"}
MAGIC = ((b"%PDF-", "pdf"), (b"<!doctype html", "html"), (b"<html", "html"))


async def read(hub: Hub, reply: Reply, longest: int, seconds: float = SECONDS) -> str:
    """What a model can read of an answer: pages and documents converted, other text as it is, a
    marker for the rest. At most `longest` characters and a word about what is missing."""
    kind = kind_of(reply.mime, reply.body)
    if kind is None:
        return http_replies.cut(http_replies.text(reply), longest)
    content = http_replies.decoded(reply.body, reply.headers).encode() if kind == "html" else reply.body
    found = await converted(hub, kind, content, seconds)
    if found is None:
        return http_replies.marker(reply.mime, len(reply.body))
    return http_replies.cut(found, longest)


async def converted(hub: Hub, kind: str, content: bytes, seconds: float = SECONDS) -> str | None:
    """Text of a file (html, pdf, docx), or None when it cannot be read within the limits."""
    limits = replace(LIMITS, seconds=max(1, int(seconds)))
    try:
        async with asyncio.timeout(seconds + GRACE):
            return (await extract.converted(hub.children, "The file", kind, content, limits, cut=True)).text
    except (Unreadable, TimeoutError):
        return None


def kind_of(mime: str, content: bytes) -> str | None:
    """How a file is converted; servers that do not know call everything the same."""
    kind = KINDS.get(mime.split(";")[0].strip().lower())
    if kind is None and mime in ("application/octet-stream", "binary/octet-stream", ""):
        start = content[:200].lstrip().lower()
        kind = next((k for magic, k in MAGIC if start.startswith(magic.lower())), None)
    return kind
