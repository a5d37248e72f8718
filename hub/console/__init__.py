"""The operators' console: server-rendered pages over the same services as the APIs."""

from aiohttp import web

from hub.api.http.app_keys import PAGES
from hub.console import (
    actions,
    api_keys,
    audit,
    bots,
    campaigns,
    channels,
    conversations,
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
    notices,
    oidc,
    playground,
    replies,
    samples,
    schedules,
    script_words,
    settings,
    sign_in,
    start,
    team,
    templates,
    tools,
    triage,
    webhooks,
    websites,
)
from hub.console.filters import FILTERS
from hub.console.page_request import once

PARTS = (
    sign_in, oidc, home, templates, triage, inbox, conversations, replies, live, script_words, bots, tools, playground,
    channels, networks, embedder, knowledge, websites, schedules, campaigns, deliveries, insights, actions, api_keys,
    webhooks, team, audit, settings, desk, factors, inbox_setup, notices, samples, start,
)


def mount(app: web.Application) -> None:
    """Add the console's pages to an application that has a hub, templates and passwords."""
    app[PAGES].filters.update(FILTERS)
    app[PAGES].globals["once"] = once
    for part in PARTS:
        app.router.add_routes(part.routes())
