"""Prepared replies: what operators say often, by a shortcut, in several languages, with files."""

from urllib.parse import quote

from aiohttp import web

from hub.accounts.operators import Deed
from hub.chat.clients.people_names import person
from hub.chat.operators import inbox, replies
from hub.chat.operators.replies import File, Reply
from hub.console.guard import act, look
from hub.console.page_request import HEADERS, Visit, mark
from hub.domain import Json
from hub.store import replies as rows
from hub.translations import told

PLACE = "/console/replies"
LANGUAGES = (("pt", told("Portuguese")), ("en", told("English")), ("es", told("Spanish")))


async def listed(v: Visit) -> web.StreamResponse:
    """GET /console/replies"""
    found = await rows.listed(v.db, v.account)
    for one in found:
        one["version"] = mark(*_state(one))
    named = (*replies.VARIABLES, f"{replies.FIELD}key")
    return await v.page(
        "replies.html", replies=found, empty=mark(*_state(None)), languages=LANGUAGES, variables=named
    )


def _state(reply: Json | None) -> tuple[object, ...]:
    return (reply["shortcut"], reply["text"], reply["texts"]) if reply else ()


def _texts(v: Visit) -> dict[str, str]:
    return {code: v.form.get(f"text_{code}") for code, _ in LANGUAGES}


def _files(v: Visit) -> list[File]:
    return [(f.name, f.mime, f.content) for f in v.form.files]


async def save(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/replies: a new one; without a version, whichever has the shortcut."""
    shortcut = v.form.get("shortcut")
    deed.object = shortcut
    wanted = Reply.of(shortcut, v.form.get("text"), _texts(v))
    await replies.save(v.db, v.account, wanted, lambda now: v.unchanged(*_state(now)), _files(v))
    return v.to(PLACE, "The reply is saved.")


async def edit(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/replies/{id}: languages that the form does not show stay."""
    deed.object = str(v.id())

    def changed(old: Json) -> Reply:
        return Reply.of(v.form.get("shortcut"), v.form.get("text"), old["texts"] | _texts(v))

    await replies.edit(v.db, v.account, v.id(), changed, lambda now: v.unchanged(*_state(now)), _files(v))
    return v.to(PLACE, "The reply is saved.")


async def remove(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/replies/{id}/delete"""
    deed.object = str(v.id())
    await replies.remove(v.db, v.account, v.id())
    return v.to(PLACE, "The reply is deleted.")


async def detach(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/replies/{id}/files/{file}/delete"""
    deed.object = str(v.id())
    await replies.detach(v.db, v.account, v.id(), v.id("file"))
    return v.to(PLACE, "The file is taken off.")


async def file(v: Visit) -> web.StreamResponse:
    """GET /console/replies/{id}/files/{file}: to be put into a message."""
    found = await replies.file(v.db, v.account, v.id(), v.id("file"))
    name = quote(found["name"], safe="")
    return web.Response(body=found["content"], content_type="application/octet-stream", headers={
        **HEADERS, "X-Content-Type-Options": "nosniff", "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
    })


async def offered(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/{id}/replies?q=: what was typed behind a `/`, as it would be said here."""
    one = await inbox.view(v.db, v.account, v.id())
    named = {n: one[n] for n in ("contact_name", "said_name", "username")}
    contact = person(named) if any(named.values()) else None
    found = await replies.offered(v.db, v.account, one, v.who.name, contact, v.asked("q")[:100].lstrip("/"))
    return v.part("offers.html", offers=found)


def routes() -> list[web.RouteDef]:
    one = PLACE + "/{id}"
    return [
        look(PLACE, listed), act(PLACE, "inbox.reply_saved", save), act(one, "inbox.reply_edited", edit),
        act(one + "/delete", "inbox.reply_deleted", remove), look(one + "/files/{file}", file),
        act(one + "/files/{file}/delete", "inbox.reply_edited", detach),
        look("/console/inbox/{id}/replies", offered, "inbox"),
    ]
