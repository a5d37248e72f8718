"""The webhook receivers: who is called, then the body; verify, store, answer, then work."""

from contextlib import nullcontext
from uuid import UUID

from aiohttp import web

from channels.base import Challenged
from hub.api.http import bounded
from hub.api.http.app_keys import CROWD, HUB, RECEIVER, SPOOL
from hub.chat.inbound.webhooks import Call, Knock, Verdict
from hub.errors import Overloaded

# The largest bodies: Evolution and Z-API may put whole files into them.
LIMITS = {"evolution": 64 << 20, "zapi": 16 << 20}
LIMIT = 1 << 20
SPOOLED = {"zapi"}
SECONDS = 20.0
SOON = 1.0  # seconds in which a call is stored, or refused
# What is looked at of a call that is refused with success, and for how long.
PEEK, PEEK_SECONDS = 64 << 10, 2.0

# What each network is told: it decides whether a message survives (some never send again, some
# block a chat or pause the webhook after errors).
ANSWERS: dict[Verdict, dict[str, int]] = {
    Verdict.STORED: {"": 200},
    Verdict.REFUSED: {"": 401, "zapi": 200},
    Verdict.UNKNOWN: {"": 404, "zapi": 200},
    Verdict.CHANGING: {"": 404, "zapi": 200, "evolution": 503},
}


async def receive(request: web.Request) -> web.Response:
    """A call from a network. 200 means stored for good."""
    channel, client = _place(request)
    told = {"messaging.system": channel, "messaging.operation.type": "receive", "http.request.method": "POST"}
    with request.app[HUB].tracing.within(f"webhook {channel}", "server", told) as span:
        try:
            response = await _received(request, channel, client)
        except (Overloaded, web.HTTPServiceUnavailable):
            request.app[RECEIVER].fell_behind(client, channel)
            raise
        span.set("http.response.status_code", response.status)
        return response


async def challenged(request: web.Request) -> web.Response:
    """A network asks whether this address expects its calls (Meta does, when a webhook is registered)."""
    channel, client = _place(request)
    if not isinstance(request.app[HUB].channels[channel], Challenged):
        raise web.HTTPMethodNotAllowed("GET", ["POST"])
    call = Call(channel, client, request.match_info["secret"], {})
    answer = await request.app[RECEIVER].challenged(call, request.query)
    if answer is None:
        raise web.HTTPNotFound
    return web.Response(text=answer)


def _place(request: web.Request) -> tuple[str, UUID]:
    """Which network of which chat client is meant. Raise HTTPNotFound."""
    channel = request.match_info["channel"]
    if channel not in request.app[HUB].channels:
        raise web.HTTPNotFound
    try:
        return channel, UUID(request.match_info["client"])
    except ValueError:
        raise web.HTTPNotFound from None


async def _received(request: web.Request, channel: str, client: UUID) -> web.Response:
    crowd = request.app[CROWD]
    if channel not in SPOOLED and crowd.refuses(client):
        # Before it costs anything: what is refused must not take the time of what is stored.
        request.app[RECEIVER].fell_behind(client, channel)
        return web.Response(status=503, headers={"Retry-After": "5"})
    headers = {k.lower(): v for k, v in request.headers.items()}
    call = Call(channel, client, request.match_info["secret"], headers)
    receiver, known = request.app[RECEIVER], True
    try:
        # Strangers are looked up as well, but nobody is refused for how many they are.
        with crowd.coming(client) if receiver.remembers(call) else nullcontext():
            verdict = await receiver.admits(call)
    except Overloaded:
        if channel not in SPOOLED:
            raise
        verdict, known = Verdict.STORED, receiver.remembers(call)
    if verdict is not Verdict.STORED:
        return await _refused(request, call, verdict)
    if channel not in SPOOLED:
        _room(request)
    body = await bounded.whole(request, LIMITS.get(channel, LIMIT), SECONDS)
    return await _stored(request, Knock(channel, client, call.secret, headers, body), known)


def _room(request: web.Request) -> None:
    if (why := request.app[HUB].room.full) is not None:
        raise Overloaded(why, retry_after=60)


async def _stored(request: web.Request, knock: Knock, known: bool) -> web.Response:
    receiver, spool, spooled = request.app[RECEIVER], request.app[SPOOL], knock.channel in SPOOLED
    try:
        if not known or (spooled and spool.holds(knock.client_id)):
            raise Overloaded  # what waits on disk goes first
        _room(request)
        async with request.app[CROWD].one(knock.client_id):
            verdict = await receiver.in_time(knock, SOON)
    except Overloaded:
        if not spooled:
            raise
        receiver.fell_behind(knock.client_id, knock.channel)
        await spool.keep(knock, known)
        verdict = Verdict.STORED
    if verdict is Verdict.STORED:
        return web.Response()
    return await _refused(request, knock, verdict, knock.body)


async def _refused(request: web.Request, call: Call, verdict: Verdict, body: bytes | None = None) -> web.Response:
    """What the network is told. A call that is dropped though it is told success is remembered, in short."""
    status = ANSWERS[verdict].get(call.channel, ANSWERS[verdict][""])
    if verdict is Verdict.REFUSED and status == 200:
        if body is None:
            body = await _beginning(request)
        await request.app[RECEIVER].refused(call, body)
    response = web.Response(status=status, headers={"Retry-After": "5"} if status == 503 else {})
    if not request.content.is_eof():
        response.force_close()  # nobody waits for the rest of it
    return response


async def _beginning(request: web.Request) -> bytes:
    """As much of a body as is looked at."""
    try:
        return await bounded.whole(request, PEEK, PEEK_SECONDS)
    except web.HTTPException:
        return b""


def routes() -> list[web.RouteDef]:
    pattern = "/api/v1/webhooks/{channel:[a-z][a-z0-9_]*}/{client}/{secret}"
    # Evolution's byEvents setting appends the event's name to the path.
    asked = web.get(pattern, challenged, allow_head=False)
    return [web.post(pattern, receive), web.post(pattern + "/{event:[a-z-]+}", receive), asked]
