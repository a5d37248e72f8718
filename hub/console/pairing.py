"""The code that joins a phone, pushed anew before the old one is worth nothing."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import segno

from hub.api.http import sse
from hub.chat.clients import pairing
from hub.chat.news import of_account
from hub.console.guard import COOKIE
from hub.console.page_request import Visit, operator
from hub.errors import HubError
from hub.translations import told

# WhatsApp shows a code for 20 seconds; after two minutes of codes nobody is looking any more.
LIVES, LOOK, GIVEN_UP = 20.0, 3.0, 180.0


async def codes(v: Visit, client: UUID) -> AsyncIterator[sse.Event]:
    """The code now, each new one, and that it was scanned."""
    channel, begun, seen = "evolution", time.monotonic(), None
    async with v.hub.events.listen(of_account(v.account)) as heard:
        while time.monotonic() - begun < GIVEN_UP:
            if await operator(v.request, COOKIE, visit=False) is None:
                yield sse.Named("ended")
                return
            try:
                found = await pairing.code(v.hub, v.account, client, channel)
            except HubError as e:
                yield v.render("qr.html", svg="", code=None, words=e.text, until=None, state="failed")
                yield sse.Named("ended")
                return
            if found.connected:
                await pairing.check(v.hub, v.account, client, channel)
                yield v.render("qr.html", svg="", code=None, words="", until=None, state="linked")
                yield sse.Named("ended")
                return
            if found.qr != seen:
                seen = found.qr
                until = datetime.now(UTC) + timedelta(seconds=LIVES)
                yield v.render("qr.html", svg=drawn(found.qr), code=found.code, words="", until=until, state="waiting")
            await _until(heard, LOOK)
    yield v.render("qr.html", svg="", code=None, words=told("Nobody scanned a code."), until=None, state="failed")
    yield sse.Named("ended")


async def _until(heard: "asyncio.Queue[dict[str, object]]", seconds: float) -> None:
    """Until the network tells us something, at most so long; a busy account is not asked more often for it."""
    await asyncio.sleep(0.3)
    try:
        async with asyncio.timeout(seconds):
            await heard.get()
    except TimeoutError:
        return


def drawn(text: str | None) -> str:
    """A QR code as SVG without styles. Pure."""
    if not text:
        return ""
    return segno.make(text, error="m").svg_inline(scale=4, border=2, svgclass=None, lineclass=None, omitsize=False)
