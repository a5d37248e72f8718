"""A-61, A-62 and the account itself."""

from aiohttp import web

from hub.accounts import accounts
from hub.api.aivax.schemas.accounts import AccountEdit, AccountOut
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Route

TAG = "Accounts"


@endpoint(tag=TAG)
async def view(request: web.Request) -> AccountOut:
    """View the account."""
    return AccountOut.of(await accounts.view(request.app[HUB].db, caller(request)))


@endpoint(id="A-61", tag=TAG, says="Parameters updated successfully.")
async def edit(request: web.Request, body: AccountEdit) -> None:
    """Update the account's name and parameters."""
    given = body.parameters.model_dump(by_alias=True, exclude_unset=True)
    await accounts.edit(request.app[HUB].db, caller(request), body.name, given)


@endpoint(id="A-62", tag=TAG, says="Salt rolled successfully.")
async def roll_salt(request: web.Request) -> None:
    """Roll the salt.

    Calls to workers, functions and sources are signed with the new salt from now on.
    """
    await accounts.roll_salt(request.app[HUB].db, caller(request))


ROUTES = (
    Route("GET", "/api/v1/accounts", view),
    Route("PUT", "/api/v1/accounts", edit),
    Route("POST", "/api/v1/accounts/roll-salt", roll_salt),
)
