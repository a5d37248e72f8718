"""Embeddings of the hub's own model, in the shape of OpenAI's."""

import base64
import struct
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, field_validator

from hub.api.http.app_keys import HUB, caller
from hub.api.http.endpoint import endpoint
from hub.api.openai.limits import limit
from hub.errors import Invalid
from hub.llm.embedder import DIMENSION, MODEL, TOKENS, Vector

LIMIT = 4 << 20
MOST, LONGEST = 128, 8000  # texts of a request, and characters of each
SKU = "inference.embeddings.in"


class EmbeddingsIn(BaseModel):
    """`model` is `@hub/e5-small`, which runs on this machine: multilingual, 384 numbers, unit length."""

    model_config = ConfigDict(extra="ignore")

    model: str
    input: Annotated[str | list[str], Field(description=f"One text or 1 to {MOST}, each of at most {TOKENS} tokens.")]
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

    @field_validator("input", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        if isinstance(value, list) and value and not isinstance(value[0], str):
            raise ValueError("must be text or a list of texts; tokens are another model's, send the text itself")
        return value


class Embedding(BaseModel):
    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingsUsage(BaseModel):
    prompt_tokens: int
    total_tokens: int


class EmbeddingsOut(BaseModel):
    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingsUsage


@endpoint(tag="Inference", limit=LIMIT, seconds=30, errors=(413,))
async def embed(request: web.Request, body: EmbeddingsIn) -> EmbeddingsOut:
    """Turn texts into vectors."""
    hub, who, texts = request.app[HUB], caller(request), _checked(body)
    await limit(request, who)
    counts = await hub.embedder.tokens(texts)
    for number, count in enumerate(counts):
        if count > TOKENS:
            raise Invalid(f"{_place(body, number)} has {count:,} tokens; {MODEL} reads {TOKENS}.", field="input")
    vectors = await (hub.embedder.queries if body.input_type == "query" else hub.embedder.passages)(texts)
    total = sum(counts)
    row = {"sku": SKU, "quantity": total, "unit_price": 0, "amount": 0, "description": f"Embeddings of '{MODEL}'"}
    await hub.meter.add(who.account_id, [row], key=who.key_id)
    return EmbeddingsOut(
        data=[Embedding(index=n, embedding=_written(v, body.encoding_format)) for n, v in enumerate(vectors)],
        model=MODEL, usage=EmbeddingsUsage(prompt_tokens=total, total_tokens=total),
    )


def _checked(body: EmbeddingsIn) -> Sequence[str]:
    """The texts. Raise Invalid naming the field."""
    if body.model != MODEL:
        raise Invalid(f"There is no embedding model '{body.model}'; use {MODEL}.", field="model", code="unknown_model")
    if body.dimensions not in (None, DIMENSION):
        raise Invalid(f"dimensions can only be {DIMENSION}; leave it out.", field="dimensions")
    texts = [body.input] if isinstance(body.input, str) else body.input
    if not 1 <= len(texts) <= MOST:
        raise Invalid(f"input takes 1 to {MOST} texts; there are {len(texts)}.", field="input")
    for number, text in enumerate(texts):
        if not text.strip() or len(text) > LONGEST:
            raise Invalid(f"{_place(body, number)} must have 1 to {LONGEST:,} characters.", field="input")
    return texts


def _place(body: EmbeddingsIn, number: int) -> str:
    return "input" if isinstance(body.input, str) else f"input.{number}"


def _written(vector: Vector, form: str) -> Vector | str:
    if form == "float":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
