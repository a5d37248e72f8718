"""Memories (A-40..A-42)."""

from uuid import UUID

from aiohttp import web

from hub.api.aivax.schemas.memories import (
    MemoriesDeleted,
    MemoriesGone,
    MemoriesQuery,
    MemoryIn,
    MemoryLine,
    MemoryOut,
)
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.runtime import Hub
from hub.store import people
from hub.store.memories import Given, Memory
from hub.tools.memory import dates, records

TAG = "Memories"


@endpoint(id="A-40", tag=TAG, pages=True)
async def listing(request: web.Request, query: MemoriesQuery) -> list[MemoryLine]:
    """List memories that have not expired, newest first.

    Where people's words are sealed under keys of their own, `filter` does not look into them, only at ids and users."""
    hub, account = request.app[HUB], caller(request).account_id
    found = await records.listed(hub, account, query.filter, query.format, query.before, query.limit + 1)

    async def count() -> int:
        return await records.count(hub, account, query.filter, query.format)

    found = await pagination.shown(
        request, found, query.limit, query.before is None, count, lambda page: {"before": str(page[-1].id)}
    )
    return [
        MemoryLine(id=m.id, external_user_id=m.external_user, content=m.content, format=m.format)  # type: ignore[arg-type]  # checked by the table
        for m in found
    ]


@endpoint(tag=TAG, errors=(409,))
async def create(request: web.Request, body: MemoryIn) -> MemoryOut:
    """Add a memory to a person."""
    hub, account = request.app[HUB], caller(request).account_id
    user = body.external_user_id.strip()
    given = await _given(hub, body.checked())
    id = await records.add(hub, account, await people.owner(hub.db, account, user), user, given)
    return _out(await records.get(hub, account, id))


async def _given(hub: Hub, body: MemoryIn) -> Given:
    if body.reminder is None:
        return await records.text(hub, body.content or "", body.retention_days, "content")
    event = dates.event(body.reminder.stored(), body.reminder.time_zone)
    return await records.event(hub, event.content, event.details, event.starts_at, event.ends_at)


@endpoint(id="A-41", tag=TAG, errors=(404,))
async def remove(request: web.Request, query: MemoriesGone) -> MemoriesDeleted:
    """Delete a memory by its id, or those of a person and a format.

    `externalUserId` is taken as it is, also with an `@` in it. Only of ids that the hub made for people on
    networks (`zp_telegram:ana@0d3f...`) the part behind the `@` does not count: it names a chat client.
    """
    hub, account = request.app[HUB], caller(request).account_id
    query.checked()
    if query.id is not None:
        gone = await records.remove(hub, account, query.id)
        return MemoriesDeleted(removed_count=1, external_user_id=gone.external_user, format=gone.format)  # type: ignore[arg-type]  # checked by the table
    count, name = await records.remove_named(hub, account, query.external_user_id or "", query.format or "")
    return MemoriesDeleted(removed_count=count, external_user_id=name, format=query.format or "Text")


@endpoint(id="A-42", tag=TAG)
async def details(request: web.Request, id: UUID) -> MemoryOut:
    """Show a memory."""
    return _out(await records.get(request.app[HUB], caller(request).account_id, id))


def _out(found: Memory) -> MemoryOut:
    return MemoryOut(
        id=found.id, external_user_id=found.external_user, content=found.content, format=found.format,  # type: ignore[arg-type]  # checked by the table
        created_at=found.created_at, expires_at=found.expires_at,
    )


BASE = "/api/v1/memories"
ROUTES = [
    Route("GET", BASE, listing),
    Route("POST", BASE, create),
    Route("DELETE", BASE, remove),
    Route("GET", BASE + "/{id}", details),
]
