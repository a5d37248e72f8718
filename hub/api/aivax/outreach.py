"""The policy of messages that contacts did not just ask for, the people it knows, what it decided."""

from aiohttp import web

from hub.api.aivax.schemas.outreach import (
    Activation,
    ActivationQuery,
    Activations,
    Person,
    PersonEdit,
    PersonQuery,
    PolicyEdit,
)
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.outreach import contacts, policy
from hub.outreach.policy import Policy
from hub.store import activations

TAG = "Outreach"


@endpoint(tag=TAG)
async def view(request: web.Request) -> Policy:
    """View the outreach policy of the account."""
    return await policy.load(request.app[HUB].db, caller(request).account_id)


@endpoint(tag=TAG)
async def edit(request: web.Request, body: PolicyEdit) -> Policy:
    """Change the outreach policy.

    It applies to everything outbound that the contact did not just ask for: schedules, recurring tasks, campaigns.
    """
    return await policy.edit(request.app[HUB].db, caller(request).account_id, body.given())


@endpoint(tag=TAG, pages=True)
async def listing(request: web.Request, query: PersonQuery) -> list[Person]:
    """List people who have opted out, or all that the policy knows."""
    db, account = request.app[HUB].db, caller(request).account_id
    found = [Person.of(r) for r in await contacts.page(db, account, query.opted_out, query.after, query.limit + 1)]

    async def count() -> int:
        return await contacts.count(db, account, query.opted_out)

    return await pagination.shown(
        request, found, query.limit, not query.after, count, lambda page: {"after": page[-1].contact}
    )


@endpoint(tag=TAG)
async def edit_contact(request: web.Request, contact: str, body: PersonEdit) -> Person:
    """Opt a person out or in, or choose their time zone."""
    found = await contacts.edit(
        request.app[HUB].db, caller(request).account_id, contact, opted_out=body.opted_out, zone=body.time_zone,
        set_zone="time_zone" in body.model_fields_set,
    )
    return Person.of(found)


@endpoint(tag=TAG)
async def decided(request: web.Request, query: ActivationQuery) -> Activations:
    """List unasked messages with what became of them; refusals with `?state=refused`."""
    db, account = request.app[HUB].db, caller(request).account_id
    person = await contacts.find(db, account, query.contact) if query.contact else None
    if query.contact and person is None:
        return Activations(activations=[], next_cursor=None)
    rows = await activations.page(
        db, account, states=query.state, schedule=query.schedule_id, campaign=query.campaign_id, person=person,
        before=query.after, limit=query.limit,
    )
    more = pagination.write(rows[-1]["id"]) if len(rows) == query.limit else None
    return Activations(activations=[Activation.of(r) for r in rows], next_cursor=more)


ROUTES = (
    Route("GET", "/api/v1/outreach/policy", view),
    Route("PUT", "/api/v1/outreach/policy", edit),
    Route("GET", "/api/v1/outreach/contacts", listing),
    Route("PATCH", "/api/v1/outreach/contacts/{contact}", edit_contact),
    Route("GET", "/api/v1/outreach/activations", decided),
)
