"""The web application: one flat table of routes behind one middleware."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from weakref import WeakSet

from aiohttp import web

from hub import console
from hub.accounts.keys import Keyring
from hub.accounts.model_lookup import Directory
from hub.accounts.oidc import Oidc
from hub.accounts.passwords import Passwords
from hub.accounts.users import Users
from hub.api import (
    aivax,
    ares,
    aresgen,
    characters,
    chat,
    embed,
    hosted,
    launcher,
    manual,
    mcp,
    notify,
    openai,
    pages,
    problems,
    transcripts,
    webhooks,
)
from hub.api.http import app_keys, assets, docs, middleware
from hub.api.http.background import Errands
from hub.api.http.budget import Budget
from hub.api.http.operation import Route
from hub.api.http.page_language import Pages
from hub.api.http.stream_limits import Streams
from hub.chat.inbound.alone import Alone
from hub.chat.inbound.backlogs import Backlogs, bounds
from hub.chat.inbound.crowd import Crowd
from hub.chat.inbound.folding import Folder, keep_looking
from hub.chat.inbound.intake import Intake
from hub.chat.inbound.journal import Journal
from hub.chat.inbound.spool import Spool
from hub.chat.inbound.webhooks import Knock, Receiver
from hub.chat.website.transcript_files import Press
from hub.errors import Overloaded
from hub.runtime import Hub
from hub.store import health
from hub.store.api_request_log import RequestLog
from hub.task_groups import end
from hub.translations import ENGLISH

ROUTES: tuple[Route, ...] = (*aivax.ROUTES, *openai.ROUTES, *ares.ROUTES, *aresgen.ROUTES, *characters.ROUTES)


def build_app(hub: Hub, intake: Intake) -> web.Application:
    """All doors over one open hub."""
    app = web.Application(middlewares=[middleware.guard], client_max_size=1 << 20)
    app[app_keys.HUB] = hub
    app[app_keys.INTAKE] = intake
    backlogs = Backlogs(bounds(hub.settings.waiting_calls, hub.settings.waiting_seconds))
    app[app_keys.FOLDER] = folder = Folder(hub, intake, backlogs)
    app[app_keys.JOURNAL] = journal = Journal(hub, backlogs, folder.tell)
    app[app_keys.ALONE] = alone = Alone(hub, intake, backlogs, folder.tell)
    app[app_keys.RECEIVER] = Receiver(hub, intake, journal, alone)
    app.cleanup_ctx.append(_fold)
    app[app_keys.CROWD] = Crowd()
    app.cleanup_ctx.append(_drain)
    app[app_keys.SPOOL] = Spool(hub.settings.home / "spool", lambda: hub.room.spare)
    app[app_keys.KEYRING] = Keyring(hub.db)
    app[app_keys.PASSWORDS] = passwords = Passwords()
    app[app_keys.OIDC] = Oidc(hub.settings, hub.trusted)
    app[app_keys.USERS] = Users(hub.db, hub.sealer, passwords, hub.settings)
    app[app_keys.DIRECTORY] = Directory(hub)
    app[app_keys.ERRANDS] = errands = Errands()
    app.on_cleanup.append(errands.close)
    app[app_keys.STREAMS] = Streams()
    app[app_keys.BUDGET] = Budget(hub.settings.bodies_mb << 20)
    app[app_keys.PAGES] = plain = docs.environment(hub.catalogues.of(ENGLISH))
    app[app_keys.SPOKEN] = Pages(plain, docs.environment, hub.catalogues)
    app[app_keys.PRESS] = Press()
    app[app_keys.REQUEST_LOG] = RequestLog(hub.db)
    app.cleanup_ctx.append(_log)
    app[app_keys.SOCKETS] = WeakSet()
    app.on_shutdown.append(aresgen.close)
    assets.mount(app)
    for route in in_order(ROUTES):
        app.router.add_route(route.method, route.path, route.handler)
    for one in (webhooks, pages, notify, chat, transcripts, launcher, hosted, problems, embed, manual):
        app.router.add_routes(one.routes())
    console.mount(app)
    mcp.mount(app)
    app.router.add_routes(docs.routes(ROUTES, hub.settings.address))
    _answer_heads(app)
    app.on_response_prepare.append(middleware.headers)
    return app


def _answer_heads(app: web.Application) -> None:
    """HEAD wherever GET is; what would be streamed ends with its headers."""
    for resource in app.router.resources():
        taken = {route.method: route for route in resource}
        if isinstance(resource, web.Resource) and "GET" in taken and not {"HEAD", "*"} & set(taken):
            resource.add_route("HEAD", taken["GET"].handler)


async def _log(app: web.Application) -> AsyncIterator[None]:
    """Write the log of requests for as long as the application serves."""
    writing = asyncio.create_task(app[app_keys.REQUEST_LOG].run())
    yield
    await end([writing])
    await app[app_keys.REQUEST_LOG].flush()


async def _fold(app: web.Application) -> AsyncIterator[None]:
    """Fold what a process that died has left; at the end, what is begun."""
    looking = asyncio.create_task(keep_looking(app[app_keys.FOLDER]))
    yield
    await end([looking])
    await app[app_keys.JOURNAL].close()
    await app[app_keys.ALONE].close()
    await app[app_keys.FOLDER].close()


async def _drain(app: web.Application) -> AsyncIterator[None]:
    """Take what waits on disk for as long as the application serves."""
    receiver, hub = app[app_keys.RECEIVER], app[app_keys.HUB]

    async def take(knock: Knock) -> None:
        if hub.room.full is not None:
            raise Overloaded(hub.room.full)  # it waits in what is left
        await receiver.kept(knock)

    async def alive() -> bool:
        return hub.room.full is None and await health.ping(hub.db)

    async def aside(knock: Knock) -> None:
        await receiver.set_aside(knock, "could not be stored, however often it was tried")

    draining = asyncio.create_task(app[app_keys.SPOOL].run(take, alive, aside))
    yield
    await end([draining])


def in_order(routes: Iterable[Route]) -> list[Route]:
    """Fixed paths before those with variables, so that no variable takes a fixed path's name."""
    return sorted(routes, key=lambda r: [("{" in part, part) for part in r.path.split("/")])
