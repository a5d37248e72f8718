"""The first screen: what runs, what is wrong, what comes next; and the search."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from hub.console.guard import look
from hub.console.page_request import Visit
from hub.domain import Json
from hub.store import dashboard, drills, operator_inbox, said, scope
from hub.translations import Catalogue, told

FEW = 5


async def home(v: Visit) -> web.StreamResponse:
    """GET /console"""
    now = datetime.now(UTC)
    steps = await dashboard.steps(v.db, v.account)
    values: dict[str, Any] = {
        "steps": steps,
        "done": all(steps.values()),
        "channels": await dashboard.channels(v.db, v.account),
        "today": await dashboard.today(v.db, v.account, now.replace(hour=0, minute=0, second=0, microsecond=0)),
        "failing": await dashboard.failing(v.db, v.account, FEW),
        "handovers": await operator_inbox.page(v.db, v.account, v.who.id, "person", limit=FEW),
        "upcoming": await dashboard.upcoming(v.db, v.account, FEW),
    }
    with scope.itself():  # the machine's, not an account's
        values["drills"] = await drills.latest(v.db) if v.who.may("settings") else {}
    return await v.page("home.html", **values)


async def search(v: Visit) -> web.StreamResponse:
    """GET /console/search?q="""
    words = v.asked("q")[:100]
    found = await dashboard.find(v.db, v.account, words) if len(words) > 1 else []
    found = [one | {"name": _called(one, v.words)} for one in found]
    spoken = await said.find(v.db, v.account, words)
    if v.partial:
        return v.part("found.html", found=found, spoken=spoken, words=words)
    return await v.page("search.html", found=found, spoken=spoken, words=words, sealed=v.db.keys is not None)


def _called(one: Json, words: Catalogue) -> str:
    """Whoever has no name is called by the end of their conversation's id, in each language."""
    if one["kind"] == "conversation" and one["name"] == f"Visitor {str(one['id'])[-4:]}":
        return words.say(told("Visitor %(tail)s", tail=str(one["id"])[-4:]))
    return str(one["name"])


def routes() -> list[web.RouteDef]:
    return [look("/console", home), look("/console/search", search)]
