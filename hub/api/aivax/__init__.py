"""The AIVAX API."""

from hub.api.aivax import (
    accounts,
    campaigns,
    clients,
    collections,
    deliveries,
    documents,
    gateways,
    handoff,
    integrations,
    keys,
    outreach,
    public,
    query,
    schedules,
    sessions,
)
from hub.api.http.operation import Route

ROUTES: tuple[Route, ...] = (
    *gateways.ROUTES,
    *clients.ROUTES,
    *integrations.ROUTES,
    *sessions.ROUTES,
    *handoff.ROUTES,
    *schedules.ROUTES,
    *outreach.ROUTES,
    *campaigns.ROUTES,
    *collections.ROUTES,
    *documents.ROUTES,
    *query.ROUTES,
    *public.ROUTES,
    *deliveries.ROUTES,
    *accounts.ROUTES,
    *keys.ROUTES,
)
