"""Deliveries: every attempt, sent again one by one or many at once; what could not be read; and why."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from aiohttp import web

from hub.accounts.operators import Deed
from hub.api.http import pagination
from hub.chat.operators import why
from hub.chat.outbound import deliveries
from hub.console.guard import act, look
from hub.console.page_request import Visit
from hub.errors import Invalid, NotFound
from hub.store import dashboard
from hub.translations import counted, told

PAGE = 50
STATES: Mapping[str, list[str] | None] = {
    "all": None, "failed": ["dead", "unknown"], "waiting": ["queued", "sending"], "sent": ["sent"],
    "closed": ["cancelled"],
}
TABS: Mapping[str, str] = {
    "all": told("All"), "failed": told("Failed"), "waiting": told("Waiting"), "sent": told("Sent"),
    "closed": told("Closed"),
}
SINCE = {"hour": 1, "day": 24, "week": 168}


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/deliveries?state=&cursor=&session="""
    state = v.asked("state", "all")
    if state not in STATES:
        raise Invalid(f"state must be one of {', '.join(STATES)}.", field="state")
    session = v.asked_id("session")
    found = await deliveries.page(v.hub, v.account, STATES[state], session, v.asked("cursor") or None, PAGE)
    kept = f"state={state}" + (f"&session={session}" if session else "")
    more = f"/console/deliveries?{kept}&cursor={found['nextCursor']}" if found["nextCursor"] else ""
    return await v.page(
        "deliveries.html", rows=found["deliveries"], more=more, state=state, states=list(STATES), tabs=TABS
    )


async def view(v: Visit) -> web.StreamResponse:
    """GET /console/deliveries/{id}"""
    found = await deliveries.one(v.hub, v.account, v.id())
    return await v.page("delivery.html", d=found)


async def replay(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/deliveries/{id}/replay"""
    deed.object = str(v.id())
    await deliveries.replay(v.hub, v.account, v.id())
    return v.to(f"/console/deliveries/{v.id()}", "It is being sent again.")


async def resolve(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/deliveries/{id}/resolve: it arrived, or nobody needs it any more."""
    as_ = v.form.get("as")
    if as_ not in deliveries.RESOLUTIONS:
        raise Invalid(f"as must be one of {', '.join(deliveries.RESOLUTIONS)}.", field="as")
    deed.object, deed.change = str(v.id()), {"as": as_}
    await deliveries.resolve(v.hub, v.account, v.id(), as_, f"closed by {v.who.name}")
    return v.to(f"/console/deliveries/{v.id()}", "Closed; what waited behind it goes on.")


async def replay_all(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/deliveries/replay: the chosen ones, or all that failed within a time."""
    since = v.form.get("since")
    if since and since not in SINCE:
        raise Invalid(f"since must be one of {', '.join(SINCE)}.", field="since")
    chosen = v.form.ids("id")
    deed.change = {"since": since or None, "chosen": len(chosen)}
    if since:
        begun = datetime.now(UTC) - timedelta(hours=SINCE[since])
        count = await deliveries.replay_all(v.hub, v.account, None, begun)
    elif chosen:
        count = await deliveries.replay_all(v.hub, v.account, chosen)
    else:
        raise Invalid("Choose deliveries, or a span of time.", field="id")
    said = counted("%(count)s delivery is sent again.", "%(count)s deliveries are sent again.", count)
    return v.to("/console/deliveries?state=failed", said)


async def quarantine(v: Visit) -> web.StreamResponse:
    """GET /console/quarantine: bodies that networks sent and nobody could read."""
    before = pagination.read(v.asked("before")) if v.asked("before") else None
    rows = await dashboard.quarantine(v.db, v.account, before, PAGE + 1)
    more = f"/console/quarantine?before={pagination.write(rows[PAGE - 1]['id'])}" if len(rows) > PAGE else ""
    return await v.page("quarantine.html", rows=rows[:PAGE], more=more)


async def discard(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/quarantine/{id}/delete"""
    deed.object = str(v.id())
    if not await dashboard.discard(v.db, v.account, v.id()):
        raise NotFound("No such body.")
    return v.to("/console/quarantine", "It is deleted.")


async def explain(v: Visit) -> web.StreamResponse:
    """GET /console/why/{id}: the fate of a message, or of none."""
    found = await why.explain(v.db, v.account, v.id())
    return await v.page("why.html", found=found)


def routes() -> list[web.RouteDef]:
    one = "/console/deliveries/{id}"
    return [
        look("/console/deliveries", listed), act("/console/deliveries/replay", "delivery.replayed_many", replay_all),
        look(one, view), act(one + "/replay", "delivery.replayed", replay),
        act(one + "/resolve", "delivery.resolved", resolve), look("/console/quarantine", quarantine),
        act("/console/quarantine/{id}/delete", "delivery.discarded", discard),
        look("/console/why/{id}", explain),
    ]
