"""Signing in and out: with a password, a link that works once, a passkey or an identity provider."""

import secrets
from typing import Any
from urllib.parse import quote

from aiohttp import web

from hub.accounts import passkeys
from hub.accounts import sign_in as signing
from hub.accounts.passkeys import Site
from hub.accounts.sign_in import Browser, Entry
from hub.api.http.app_keys import HUB, OIDC, PASSWORDS
from hub.api.http.client_address import client_ip
from hub.console.guard import COOKIE, own, read_small
from hub.console.page_request import Visit, csrf, genuine, html, operator
from hub.errors import Forbidden, HubError

# Before anybody is signed in: what keeps another site from signing a visitor in as somebody else.
BEFORE = "hub_console_before"
# Who has given the password and is asked for the second factor.
SECOND = "hub_console_second"
# Says only that somebody signed in here before, which keeps their door open while others guess.
DEVICE = "hub_console_device"
YEAR = 365 * 86_400


async def form(request: web.Request) -> web.StreamResponse:
    """GET /console/login"""
    if await operator(request, COOKIE):
        return web.Response(status=303, headers={"Location": "/console"})
    return await _page(request, "login.html", 200, next=onward(request.query.get("next", "")), words="", email="")


async def sign_in(request: web.Request) -> web.StreamResponse:
    """POST /console/login: with an address and a password, or with what a passkey signed."""
    hub, email, next = request.app[HUB], "", "/console"
    try:
        sent = await _sent(request)
        email, next = sent.get("email"), onward(sent.get("next"))
        if sent.get("credential"):
            before = request.cookies.get(BEFORE, "")
            entry = await signing.log_in_by_passkey(
                hub.db, hub.sealer, site(request), sent.get("credential"), before, browser(request)
            )
        else:
            password = (sent.fields.get("password") or [""])[-1]
            entry = await signing.log_in(hub.db, request.app[PASSWORDS], email, password, browser(request))
    except HubError as e:
        return await _page(request, "login.html", e.status, next=next, words=e.text, email=email)
    return enter(request, entry, next)


async def refused(request: web.Request, e: HubError) -> web.Response:
    """The page to sign in at, and why somebody is there again."""
    return await _page(request, "login.html", e.status, next="/console", words=e.text, email="")


async def link(request: web.Request) -> web.StreamResponse:
    """GET /console/link/{token}: a button, so that whoever only looks at links does not use it up."""
    seen = await signing.linked(request.app[HUB].db, request.match_info["token"])
    return await _page(request, "link.html", 200 if seen else 410, seen=seen, words="")


async def use_link(request: web.Request) -> web.StreamResponse:
    """POST /console/link/{token}"""
    hub = request.app[HUB]
    try:
        await _sent(request)
        entry = await signing.log_in_by_link(hub.db, hub.limits, request.match_info["token"], browser(request))
    except HubError as e:
        return await _page(request, "link.html", e.status, seen=None, words=e.text)
    return enter(request, entry, "/console")


async def second(request: web.Request) -> web.StreamResponse:
    """GET /console/second: a code, a passkey, or a recovery code."""
    return await _second(request, onward(request.query.get("next", "")), "", 200)


async def prove(request: web.Request) -> web.StreamResponse:
    """POST /console/second"""
    hub, next, token = request.app[HUB], "/console", request.cookies.get(SECOND, "")
    try:
        sent = await _sent(request)
        next = onward(sent.get("next"))
        if sent.get("credential"):
            entry = await signing.prove_by_passkey(
                hub.db, hub.sealer, site(request), token, sent.get("credential"), browser(request)
            )
        else:
            entry = await signing.prove(hub.db, hub.sealer, token, sent.get("code"), browser(request))
    except HubError as e:
        return await _second(request, next, e.text, e.status)
    return enter(request, entry, next)


async def _second(request: web.Request, next: str, words: str, status: int) -> web.StreamResponse:
    hub, token = request.app[HUB], request.cookies.get(SECOND, "")
    try:
        found = await signing.waiting(hub.db, token)
    except HubError as e:
        return await _page(request, "login.html", 401, next=next, words=e.text, email="")
    keys = await signing.keys_of(hub.db, found["id"])
    options = await passkeys.to_sign(hub.sealer, site(request), token, keys) if keys and site(request).able else ""
    return await _page(request, "second.html", status, next=next, words=words, options=options, email=found["email"])


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
        await signing.log_out(request.app[HUB].db, found[1])
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


async def _page(request: web.Request, template: str, status: int, **values: Any) -> web.Response:
    before, hub = request.cookies.get(BEFORE) or secrets.token_urlsafe(16), request.app[HUB]
    if template == "login.html":
        here = site(request)
        values["options"] = await passkeys.to_sign(hub.sealer, here, before) if here.able else ""
        values["providers"] = request.app[OIDC].names
    response = html(request, template, status, csrf=csrf(before), path=request.path, **values)
    response.set_cookie(BEFORE, before, path="/console", httponly=True, samesite="Strict", secure=secure(request))
    return response


def enter(request: web.Request, entry: Entry, next: str) -> web.Response:
    """On to the console, or to the second step."""
    over_tls = secure(request)

    def keep(name: str, value: str, seconds: float, site: str = "Lax") -> None:
        response.set_cookie(
            name, value, path="/console", max_age=int(seconds), httponly=True, samesite=site, secure=over_tls
        )

    to = f"/console/second?next={quote(next, safe='')}" if entry.more else next
    response = web.Response(status=303, headers={"Location": to, "Cache-Control": "no-store"})
    if entry.more:
        keep(SECOND, entry.token, signing.PENDING)
        return response
    keep(COOKIE, entry.token, signing.ABSOLUTE)
    keep(DEVICE, entry.device, YEAR, "Strict")
    for done in (BEFORE, SECOND):
        response.del_cookie(done, path="/console")
    return response


def browser(request: web.Request) -> Browser:
    return Browser(client_ip(request), request.cookies.get(DEVICE, "")[:100])


def site(request: web.Request) -> Site:
    """Where the browser sees the hub: its public address, or its own machine."""
    public = request.app[HUB].settings.public_url
    return Site(public or f"http://{request.host}")


def secure(request: web.Request) -> bool:
    return request.app[HUB].settings.address.startswith("https://")


def onward(path: str) -> str:
    """Where to go on: a page of the console, nothing else."""
    return path if path.startswith(("/console/", "/console?")) and "\\" not in path else "/console"


def routes() -> list[web.RouteDef]:
    return [
        web.get("/console/login", form), web.post("/console/login", sign_in),
        web.get("/console/link/{token}", link), web.post("/console/link/{token}", use_link),
        web.get("/console/second", second), web.post("/console/second", prove),
        web.post("/console/logout", sign_out),
    ]
