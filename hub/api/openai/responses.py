"""The Responses API: answers that are kept and gone on from. Over the same road as chat completions."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson
from aiohttp import web

from hub import ids
from hub.accounts.model_lookup import Entry
from hub.api.http.app_keys import HUB, SUBJECT, UNKNOWN, caller
from hub.api.http.endpoint import endpoint
from hub.api.openai import response_input, response_tools, road, thoughts
from hub.api.openai.limits import limit
from hub.api.openai.response_output import Making, Shown
from hub.api.openai.response_schemas import (
    ItemList,
    ItemsQuery,
    KeptQuery,
    ResponseDeleted,
    ResponseIn,
    ResponseOut,
    ResponseTokens,
)
from hub.api.openai.response_tools import Tools
from hub.api.openai.road import LIMIT, Asked
from hub.api.openai.schemas import CompletionIn
from hub.domain import Caller, Gateway, Json
from hub.engine import messages as chat_messages
from hub.engine import responses
from hub.engine.ask import Answer, Ask
from hub.engine.responses import PREFIX, Line
from hub.errors import BadRequest, Forbidden, HubError, Invalid
from hub.llm.reading import with_beside
from hub.llm.types import Delta
from hub.runtime import Hub

TAG = "Inference"
# Codex offers web_search to every provider, whatever it is told of it.
ORIGINATOR, CODEX = "originator", "codex"


@dataclass(frozen=True, slots=True)
class _Question:
    """What was understood of a request. line: what it goes on from; None: it is not kept. items: as they are kept."""

    asked: Asked
    shown: Shown
    line: Line | None
    items: list[Json]
    talk: list[Json]


@endpoint(
    tag=TAG, auth="public", limit=LIMIT, seconds=60, produces="text/event-stream",
    errors=(402, 404, 413, 422, 429, 502, 503), idempotent=True,
)
async def create(request: web.Request, body: ResponseIn) -> ResponseOut | web.StreamResponse:
    """Create a response.

    OpenAI's Responses API over any AI gateway or model. With `stream` it comes as the documented events. Responses are
    kept for the key that asked (`store: false`, and public keys, keep nothing): `previous_response_id` goes on from
    one, an `item_reference` names an item of one. `tools` are functions, custom tools without a grammar, and
    namespaces of them; `web_search` and `image_generation` where the server or the gateway has them. What the server
    cannot act on is refused by its name.
    """
    question = await _understood(request, body)
    return await road.given(question.asked, (_streamed if body.stream else _whole)(request, question))


@endpoint(tag=TAG, auth="public", limit=LIMIT, seconds=60, errors=(404, 413, 422, 429))
async def count(request: web.Request, body: ResponseIn) -> ResponseTokens:
    """Count the tokens of a response's input.

    An estimate, four characters a token: what a provider counts is known when it has answered.
    """
    hub, who = _checked(request, body)
    entry = await road.found(request, body.model)
    await limit(request, who)
    tools = _tools(request, hub, entry.gateway, body)
    _, talk = await _said(request, entry, body)
    line = await responses.line(hub, who, body.previous_response_id) if body.previous_response_id else None
    told = [{"role": "system", "content": body.instructions}] if body.instructions else []
    size = sum(chat_messages.tokens(m) for m in (*told, *(line.messages if line else ()), *talk))
    size += -(-len(orjson.dumps(list(tools.chat.values()))) // 4) if tools.chat else 0
    return ResponseTokens(input_tokens=max(1, size))


def _checked(request: web.Request, body: ResponseIn) -> tuple[Hub, Caller]:
    body.check()
    hub, who = request.app[HUB], caller(request)
    if who.kind == "public" and (body.store or body.previous_response_id):
        name = "store" if body.store else "previous_response_id"
        raise Forbidden(f"A public key may not set {name}; use a private key.", field=name, code="private_key_needed")
    return hub, who


async def _said(request: web.Request, entry: Entry, body: ResponseIn) -> tuple[list[Json], list[Json]]:
    """The items of the input, and what they are as messages."""
    hub, who = request.app[HUB], caller(request)
    items = await response_input.resolved(body.input, responses.Items(hub, who).find)

    def opened(place: str, sealed: str) -> Json:
        return _opened(hub, who, entry.gateway, place, sealed)

    return items, await road.beside(request, response_input.messages, items, opened)


async def _understood(request: web.Request, body: ResponseIn) -> _Question:
    hub, who = _checked(request, body)
    entry = await road.found(request, body.model)
    tools = _tools(request, hub, entry.gateway, body)
    choice = response_tools.choice(tools, body.tool_choice)
    items, talk = await _said(request, entry, body)
    kept = body.store is not False and who.kind != "public"
    if kept:
        await road.beside(request, responses.check, items)
    line = await responses.line(hub, who, body.previous_response_id) if body.previous_response_id else None
    asked = await road.entered(request, await road.beside(request, _chat, body, talk, tools, choice))
    asked = replace(asked, ask=_asked(asked, body, line, talk))
    root = line or Line(asked.uid)
    if kept:
        asked = replace(asked, ask=replace(asked.ask, conversation=str(root.root)))
    shown = Shown(
        body, tools, asked.uid, ids.named(PREFIX, asked.uid), asked.created, kept, asked.model,
        lambda made: _sealed(asked, body, made),
    )
    return _Question(asked, shown, root if kept else None, items, talk)


def _tools(request: web.Request, hub: Hub, gateway: Gateway, body: ResponseIn) -> Tools:
    """Raise Invalid for what the gateway does not have."""
    functions = (gateway.parameters.get("sentinelOptions") or {}).get("enabledFunctions") or []
    settings = hub.settings
    services: Mapping[str, bool] = {"WebSearch": bool(settings.search_url), "ImageGeneration": bool(settings.image_url)}
    tools = response_tools.read(body.tools or [], functions, services)
    for n, kind in tools.missing.items():
        if kind == "web_search" and request.headers.get(ORIGINATOR, "").startswith(CODEX):
            request[UNKNOWN] = [*request.get(UNKNOWN, []), f"tools.{n}"]
            continue
        setting = "HUB_SEARCH_URL" if response_tools.BUILTIN[kind] == "WebSearch" else "HUB_IMAGE_URL"
        raise Invalid(
            f"tools.{n}: neither this gateway nor this server ({setting}) has {kind}; leave it out.",
            field=f"tools.{n}.type", code="unsupported_tool",
        )
    return tools


def _chat(body: ResponseIn, talk: list[Json], tools: Tools, choice: str | Json | None) -> CompletionIn:
    """The same question as a chat completion."""
    form = body.text.format.chat() if body.text and body.text.format else None
    told = body.instructions
    logprobs = "message.output_text.logprobs" in body.wanted or body.top_logprobs is not None
    builtins = body.builtin_tools.model_dump(exclude_none=True) if body.builtin_tools else {}
    if tools.builtins:
        builtins["tools"] = list(dict.fromkeys([*builtins.get("tools", ()), *tools.builtins]))
    return road.translated(
        model=body.model, stream=body.stream, temperature=body.temperature, top_p=body.top_p,
        messages=[*([{"role": "system", "content": told}] if told else []), *talk],
        max_completion_tokens=body.max_output_tokens, tools=list(tools.chat.values()) or None,
        tool_choice=choice if tools.chat else None,
        parallel_tool_calls=body.parallel_tool_calls if tools.chat else None,
        response_format=form, reasoning_effort=body.reasoning.effort if body.reasoning else None,
        verbosity=body.text.verbosity if body.text else None, logprobs=logprobs or None,
        top_logprobs=body.top_logprobs, metadata={**(body.client_metadata or {}), **(body.metadata or {})} or None,
        user=body.user, prompt_cache_key=body.prompt_cache_key, safety_identifier=body.safety_identifier,
        builtin_tools=builtins or None, time_limits=body.time_limits,
    )


def _asked(asked: Asked, body: ResponseIn, line: Line | None, talk: list[Json]) -> Ask:
    """The question with what was said before it, and with what a request may change of its gateway."""
    ask = asked.ask
    changed: Json = {}
    if body.truncation is not None:
        changed["contextOverflowAction"] = "Truncate" if body.truncation == "auto" else None
    if asked.who.kind == "private" and body.reasoning and body.reasoning.told:
        changed["flags"] = sorted({*(ask.gateway.parameters.get("flags") or ()), "ReturnReasoningTokens"})
    first = ask.messages[: len(ask.messages) - len(talk)]
    said = chat_messages.paired([*first, *(line.messages if line else ()), *ask.messages[len(first) :]])
    gateway = replace(ask.gateway, parameters={**ask.gateway.parameters, **changed})
    return replace(ask, gateway=gateway, messages=said)


def _sealed(asked: Asked, body: ResponseIn, made: Answer) -> str | None:
    found = thoughts.of(made) if "reasoning.encrypted_content" in body.wanted else {}
    return thoughts.sealed(asked.hub, asked.ask.gateway, asked.who.account_id, found) if found else None


def _opened(hub: Hub, who: Caller, gateway: Gateway, place: str, sealed: str) -> Json:
    found = thoughts.opened(hub, gateway, who.account_id, sealed)
    if found is None:
        raise Invalid(
            f"{place} was not made by this server for this account; leave the item out.", field=place,
            code="invalid_encrypted_content",
        )
    return found


def _making(question: _Question) -> Making:
    return Making(question.shown, time.time, lambda: question.asked.model)


async def _keep(request: web.Request, question: _Question, made: Answer, answer: Json) -> None:
    asked, line = question.asked, question.line
    if line is None:
        return
    items = [{**i, "id": responses.numbered("in", asked.uid, n)} for n, i in enumerate(question.items)]
    talk = [*question.talk, *made.messages]
    await responses.keep(asked.hub, asked.who, asked.uid, line, asked.body.user, items, answer, talk)
    request[SUBJECT] = asked.uid


async def _whole(request: web.Request, question: _Question) -> web.Response:
    asked, making = question.asked, _making(question)

    async def keep(made: Answer) -> None:
        beside = with_beside(made.beside, road.files(asked, made))
        making.delta(Delta(
            made.text, made.reasoning, tuple({"index": n, **c} for n, c in enumerate(made.tool_calls)),
            refusal=made.refusal or "", logprobs=made.logprobs, beside=beside,
        ))
        making.end(made)
        assert making.last is not None
        await _keep(request, question, made, making.last)

    await road.answered(request, asked, None, after=keep)
    return web.Response(body=orjson.dumps(making.last), content_type="application/json", headers=asked.headers)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The end of a stream is worked out before it is kept, and told when it is."""

    making: Making
    told: list[bytes]

    def delta(self, said: Delta) -> bytes:
        return self.making.delta(said)

    def end(self, made: Answer) -> bytes:
        return self.told[0]

    def error(self, e: HubError) -> bytes:
        return self.making.error(e)


async def _streamed(request: web.Request, question: _Question) -> web.StreamResponse:
    events = _Kept(_making(question), [])

    async def keep(made: Answer) -> None:
        rest = events.making.delta(Delta(beside=road.files(question.asked, made)))
        events.told.append(rest + events.making.end(made))
        assert events.making.last is not None
        await _keep(request, question, made, events.making.last)

    return await road.streamed(request, question.asked, events, keep)


@endpoint(tag=TAG)
async def get(request: web.Request, id: str, query: KeptQuery) -> ResponseOut:
    """Get a response that is kept."""
    if query.stream:
        raise Invalid("stream: only what is still being made could be streamed; leave it out.", field="stream")
    found = await responses.find(request.app[HUB], caller(request), id)
    return ResponseOut.model_validate(found["answer"])


@endpoint(tag=TAG)
async def items(request: web.Request, id: str, query: ItemsQuery) -> ItemList:
    """List the items that a response was asked with.

    Those of the response that it goes on from are listed there.
    """
    found = await responses.find(request.app[HUB], caller(request), id)
    rows: list[Json] = found["input"] if query.order == "asc" else found["input"][::-1]
    names = [r["id"] for r in rows]
    for field in ("after", "before"):
        if getattr(query, field) and getattr(query, field) not in names:
            raise Invalid(f"{field} is no item of this response.", field=field)
    start = names.index(query.after) + 1 if query.after else 0
    end = names.index(query.before) if query.before else len(rows)
    page = rows[start:end][: query.limit]
    return ItemList(
        data=page, first_id=page[0]["id"] if page else None, last_id=page[-1]["id"] if page else None,
        has_more=start + len(page) < end,
    )


@endpoint(tag=TAG)
async def remove(request: web.Request, id: str) -> ResponseDeleted:
    """Delete a response for good.

    What goes on from it is kept, and cannot be gone on from any more.
    """
    await responses.remove(request.app[HUB], caller(request), id)
    return ResponseDeleted(id=id)


@endpoint(tag=TAG)
async def cancel(request: web.Request, id: str) -> ResponseOut:
    """Refuse to cancel a response.

    Only responses that are made in the background could be, and none is here: whoever leaves ends their own.
    """
    await responses.find(request.app[HUB], caller(request), id)
    raise BadRequest(
        "This response is made already; only those with background could be cancelled, and there is none here.",
        code="not_cancellable",
    )
