"""Shapes of the account's embedder."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from hub.accounts.embedders import Shown
from hub.llm.elsewhere import WIDEST
from hub.llm.embedder import DIMENSION, MODEL
from hub.pydantic_base import Camel


class EmbedderIn(Camel):
    """`address` as OpenAI's clients take it, such as `https://api.openai.com/v1`. `dimension` is asked of the model
    where it is sent; without it the model's own counts. `apiKey` left out, or as its mask, stays."""

    address: Annotated[str, Field(min_length=1, max_length=2000)]
    model: Annotated[str, Field(min_length=1, max_length=200)]
    dimension: Annotated[int | None, Field(ge=2, le=WIDEST)] = None
    api_key: Annotated[str | None, Field(max_length=1000)] = None


class OwnEmbedder(Camel):
    """`state`: `filling` while its vectors are made, `active` once searches use it. `dimension`: how many numbers its
    vectors have, null until its first answer. `error`: why the last try failed; it is tried again."""

    id: UUID
    address: str
    model: str
    dimension: int | None
    api_key: str | None
    state: Literal["filling", "active"]
    pieces: int
    pieces_done: int
    error: str | None
    created_at: datetime
    active_at: datetime | None

    @classmethod
    def of(cls, found: Shown) -> "OwnEmbedder":
        one = found.one
        return cls(
            id=one.id, address=one.address, model=one.model, dimension=one.width or one.dimension, api_key=found.key,
            state="active" if one.state == "active" else "filling", pieces=found.pieces, pieces_done=found.done,
            error=one.error, created_at=one.created_at, active_at=one.active_at,
        )


class EmbedderOut(Camel):
    """`model` and `dimension` are the hub's own, which answers where no embedder of yours is active."""

    model: str = MODEL
    dimension: int = DIMENSION
    embedders: list[OwnEmbedder]
