"""Webhooks: addresses of other systems that are told what happens, what they were told, and telling it again."""

from datetime import UTC, datetime, timedelta

from aiohttp import web

from hub import ids
from hub.accounts.operators import Deed
from hub.console.guard import act, look
from hub.console.page_request import Form, Visit, mark
from hub.domain import Json
from hub.errors import Invalid
from hub.store import outgoing_webhooks as rows
from hub.studio import events, outgoing_webhooks
from hub.translations import counted, told

PAGE = 50
STATES = {
    "all": told("All"), "queued": told("Queued"), "delivered": told("Delivered"), "failed": told("Failed"),
}
SINCE = {"hour": 1, "day": 24, "week": 168}


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/webhooks"""
    return await _page(v, None)


async def _page(v: Visit, secret: str | None) -> web.StreamResponse:
    found = await outgoing_webhooks.listed(v.hub, v.account, None, outgoing_webhooks.MOST)
    return await v.page("webhooks.html", hooks=found, secret=secret, told=events.TOLD, chosen=["session.*"], hook=None)


async def create(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/webhooks: the answer alone shows the secret."""
    id, url, wanted = ids.uuid7(), _url(v.form), _events(v.form)
    deed.object, deed.change = str(id), {"events": wanted}
    secret = await outgoing_webhooks.add(v.hub, v.account, id, url, wanted, _description(v.form))
    if v.partial:
        return v.part("webhook_made.html", secret=secret)
    return await _page(v, secret)


async def view(v: Visit) -> web.StreamResponse:
    """GET /console/webhooks/{id}?state=&cursor="""
    state = v.asked("state", "all")
    if state not in STATES:
        raise Invalid(f"state must be one of {', '.join(STATES)}.", field="state")
    hook = await outgoing_webhooks.get(v.hub, v.account, v.id())
    before = Form({"cursor": [v.asked("cursor")]}).id("cursor")
    found = await rows.log(v.db, v.account, v.id(), before, None if state == "all" else state, PAGE + 1)
    more = f"/console/webhooks/{v.id()}?state={state}&cursor={found[PAGE - 1]['id']}" if len(found) > PAGE else ""
    return await v.page(
        "webhook.html", hook=hook, told=events.TOLD, chosen=hook["events"], deliveries=found[:PAGE], more=more,
        state=state, states=STATES, version=mark(*_state(hook)),
    )


async def edit(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/webhooks/{id}: an address on another host needs a new secret, which is shown once."""
    deed.object = str(v.id())
    await outgoing_webhooks.get(v.hub, v.account, v.id())
    given: Json = {
        "url": _url(v.form), "events": _events(v.form), "description": _description(v.form),
        "enabled": v.form.get("enabled") == "on",
    }
    if secret := v.form.get("secret"):
        if not 24 <= len(secret) <= 200 or not secret.replace("-", "_").isidentifier():
            raise Invalid("secret must have 24 to 200 letters, digits, - or _.", field="secret")
        given["secret"] = secret
    deed.change = {"events": given["events"], "enabled": given["enabled"], "secret": bool(secret)}
    await outgoing_webhooks.edit(
        v.hub, v.account, v.id(), given, lambda now: v.unchanged(*_state(now))
    )
    return v.to(f"/console/webhooks/{v.id()}", "Saved.")


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/webhooks/{id}/delete"""
    deed.object = str(v.id())
    await outgoing_webhooks.remove(v.hub, v.account, v.id())
    return v.to("/console/webhooks", "The webhook is deleted with its log; it is told nothing any more.")


async def replay(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/webhooks/{id}/replay: one event, or those of a time."""
    deed.object = str(v.id())
    await outgoing_webhooks.get(v.hub, v.account, v.id())
    event, since = v.form.id("event"), v.form.get("since")
    if since and since not in SINCE:
        raise Invalid(f"since must be one of {', '.join(SINCE)}.", field="since")
    if event is None and not since:
        raise Invalid("Choose an event, or a span of time.", field="event")
    deed.change = {"event": str(event) if event else None, "since": since or None}
    begun = datetime.now(UTC) - timedelta(hours=SINCE[since]) if since else None
    wanted: Json = {"webhook_id": v.id(), "event_ids": [event] if event else None, "from": begun}
    count = await outgoing_webhooks.replay(v.hub, v.account, wanted)
    return v.to(f"/console/webhooks/{v.id()}", counted("%(count)s is told again.", "%(count)s are told again.", count))


def _state(hook: Json) -> tuple[object, ...]:
    return hook["url"], hook["events"], hook["description"], hook["enabled"]


def _url(form: Form) -> str:
    url = form.get("url")
    if not url.startswith(("https://", "http://")) or len(url) > 2000:
        raise Invalid("url must be an address with https://, of at most 2000 characters.", field="url")
    return url


def _events(form: Form) -> list[str]:
    """What was ticked, and what stands between blanks."""
    found = outgoing_webhooks.check([*form.all("events"), *form.get("more").split()])
    if not 0 < len(found) <= 50:
        raise Invalid("Choose one event at least; with wildcards 50 are enough.", field="events")
    return found


def _description(form: Form) -> str:
    text = form.get("description")
    if len(text) > 500:
        raise Invalid("description must have at most 500 characters.", field="description")
    return text


def routes() -> list[web.RouteDef]:
    one = "/console/webhooks/{id}"
    return [
        look("/console/webhooks", listed, "webhook"), look(one, view, "webhook"),
        act("/console/webhooks", "webhook.created", create), act(one, "webhook.edited", edit),
        act(one + "/delete", "webhook.deleted", remove), act(one + "/replay", "webhook.replayed", replay),
    ]
