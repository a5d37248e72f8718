"""What is done with conversations beside answering: given to people and teams, labelled, put away; one or many."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.accounts.operators import Deed
from hub.chat.operators import groups, inbox
from hub.chat.operators import triage as desk_work
from hub.chat.operators.triage import PRIORITIES, WAYS, Assign, Change, rest
from hub.console.guard import act, look
from hub.console.inbox import again
from hub.console.inbox_list import Shown, choices, listed, views
from hub.console.page_request import Visit
from hub.console.settings import zone_of
from hub.domain import Json
from hub.errors import Invalid, NotFound
from hub.store import operator_inbox as rows
from hub.translations import Catalogue, counted, told

NAMED = 12


async def sort(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/{id}/desk: whatever of it the form holds."""
    deed.object = str(v.id())
    if await rows.held(v.db, v.account, v.id()) is None:
        raise NotFound
    told = await desk_work.change(v.hub, v.account, v.who.actor, v.id(), await _wanted(v))
    deed.change = {"done": told}
    if not v.partial:
        return v.to(f"/console/inbox/{v.id()}")
    return await again(v, **await choices(v), desk=True)


async def many(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/bulk"""
    chosen = v.form.ids("chosen")
    done, failed = await desk_work.bulk(v.hub, v.account, v.who.actor, chosen, await _wanted(v))
    deed.change = {"chosen": len(chosen), "done": done}
    query = urlencode(parse_qsl(v.form.get("query")))
    return v.to("/console/inbox" + (f"?{query}" if query else ""), _said(v.words, done, failed))


def _said(words: Catalogue, done: int, failed: list[Json]) -> str:
    """What became of a bulk action; what could not be done is named. Pure."""
    text = words.say(counted("Done with %(count)s conversation.", "Done with %(count)s conversations.", done))
    if failed:
        named = "; ".join(f"{str(one['name'])[:40]}: {words.say(str(one['why']))[:120]}" for one in failed[:NAMED])
        text += " " + words.say(told("Not done: %(names)s", names=named))
        text += words.say(told("; and %(count)s more.", count=len(failed) - NAMED)) if len(failed) > NAMED else ""
    return text


async def _wanted(v: Visit) -> Change:
    """What a form says. Raise Invalid."""
    word, until = v.form.get("stand"), None
    if word and word not in ("open", "closed"):
        until = rest(word, ZoneInfo(await zone_of(v)), datetime.now(UTC))
        word = "snoozed"
    rank = v.form.get("priority")
    if rank and rank not in PRIORITIES:
        raise Invalid(f"priority must be one of {', '.join(PRIORITIES)}.", field="priority")
    add, drop, had = (v.form.ids(name) for name in ("label", "unlabel", "had"))
    return Change(
        assign=_assign(v), status=word or None, until=until, priority=PRIORITIES.index(rank) if rank else None,
        add=tuple(id for id in add if id not in had), drop=(*drop, *(id for id in had if id not in add)),
    )


def _assign(v: Visit) -> Assign | None:
    """`o:` and `t:` stand before the id of a person and of a team; "none" is nobody."""
    to, turn = v.form.get("to"), v.form.get("turn") or "hand"
    if turn not in WAYS:
        raise Invalid(f"turn must be one of {', '.join(WAYS)}.", field="turn")
    if not to and turn == "hand":
        return None
    kind, _, id = to.partition(":")
    try:
        operator, team = (UUID(id) if kind == k else None for k in ("o", "t"))
    except ValueError:
        raise Invalid("to is nobody who works here.", field="to") from None
    if to not in ("", "none") and operator is None and team is None:
        raise Invalid("to is nobody who works here.", field="to")
    return Assign(operator, team, turn)


async def desk(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/{id}/desk: the forms beside a conversation, when they are first wanted."""
    values: Json = {"one": await inbox.view(v.db, v.account, v.id()), **await choices(v)}
    return v.part("triage.html", **values) if v.partial else await v.page("triage_page.html", **values)


async def more(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/more: the forms beside the list, each when it is first opened; without script on a page."""
    shown, part = Shown.of(v.asked), v.asked("part")
    values: Json = {"shown": shown, **await choices(v)}
    if part == "many":
        return v.part("many.html", **values)
    values["views"] = await views(v)
    if part == "sift":
        return v.part("sift.html", **values)
    return await v.page("more.html", **values, talks=(await listed(v, shown))["talks"])


async def keys(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/keys"""
    return v.part("shortcuts.html")


async def keep(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/views: the list that is shown, under a name of one's own."""
    name, shown = v.form.get("name"), Shown.of(dict(parse_qsl(v.form.get("query"))).get)
    filter = shown.chosen | ({"show": shown.show} if shown.show != "all" else {})
    deed.object = str(await groups.keep_view(v.db, v.account, v.who.id, name, filter, shown.sort))
    said = v.words.say(told("%(name)s stands among the tabs now.", name=name))
    if shown.words:
        said += " " + v.words.say(told("The words that are looked for are not part of it."))
    return v.to(f"/console/inbox?{shown.query}", said)


async def drop(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/views/{id}/delete"""
    deed.object = str(v.id())
    await groups.remove_view(v.db, v.account, v.who.id, v.id())
    return v.to("/console/inbox", "The view is deleted.")


def routes() -> list[web.RouteDef]:
    return [
        look("/console/inbox/more", more), look("/console/inbox/keys", keys),
        act("/console/inbox/bulk", "inbox.sorted", many), act("/console/inbox/views", "self.view_kept", keep),
        act("/console/inbox/views/{id}/delete", "self.view_deleted", drop),
        look("/console/inbox/{id}/desk", desk, "inbox"), act("/console/inbox/{id}/desk", "inbox.sorted", sort),
    ]
