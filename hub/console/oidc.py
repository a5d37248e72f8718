"""Signing in at an identity provider: there, and back."""

import base64

import orjson
from aiohttp import web

from hub.accounts import sign_in as signing
from hub.api.http.app_keys import HUB, OIDC
from hub.console.page_request import HEADERS
from hub.console.sign_in import browser, enter, onward, refused, secure
from hub.errors import HubError, Setup, Unauthorized

# What was asked, until the browser comes back from the provider; sealed, so that it is ours.
ASKED = "hub_console_oidc"
PATH, PLACE, LASTS = "/console/oidc", "console.oidc", 600


async def there(request: web.Request) -> web.StreamResponse:
    """GET /console/oidc/to/{name}"""
    hub = request.app[HUB]
    try:
        to, kept = await request.app[OIDC].begin(request.match_info["name"], _back(request))
    except HubError as e:
        return await refused(request, e)
    kept["next"] = onward(request.query.get("next", ""))
    sealed = base64.urlsafe_b64encode(hub.sealer.seal(PLACE, "", orjson.dumps(kept).decode())).decode()
    response = web.Response(status=303, headers={**HEADERS, "Location": to})
    response.set_cookie(
        ASKED, sealed, path=PATH, max_age=LASTS, httponly=True, samesite="Lax", secure=secure(request)
    )
    return response


async def back(request: web.Request) -> web.StreamResponse:
    """GET /console/oidc/back: the one GET that signs somebody in; what it brings is good once, in one browser."""
    hub = request.app[HUB]
    try:
        kept = _asked(request)
        claims = await request.app[OIDC].finish(kept, request.query, _back(request))
        entry = await signing.log_in_by_identity(
            hub.db, claims.issuer, claims.subject, claims.email, kept["name"], browser(request)
        )
    except HubError as e:
        return await refused(request, e)
    response = enter(request, entry, onward(kept.get("next", "")))
    response.del_cookie(ASKED, path=PATH)
    return response


def _asked(request: web.Request) -> dict[str, str]:
    try:
        sealed = base64.urlsafe_b64decode(request.cookies.get(ASKED, "")[:4096])
        kept: dict[str, str] = orjson.loads(request.app[HUB].sealer.open(PLACE, "", sealed))
    except (Setup, ValueError):
        raise Unauthorized("This sign-in was not begun in this browser; try again.") from None
    return kept


def _back(request: web.Request) -> str:
    return f"{request.app[HUB].settings.address}{PATH}/back"


def routes() -> list[web.RouteDef]:
    return [web.get(PATH + "/to/{name}", there), web.get(PATH + "/back", back)]
