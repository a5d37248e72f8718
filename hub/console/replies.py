"""Prepared replies: what operators say often, by a shortcut."""

from aiohttp import web

from hub.accounts.operators import Deed
from hub.chat.operators import inbox
from hub.console.guard import act, look
from hub.console.page_request import Visit, mark
from hub.domain import Json

PLACE = "/console/replies"


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/replies"""
    found = await inbox.canned(v.db, v.account)
    for one in found:
        one["version"] = mark(*_state(one))
    return await v.page("replies.html", canned=found, empty=mark(*_state(None)))


def _state(reply: Json | None) -> tuple[object, ...]:
    return (reply["shortcut"], reply["text"]) if reply else ()


async def save(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/replies: a new one; without a version, whichever has the shortcut."""
    shortcut = v.form.get("shortcut")
    deed.object = shortcut
    await inbox.save_canned(
        v.db, v.account, shortcut, v.form.get("text"), lambda now: v.unchanged(*_state(now))
    )
    return v.to(PLACE, "The reply is saved.")


async def edit(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/replies/{id}"""
    deed.object = str(v.id())
    await inbox.edit_canned(
        v.db, v.account, v.id(), v.form.get("shortcut"), v.form.get("text"), lambda now: v.unchanged(*_state(now))
    )
    return v.to(PLACE, "The reply is saved.")


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/replies/{id}/delete"""
    deed.object = str(v.id())
    await inbox.remove_canned(v.db, v.account, v.id())
    return v.to(PLACE, "The reply is deleted.")


def routes() -> list[web.RouteDef]:
    one = PLACE + "/{id}"
    return [
        look(PLACE, listed), act(PLACE, "inbox.reply_saved", save), act(one, "inbox.reply_edited", edit),
        act(one + "/delete", "inbox.reply_deleted", remove),
    ]
