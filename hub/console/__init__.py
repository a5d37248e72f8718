"""The operators' console: server-rendered pages over the same services as the APIs."""

from aiohttp import web

from hub.api.http.keys import PAGES
from hub.console import (
    audit,
    bots,
    campaigns,
    channels,
    deliveries,
    home,
    inbox,
    insights,
    keyring,
    knowledge,
    live,
    networks,
    schedules,
    settings,
    signing,
    team,
    trying,
)
from hub.console.filters import FILTERS

PARTS = (
    signing, home, inbox, live, bots, trying, channels, networks, knowledge, schedules, campaigns, deliveries, insights,
    keyring, team, audit, settings,
)


def mount(app: web.Application) -> None:
    """Add the console's pages to an application that has a hub, templates and passwords."""
    app[PAGES].filters.update(FILTERS)
    for part in PARTS:
        app.router.add_routes(part.routes())
