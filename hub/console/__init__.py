"""The operators' console: server-rendered pages over the same services as the APIs."""

from aiohttp import web

from hub.api.http.app_keys import PAGES
from hub.console import (
    api_keys,
    audit,
    bots,
    campaigns,
    channels,
    deliveries,
    desk,
    embedder,
    factors,
    home,
    inbox,
    inbox_setup,
    insights,
    knowledge,
    live,
    networks,
    oidc,
    playground,
    replies,
    schedules,
    settings,
    sign_in,
    team,
    tools,
    triage,
    webhooks,
    websites,
)
from hub.console.filters import FILTERS
from hub.console.page_request import once

PARTS = (
    sign_in, oidc, home, triage, inbox, replies, live, bots, tools, playground, channels, networks, embedder, knowledge,
    websites, schedules, campaigns, deliveries, insights, api_keys, webhooks, team, audit, settings, desk, factors,
    inbox_setup,
)


def mount(app: web.Application) -> None:
    """Add the console's pages to an application that has a hub, templates and passwords."""
    app[PAGES].filters.update(FILTERS)
    app[PAGES].globals["once"] = once
    for part in PARTS:
        app.router.add_routes(part.routes())
