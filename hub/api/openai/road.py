"""The one road from a request of any door to the model: who asks, what it costs, what is logged. Doors translate at
its two ends: into a `CompletionIn`, and out of an `Answer` or the pieces of one."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import ValidationError

from hub import ids, schemas
from hub.accounts import balance, key_limits
from hub.accounts.model_lookup import Entry
from hub.api.http import rate_limits
from hub.api.http.answer_stream import Out, attended
from hub.api.http.app_keys import BROKEN, DIRECTORY, HELD, HUB, caller
from hub.api.http.bounded import SMALL
from hub.api.openai.limits import limit_in
from hub.api.openai.question import ask_of
from hub.api.openai.refusing import told
from hub.api.openai.remembering import CACHE, remembering
from hub.api.openai.schemas import CompletionIn
from hub.chat.content import link
from hub.chat.turns.dialogs import Dialog
from hub.domain import Caller, Gateway, Json
from hub.engine import plain, request_log
from hub.engine.answer import answer
from hub.engine.ask import Answer, Ask, Sink
from hub.engine.plain import Plan
from hub.errors import Forbidden, HubError, NotFound, Upstream
from hub.llm.finish import FINAL
from hub.llm.types import Delta, Prompt
from hub.pydantic_base import invalid
from hub.runtime import Hub

log = logging.getLogger(__name__)

T = TypeVar("T")
LIMIT = 32 << 20
GONE = 499
ROUTED = "X-Model-Routed-Complexity"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was understood. uid: of what is made, `id` the same as text. straight: how it is asked where it
    wants nothing else of the hub. shown: characters of the answer that went out already."""

    hub: Hub
    who: Caller
    entry: Entry
    body: CompletionIn
    ask: Ask
    uid: UUID
    created: int
    thread: Dialog | None = None
    straight: tuple[Plan, Prompt] | None = None
    shown: int = 0

    @property
    def id(self) -> str:
        return str(self.uid)

    @property
    def more(self) -> dict[str, str]:
        return {"thread_id": self.thread.name} if self.thread else {}

    @property
    def model(self) -> str:
        """The model that answers, as far as it is known."""
        return self.ask.trace.model or str(self.ask.gateway.parameters["modelName"])

    def json_alone(self, made: Answer) -> bool:
        """Whether the answer is the JSON and nothing around it; a refusal, or nothing at all, is no JSON."""
        said = made.text or not (made.refusal or made.beside or made.finish in FINAL)
        return bool(self.body.json_only and not made.tool_calls and said and made.withheld is None)

    @property
    def headers(self) -> dict[str, str]:
        trace = self.ask.trace
        return {n: v for n, v in ((ROUTED, trace.complexity), (CACHE, trace.cache)) if v}


class Events(Protocol):
    """How a door says the pieces of an answer."""

    def delta(self, said: Delta) -> bytes: ...
    def end(self, made: Answer) -> bytes: ...
    def error(self, e: HubError) -> bytes: ...


# What a door does with a whole answer before it is given.
After = Callable[[Answer], Awaitable[None]]


def translated(**fields: Any) -> CompletionIn:
    """A request of another door as a completion request. Raise Invalid naming the field."""
    try:
        return CompletionIn.model_validate({k: v for k, v in fields.items() if v is not None})
    except ValidationError as e:
        raise invalid(e) from None


async def beside(request: web.Request, work: Callable[..., T], *args: Any) -> T:
    """Translate a request: a large one beside the loop, so that nobody else waits for it."""
    return work(*args) if request.get(HELD, 0) <= SMALL else await asyncio.to_thread(work, *args)


async def found(request: web.Request, model: str) -> Entry:
    """The model or gateway that a key may use. Raise NotFound or Forbidden."""
    who = caller(request)
    entry = await request.app[DIRECTORY].find(who.account_id, model, who.kind == "public")
    if who.models and entry.gateway.id not in who.models:
        raise Forbidden("This key may not use that gateway.", field="model", code="model_refused")
    key_limits.may_ask(who.limits, model, str(entry.gateway.id), entry.gateway.slug)
    return entry


async def entered(request: web.Request, body: CompletionIn) -> Asked:
    """The request, if its key, its rates and its balance let it in. Raise Forbidden, NotFound, PaymentRequired,
    TooMany or Invalid."""
    hub, who = request.app[HUB], caller(request)
    await _counted(request, hub, who)
    entry = await found(request, body.model)
    await _let_in(request, hub, who, entry)
    if body.response_schema is not None or body.response_format is not None:
        await schemas.ready()
    ask = ask_of(hub.settings, who, entry.gateway, body, entry.account.parameters)
    ask = remembering(request, who, ask)
    return Asked(hub, who, entry, body, ask, ids.uuid7(), int(time.time()))


async def admitted(request: web.Request, hub: Hub, who: Caller, entry: Entry) -> None:
    """The same for a request that was understood already, where no application is asked too."""
    await _counted(request, hub, who)
    await _let_in(request, hub, who, entry)


async def _counted(request: web.Request, hub: Hub, who: Caller) -> None:
    if request.path.startswith("/v1/"):
        # The row G-01 of AresGen, whose limit holds for a plain completion too.
        await rate_limits.count_in(hub, request, "aresgen", str(who.key_id), who.plan)


async def _let_in(request: web.Request, hub: Hub, who: Caller, entry: Entry) -> None:
    balance.check(hub.settings, entry.account.balance)
    model = hub.models.entry(entry.gateway, str(entry.gateway.parameters["modelName"]))
    await limit_in(hub, request, who, model.badges if model else ())


async def given(asked: Asked, work: Awaitable[web.StreamResponse]) -> web.StreamResponse:
    """The answer of a door; a refusal is logged, and told as its caller may hear it."""
    try:
        return await work
    except ConnectionError:
        return web.Response(status=GONE)
    except HubError as e:
        raise await refused(asked, e) from e


async def refused(asked: Asked, e: HubError) -> HubError:
    """The refusal as it is told; it is logged."""
    if not isinstance(e, NotFound):
        await request_log.failed(asked.hub, asked.who, asked.ask, e, asked.entry.account)
    return told(asked.who, e) if isinstance(e, Upstream) else e


async def streamed(
    request: web.Request, asked: Asked, events: Events, after: After | None = None
) -> web.StreamResponse:
    """The answer as a stream; an error before anything was said is raised."""
    out = Out(request, headers=lambda: asked.headers)

    async def say(delta: Delta) -> None:
        await out.send(events.delta(delta))

    try:
        made = await answered(request, asked, say, out.keep, after)
    except HubError as e:
        if out.response is None:
            raise
        return await broken(request, asked, e, out, events)
    return await out.finish(events.end(made))


async def broken(
    request: web.Request, asked: Asked, e: HubError, out: Out, events: Events
) -> web.StreamResponse:
    """The end of a stream that has begun and cannot go on."""
    log.warning("stream %s ended with an error: %s", asked.id, e)
    request[BROKEN] = True
    await out.send(events.error(await refused(asked, e)))
    assert out.response is not None
    return out.response


def files(asked: Asked, made: Answer) -> Json:
    """What tools made for the caller: pictures as pictures, the rest by name and address."""
    address = asked.hub.settings.address
    shown: list[Json] = []
    others: list[Json] = []
    for a in made.files:
        if a.get("token") and a.get("media") == "image":
            shown.append({"type": "image_url", "image_url": {"url": link(a, address)}})
        elif a.get("token"):
            facts = {n: a.get(n) for n in ("name", "mime", "size")}
            others.append({**facts, "url": link(a, address)})
    return {n: v for n, v in (("images", shown), ("files", others)) if v}


async def answered(
    request: web.Request, asked: Asked, sink: Sink | None, keep: Callable[[], Awaitable[None]] | None = None,
    after: After | None = None,
) -> Answer:
    """The answer. What it consumed is written, also when it fails or its caller leaves. after: what is done with it
    before it is given; it raises NotFound when what it belongs to was deleted meanwhile."""
    try:
        made = await attended(request, _made(asked, sink), keep)
    except (HubError, ConnectionError, asyncio.CancelledError):
        await _record(asked, None)
        raise
    await _record(asked, made)
    if after is not None:
        try:
            await after(made)
        except NotFound:
            # Deleted meanwhile: what was written of it since goes too.
            await request_log.forget(asked.hub.db, asked.who.account_id, asked.ask)
            raise
    return made


def _made(asked: Asked, sink: Sink | None) -> Coroutine[Any, Any, Answer]:
    if asked.straight is None:
        return answer(asked.hub, asked.ask, sink)
    return plain.answer(asked.hub, *asked.straight, asked.ask, sink)


async def _record(asked: Asked, made: Answer | None) -> None:
    """Write what it consumed; the answer is given even when that fails."""
    ask = asked.ask
    billed = made.billed if made else ask.trace.ledger.billed(asked.hub.models, ask.gateway)
    if asked.straight is not None:
        await consumed(asked.hub, asked.who, ask.gateway, billed)
        return  # its account keeps no log of conversations
    gateway = ask.gateway.id if ask.gateway.slug else None
    try:
        await asked.hub.meter.add(asked.who.account_id, billed, key=asked.who.key_id, gateway=gateway)
        if made is not None:
            await request_log.answered(asked.hub, asked.who, ask, made, asked.entry.account)
    except HubError as e:
        log.error("usage of account %s was not written: %s", asked.who.account_id, e)


async def consumed(hub: Hub, who: Caller, gateway: Gateway, billed: list[Json]) -> None:
    """Write what an answer to a key without a budget consumed; behind it, unless a balance is to be checked next."""
    if not hub.settings.billing:
        hub.meter.later(who.account_id, billed, key=who.key_id, gateway=gateway.id)
        return
    try:
        await hub.meter.add(who.account_id, billed, key=who.key_id, gateway=gateway.id)
    except HubError as e:
        log.error("usage of account %s was not written: %s", who.account_id, e)
