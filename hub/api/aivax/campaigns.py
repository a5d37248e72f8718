"""Campaigns: one text, template or instruction for a list of people."""

from uuid import UUID

import orjson
from aiohttp import web

from hub.api.aivax.schemas.campaigns import (
    CampaignIn,
    CampaignLine,
    CampaignOut,
    Campaigns,
    PlanOut,
    RecipientOut,
    RecipientQuery,
)
from hub.api.http import pagination
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import MIB, endpoint
from hub.api.http.operation import Route
from hub.api.http.pagination import Page
from hub.outreach import campaigns
from hub.store import campaigns as rows

TAG = "Campaigns"


@endpoint(tag=TAG, limit=32 * MIB, seconds=60.0, errors=(404,))
async def create(request: web.Request, body: CampaignIn) -> PlanOut:
    """Write a campaign as a draft and say what it would do: who, when, through what, who not and why.

    Nothing goes out before it is started.
    """
    hub, account = request.app[HUB], caller(request).account_id
    given = body.recipients if isinstance(body.recipients, str) else orjson.dumps(body.recipients).decode()
    wanted = body.wanted(given)
    if body.dry_run:
        return PlanOut.of(await campaigns.dry_run(hub, account, wanted), None)
    id, plan = await campaigns.create(hub, account, wanted)
    return PlanOut.of(plan, id)


@endpoint(tag=TAG)
async def listing(request: web.Request, query: Page) -> Campaigns:
    """List campaigns, newest first."""
    found = await rows.page(request.app[HUB].db, caller(request).account_id, query.after, query.limit)
    more = pagination.write(found[-1]["id"]) if len(found) == query.limit else None
    return Campaigns(campaigns=[CampaignLine(**CampaignLine.values(r)) for r in found], next_cursor=more)


@endpoint(tag=TAG)
async def view(request: web.Request, id: UUID) -> CampaignOut:
    """View a campaign and how far it has come."""
    return CampaignOut.of(await campaigns.one(request.app[HUB].db, caller(request).account_id, id))


@endpoint(tag=TAG, pages=True)
async def recipients(request: web.Request, id: UUID, query: RecipientQuery) -> list[RecipientOut]:
    """List recipients in the order of the list, each with its result."""
    db, account = request.app[HUB].db, caller(request).account_id
    await campaigns.one(db, account, id)
    found = await rows.recipients(db, account, id, query.state, query.after, query.limit + 1)

    async def count() -> int:
        return await rows.recipient_count(db, account, id, query.state)

    page = await pagination.shown(
        request, found, query.limit, not query.after, count, lambda page: {"after": str(page[-1]["place"])}
    )
    return [RecipientOut.of(r) for r in page]


@endpoint(tag=TAG, says="Campaign started.", errors=(409,))
async def start(request: web.Request, id: UUID) -> None:
    """Start a draft."""
    await campaigns.start(request.app[HUB], caller(request).account_id, id)


@endpoint(tag=TAG, says="Campaign paused.", errors=(409,))
async def pause(request: web.Request, id: UUID) -> None:
    """Pause a running campaign."""
    await campaigns.pause(request.app[HUB].db, caller(request).account_id, id)


@endpoint(tag=TAG, says="Campaign resumed.", errors=(409,))
async def resume(request: web.Request, id: UUID) -> None:
    """Resume a paused campaign with who has not had it."""
    await campaigns.resume(request.app[HUB], caller(request).account_id, id)


@endpoint(tag=TAG, says="Campaign stopped.", errors=(409,))
async def stop(request: web.Request, id: UUID) -> None:
    """Stop a campaign for good; what is queued and not sent is taken back."""
    await campaigns.stop(request.app[HUB].db, caller(request).account_id, id)


@endpoint(tag=TAG, says="Campaign deleted.", errors=(409,))
async def remove(request: web.Request, id: UUID) -> None:
    """Delete a campaign that does not run."""
    await campaigns.remove(request.app[HUB].db, caller(request).account_id, id)


BASE = "/api/v1/campaigns"
ROUTES = (
    Route("POST", BASE, create),
    Route("GET", BASE, listing),
    Route("GET", BASE + "/{id}", view),
    Route("DELETE", BASE + "/{id}", remove),
    Route("GET", BASE + "/{id}/recipients", recipients),
    Route("POST", BASE + "/{id}/start", start),
    Route("POST", BASE + "/{id}/pause", pause),
    Route("POST", BASE + "/{id}/resume", resume),
    Route("POST", BASE + "/{id}/stop", stop),
)
