"""The playground: whether a bot's model answers, and what the bot says, as it says it."""

import time
from collections.abc import AsyncIterator

from aiohttp import web

from hub.accounts.operators import Deed
from hub.api.http import sse
from hub.api.http.sse import Put, produced
from hub.chat.operators import playground
from hub.console.guard import act
from hub.console.page_request import Visit
from hub.domain import Json
from hub.engine.ask import Answer
from hub.errors import HubError
from hub.llm.types import Delta

EVERY = 0.08  # seconds between two pictures of a growing answer


async def probe(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/bots/{id}/test"""
    deed.object = str(v.id())
    tried = await playground.probe(v.hub, v.account, v.id())
    deed.change = {"answers": tried.ok}
    if v.partial:
        return v.part("tried.html", tried=tried)
    return await v.page("tried_page.html", tried=tried, id=v.id())


async def talk(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/bots/{id}/try: streamed to htmx, whole to a browser without script."""
    deed.object = str(v.id())
    if not v.partial:
        begun = time.monotonic()
        made = await playground.talk(v.hub, v.account, v.id(), v.form.get("text"))
        return await v.page(
            "talked_page.html", asked=v.form.get("text"), text=made.text, made=made, spent=time.monotonic() - begun,
            first=None, error="", id=v.id(),
        )
    return await sse.stream(v.request, _said(v))


async def _said(v: Visit) -> AsyncIterator[sse.Event]:
    begun, first, shown, text = time.monotonic(), None, 0.0, ""
    values: Json = {"asked": v.form.get("text"), "made": None, "spent": None, "error": ""}
    made: list[Answer] = []

    async def work(put: Put[Delta]) -> None:
        made.append(await playground.talk(v.hub, v.account, v.id(), v.form.get("text"), put))

    yield v.render("talked.html", **values, text="", first=None)
    try:
        async for delta in produced(work):
            text = "" if delta.restart else text + delta.text
            if first is None and delta.says:
                first = time.monotonic() - begun
            if delta.text and time.monotonic() - shown > EVERY:
                shown = time.monotonic()
                yield v.render("talked.html", **values, text=text, first=first)
    except HubError as e:
        values["error"] = playground.why(e)
    values |= {"made": made[0] if made else None, "spent": time.monotonic() - begun}
    yield v.render("talked.html", **values, text=made[0].text if made else text, first=first)


def routes() -> list[web.RouteDef]:
    return [
        act("/console/bots/{id}/test", "bot.tested", probe), act("/console/bots/{id}/try", "bot.tried", talk),
    ]
