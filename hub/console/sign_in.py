"""Signing in and out: with a password, or with a link that works once."""

import secrets
from typing import Any

from aiohttp import web

from hub.accounts import operators
from hub.api.http.app_keys import HUB, PASSWORDS
from hub.api.http.client_address import counted
from hub.console.guard import COOKIE, own, read_small
from hub.console.page_request import Visit, csrf, genuine, html, operator
from hub.errors import Forbidden, HubError

# Before anybody is signed in: what keeps another site from signing a visitor in as somebody else.
BEFORE = "hub_console_before"


async def form(request: web.Request) -> web.StreamResponse:
    """GET /console/login"""
    if await operator(request, COOKIE):
        return web.Response(status=303, headers={"Location": "/console"})
    return _page(request, "login.html", 200, next=_next(request.query.get("next", "")), words="", email="")


async def sign_in(request: web.Request) -> web.StreamResponse:
    """POST /console/login"""
    hub, email, onward = request.app[HUB], "", "/console"
    try:
        sent = await _sent(request)
        email, onward = sent.get("email"), _next(sent.get("next"))
        password = (sent.fields.get("password") or [""])[-1]
        token = await operators.log_in(
            hub.db, request.app[PASSWORDS], hub.limits, email, password, counted(request)
        )
    except HubError as e:
        return _page(request, "login.html", e.status, next=onward, words=str(e), email=email)
    return _enter(request, token, onward)


async def link(request: web.Request) -> web.StreamResponse:
    """GET /console/link/{token}: a button, so that whoever only looks at links does not use it up."""
    seen = await operators.linked(request.app[HUB].db, request.match_info["token"])
    return _page(request, "link.html", 200 if seen else 410, seen=seen, words="")


async def use_link(request: web.Request) -> web.StreamResponse:
    """POST /console/link/{token}"""
    hub = request.app[HUB]
    try:
        await _sent(request)
        token = await operators.log_in_by_link(hub.db, hub.limits, request.match_info["token"], counted(request))
    except HubError as e:
        return _page(request, "link.html", e.status, seen=None, words=str(e))
    return _enter(request, token, "/console")


async def sign_out(request: web.Request) -> web.StreamResponse:
    """POST /console/logout"""
    found = await operator(request, COOKIE)
    if found is not None:
        try:
            own(request)
            sent = await read_small(request)
            if not genuine(found[1], sent.get("csrf")):
                raise Forbidden("This form is not of this session; reload the page and try again.", code="csrf")
        except HubError as e:
            return await Visit(request, *found).refused(e)
        await operators.log_out(request.app[HUB].db, found[1])
    response = web.Response(status=303, headers={"Location": "/console/login", "Clear-Site-Data": '"cache"'})
    response.del_cookie(COOKIE, path="/console")
    return response


async def _sent(request: web.Request) -> Any:
    own(request)
    sent = await read_small(request)
    before = request.cookies.get(BEFORE, "")
    if not before or not genuine(before, sent.get("csrf")):
        raise Forbidden("The page was open for too long; try again.", code="csrf")
    return sent


def _page(request: web.Request, template: str, status: int, **values: Any) -> web.Response:
    before = request.cookies.get(BEFORE) or secrets.token_urlsafe(16)
    response = html(request, template, status, csrf=csrf(before), path=request.path, **values)
    response.set_cookie(BEFORE, before, path="/console", httponly=True, samesite="Strict", secure=_secure(request))
    return response


def _enter(request: web.Request, token: str, onward: str) -> web.Response:
    response = web.Response(status=303, headers={"Location": onward, "Cache-Control": "no-store"})
    response.set_cookie(
        COOKIE, token, path="/console", max_age=int(operators.ABSOLUTE), httponly=True, samesite="Lax",
        secure=_secure(request),
    )
    response.del_cookie(BEFORE, path="/console")
    return response


def _secure(request: web.Request) -> bool:
    return request.app[HUB].settings.address.startswith("https://")


def _next(path: str) -> str:
    """Where to go on: a page of the console, nothing else."""
    return path if path.startswith(("/console/", "/console?")) and "\\" not in path else "/console"


def routes() -> list[web.RouteDef]:
    return [
        web.get("/console/login", form), web.post("/console/login", sign_in),
        web.get("/console/link/{token}", link), web.post("/console/link/{token}", use_link),
        web.post("/console/logout", sign_out),
    ]


