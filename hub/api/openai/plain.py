"""Chat completions that want nothing of the hub: looked through by hand and asked over the short road of
`hub/engine/plain.py`. Whatever is not plainly so goes the usual way, which also says what is wrong with it."""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web

from hub import ids
from hub.accounts.model_lookup import Entry
from hub.api.http import bounded
from hub.api.http.answer_stream import Out, attended
from hub.api.http.app_keys import BODY, CALLER, DIRECTORY, HUB, KEYRING
from hub.api.http.auth import credential
from hub.api.http.completion_chunks import Chunks, usage, words_alone
from hub.api.http.operation import Handler
from hub.api.openai import completions, road
from hub.api.openai.messages import TEXT
from hub.api.openai.question import LONGEST
from hub.api.openai.road import LIMIT, Asked
from hub.api.openai.schemas import MESSAGES, CompletionIn
from hub.domain import Caller, Json, Usage
from hub.engine import plain
from hub.engine.ask import Ask
from hub.engine.limits import ACCOUNT
from hub.engine.messages import tokens
from hub.engine.plain import Plan
from hub.engine.request_log import ALLOWED
from hub.errors import HubError
from hub.llm.begun import Begun
from hub.llm.prices import bill
from hub.llm.straight import Heard
from hub.llm.types import Prompt
from hub.runtime import Hub
from hub.store import scope

ROLES = frozenset(("system", "user", "assistant"))
SAID = {"role", "content"}
PLAN = "plan"
# Numbers that go to the model, with their least and their most.
NUMBERS: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2),
}
WHOLE = ("seed", "max_completion_tokens", "max_tokens")
EFFORT = ("reasoning_effort", "verbosity")
# Of which nothing but the conversation and its form has to be looked at.
BARE = frozenset(("model", "messages", "stream"))
KNOWN = frozenset((
    "model", "messages", "stream", "stream_options", "n", "user", "stop", "metadata", *NUMBERS, *WHOLE, *EFFORT,
))
# In the order in which the usual way puts them.
ORDER: Sequence[str] = (
    "temperature", "top_p", "seed", "stop", "max_completion_tokens", "presence_penalty", "frequency_penalty",
    *EFFORT,
)
SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Plain:
    """A request in which there is nothing but a conversation and numbers."""

    model: str
    talk: list[Json]
    options: Json
    stream: bool
    user: str | None
    metadata: Mapping[str, str]


def planned(hub: Hub, entry: Entry) -> Plan | None:
    """How the gateway is asked; worked out once for as long as the directory remembers it."""
    if PLAN not in entry.made:
        most, logged = entry.account.parameters.get(ACCOUNT), entry.account.parameters.get(ALLOWED)
        wanted = entry.gateway.slug and not logged
        entry.made[PLAN] = plain.plan_of(hub.models, hub.settings, entry.gateway, most) if wanted else None
    found: Plan | None = entry.made[PLAN]
    return found


@dataclass(frozen=True, slots=True)
class Understood:
    """A request that goes this way. prompt: put together already, where the shortest way is not taken."""

    hub: Hub
    who: Caller
    entry: Entry
    plan: Plan
    sent: Plain
    prompt: Prompt | None
    until: float


@dataclass(frozen=True, slots=True)
class Started:
    """A request that has to be looked at as any other from here on. found: what was begun of its answer; shown:
    characters of it that are out already. refused: why it may not be asked at all."""

    this: Understood
    id: UUID
    created: int
    out: Out | None = None
    found: Begun | None = None
    shown: int = 0
    refused: HubError | None = None


# One that was started before the application was asked.
STARTED = web.RequestKey("started", Started)
# Whether that found already that it goes the usual way.
USUAL = web.RequestKey("usual", bool)
# A whole answer of these bytes.
Shape = Callable[[bytes], web.StreamResponse]


def first(usual: Handler) -> Handler:
    """The endpoint with the short road before it."""
    neutral = {stream: CompletionIn(model="plain", prompt="-", stream=stream) for stream in (False, True)}

    @functools.wraps(usual)
    async def handler(request: web.Request) -> web.StreamResponse:
        handed = request.get(STARTED)
        begun: Started | web.StreamResponse
        if handed is None:
            this = None if USUAL in request else await _understood(request)
            if this is None:
                return await usual(request)
            await road.admitted(request, this.hub, this.who, this.entry)
            begun = await start(request, this, _whole, Out(request) if this.sent.stream else None)
        else:
            begun, request[CALLER] = handed, handed.this.who
            scope.enter(handed.this.who.account_id)
        if isinstance(begun, web.StreamResponse):
            return begun
        if begun.refused is not None:
            raise begun.refused
        return await completions.told(request, _asked_of(begun, neutral[begun.this.sent.stream]), begun.out)

    return handler


def _whole(body: bytes) -> web.StreamResponse:
    return web.Response(body=body, content_type="application/json")


def _asked_of(begun: Started, body: CompletionIn) -> Asked:
    this, prompt = begun.this, begun.this.prompt
    if prompt is None:
        sent = this.sent
        prompt = replace(plain.prompt_of(this.plan, sent.talk, sent.options, not sent.stream), begun=begun.found)
    return Asked(
        this.hub, this.who, this.entry, body, _ask(this), begun.id, begun.created,
        straight=(this.plan, prompt), shown=begun.shown,
    )


async def start(
    request: web.Request, this: Understood, shape: Shape, out: Out | None
) -> web.StreamResponse | Started:
    """The answer, if it is a plain one. shape: of a whole one. out: for a stream."""
    id, created = ids.uuid7(), int(time.time())
    if this.prompt is not None:
        return Started(this, id, created, out)
    name = str(id), created
    try:
        if out is not None:
            return await _streamed(request, this, name, out, Started(this, id, created, out))
        found = await _asked(request, this, name)
    except ConnectionError:
        return web.Response(status=road.GONE)
    return shape(found) if isinstance(found, bytes) else Started(this, id, created, None, found)


async def _asked(request: web.Request, this: Understood, name: tuple[str, int]) -> bytes | Begun:
    """name: the answer's id, and when it was made."""
    plan = this.plan
    assert plan.straight is not None
    messages, options = plain.question(plan, this.sent.talk, this.sent.options)
    found = await attended(request, plan.straight.ask(messages, options, plan.once, this.until))
    if isinstance(found, Begun):
        return found
    rows = bill(plan.model, found.usage)
    await road.consumed(this.hub, this.who, plan.gateway, rows)
    made = words_alone(*name, plan.model, found.text, found.finish, found.usage, rows, found.around)
    return orjson.dumps(made)


async def _streamed(
    request: web.Request, this: Understood, name: tuple[str, int], out: Out, started: Started
) -> web.StreamResponse | Started:
    """The same as a stream."""
    plan, heard = this.plan, Heard()
    assert plan.straight is not None
    messages, options = plain.question(plan, this.sent.talk, this.sent.options)
    chunks = Chunks(*name, plan.model)
    deltas = plan.straight.stream(messages, options, plan.limits, this.until, heard)

    async def said() -> None:
        async with aclosing(deltas):
            async for delta in deltas:
                await out.send(chunks.delta(delta))

    try:
        await attended(request, said(), out.keep)
    except BaseException:
        if heard.said:
            used = heard.usage or Usage(sum(map(tokens, messages)), -(-heard.size // 4))
            await road.consumed(this.hub, this.who, plan.gateway, bill(plan.model, used))
        raise
    if not heard.over or heard.usage is None:
        return replace(started, found=heard.begun, shown=heard.size)
    await road.consumed(this.hub, this.who, plan.gateway, bill(plan.model, heard.usage))
    return await out.finish(chunks.finish(heard.finish or "stop", usage(heard.usage)))


async def _understood(request: web.Request) -> Understood | None:
    """Nothing is counted, and nothing said, before it is known that the request goes this way."""
    hub = request.app[HUB]
    if not may(hub, request):
        return None
    try:
        who = await _caller(request)
        if who is None:
            return None
        request[BODY] = raw = await bounded.whole(request, LIMIT, SECONDS)
        sent = plainly(raw)
        if sent is None:
            return None
        return understood(hub, who, await request.app[DIRECTORY].find(who.account_id, sent.model), sent)
    except HubError:
        return None


def may(hub: Hub, request: web.Request) -> bool:
    """Whether nothing around the request speaks against this way."""
    headers, size = request.headers, request.content_length or 0
    if hub.tracing.on or not 0 < size <= bounded.SMALL:
        return False
    # What wants more than an answer, or another shape of it; one by one, as this is asked for each request.
    return not (
        "Idempotency-Key" in headers or "x-hub-cache" in headers or "Origin" in headers or "Content-Encoding" in headers
    )


def understood(hub: Hub, who: Caller, entry: Entry, sent: Plain) -> Understood | None:
    """The request, if its gateway wants nothing more. Raise BadRequest when it does not fit."""
    plan = planned(hub, entry)
    if plan is None:
        return None
    short = plan.straight is not None and plan.straight.ready(not sent.stream)
    prompt = None if short else plain.prompt_of(plan, sent.talk, sent.options, not sent.stream)
    return Understood(hub, who, entry, plan, sent, prompt, time.monotonic() + plan.seconds)


async def _caller(request: web.Request) -> Caller | None:
    """Who asks, with a key that may ask anything."""
    key = credential(request, True)
    if key is None:
        return None
    with scope.itself():
        who = await request.app[KEYRING].caller(key)
    if not asks_anything(who):
        return None
    request[CALLER] = who
    scope.enter(who.account_id)
    return who


def asks_anything(who: Caller) -> bool:
    """Whether nothing is to be looked at before its key asks."""
    return who.kind == "private" and who.role != "viewer" and who.limits is None and not who.models


def _ask(this: Understood) -> Ask:
    sent = this.sent
    return Ask(
        account_id=this.who.account_id, gateway=this.plan.gateway, messages=sent.talk, options=sent.options,
        external_user=sent.user, metadata=sent.metadata, deadline=this.until, retractable=False, longest=LONGEST,
        direct=True, limits=this.plan.limits,
    )


def plainly(raw: bytes) -> Plain | None:
    """The request, if every part of it is what `CompletionIn` would take as it is. Pure."""
    if b"\\u0000" in raw:
        return None
    try:
        sent = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(sent, dict) or not KNOWN.issuperset(sent):
        return None
    model, talk, stream = sent.get("model"), _talk(sent.get("messages")), sent.get("stream")
    if not isinstance(model, str) or not 0 < len(model) <= 200 or talk is None:
        return None
    if BARE.issuperset(sent) and (stream is None or stream is True or stream is False):
        return Plain(model, talk, {}, stream is True, None, {})
    options = _options(sent) if _usual(sent) else None
    if options is None:
        return None
    return Plain(model, talk, options, stream is True, sent.get("user"), sent.get("metadata") or {})


def _talk(given: Any) -> list[Json] | None:
    if not isinstance(given, list) or not 0 < len(given) <= MESSAGES:
        return None
    for one in given:
        if not isinstance(one, dict) or one.keys() != SAID:
            return None
        role, words = one["role"], one["content"]
        if not isinstance(role, str) or role not in ROLES or not isinstance(words, str) or len(words) > TEXT:
            return None
    return given


def _usual(sent: Json) -> bool:
    """Whether what goes to no model is as it is nearly always."""
    stream, counted, n = sent.get("stream"), sent.get("stream_options"), sent.get("n")
    if not (stream is None or isinstance(stream, bool)) or not (n is None or n == 1):
        return False
    if counted is not None and not (isinstance(counted, dict) and all(isinstance(v, bool) for v in counted.values())):
        return False
    user, noted = sent.get("user"), sent.get("metadata")
    if user is not None and not (isinstance(user, str) and len(user) <= 256):
        return False
    return noted is None or (isinstance(noted, dict) and all(isinstance(v, str) for v in noted.values()))


def _options(sent: Json) -> Json | None:
    """What goes to the model beside the conversation; None for what is not as it should be."""
    found: Json = {}
    for name in ORDER:
        value = sent.get(name)
        if value is None:
            continue
        if not _fits(name, value):
            return None
        found[name] = float(value) if name in NUMBERS else value
    most = sent.get("max_tokens")
    if most is not None:
        if not _fits("max_tokens", most):
            return None
        found.setdefault("max_completion_tokens", most)
    return found


def _fits(name: str, value: Any) -> bool:
    if name in NUMBERS:
        least, most = NUMBERS[name]
        return type(value) in (int, float) and least <= value <= most
    if name in WHOLE:
        return type(value) is int and (name == "seed" or value >= 1)
    if name in EFFORT:
        return isinstance(value, str) and len(value) <= 40
    listed = isinstance(value, list) and len(value) <= 64 and all(isinstance(v, str) for v in value)
    return listed or isinstance(value, str)
