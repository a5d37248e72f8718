"""The AIVAX API."""

from hub.api.http.operation import Route

ROUTES: tuple[Route, ...] = ()
