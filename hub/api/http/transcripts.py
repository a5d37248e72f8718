"""Conversations as files: sent while they are read, and printed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

from aiohttp import web
from markdown_it import MarkdownIt
from markupsafe import Markup

from hub.api.http.app_keys import HUB, PAGES, PRESS
from hub.api.http.assets import FOLDER, read
from hub.chat.website import transcript_files
from hub.chat.website.transcript_files import Talk
from hub.errors import HubError
from hub.translations import told

KINDS: Mapping[str, str] = {
    "txt": "text/plain; charset=utf-8", "json": "application/json", "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8",
}
# What a transcript says beside the conversation itself, to people of the business.
WORDS: Mapping[str, str] = {
    "transcriptLabel": told("Transcript"), "printLabel": told("Print"),
    "newestLabel": told("Only the newest messages are printed; the text and the JSON have all of them."),
}
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
HELD = 64 << 10


async def sent(request: web.Request, talk: Talk, kind: str, words: Mapping[str, str]) -> web.StreamResponse:
    """The whole conversation as `txt` or `json`, its newest part as `pdf`."""
    hub, name = request.app[HUB], f"{talk.began.astimezone(talk.zone):%Y-%m-%d} {talk.person}.{kind}"
    if kind == "pdf":
        html = await page(request, talk, words, style=Markup(read(FOLDER)["transcript.css"].plain.decode()))
        made = await request.app[PRESS].pdf(talk.account_id, html, f"{talk.person}, {talk.desk}")
        return web.Response(body=made, headers=headers("pdf", name))
    parts = transcript_files.said(hub.db, talk, hub.settings.address)
    write = transcript_files.text if kind == "txt" else transcript_files.lines
    return await streamed(request, write(talk, parts), kind, name)


async def page(request: web.Request, talk: Talk, words: Mapping[str, str], **more: str) -> str:
    """The newest part as a page."""
    hub = request.app[HUB]
    parts, cut = await transcript_files.newest(hub.db, talk, hub.settings.address)
    values = {"style": "", "lang": "en", "dir": "ltr"} | more
    template, now = request.app[PAGES].get_template("transcript.html"), datetime.now(UTC).astimezone(talk.zone)

    def made() -> str:
        marks = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
        shown = [(m, Markup(marks.render(m.words)) if m.role == "assistant" else m.words) for m in parts]
        return template.render(**values, talk=talk, told=shown, cut=cut, words=words, now=now)

    return await asyncio.to_thread(made)  # of a long one it takes a while


async def streamed(
    request: web.Request, pieces: AsyncIterator[bytes], kind: str, name: str
) -> web.StreamResponse:
    """A file that is made while it is sent: what fails before its first piece is an ordinary error; later the
    connection ends without the file's end, so that nobody takes a part for the whole."""
    first = await anext(pieces, b"")
    response = web.StreamResponse(headers=headers(kind, name))
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    held = bytearray(first)
    try:
        async for piece in pieces:
            held += piece
            if len(held) >= HELD:
                await response.write(bytes(held))
                held.clear()
    except HubError as e:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError(str(e)) from None
    await response.write(bytes(held))
    await response.write_eof()
    return response


def headers(kind: str, name: str) -> dict[str, str]:
    """Of a file that is kept, never shown."""
    return {
        "Content-Type": KINDS[kind], "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
    }
