"""The AIVAX API."""

from hub.api.aivax import (
    accounts,
    clients,
    collections,
    conversations,
    deliveries,
    documents,
    ext_res,
    gateways,
    handoff,
    integrations,
    keys,
    memories,
    public,
    query,
    sessions,
    shell,
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
    *query.ROUTES,
    *skills.ROUTES,
    *memories.ROUTES,
    *shell.ROUTES,
    *ext_res.ROUTES,
    *public.ROUTES,
    *deliveries.ROUTES,
    *accounts.ROUTES,
    *keys.ROUTES,
)
