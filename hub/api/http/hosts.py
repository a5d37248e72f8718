"""The host that a request came to: the hub's own, or the one for pages that models wrote."""

from urllib.parse import urlsplit

from aiohttp import web

from hub.api.http.app_keys import HUB


def apart(request: web.Request) -> bool:
    """Whether it is the host that such pages share with nothing."""
    hub = request.app.get(HUB)
    elsewhere = hub.settings.hosted_url if hub is not None else ""
    return bool(elsewhere) and request.host.lower() == urlsplit(elsewhere).netloc.lower()
