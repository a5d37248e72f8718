"""Completions of the older kind: a text goes in, its continuation comes out. Over the same road as chat completions."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from hub import ids
from hub.api.http.answer_stream import Out
from hub.api.http.completion_chunks import DONE, usage
from hub.api.http.endpoint import endpoint
from hub.api.openai import road
from hub.api.openai.messages import TEXT
from hub.api.openai.road import LIMIT, Asked
from hub.api.openai.schemas import CompletionIn
from hub.domain import Json, Usage
from hub.engine.ask import Answer
from hub.errors import HubError, Invalid
from hub.llm.types import Delta

MOST = 20  # answers to one request
# What a client may say and what leaves everything as it is.
SAME: Mapping[str, tuple[Any, ...]] = {"suffix": ("",), "best_of": (1,), "service_tier": ("auto", "default")}
FINISH: Mapping[str, str] = {"tool_calls": "stop"}


class TextIn(BaseModel):
    """`prompt`: one text, or several, each of which is answered by itself. A field that the hub cannot act on, `suffix`
    and `best_of` among them, is refused by its name."""

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(min_length=1, max_length=200, description="Gateway id, gateway slug or model name.")]
    prompt: Annotated[str, Field(min_length=1, max_length=TEXT)] | Annotated[list[Any], Field(min_length=1)]
    n: Annotated[int, Field(ge=1, le=MOST)] | None = None
    echo: bool | None = None
    stream: bool | None = None
    stream_options: Json | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    stop: str | Annotated[list[str], Field(max_length=64)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    seed: int | None = None
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    logit_bias: Json | None = None
    user: Annotated[str, Field(max_length=256, description="External user id.")] | None = None

    def prompts(self) -> list[str]:
        """Raise Invalid for tokens, which are another model's, and for what the hub cannot do."""
        for name, value in (self.__pydantic_extra__ or {}).items():
            if value is not None and value not in SAME.get(name, ()):
                raise Invalid(
                    f"{name} is nothing that this server can act on; leave it out.", field=name, code="unknown_field"
                )
        found = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        if any(not isinstance(p, str) or not 0 < len(p) <= TEXT for p in found):
            raise Invalid("prompt must be text or a list of texts; tokens are another model's.", field="prompt")
        if len(found) * (self.n or 1) > MOST:
            raise Invalid(f"At most {MOST} answers are given to one request.", field="n" if self.n else "prompt")
        return [str(p) for p in found]


class TextChoice(BaseModel):
    text: str
    index: int
    logprobs: Json | None
    finish_reason: str


class TextOut(BaseModel):
    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[TextChoice]
    usage: Json


@endpoint(
    tag="Inference", auth="public", limit=LIMIT, seconds=60, produces="text/event-stream",
    errors=(402, 404, 413, 429, 502, 503), idempotent=True,
)
async def create(request: web.Request, body: TextIn) -> TextOut | web.StreamResponse:
    """Create a text completion.

    The older form, for clients that know no other: each prompt is a message of the user. With several prompts, or with
    `n`, each answer is a question of its own, in rates and costs too.
    """
    prompts = [p for p in body.prompts() for _ in range(body.n or 1)]
    asked = [await road.entered(request, await road.beside(request, _chat, body, p)) for p in prompts]
    text = _Text(f"cmpl-{ids.uuid7().hex}", int(time.time()), body, prompts)
    try:
        return await (_streamed if body.stream else _whole)(request, asked, text)
    except ConnectionError:
        return web.Response(status=road.GONE)
    except HubError as e:
        raise await road.refused(asked[text.number], e) from e


def _chat(body: TextIn, prompt: str) -> CompletionIn:
    logprobs = {"logprobs": True, "top_logprobs": body.logprobs} if body.logprobs is not None else {}
    return road.translated(
        model=body.model, messages=[{"role": "user", "content": prompt}], stream=body.stream,
        max_completion_tokens=body.max_tokens, temperature=body.temperature, top_p=body.top_p, stop=body.stop,
        presence_penalty=body.presence_penalty, frequency_penalty=body.frequency_penalty, seed=body.seed,
        logit_bias=body.logit_bias, user=body.user, **logprobs,
    )


@dataclass(slots=True)
class _Text:
    """What is told of all answers to a request. number: of the one that is told now."""

    id: str
    created: int
    body: TextIn
    prompts: list[str]
    number: int = 0
    begun: bool = False
    used: Usage = field(default_factory=Usage)
    model: str = ""

    def delta(self, said: Delta) -> bytes:
        head = "" if self.begun or not self.body.echo else self.prompts[self.number]
        text = head + said.text + said.refusal
        if not text and not said.logprobs:
            return b""
        self.begun = True
        return self._piece(text, None, logprobs(said.logprobs))

    def end(self, made: Answer) -> bytes:
        told = self.delta(Delta("")) if self.body.echo and not self.begun else b""
        self.used, self.model = self.used.plus(made.usage), made.model
        told += self._piece("", finish(made), None)
        self.number, self.begun = self.number + 1, False
        if self.number < len(self.prompts):
            return told
        wanted = (self.body.stream_options or {}).get("include_usage")
        return told + (self._event([], usage=usage(self.used)) if wanted else b"") + DONE

    def error(self, e: HubError) -> bytes:
        return self._event([], error={"code": e.code, "message": str(e)}) + DONE

    def choice(self, made: Answer) -> TextChoice:
        self.used, self.model = self.used.plus(made.usage), made.model
        head = self.prompts[self.number] if self.body.echo else ""
        self.number += 1
        return TextChoice(
            text=head + (made.text or made.refusal or ""), index=self.number - 1, logprobs=logprobs(made.logprobs),
            finish_reason=finish(made),
        )

    def _piece(self, text: str, reason: str | None, seen: Json | None) -> bytes:
        return self._event([{"index": self.number, "text": text, "logprobs": seen, "finish_reason": reason}])

    def _event(self, choices: list[Json], **more: Any) -> bytes:
        head = {"id": self.id, "object": "text_completion", "created": self.created, "model": self.model}
        return b"data: " + orjson.dumps({**head, "choices": choices, **more}) + b"\n\n"


def finish(made: Answer) -> str:
    return FINISH.get(made.finish, made.finish)


def logprobs(given: Json | None) -> Json | None:
    """Probabilities of a chat completion in the older form."""
    seen = given.get("content") if given else None
    if not isinstance(seen, list):
        return None
    found: Json = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    offset = 0
    for one in seen:
        found["tokens"].append(one.get("token"))
        found["token_logprobs"].append(one.get("logprob"))
        found["top_logprobs"].append({t.get("token"): t.get("logprob") for t in one.get("top_logprobs") or ()})
        found["text_offset"].append(offset)
        offset += len(str(one.get("token") or ""))
    return found


async def _whole(request: web.Request, asked: list[Asked], text: _Text) -> web.Response:
    choices = [text.choice(await road.answered(request, one, None)) for one in asked]
    found = TextOut(id=text.id, created=text.created, model=text.model, choices=choices, usage=usage(text.used))
    body = found.model_dump_json().encode()
    return web.Response(body=body, content_type="application/json", headers=asked[0].headers)


async def _streamed(request: web.Request, asked: list[Asked], text: _Text) -> web.StreamResponse:
    out = Out(request, headers=lambda: asked[0].headers)
    last = b""
    for one in asked:

        async def say(delta: Delta, one: Asked = one) -> None:
            text.model = one.model
            await out.send(text.delta(delta))

        await out.send(last)
        try:
            last = text.end(await road.answered(request, one, say, out.keep))
        except HubError as e:
            if out.response is None:
                raise
            return await road.broken(request, one, e, out, text)
    return await out.finish(last)
