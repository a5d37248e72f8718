"""All twins on one port: the provider APIs, the control endpoints and the phone."""

import time
from collections.abc import AsyncIterator, Callable, Mapping

from aiohttp import web

from channels.twins import page
from channels.twins.cloud import CloudTwin
from channels.twins.control import Control, explain
from channels.twins.evolution import EvolutionTwin
from channels.twins.faults import Fault, Faults, Handler, strike
from channels.twins.kapso import KapsoTwin
from channels.twins.options import Options
from channels.twins.replies import Body, Reply, read_body
from channels.twins.state import State
from channels.twins.telegram import TelegramTwin
from channels.twins.twin import Twin
from channels.twins.webhook import WebhookTwin
from channels.twins.webhooks import Hooks
from channels.twins.zapi import ZapiTwin

__all__ = ["STATE", "Options", "build"]
LARGEST = 110 * 1024 * 1024
STATE = web.AppKey("twins_state", State)


def build(options: Options | None = None) -> web.Application:
    """The application; it delivers webhooks as soon as it runs."""
    state = State(options or Options())
    faults = Faults()
    hooks = Hooks(state, faults)
    twins = _twins(state, hooks)
    control = Control(state, faults, hooks, twins)
    app = web.Application(client_max_size=LARGEST, middlewares=[explain])
    app[STATE] = state
    app.add_routes(page.routes())
    app.add_routes(control.routes())
    app.router.add_get("/media/{id}/{name}", state.files.serve)
    api = Api(state, faults, twins)
    for name in twins:
        app.router.add_route("*", f"/{name}/{{path:.*}}", api.handler(name))

    async def run(_: web.Application) -> AsyncIterator[None]:
        await hooks.open()
        yield
        await state.close()
        await hooks.close()

    async def end(_: web.Application) -> None:
        state.publish("end", {})

    app.cleanup_ctx.append(run)
    app.on_shutdown.append(end)
    return app


def _twins(state: State, hooks: Hooks) -> dict[str, Twin]:
    kinds: Mapping[str, Callable[[State, Hooks], Twin]] = {
        "telegram": TelegramTwin,
        "zapi": ZapiTwin,
        "evolution": EvolutionTwin,
        "kapso": KapsoTwin,
        "cloud": CloudTwin,
        "webhook": WebhookTwin,
    }
    return {n: kinds[n](state, hooks) for n in state.options.networks}


class Api:
    """The way of every API call: logged, struck by a fault or not, handled."""

    def __init__(self, state: State, faults: Faults, twins: Mapping[str, Twin]) -> None:
        self._state = state
        self._faults = faults
        self._twins = twins

    def handler(self, name: str) -> Handler:
        """For one network."""

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(self._twins[name], request)

        return handle

    async def _handle(self, twin: Twin, request: web.Request) -> web.StreamResponse:
        if not self._state.options.base_url:
            self._state.origin = str(request.url.origin())
        started = time.perf_counter()
        path = request.match_info["path"]
        body = await read_body(request)
        entry = {
            "id": self._state.number(),
            "network": twin.name,
            "at": time.time(),
            "method": request.method,
            "path": request.path_qs,
            "headers": {f"{k}": v for k, v in request.headers.items()},
            "body": body.shown(),
            "status": None,
            "fault": None,
            "ms": None,
        }
        self._state.calls.append(entry)
        try:
            answer = await self._answer(twin, request, path, body, entry)
        finally:
            entry["ms"] = round((time.perf_counter() - started) * 1000, 2)
        entry["status"] = answer.status
        shown = {k: entry[k] for k in ("id", "network", "method", "path", "status", "ms", "at")}
        self._state.publish("call", shown)
        return answer

    async def _answer(
        self, twin: Twin, request: web.Request, path: str, body: Body, entry: dict[str, object]
    ) -> web.StreamResponse:
        async def handler(_: web.Request) -> web.StreamResponse:
            return (await twin.handle(request, path, body)).response()

        fault = self._faults.take(twin.name, "api", path)
        if fault is None:
            return await handler(request)
        entry["fault"] = {"drop": fault.drop, "error": fault.error, "status": fault.status}
        return await strike(fault, _reply(twin, fault, path), request, handler)


def _reply(twin: Twin, fault: Fault, path: str) -> Reply | None:
    if fault.retry_after is not None:
        return twin.limited(fault.retry_after, path)
    if fault.error:
        return twin.error(fault.error, path)
    if fault.status:
        return Reply(fault.status, fault.body, fault.headers)
    return None
