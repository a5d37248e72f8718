"""Campaigns: written as a draft, looked at, started, paused, stopped."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from hub.accounts.operators import Deed
from hub.api.http import pagination
from hub.chat.clients.networks import NAMES
from hub.console.guard import act, look
from hub.console.page_request import Form, Visit
from hub.console.templates import given
from hub.domain import Json
from hub.errors import Invalid
from hub.outreach import campaigns
from hub.outreach.campaigns import Plan, Wanted
from hub.outreach.results import told as became
from hub.store import campaigns as store
from hub.store import clients
from hub.translations import Catalogue, told

PAGE, LONGEST = 50, 20_000
ALL = "/console/campaigns"
NETWORKS = tuple(NAMES)


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/campaigns"""
    before = pagination.read(v.asked("before")) if v.asked("before") else None
    rows = await store.page(v.db, v.account, before, PAGE + 1)
    more = f"/console/campaigns?before={pagination.write(rows[PAGE - 1]['id'])}" if len(rows) > PAGE else ""
    places = await clients.of_account(v.db, v.account)
    return await v.page("campaigns.html", rows=rows[:PAGE], more=more, places=places, networks=NETWORKS)


async def view(v: Visit) -> web.StreamResponse:
    """GET /console/campaigns/{id}"""
    one = await campaigns.one(v.db, v.account, v.id())
    after = int(text) if (text := v.asked("after")).isdigit() and len(text) < 10 else 0
    rows = await store.recipients(v.db, v.account, v.id(), None, after, PAGE + 1)
    more = f"/console/campaigns/{v.id()}?after={rows[PAGE - 1]['place']}" if len(rows) > PAGE else ""
    people = [r | {"told": became(r)} for r in rows[:PAGE]]
    going = await campaigns.going(v.db, v.account, one) if one["state"] == "draft" else 0
    return await v.page("campaign.html", c=one, people=people, more=more, going=going)


async def create(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/campaigns"""
    f = v.form
    client, name, text, kind = f.id("client"), f.get("name"), f.get("text"), f.get("kind")
    chosen = f.get("template") if kind == "template" else ""
    text = chosen or text
    if client is None or not 0 < len(name) <= 200 or not 0 < len(text) <= LONGEST:
        raise Invalid("place, name and text must all be given.", field="client" if client is None else "text")
    if kind not in ("text", "instruction", "template") or f.get("channel") not in NETWORKS:
        raise Invalid("kind and network must be chosen.", field="kind")
    people = f.files[0].content.decode("utf-8-sig", "replace") if f.files else f.get("recipients")
    wanted = Wanted(
        client_id=client, name=name, channel=f.get("channel"), message=_message(f, kind, text), recipients=people,
        per_minute=int(f.number("perMinute", 1, 6000) or 60), starts_at=None,
    )
    deed.change = {"name": name}
    id, plan = await campaigns.create(v.hub, v.account, wanted)
    return v.to(f"/console/campaigns/{id}", _planned(v.words, plan))


def _planned(words: Catalogue, plan: Plan) -> str:
    """What became of a list of people. Pure."""
    refused = ", ".join(f"{n} {words.say(reason)}" for reason, n in plan.refused.items())
    return " ".join(words.say(s) for s in (
        told("A draft for %(going)s of %(size)s people.", going=plan.going, size=plan.size),
        told("Not written to: %(refused)s.", refused=refused) if refused else "", plan.note or "",
        told("Nothing goes out before you start it."),
    ) if s)


def _message(f: Form, kind: str, text: str) -> Json:
    said: Json = {kind: text}
    if kind == "template":
        said |= {k: value for k, value in (("language", f.get("language")), ("values", given(f))) if value}
    return said


Move = Callable[[Visit], Awaitable[None]]


def _moving(move: Move, said: str, onward: str = "") -> Callable[[Visit, Deed], Awaitable[web.StreamResponse]]:
    async def act_on(v: Visit, deed: Deed) -> web.StreamResponse:
        deed.object = str(v.id())
        await move(v)
        return v.to(onward or f"/console/campaigns/{v.id()}", said)

    return act_on


def routes() -> list[web.RouteDef]:
    one = "/console/campaigns/{id}"
    return [
        look("/console/campaigns", listed), act("/console/campaigns", "campaign.created", create), look(one, view),
        act(one + "/start", "campaign.started",
            _moving(lambda v: campaigns.start(v.hub, v.account, v.id()), told("The campaign runs."))),
        act(one + "/pause", "campaign.paused",
            _moving(lambda v: campaigns.pause(v.db, v.account, v.id()), told("The campaign is paused."))),
        act(one + "/resume", "campaign.resumed",
            _moving(lambda v: campaigns.resume(v.hub, v.account, v.id()), told("The campaign goes on."))),
        act(one + "/stop", "campaign.stopped",
            _moving(lambda v: campaigns.stop(v.db, v.account, v.id()), told("The campaign is stopped."))),
        act(one + "/delete", "campaign.deleted",
            _moving(lambda v: campaigns.remove(v.db, v.account, v.id()), told("The campaign is deleted."), ALL)),
    ]
