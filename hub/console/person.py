"""The person beside a conversation: what the business keeps of them, and its own server's card."""

from uuid import UUID

from aiohttp import web

from hub.accounts.operators import Deed
from hub.chat.operators import inbox, panel
from hub.chat.operators.cards import Cards
from hub.console.guard import act, look
from hub.console.page_request import Visit, mark
from hub.domain import Json
from hub.errors import NotFound
from hub.store import contact_panel as rows
from hub.translations import typed

CARDS = web.AppKey("cards", Cards)


async def about(v: Visit, person: UUID | None, card: bool) -> Json:
    """What the templates of the panel need; nothing of a group. A visitor without a name is somebody too."""
    if person is not None and not await rows.known(v.db, v.account, person):
        return {"panel": None}
    found = await (panel.blank(v.db, v.account) if person is None else panel.panel(v.db, v.account, person))
    values = {f["key"]: f["value"] for f in found["fields"]}
    return {"panel": found | {"version": mark(values), "card": card}}


async def _whose(v: Visit) -> UUID:
    """The person of the conversation, made when something is first kept of them. Raise NotFound."""
    person = await rows.visitor(v.db, v.account, v.id())
    if person is None:
        raise NotFound("No such session.")
    return person


async def save(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/{id}/fields: those that the form shows."""
    person = await _whose(v)
    fields = await rows.fields(v.db, v.account)
    given = {f["key"]: v.form.get(f"field-{f['key']}") for f in fields if f"field-{f['key']}" in v.form.fields}
    figures = {f["key"] for f in fields if f["type"] == "number"} & given.keys()
    given |= {key: typed(given[key], v.words.code) for key in figures}
    # The log cannot be made to forget what is in them.
    deed.object, deed.change = str(person), {"fields": sorted(given)}
    await panel.set_values(v.db, v.account, person, given, v.unchanged)
    return v.to(f"/console/inbox/{v.id()}", "The fields are saved.")


async def ask_note(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/{id}/person-note"""
    one = await inbox.view(v.db, v.account, v.id())
    return await v.page("person_note.html", one=one)


async def note(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/{id}/person-note"""
    person = await _whose(v)
    deed.object = str(person)
    await panel.note(v.db, v.account, person, v.who.id, v.who.name, v.form.get("about"))
    return v.to(f"/console/inbox/{v.id()}", "The note is kept with the person.")


async def drop_note(v: Visit, deed: Deed) -> web.StreamResponse:
    """POST /console/inbox/{id}/person-note/{note}/delete"""
    person = await _whose(v)
    deed.object = str(person)
    await panel.remove_note(v.db, v.account, person, v.id("note"))
    return v.to(f"/console/inbox/{v.id()}", "The note is deleted.")


async def card(v: Visit) -> web.StreamResponse:
    """GET /console/inbox/{id}/card: what the business's own server says, asked when the panel is opened."""
    one = await inbox.view(v.db, v.account, v.id())
    person = await _whose(v)
    found = await v.request.app[CARDS].of(v.hub, v.account, person, v.id())
    if v.partial:
        return v.part("person_card.html", shown=found)
    return await v.page("person_card_page.html", shown=found, one=one)


def routes() -> list[web.RouteDef]:
    one = "/console/inbox/{id}"
    return [
        act(one + "/fields", "inbox.fields_set", save), look(one + "/person-note", ask_note, "inbox"),
        act(one + "/person-note", "inbox.person_noted", note),
        act(one + "/person-note/{note}/delete", "inbox.person_note_deleted", drop_note), look(one + "/card", card),
    ]
