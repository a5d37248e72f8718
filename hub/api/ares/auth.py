"""Signing in: tokens for an e-mail address and a password."""

from math import ceil

from aiohttp import web

from hub.accounts.users import Pass
from hub.api.ares.schemas import LoginIn, RefreshIn, RegisteredOut, RegisterIn, Sentence, TokensOut
from hub.api.http.app_keys import HUB, USERS
from hub.api.http.client_address import client_ip, counted
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route
from hub.errors import TooMany

TAG = "Signing in"
TRIES, SECONDS = 10, 600.0


@endpoint(tag=TAG, auth="none", family="ares", errors=(403, 409))
async def register(request: web.Request, body: RegisterIn) -> RegisteredOut:
    """Make a user and sign in.

    Closed (403) unless `HUB_ARES_REGISTRATION=true`; an account makes its users at `/api/v1/ares/users`.
    """
    wait = await request.app[HUB].limits.take("ares-register", counted(request), TRIES, SECONDS)
    if wait > 0:
        raise TooMany(f"Too many users were made here; the next one is possible in {ceil(wait)} s.", retry_after=wait)
    made = await request.app[USERS].register(body.email, body.password, body.name)
    return RegisteredOut(user_id=made.user.id, **_tokens(made).model_dump())


@endpoint(tag=TAG, auth="none", family="ares", errors=(401,))
async def login(request: web.Request, body: LoginIn) -> TokensOut:
    """Sign in."""
    return _tokens(await request.app[USERS].login(body.email, body.password, client_ip(request)))


@endpoint(tag=TAG, auth="none", family="ares", errors=(401,))
async def refresh(request: web.Request, body: RefreshIn) -> TokensOut:
    """Exchange a refresh token for new tokens.

    Each is good once. One that comes a second time ends everything that came of the same sign-in.
    """
    return _tokens(await request.app[USERS].refresh(body.refresh_token))


@endpoint(tag=TAG, auth="none", family="ares")
async def logout(request: web.Request, body: RefreshIn) -> Sentence:
    """Sign out: the refresh tokens of this sign-in are good for nothing any more."""
    await request.app[USERS].logout(body.refresh_token)
    return Sentence(message="Logged out successfully")


def _tokens(made: Pass) -> TokensOut:
    return TokensOut(access_token=made.access, refresh_token=made.refresh, expires_in=made.seconds)


ROUTES = (
    Route("POST", "/api/auth/register", register),
    Route("POST", "/api/auth/login", login),
    Route("POST", "/api/auth/refresh", refresh),
    Route("POST", "/api/auth/logout", logout),
)
