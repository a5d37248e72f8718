"""People of the account, on whatever network they write."""

from uuid import UUID

from aiohttp import web

from hub.accounts import audit, contacts
from hub.api.aivax.schemas.contacts import ContactLine, ContactOut, ContactQuery, JoinIn, SplitIn, SplitOut
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint, write
from hub.api.http.operation import OPERATION, Route

TAG = "Contacts"


@endpoint(tag=TAG)
async def listing(request: web.Request, query: ContactQuery) -> list[ContactLine] | web.StreamResponse:
    """List contacts, the newest first.

    `X-Total-Count` tells how many there are, `Link` where the next page is.
    """
    hub, account = request.app[HUB], caller(request).account_id
    found = await contacts.page(hub.db, account, query.filter, query.after, query.limit + 1)
    page = found[: query.limit]
    response = write(request, getattr(listing, OPERATION), [ContactLine(**ContactLine.values(r)) for r in page])
    response.headers["X-Total-Count"] = str(await contacts.count(hub.db, account, query.filter))
    if len(found) > len(page):
        url = request.rel_url.update_query(cursor=pagination.write(page[-1]["id"]))
        response.headers["Link"] = f'<{hub.settings.address}{url}>; rel="next"'
    return response


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


BASE = "/api/v1/contacts"
ROUTES = (
    Route("GET", BASE, listing),
    Route("GET", BASE + "/{id}", view),
    Route("POST", BASE + "/{id}/join", join),
    Route("POST", BASE + "/{id}/split", split),
)
