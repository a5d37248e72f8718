"""The AIVAX API."""

from hub.api.aivax import (
    accounts,
    clients,
    collections,
    conversations,
    deliveries,
    documents,
    files,
    gateways,
    handoff,
    integrations,
    keys,
    memories,
    public,
    query,
    sessions,
    skills,
)
from hub.api.http.operation import Route

ROUTES: tuple[Route, ...] = (
    *gateways.ROUTES,
    *clients.ROUTES,
    *integrations.ROUTES,
    *sessions.ROUTES,
    *handoff.ROUTES,
    *collections.ROUTES,
    *conversations.ROUTES,
    *documents.ROUTES,
    *files.ROUTES,
    *query.ROUTES,
    *skills.ROUTES,
    *memories.ROUTES,
    *public.ROUTES,
    *deliveries.ROUTES,
    *accounts.ROUTES,
    *keys.ROUTES,
)
