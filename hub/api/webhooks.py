"""The webhook receivers: verify, store, answer, then work."""

import logging
from uuid import UUID

from aiohttp import web

from hub.api.http.app_keys import RECEIVER, SPOOL
from hub.chat.inbound.webhooks import Knock, Verdict
from hub.errors import Overloaded

log = logging.getLogger(__name__)

# Larger than the application's limit: Evolution and Z-API may put whole files into the body.
LIMITS = {"evolution": 64 << 20, "zapi": 16 << 20}
SPOOLED = {"zapi"}

# What each network is told: it decides whether a message survives (some never send again, some
# block a chat or pause the webhook after errors).
ANSWERS: dict[Verdict, dict[str, int]] = {
    Verdict.STORED: {},
    Verdict.REFUSED: {"telegram": 401, "evolution": 401, "kapso": 401},
    Verdict.UNKNOWN: {"telegram": 404, "evolution": 404, "kapso": 404},
    Verdict.CHANGING: {"telegram": 404, "evolution": 503, "kapso": 404},
}
REASONS = {
    Verdict.REFUSED: "wrong secret or signature",
    Verdict.UNKNOWN: "no such integration",
    Verdict.CHANGING: "no such integration",
}


async def receive(request: web.Request) -> web.Response:
    """A call from a network. 200 means stored for good."""
    channel = request.match_info["channel"]
    try:
        client_id = UUID(request.match_info["client"])
    except ValueError:
        raise web.HTTPNotFound from None
    headers = {k.lower(): v for k, v in request.headers.items()}
    limit = LIMITS.get(channel)
    body = await (request.clone(client_max_size=limit) if limit else request).read()
    knock = Knock(channel, client_id, request.match_info["secret"], headers, body)
    receiver, spool = request.app[RECEIVER], request.app[SPOOL]
    try:
        if not spool.empty:
            await spool.drain(receiver.receive)  # what waited on disk goes first
        verdict = await receiver.receive(knock)
        status = ANSWERS[verdict].get(channel, 200)
        if verdict != Verdict.STORED and status == 200:
            await receiver.refuse(knock, REASONS[verdict])
    except Overloaded:
        if channel not in SPOOLED:
            raise
        await spool.keep(knock)
        status = 200
    headers_out = {"Retry-After": "5"} if status == 503 else {}
    return web.Response(status=status, headers=headers_out)


def routes() -> list[web.RouteDef]:
    pattern = "/api/v1/webhooks/{channel:telegram|zapi|evolution|kapso}/{client}/{secret}"
    # Evolution's byEvents setting appends the event's name to the path.
    return [web.post(pattern, receive), web.post(pattern + "/{event:[a-z-]+}", receive)]
