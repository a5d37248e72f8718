"""The operators' console: server-rendered pages over the same services as the APIs."""

from aiohttp import web

from hub.api.http.app_keys import PAGES
from hub.chat.operators.cards import Cards
from hub.console import (
    actions,
    api_keys,
    audit,
    bots,
    campaigns,
    channels,
    contact_setup,
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
    later,
    live,
    mails,
    networks,
    notices,
    oidc,
    person,
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
    sign_in, oidc, home, templates, triage, inbox, later, person, conversations, replies, live, script_words, bots,
    tools, playground, channels, networks, embedder, knowledge, websites, schedules, campaigns, deliveries, insights,
    actions, api_keys, webhooks, team, audit, settings, desk, factors, inbox_setup, contact_setup, notices, mails,
    samples, start,
)


def mount(app: web.Application) -> None:
    """Add the console's pages to an application that has a hub, templates and passwords."""
    app[PAGES].filters.update(FILTERS)
    app[PAGES].globals["once"] = once
    app[person.CARDS] = Cards()
    for part in PARTS:
        app.router.add_routes(part.routes())
