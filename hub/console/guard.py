"""The console's door: nobody comes in who is not signed in, nothing is done that another page asked for."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlsplit

from aiohttp import web

from hub.accounts.operators import Deed, allow, doing
from hub.api.http import bounded, sse, uploads
from hub.api.http.app_keys import HUB
from hub.console import sent_once
from hub.console.page_request import HEADERS, Form, Visit, genuine, operator, written
from hub.errors import Forbidden, HubError

COOKIE = "hub_console"
# Where a second factor is set up: open to whoever has none and needs one.
FACTORS = "/console/settings/sign-in"
MIB = 1 << 20
FILES = 20
# Bytes of a form without files: a document's text, encoded; and of what signs in.
FORM, SMALL = 8 * MIB, 16 << 10
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Look = Callable[[Visit], Awaitable[web.StreamResponse]]
Act = Callable[[Visit, Deed], Awaitable[web.StreamResponse]]


def look(path: str, view: Look, thing: str = "look", visit: bool = True) -> web.RouteDef:
    """A page. thing: what a role must be allowed to do in order to see it. visit: whether somebody asks for it; what a
    page asks for by itself keeps nobody signed in."""

    async def handler(request: web.Request) -> web.StreamResponse:
        found = await operator(request, COOKIE, visit)
        if found is None:
            return to_login(request)
        seen = Visit(request, *found)
        try:
            if seen.who.unproved and path != FACTORS:
                return seen.to(FACTORS, "This account asks for a second factor; set one up to go on.")
            allow(seen.who, thing)
            return await view(seen)
        except HubError as e:
            return await seen.refused(e)

    return web.get(path, handler)


def act(path: str, action: str, view: Act, repeats: bool = False) -> web.RouteDef:
    """A form. action: what is done, for the role it takes and for the audit log. repeats: done again by the same name
    (`Visit.once`) it goes on where it stopped."""

    async def done(visit: Visit) -> web.StreamResponse:
        object = next(iter(visit.request.match_info.values()), None)

        async def work() -> web.StreamResponse:
            async with doing(visit.db, visit.who, action, object) as deed:
                deed.named(visit.once)
                return await view(visit, deed)

        return await sent_once.answer(visit, work, repeats)

    return _sent(path, action.partition(".")[0], done)


def mark(path: str, view: Look) -> web.RouteDef:
    """What a page says by itself of whoever looks at it: for every role, and in no log."""
    return _sent(path, "look", view)


def _sent(path: str, thing: str, done: Look) -> web.RouteDef:
    async def handler(request: web.Request) -> web.StreamResponse:
        found = await operator(request, COOKIE)
        if found is None:
            return to_login(request)
        visit = Visit(request, *found)
        try:
            own(request)
            if visit.who.unproved and not path.startswith(FACTORS):
                raise Forbidden("This account asks for a second factor; set one up first.", code="second_factor")
            allow(visit.who, thing)
            visit.form = await read(request)
            if not genuine(visit.token, visit.form.get("csrf")):
                raise Forbidden("This form is not of this session; reload the page and try again.", code="csrf")
            return await done(visit)
        except HubError as e:
            return await visit.refused(e)

    return web.post(path, handler)


def to_login(request: web.Request) -> web.Response:
    if request.path == "/console/events":
        # A stream that ends is asked for again, unless it is told not to.
        return web.Response(body=sse.encode(sse.Named("ended")), headers={**HEADERS, **sse.HEADERS})
    if request.headers.get("HX-Request") == "true":
        # The page stays, with what was typed in it, and says how to go on.
        where = urlsplit(request.headers.get("HX-Current-URL") or "/console")
        place = quote(where.path + (f"?{where.query}" if where.query else ""), safe="")
        words = written(request, "signed_out.html", next=place)
        told = {"HX-Retarget": "#said", "HX-Reswap": "innerHTML"}
        return web.Response(status=401, text=words, content_type="text/html", headers={**HEADERS, **told})
    asked = request.method in ("GET", "HEAD") and request.path != "/console"
    wanted = f"?next={quote(request.path_qs, safe='')}" if asked else ""
    return web.Response(status=303, headers={**HEADERS, "Location": f"/console/login{wanted}"})


def own(request: web.Request) -> None:
    """Raise Forbidden unless the browser says that a page of ours sends this."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    # Browsers without Sec-Fetch-Site send Origin with every form.
    other = site != "same-origin" if site else bool(origin) and urlsplit(origin or "").netloc != request.host
    if other:
        raise Forbidden("This form was sent from another site.", code="csrf")


async def read(request: web.Request) -> Form:
    """The form of a request: urlencoded, or with files."""
    if request.content_type.startswith("multipart/"):
        limit = request.app[HUB].settings.upload_limit_mb * MIB
        found = await uploads.form(request, FILES, limit, 5 * limit)
        return Form({k: [v] for k, v in found.fields.items()}, [f for f in found.files if f.name and f.content])
    return Form(await bounded.urlencoded(request, FORM))


async def read_small(request: web.Request) -> Form:
    """The form of somebody who is not signed in."""
    return Form(await bounded.urlencoded(request, SMALL))
