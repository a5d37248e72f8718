"""The AIVAX API."""

from hub.api.aivax import collections, deliveries, documents, public, query
from hub.api.http.operation import Route

ROUTES: tuple[Route, ...] = (
    *collections.ROUTES,
    *documents.ROUTES,
    *query.ROUTES,
    *public.ROUTES,
    *deliveries.ROUTES,
)
