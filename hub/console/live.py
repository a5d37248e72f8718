"""What changes while somebody looks: one stream a tab, made of the same parts as the pages."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from uuid import UUID

from aiohttp import web

from hub.accounts.operators import allow
from hub.api.http import sse
from hub.chat.desk import view
from hub.chat.news import of_account
from hub.console import inbox, pairing
from hub.console.door import COOKIE, look
from hub.console.visit import Visit, operator
from hub.domain import Json
from hub.errors import HubError, Invalid
from hub.store import desk

# Between two looks at the same conversation, however much happens; and the longest without a look.
PAUSE, IDLE, SIGNED = 0.25, 3.0, 15.0
_MASK = re.compile(r'name="csrf" value="[0-9a-f]+"')


async def events(v: Visit) -> web.StreamResponse:
    """GET /console/events?session=&show=&q=, or ?pairing= for the codes of a network."""
    if text := v.asked("pairing"):
        allow(v.who, "channel")
        return await sse.stream(v.request, pairing.codes(v, _id(text)))
    session = _id(v.asked("session")) if v.asked("session") else None
    if session is not None:
        await view(v.db, v.account, session)
    return await sse.stream(v.request, _inbox(v, inbox.Shown.of(v), session))


def routes() -> list[web.RouteDef]:
    return [look("/console/events", events)]


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("session is not an id.", field="session") from None


async def _inbox(v: Visit, shown: inbox.Shown, session: UUID | None) -> AsyncIterator[sse.Event]:
    """The list and the open conversation, whenever they look different from before."""
    last, checked = "", time.monotonic()
    async with v.hub.events.listen(of_account(v.account)) as heard:
        while True:
            if time.monotonic() - checked > SIGNED:
                checked = time.monotonic()
                if await operator(v.request, COOKIE, visit=False) is None:
                    yield sse.Named("ended")
                    return
            try:
                now = await _news(v, shown, session)
            except HubError:
                return  # the conversation was deleted, or the database is away: the browser comes again
            if now[0] != last:
                last = now[0]
                yield now[1]
            await _something(heard)


async def _news(v: Visit, shown: inbox.Shown, session: UUID | None) -> tuple[str, str]:
    """What the parts look like: to be compared, and to be sent (masked anew each time)."""
    values = {**await inbox.listed(v, shown), "open": session}
    if session is not None:
        values |= await inbox.opened(v, session)
        await desk.read(v.db, v.account, v.who.id, session)
    values["waiting"] = await desk.waiting_count(v.db, v.account)
    sent = v.render("news.html", **values)
    return _MASK.sub("", sent), sent


async def _something(heard: "asyncio.Queue[Json]") -> None:
    """Wait until something has happened; what happens at once is one."""
    try:
        async with asyncio.timeout(IDLE):
            await heard.get()
    except TimeoutError:
        return
    await asyncio.sleep(PAUSE)
    while not heard.empty():
        heard.get_nowait()
