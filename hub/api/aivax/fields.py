"""Fields that a business keeps of its contacts, and what they hold."""

from uuid import UUID

from aiohttp import web

from hub.api.aivax.schemas.panel import FieldEdit, FieldIn, FieldOut, ValuesIn, ValuesOut
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.operators import panel
from hub.chat.operators.panel import Field
from hub.errors import NotFound
from hub.store import contact_panel as rows

TAG = "Contacts"


@endpoint(tag=TAG)
async def listed(request: web.Request) -> list[FieldOut]:
    """List the fields that a business keeps of its contacts, in their order."""
    return [FieldOut(**one) for one in await rows.fields(request.app[HUB].db, caller(request).account_id)]


@endpoint(tag=TAG, errors=(409,))
async def create(request: web.Request, body: FieldIn) -> FieldOut:
    """Make a field of contacts."""
    wanted = Field.of(body.key, body.name, body.type, body.choices, body.place, body.bot)
    return await _field(request, await panel.add_field(request.app[HUB].db, caller(request).account_id, wanted))


@endpoint(tag=TAG)
async def edit(request: web.Request, id: UUID, body: FieldEdit) -> FieldOut:
    """Change a field's name, what can be chosen, its place, and whether the bot is told."""
    await panel.edit_field(request.app[HUB].db, caller(request).account_id, id, body.given())
    return await _field(request, id)


@endpoint(tag=TAG, says="Field deleted.")
async def remove(request: web.Request, id: UUID) -> None:
    """Delete a field, with what is kept in it of everybody."""
    await panel.remove_field(request.app[HUB].db, caller(request).account_id, id)


async def _field(request: web.Request, id: UUID) -> FieldOut:
    found = await rows.field(request.app[HUB].db, caller(request).account_id, id)
    if found is None:
        raise NotFound
    return FieldOut(**found)


@endpoint(tag=TAG)
async def values(request: web.Request, id: UUID) -> ValuesOut:
    """View what the fields hold of a contact."""
    return ValuesOut(values=await panel.values(request.app[HUB].db, caller(request).account_id, id))


@endpoint(tag=TAG)
async def change(request: web.Request, id: UUID, body: ValuesIn) -> ValuesOut:
    """Set fields of a contact: those that are sent, all or none."""
    db, account = request.app[HUB].db, caller(request).account_id
    await panel.set_values(db, account, id, body.values)
    return ValuesOut(values=await panel.values(db, account, id))


BASE, ONE = "/api/v1/inbox/fields", "/api/v1/contacts/{id}/fields"
ROUTES = (
    Route("GET", BASE, listed), Route("POST", BASE, create), Route("PUT", BASE + "/{id}", edit),
    Route("DELETE", BASE + "/{id}", remove), Route("GET", ONE, values), Route("PUT", ONE, change),
)
