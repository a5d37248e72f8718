"""People of the account, on whatever network they write."""

from collections.abc import AsyncIterator
from uuid import UUID

from aiohttp import web

from hub.accounts import audit, contacts
from hub.api.aivax.schemas.contacts import (
    ContactLine,
    ContactOut,
    ContactQuery,
    ErasedOut,
    JoinIn,
    PersonQuery,
    SplitIn,
    SplitOut,
)
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.jsonl_responses import download
from hub.api.http.operation import Route
from hub.chat.operators import erasure
from hub.store.erasure import Subject

TAG = "Contacts"


@endpoint(tag=TAG, pages=True)
async def listing(request: web.Request, query: ContactQuery) -> list[ContactLine]:
    """List contacts, the newest first."""
    hub, account = request.app[HUB], caller(request).account_id
    found = await contacts.page(hub.db, account, query.filter, query.after, query.limit + 1)

    async def count() -> int:
        return await contacts.count(hub.db, account, query.filter)

    page = await pagination.shown(
        request, found, query.limit, query.after is None, count,
        lambda page: {"cursor": pagination.write(page[-1]["id"])},
    )
    return [ContactLine(**ContactLine.values(r)) for r in page]


@endpoint(tag=TAG)
async def view(request: web.Request, id: UUID) -> ContactOut:
    """View a contact with its identities, joins and conversations. Every id it ever had leads to it."""
    return ContactOut.of(await contacts.view(request.app[HUB].db, caller(request).account_id, id))


@endpoint(tag=TAG, errors=(409,))
async def join(request: web.Request, id: UUID, body: JoinIn) -> ContactOut:
    """Hold two contacts for one person.

    Opt-outs, caps, time zone, memories and conversations are one from then on. Nothing is moved, so that
    a split gives back what was.
    """
    who = caller(request)
    db, actor = request.app[HUB].db, audit.of_caller(who)
    return ContactOut.of(await contacts.join(db, who.account_id, actor, id, body.contact_id, body.reason))


@endpoint(tag=TAG, errors=(409,))
async def split(request: web.Request, id: UUID, body: SplitIn) -> SplitOut:
    """Take a join back, or say that an identity is somebody else's.

    Each gets back what hung on it. The hub does not join the two again by itself.
    """
    who = caller(request)
    db, actor = request.app[HUB].db, audit.of_caller(who)
    left, other = await contacts.split(db, who.account_id, actor, id, body.join_id, body.identity)
    return SplitOut(contact=ContactOut.of(left), other=ContactOut.of(other))


@endpoint(tag=TAG, errors=(404,))
async def erase(request: web.Request, id: UUID) -> ErasedOut:
    """Erase a person for good, with everybody they were joined with.

    Conversations, messages (also theirs in groups), files, memories, dates, schedules, deliveries, logs, kept answers
    and workspaces. Other people's stay as they are. The audit log keeps that it was done, without a name.
    """
    hub, who = request.app[HUB], caller(request)
    subject = await erasure.by_id(hub, who.account_id, id)
    return ErasedOut.of(await erasure.erase(hub, who.account_id, audit.of_caller(who), subject))


@endpoint(tag=TAG, errors=(404,))
async def erase_named(request: web.Request, query: PersonQuery) -> ErasedOut:
    """Erase whoever is known by an external user id, a phone or an e-mail address.

    The same as erasing a contact by its id; also what is kept under that name of somebody who is no contact.
    """
    hub, who = request.app[HUB], caller(request)
    subject = await erasure.by_name(hub, who.account_id, **query.named)
    return ErasedOut.of(await erasure.erase(hub, who.account_id, audit.of_caller(who), subject))


@endpoint(tag=TAG, produces="application/jsonl", errors=(404,))
async def export(request: web.Request, id: UUID) -> web.StreamResponse:
    """Give out all that is kept of a person, as JSON lines.

    Each line has a `kind` and the `data`: person, identity, contact, memory, schedule, activation, log, conversation,
    message, file, feedback, note, label, planned, group_message, field, person_note, consent, first_seen,
    workspace_file; files with their contents as base64.
    """
    hub, account = request.app[HUB], caller(request).account_id
    return await _given(request, await erasure.by_id(hub, account, id))


@endpoint(tag=TAG, produces="application/jsonl", errors=(404,))
async def export_named(request: web.Request, query: PersonQuery) -> web.StreamResponse:
    """Give out all that is kept of whoever is known by an external user id, a phone or an e-mail address."""
    hub, account = request.app[HUB], caller(request).account_id
    return await _given(request, await erasure.by_name(hub, account, **query.named))


async def _given(request: web.Request, subject: Subject) -> web.StreamResponse:
    hub, who = request.app[HUB], caller(request)
    lines = erasure.export(hub, who.account_id, subject)
    first = await anext(lines)  # nobody is a 404, not an empty file
    object = str(subject.people[0]) if subject.people else None
    await audit.exported(hub.db, who.account_id, audit.of_caller(who), "contact", object, {})

    async def every() -> AsyncIterator[bytes]:
        yield first
        async for line in lines:
            yield line

    return await download(request, every(), "person.jsonl")


BASE = "/api/v1/contacts"
ROUTES = (
    Route("GET", BASE, listing),
    Route("DELETE", BASE, erase_named),
    Route("GET", BASE + "/export", export_named),
    Route("GET", BASE + "/{id}", view),
    Route("DELETE", BASE + "/{id}", erase),
    Route("GET", BASE + "/{id}/export", export),
    Route("POST", BASE + "/{id}/join", join),
    Route("POST", BASE + "/{id}/split", split),
)
