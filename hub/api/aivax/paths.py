"""Paths that the documents spell in two ways."""

from hub.api.http.operation import Route

ONE, MANY = "/api/v1/web-chat-client", "/api/v1/web-chat-clients"


def either(*routes: Route) -> tuple[Route, ...]:
    """The routes under `web-chat-client` and under `web-chat-clients`."""
    return tuple(
        Route(r.method, prefix + r.path.removeprefix(first), r.handler, alias=prefix != first)
        for r in routes
        for first in [MANY if r.path.startswith(MANY) else ONE]
        for prefix in (ONE, MANY)
    )
