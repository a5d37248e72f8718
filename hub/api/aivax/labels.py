"""Labels of conversations."""

from uuid import UUID

from aiohttp import web

from hub.api.aivax.schemas.inbox import LabelEdit, LabelIn, LabelOut
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.chat.operators import groups
from hub.errors import NotFound
from hub.store import labels

TAG = "Inbox"


@endpoint(tag=TAG)
async def listed(request: web.Request) -> list[LabelOut]:
    """List labels."""
    return [LabelOut(**one) for one in await labels.listed(request.app[HUB].db, caller(request).account_id)]


@endpoint(tag=TAG, errors=(409,))
async def create(request: web.Request, body: LabelIn) -> LabelOut:
    """Make a label.

    One whose name stands in the reason for which a bot calls a person is set at that conversation by itself.
    """
    db, account = request.app[HUB].db, caller(request).account_id
    return await _view(request, await groups.add_label(db, account, body.name, body.colour))


@endpoint(tag=TAG, errors=(409,))
async def edit(request: web.Request, id: UUID, body: LabelEdit) -> LabelOut:
    """Change a label's name or colour."""
    await groups.edit_label(request.app[HUB].db, caller(request).account_id, id, body.name, body.colour)
    return await _view(request, id)


@endpoint(tag=TAG, says="Label deleted.")
async def remove(request: web.Request, id: UUID) -> None:
    """Delete a label; it goes from all conversations."""
    await groups.remove_label(request.app[HUB].db, caller(request).account_id, id)


async def _view(request: web.Request, id: UUID) -> LabelOut:
    found = await labels.one(request.app[HUB].db, caller(request).account_id, id)
    if found is None:
        raise NotFound
    return LabelOut(**found)


BASE = "/api/v1/inbox/labels"
ROUTES = (
    Route("GET", BASE, listed), Route("POST", BASE, create), Route("PUT", BASE + "/{id}", edit),
    Route("DELETE", BASE + "/{id}", remove),
)
