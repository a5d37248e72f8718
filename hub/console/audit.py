"""The audit log: every change, who made it, what it was before."""

from urllib.parse import urlencode

from aiohttp import web

from hub.console import deed_objects
from hub.console.deed_objects import Thing
from hub.console.deed_words import begins, choices, told_of, whoever
from hub.console.guard import look
from hub.console.page_request import Visit
from hub.domain import Json
from hub.errors import Invalid
from hub.store import audit
from hub.translations import Told

PAGE = 50


async def show(v: Visit) -> web.StreamResponse:
    """GET /console/audit?before=&thing=&action="""
    before, action, thing = v.asked("before"), v.asked("action")[:100], v.asked("thing")[:100]
    if before and (not before.isdigit() or len(before) > 18):
        raise Invalid("before is none that a page gave.", field="before")
    wanted = begins(thing) if thing else action
    rows = await audit.find(v.db, v.account, int(before) if before else None, wanted or None, PAGE + 1)
    kept = {k: value for k, value in (("thing", thing), ("action", action)) if value}
    more = f"/console/audit?{urlencode({'before': rows[PAGE - 1]['id'], **kept})}" if len(rows) > PAGE else ""
    things = sorted((v.words.say(word), one) for word, one in choices().items())
    return await v.page(
        "audit.html", rows=await _told(v, rows[:PAGE]), more=more, action=action, thing=thing, things=things,
    )


async def _told(v: Visit, rows: list[Json]) -> list[Json]:
    """Each row with what it says in words, who did it, and what the thing is called."""
    whose = [str(row["actor_id"]) for row in rows if row["actor_id"]]
    there = await deed_objects.found(v.db, v.account, [*(row["object"] for row in rows), *whose])
    return [
        row | {
            "says": v.words.say(told_of(row["action"])), "by": _ours(v, _by(row, there)),
            "thing": (thing := there.get(row["object"])), "called": _ours(v, thing.name) if thing else "",
        }
        for row in rows
    ]


def _by(row: Json, there: dict[str, Thing]) -> str:
    found = there.get(str(row["actor_id"]))
    return whoever(row["actor_kind"], row["actor"], found.name if found is not None and not found.gone else None)


def _ours(v: Visit, text: str) -> str:
    """What the hub itself calls something, in the language of the page; names of people's are as they are."""
    return v.words.say(text) if isinstance(text, Told) else text


def routes() -> list[web.RouteDef]:
    return [look("/console/audit", show, "team")]
