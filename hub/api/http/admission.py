"""Whether a request may come in: who it is, what the role allows, how much was asked already."""

from aiohttp import web

from hub.api.http import rate_limits
from hub.api.http.app_keys import CALLER, USER
from hub.api.http.auth import authenticate
from hub.api.http.client_address import counted
from hub.api.http.operation import Operation
from hub.errors import Forbidden, Unauthorized

READS = ("GET", "HEAD")


async def admit(request: web.Request, operation: Operation) -> None:
    """Note the caller on the request. Raise Unauthorized, Forbidden or TooMany."""
    family = operation.family
    try:
        await authenticate(request, operation.auth, operation.query_key)
    except (Unauthorized, Forbidden):
        # The rates are told here too, and whoever tries keys is slowed down.
        await rate_limits.count(request, family, f"ip:{counted(request)}")
        raise
    if USER in request:
        await rate_limits.count(request, family, str(request[USER].id))
        return
    who = request.get(CALLER)
    if who is None:
        await rate_limits.count(request, family, f"ip:{counted(request)}")
        return
    # A plan is the account's, however many keys it has.
    whom = who.account_id if family in rate_limits.BY_PLAN else who.key_id
    await rate_limits.count(request, family, str(whom), who.plan)
    if who.role == "viewer" and request.method not in READS:
        raise Forbidden("A key of the role viewer may only read; use a key of another role.", code="role_too_low")
