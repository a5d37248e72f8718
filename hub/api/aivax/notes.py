"""Notes on a contact, whichever conversation it is."""

from functools import partial
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from hub.api.aivax.schemas.panel import ContactNoteIn, ContactNoteOut
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.operators import panel
from hub.chat.operators.panel import NOBODY, NOTES
from hub.errors import NotFound
from hub.pydantic_base import Camel
from hub.store import contact_panel as rows

TAG = "Contacts"


class NoteQuery(Camel):
    limit: Annotated[int, Field(ge=1, le=NOTES, description="The most of one answer.")] = NOTES
    before: Annotated[UUID | None, Field(description="As `Link` of the answer before has it.")] = None


@endpoint(tag=TAG, pages=True)
async def listed(request: web.Request, id: UUID, query: NoteQuery) -> list[ContactNoteOut]:
    """List notes on a contact, newest first."""
    db, account = request.app[HUB].db, caller(request).account_id
    if not await rows.known(db, account, id):
        raise NotFound(NOBODY)
    found = await rows.notes(db, account, id, query.limit + 1, query.before)
    page = await pagination.newest(request, found, query.limit, query.before, partial(rows.note_count, db, account, id))
    return [ContactNoteOut(**one) for one in page]


@endpoint(tag=TAG, errors=(409,))
async def create(request: web.Request, id: UUID, body: ContactNoteIn) -> ContactNoteOut:
    """Keep a note on a contact. Operators see it beside each of their conversations."""
    db, account = request.app[HUB].db, caller(request).account_id
    made = await panel.note(db, account, id, None, "API", body.text)
    found = next((n for n in await rows.notes(db, account, id, NOTES) if n["id"] == made), None)
    if found is None:
        raise NotFound
    return ContactNoteOut(**found)


@endpoint(tag=TAG, says="Note deleted.")
async def remove(request: web.Request, id: UUID, note_id: UUID) -> None:
    """Delete a note on a contact."""
    await panel.remove_note(request.app[HUB].db, caller(request).account_id, id, note_id)


BASE = "/api/v1/contacts/{id}/notes"
ROUTES = (Route("GET", BASE, listed), Route("POST", BASE, create), Route("DELETE", BASE + "/{note_id}", remove))
