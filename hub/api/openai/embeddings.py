"""Embeddings of the hub's own model, in the shape of OpenAI's."""

import asyncio
import base64
import struct
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, field_validator

from hub.accounts import balance, key_limits
from hub.accounts.model_lookup import Entry
from hub.api.http.app_keys import DIRECTORY, HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.openai.limits import limit
from hub.api.openai.refusing import told
from hub.domain import Caller, Json, Usage
from hub.engine.limits import ACCOUNT, limits_of
from hub.errors import Forbidden, Invalid, NotFound, Upstream
from hub.llm.candidates import SOURCE, address_of
from hub.llm.counting import usage_of
from hub.llm.embedder import DIMENSION, MODEL, Vector
from hub.llm.embedder import LONGEST as QUESTION
from hub.llm.pooling import cut, pooled
from hub.llm.types import INTEGRATED
from hub.purse import aside
from hub.runtime import Hub

LIMIT = 32 << 20
MOST, LONGEST = 2048, 8192  # texts of a request, and tokens of each
TOTAL = 300_000  # tokens of a request
CHARACTERS, ALL = 100_000, 4_000_000  # of a text, and of all: no texts of so many tokens have more
TOGETHER = 64  # pieces of one trip to the thread, so that others are served in between
SKU = "inference.embeddings.in"
SECONDS = 60.0


class EmbeddingsIn(BaseModel):
    """`model` is `@hub/e5-small`, which runs on this machine: multilingual, 384 numbers, unit length; or an AI gateway
    over a provider of your own, whose model is asked then, with all fields as they are.

    `@hub/e5-small` reads 512 tokens at a time: a longer text is cut into pieces whose vectors are averaged, and
    `pieces` of its embedding says how many. Tokens of another model it cannot read; LangChain's `OpenAIEmbeddings`
    sends texts with `check_embedding_ctx_length=False`. A provider of your own reads its tokens itself.
    """

    model_config = ConfigDict(extra="allow")

    model: Annotated[str, Field(max_length=200)]
    input: Annotated[
        str | list[str] | list[int] | list[list[int]],
        Field(description=f"One text or 1 to {MOST:,}, each of at most {LONGEST:,} tokens; or the tokens themselves."),
    ]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    input_type: Annotated[
        Literal["passage", "query"],
        Field(description="Questions and the texts that answer them are embedded differently; compare across."),
    ] = "passage"
    user: str | None = None

    @field_validator("encoding_format", "input_type", mode="before")
    @classmethod
    def _default(cls, value: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].default if value is None else value

    @property
    def texts(self) -> list[str] | None:
        """None for tokens."""
        if isinstance(self.input, str):
            return [self.input]
        return [t for t in self.input if isinstance(t, str)] if all(isinstance(t, str) for t in self.input) else None


class Embedding(BaseModel):
    """`pieces`: of a text that was cut, how many vectors were averaged."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str
    pieces: int | None = None


class EmbeddingsUsage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class EmbeddingsOut(BaseModel):
    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage


@endpoint(tag="Inference", limit=LIMIT, seconds=30, errors=(402, 404, 413, 429, 502))
async def embed(request: web.Request, body: EmbeddingsIn) -> EmbeddingsOut | web.StreamResponse:
    """Turn texts into vectors."""
    hub, who = request.app[HUB], caller(request)
    theirs = await _gateway(request, who, body.model) if body.model != MODEL else None
    texts = _checked(body) if theirs is None else ()
    await limit(request, who)
    if theirs is not None:
        return await _elsewhere(hub, who, theirs, body)
    counts = await hub.embedder.tokens(texts)
    for number, count in enumerate(counts):
        if count > LONGEST:
            raise Invalid(f"{_place(body, number)} has {count:,} tokens; at most {LONGEST:,} are read.", field="input")
    if sum(counts) > TOTAL:
        raise Invalid(f"input has {sum(counts):,} tokens in all; a request may have {TOTAL:,}.", field="input")
    total = sum(counts)
    async with aside((MODEL,), total, 0.0, SECONDS):
        question = body.input_type == "query"
        longest = QUESTION if question else CHARACTERS
        pieces = [await cut(hub.embedder, text, count, longest) for text, count in zip(texts, counts, strict=True)]
        every = [piece for one in pieces for piece in one]
        vectors: list[Vector] = []
        for start in range(0, len(every), TOGETHER):
            some = every[start : start + TOGETHER]
            vectors += await (hub.embedder.queries(some, who.account_id) if question else hub.embedder.passages(some))
    row = {"sku": SKU, "quantity": total, "unit_price": 0, "amount": 0, "description": f"Embeddings of '{MODEL}'"}
    await hub.meter.add(who.account_id, [row], key=who.key_id)
    # Many vectors are written beside the loop, and not through the model.
    content = await asyncio.to_thread(_answer, vectors, pieces, body.encoding_format, total)
    return web.Response(body=content, content_type="application/json")


async def _gateway(request: web.Request, who: Caller, name: str) -> Entry | None:
    """The gateway of that name, if it has a provider of the customer's own; the rest is told with the texts. Raise
    Forbidden."""
    try:
        entry = await request.app[DIRECTORY].find(who.account_id, name)
    except NotFound:
        return None
    if address_of(entry.gateway) == INTEGRATED:
        return None
    if who.models and entry.gateway.id not in who.models:
        raise Forbidden("This key may not use that gateway.", field="model", code="model_refused")
    key_limits.may_ask(who.limits, name, str(entry.gateway.id), entry.gateway.slug)
    balance.check(request.app[HUB].settings, entry.account.balance)
    return entry


async def _elsewhere(hub: Hub, who: Caller, entry: Entry, body: EmbeddingsIn) -> web.Response:
    """What the gateway's provider answers. It is paid by the customer, so it costs nothing here."""
    gateway = entry.gateway
    spoken = gateway.parameters.get("transportInterface") or SOURCE
    if spoken != SOURCE:
        raise Invalid(f"A gateway over {spoken} has no embeddings in this shape.", field="model", code="unknown_model")
    model = str(gateway.parameters["modelName"])
    sent = body.model_dump(exclude_unset=True, exclude={"user"}) | {"model": model}
    seconds = limits_of(hub.settings, gateway.parameters, most=entry.account.parameters.get(ACCOUNT))[1]
    try:
        async with aside((str(gateway.id), gateway.slug), _guess(body.input), 0.0, seconds):
            raw = await hub.models.vectors(gateway, sent, seconds)
        found = orjson.loads(raw)
        if not isinstance(found, dict) or not isinstance(found.get("data"), list):
            raise ValueError
    except Upstream as e:
        raise told(who, e) from e
    except ValueError:
        raise Upstream("The model provider's answer cannot be read.", code="model_unreadable") from None
    used = usage_of(found.get("usage")) or Usage()
    row = {
        "sku": SKU, "quantity": used.prompt, "unit_price": 0, "amount": 0, "description": f"Embeddings of '{model}'",
    }
    await hub.meter.add(who.account_id, [row], key=who.key_id, gateway=gateway.id)
    return web.Response(body=raw, content_type="application/json")


def _guess(given: str | list[str] | list[int] | list[list[int]]) -> int:
    """Tokens, as far as they can be told before the provider counts them."""
    if isinstance(given, str):
        return -(-len(given) // 4)
    return sum(1 if isinstance(one, int) else _guess(one) for one in given)


def _answer(vectors: Sequence[Vector], pieces: Sequence[Sequence[str]], form: str, total: int) -> bytes:
    data: list[Json] = []
    for n, vector in enumerate(pooled(vectors, [[len(p) for p in one] for one in pieces])):
        several = {"pieces": len(pieces[n])} if len(pieces[n]) > 1 else {}
        data.append({"object": "embedding", "index": n, "embedding": _written(vector, form), **several})
    usage = {"prompt_tokens": total, "total_tokens": total}
    return orjson.dumps({"object": "list", "data": data, "model": MODEL, "usage": usage})


def _checked(body: EmbeddingsIn) -> Sequence[str]:
    """The texts. Raise Invalid naming the field."""
    if body.model != MODEL:
        raise Invalid(f"There is no embedding model '{body.model}'; use {MODEL}.", field="model", code="unknown_model")
    if body.dimensions not in (None, DIMENSION):
        raise Invalid(f"dimensions can only be {DIMENSION}; leave it out.", field="dimensions")
    texts = body.texts
    if texts is None:
        raise Invalid(
            "input must be text or a list of texts: tokens are another model's, send the text itself (LangChain: "
            "check_embedding_ctx_length=False), or ask a gateway over the provider whose tokens they are.",
            field="input",
        )
    if not 1 <= len(texts) <= MOST:
        raise Invalid(f"input takes 1 to {MOST:,} texts; there are {len(texts):,}.", field="input")
    if sum(map(len, texts)) > ALL:
        raise Invalid(f"input has more than {ALL:,} characters in all; send less at a time.", field="input")
    for number, text in enumerate(texts):
        if not text.strip() or len(text) > CHARACTERS:
            raise Invalid(f"{_place(body, number)} must have 1 to {CHARACTERS:,} characters.", field="input")
    return texts


def _place(body: EmbeddingsIn, number: int) -> str:
    return "input" if isinstance(body.input, str) else f"input.{number}"


def _written(vector: Vector, form: str) -> Vector | str:
    if form == "float":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
