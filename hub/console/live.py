"""What changes while somebody looks: one stream a tab, made of the same parts as the pages."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from uuid import UUID

from aiohttp import web

from hub.accounts.operators import allow
from hub.api.http import sse
from hub.chat.news import of_account
from hub.chat.operators.crowd import LEFT, PRESENCE, Crowd
from hub.chat.operators.inbox import view
from hub.chat.website.visitor_typing import VISITOR
from hub.console import inbox, inbox_list, pairing
from hub.console.guard import COOKIE, look
from hub.console.page_request import Visit, operator
from hub.domain import Json
from hub.errors import HubError
from hub.store import human_requests, operator_inbox

# Between two looks, however much happens; and the longest without a look.
PAUSE, IDLE, SIGNED = 1.0, 15.0, 15.0
ALL = frozenset(("list", "thread", "crowd"))
_MASK = re.compile(r'name="(?:csrf|once)" value="[0-9a-f]+"')


async def events(v: Visit) -> web.StreamResponse:
    """GET /console/events?session=&since=&show=&q=&after=&..., or ?pairing= for the codes of a network."""
    if one := v.asked_id("pairing"):
        allow(v.who, "channel")
        return await sse.stream(v.request, pairing.codes(v, one))
    session = v.asked_id("session")
    if session is not None:
        await view(v.db, v.account, session)
    return await sse.stream(v.request, _inbox(v, inbox_list.Shown.of(v.asked), session))


def routes() -> list[web.RouteDef]:
    return [look("/console/events", events, visit=False)]


async def _inbox(v: Visit, shown: inbox_list.Shown, session: UUID | None) -> AsyncIterator[sse.Event]:
    """The list and the open conversation, each whenever it looks different from before."""
    crowd = Crowd(v.hub.events, v.account, session, v.who)
    try:
        async for one in _parts(v, shown, session, crowd):
            yield one
    finally:
        await crowd.say(LEFT)


async def _parts(
    v: Visit, shown: inbox_list.Shown, session: UUID | None, crowd: Crowd
) -> AsyncIterator[sse.Event]:
    last: dict[str, str] = {}
    checked, wanted = time.monotonic(), ALL
    kept = await inbox_list.views(v)
    async with v.hub.events.listen(of_account(v.account)) as heard:
        while True:
            await crowd.here()
            if time.monotonic() - checked > SIGNED:
                checked = time.monotonic()
                if await operator(v.request, COOKIE, visit=False) is None:
                    yield sse.Named("ended")
                    return
            looked = time.monotonic()
            try:
                if v.who.may("inbox"):
                    await human_requests.here(v.db, v.who.id)
                parts = {"list": await _list(v, shown, session, kept)} if "list" in wanted else {}
                if session is not None and "thread" in wanted:
                    parts["thread"] = await _thread(v, session)
                if session is not None:
                    parts["crowd"] = v.render("crowd_news.html", crowd=crowd.shown())
                    parts["visitor"] = v.render("visitor.html", visitor=crowd.visitor())
            except HubError:
                return  # the conversation was deleted, or the database is away: the browser comes again
            fresh = {n: sent for n, sent in parts.items() if last.get(n) != _MASK.sub("", sent)}
            last |= {n: _MASK.sub("", sent) for n, sent in fresh.items()}
            if fresh:
                yield "".join(fresh.values())
            wanted = await _something(heard, session, looked, crowd)


async def _list(v: Visit, shown: inbox_list.Shown, session: UUID | None, kept: list[Json]) -> str:
    """The list, unless its reader has gone on to older ones, and how many there are of each kind."""
    size = inbox_list.BESIDE if session else inbox_list.PAGE
    talks = await inbox_list.listed(v, shown, size) if shown.after is None else {"talks": None, "shown": shown}
    return v.render(
        "news.html", **talks, open=session, waiting=await operator_inbox.waiting_count(v.db, v.account),
        tabs=inbox_list.TABS, views=kept, counts=await inbox_list.counted(v, kept),
    )


async def _thread(v: Visit, session: UUID) -> str:
    return v.render("news.html", **await inbox.opened(v, session, v.asked("since")))


async def _something(
    heard: "asyncio.Queue[Json]", session: UUID | None, looked: float, crowd: Crowd
) -> frozenset[str]:
    """Wait until something has happened, and until the last look is PAUSE ago; what happens until then is one.
    What of the page it may concern."""
    found: set[str] = set()
    longest = crowd.soon(IDLE)
    try:
        async with asyncio.timeout(longest):
            while not found:
                found |= _concerned(await heard.get(), session, crowd)
    except TimeoutError:
        return ALL if longest == IDLE else frozenset({"crowd"})
    await asyncio.sleep(max(0.0, looked + PAUSE - time.monotonic()))
    while not heard.empty():
        found |= _concerned(heard.get_nowait(), session, crowd)
    return frozenset(found)


def _concerned(event: Json, session: UUID | None, crowd: Crowd) -> set[str]:
    if event["type"] in (PRESENCE, VISITOR):
        return {"crowd"} if crowd.hear(event) else set()
    return {"list", "thread"} if str(session) in event.get("sessions", ()) else {"list"}
