"""The web application: one flat table of routes behind one middleware."""

from collections.abc import Iterable

from aiohttp import web

from hub.accounts.directory import Directory
from hub.accounts.keys import Keyring
from hub.api import aivax, chat, hooks, hosted, launcher, mcp, openai, pages
from hub.api.http import assets, docs, keys, middleware
from hub.api.http.errands import Errands
from hub.api.http.operation import Route
from hub.chat.intake import Intake
from hub.chat.receiving import Receiver
from hub.chat.spool import Spool
from hub.runtime import Hub

ROUTES: tuple[Route, ...] = (*aivax.ROUTES, *openai.ROUTES)


def build_app(hub: Hub, intake: Intake) -> web.Application:
    """All doors over one open hub."""
    app = web.Application(middlewares=[middleware.guard], client_max_size=1 << 20)
    app[keys.HUB] = hub
    app[keys.INTAKE] = intake
    app[keys.RECEIVER] = Receiver(hub, intake)
    app[keys.SPOOL] = Spool(hub.settings.home / "spool")
    app[keys.KEYRING] = Keyring(hub.db)
    app[keys.DIRECTORY] = Directory(hub)
    app[keys.ERRANDS] = errands = Errands()
    app.on_cleanup.append(errands.close)
    app[keys.PAGES] = docs.environment()
    assets.mount(app)
    for route in in_order(ROUTES):
        app.router.add_route(route.method, route.path, route.handler)
    app.router.add_routes([*hooks.routes(), *pages.routes(), *chat.routes(), *launcher.routes(), *hosted.routes()])
    mcp.mount(app)
    app.router.add_routes(docs.routes(ROUTES, hub.settings.address))
    app.on_response_prepare.append(middleware.headers)
    return app


def in_order(routes: Iterable[Route]) -> list[Route]:
    """Fixed paths before those with variables, so that no variable takes a fixed path's name."""
    return sorted(routes, key=lambda r: [("{" in part, part) for part in r.path.split("/")])
