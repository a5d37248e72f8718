"""Anthropic's Messages API, so that its clients run against a gateway. Over the same road as chat completions."""

from dataclasses import dataclass, replace

import orjson
from aiohttp import web

from hub import ids
from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.http.operation import Header
from hub.api.openai import anthropic_input, road, thoughts
from hub.api.openai.anthropic_output import Saying
from hub.api.openai.anthropic_schemas import CountIn, CountOut, MessageOut, MessagesIn
from hub.api.openai.limits import limit
from hub.api.openai.road import LIMIT, Asked
from hub.api.openai.schemas import CompletionIn
from hub.domain import Gateway, Json
from hub.engine import messages as chat_messages
from hub.engine.ask import Answer
from hub.errors import HubError
from hub.llm.reading import with_beside
from hub.llm.types import Delta

TAG = "Inference"
VERSION = Header("anthropic-version", "Accepted; there is one version here.", required=False)
BETA = Header("anthropic-beta", "Accepted; what needs one of them is refused by its own name.", required=False)
KEY = Header("x-api-key", "The key, where it is not sent as Authorization.", required=False)
# What a provider wants back that a block of thoughts does not say itself.
SAID = frozenset(("reasoning_content",))


@endpoint(
    tag=TAG, auth="public", limit=LIMIT, seconds=60, produces="text/event-stream",
    errors=(402, 404, 413, 429, 502, 529), headers=(VERSION, BETA, KEY), idempotent=True,
)
async def create(request: web.Request, body: MessagesIn) -> MessageOut | web.StreamResponse:
    """Create a message.

    Anthropic's Messages API over any AI gateway or model: `model` is the gateway's id or slug, or the name of an
    integrated model. Its clients take the server's address without `/v1` as their base address, and this key as
    theirs. Claude Code: `ANTHROPIC_BASE_URL`, `ANTHROPIC_AUTH_TOKEN`, and the gateway's slug as `ANTHROPIC_MODEL` and
    `ANTHROPIC_DEFAULT_HAIKU_MODEL`.
    """
    asked = await _asked(request, body)
    return await road.given(asked, (_streamed if body.stream else _whole)(request, asked, body))


@endpoint(
    tag=TAG, auth="public", limit=LIMIT, seconds=60, errors=(404, 413, 429, 529), headers=(VERSION, BETA, KEY)
)
async def count(request: web.Request, body: CountIn) -> CountOut:
    """Count the tokens of a message.

    An estimate, four characters a token: what a provider counts is known when it has answered.
    """
    entry = await road.found(request, body.model)
    await limit(request, caller(request))
    talk, tools = await road.beside(request, _read, request, entry.gateway, body)
    size = sum(chat_messages.tokens(m) for m in talk) + (-(-len(orjson.dumps(tools)) // 4) if tools else 0)
    return CountOut(input_tokens=max(1, size))


def _read(request: web.Request, gateway: Gateway, body: CountIn) -> tuple[list[Json], list[Json]]:
    body.check()
    hub, who = request.app[HUB], caller(request)

    def opened(given: str) -> Json:
        return thoughts.opened(hub, gateway, who.account_id, given) or {}

    functions = (gateway.parameters.get("sentinelOptions") or {}).get("enabledFunctions") or []
    return (
        anthropic_input.talk(body.system, body.messages, opened), anthropic_input.tools(body.tools, functions)
    )


async def _asked(request: web.Request, body: MessagesIn) -> Asked:
    entry = await road.found(request, body.model)
    talk, tools = await road.beside(request, _read, request, entry.gateway, body)
    asked = await road.entered(request, await road.beside(request, _chat, body, talk, tools))
    if asked.who.kind == "private" and body.thinks:
        parameters = asked.ask.gateway.parameters
        flags = sorted({*(parameters.get("flags") or ()), "ReturnReasoningTokens"})
        gateway = replace(asked.ask.gateway, parameters={**parameters, "flags": flags})
        asked = replace(asked, ask=replace(asked.ask, gateway=gateway))
    # A result may be all that is left of what a client has cut off its history.
    return replace(asked, ask=replace(asked.ask, messages=chat_messages.paired(asked.ask.messages)))


def _chat(body: MessagesIn, talk: list[Json], tools: list[Json]) -> CompletionIn:
    """The same question as a chat completion."""
    choice = anthropic_input.choice(body.tool_choice)
    one = bool((body.tool_choice or {}).get("disable_parallel_tool_use"))
    return road.translated(
        model=body.model, stream=body.stream, messages=talk, max_completion_tokens=body.max_tokens,
        temperature=body.temperature, top_p=body.top_p, top_k=body.top_k, stop=body.stop_sequences or None,
        tools=tools or None, tool_choice=choice if tools else None,
        parallel_tool_calls=False if tools and one else None, response_format=body.form,
        reasoning_effort=body.effort, user=body.metadata.user_id if body.metadata else None,
    )


def _saying(asked: Asked, body: MessagesIn) -> Saying:
    hub, gateway, account = asked.hub, asked.ask.gateway, asked.who.account_id

    def sign() -> str:
        return thoughts.sealed(hub, gateway, account, {"reasoning": True})

    def seal(made: Answer) -> str | None:
        found = thoughts.of(made)
        more = found.get("back", {}).keys() - SAID or found.get("reasoning_details")
        return thoughts.sealed(hub, gateway, account, found) if more else None

    return Saying(ids.named("msg", asked.uid), lambda: asked.model, sign if body.thinks else None, seal)


def _made(asked: Asked, made: Answer) -> str:
    """What tools and the model made besides, as people can see it."""
    found = with_beside({"images": made.beside.get("images") or []}, road.files(asked, made))
    shown = [f"![]({i['image_url']['url']})" for i in found.get("images", ())]
    shown += [f"[{f.get('name') or 'file'}]({f['url']})" for f in found.get("files", ())]
    return "".join(f"\n\n{one}" for one in shown)


async def _whole(request: web.Request, asked: Asked, body: MessagesIn) -> web.Response:
    made = await road.answered(request, asked, None)
    saying = _saying(asked, body)
    saying.delta(Delta(
        made.text + _made(asked, made), made.reasoning,
        tuple({"index": n, **c} for n, c in enumerate(made.tool_calls)), refusal=made.refusal or "",
    ))
    saying.end(made)
    return web.Response(
        body=orjson.dumps(saying.message(made)), content_type="application/json", headers=asked.headers
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """A message while it is said, and at its end what tools made."""

    asked: Asked
    saying: Saying

    def delta(self, said: Delta) -> bytes:
        return self.saying.delta(said)

    def end(self, made: Answer) -> bytes:
        rest = _made(self.asked, made)
        return (self.saying.delta(Delta(rest)) if rest else b"") + self.saying.end(made)

    def error(self, e: HubError) -> bytes:
        return self.saying.error(e)


async def _streamed(request: web.Request, asked: Asked, body: MessagesIn) -> web.StreamResponse:
    return await road.streamed(request, asked, _Said(asked, _saying(asked, body)))
