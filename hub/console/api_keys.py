"""API keys: made once, shown once."""

from typing import Literal

from aiohttp import web

from hub.accounts import keys
from hub.accounts.operators import Deed
from hub.api.http.app_keys import KEYRING
from hub.console.guard import act, look
from hub.console.page_request import Visit
from hub.errors import BadRequest, Invalid, NotFound

KINDS: tuple[Literal["private", "public"], ...] = ("private", "public")
LONGEST_DAYS = 3650


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/keys"""
    return await v.page("keys.html", keys=await keys.granted(v.db, v.account), made=None)


async def create(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/keys: the answer alone shows the key."""
    label, kind = v.form.get("label"), v.form.get("kind")
    if not 0 < len(label) <= 100:
        raise Invalid("label must have 1 to 100 characters.", field="label")
    if kind not in KINDS:
        raise Invalid("kind must be private or public.", field="kind")
    days = v.form.number("days", 1, LONGEST_DAYS)
    deed.change = {"label": label, "kind": kind, "days": days}
    made = await keys.grant(v.db, v.account, label, int(days) if days else None, kind, v.who.role)
    if v.partial:
        return v.part("made.html", made=made)
    return await v.page("keys.html", keys=await keys.granted(v.db, v.account), made=made)


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/keys/{id}/delete"""
    deed.object = str(v.id())
    try:
        await keys.drop(v.db, v.account, v.who.role, v.id())
    except BadRequest:
        raise NotFound("No such key.") from None
    v.request.app[KEYRING].forget(v.id())
    return v.to("/console/keys", "The key is deleted; it stops working at once.")


def routes() -> list[web.RouteDef]:
    return [
        look("/console/keys", listed, "key"), act("/console/keys", "key.created", create),
        act("/console/keys/{id}/delete", "key.deleted", remove),
    ]
