"""Documented shapes of Characters, and ours beside them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SerializerFunctionWrapHandler, model_serializer

from hub.pydantic_base import Snake


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


Said = Annotated[str, Field(min_length=1, max_length=100_000), AfterValidator(_said)]
Title = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_said)]
Id = Annotated[str, Field(min_length=1, max_length=100)]
Text = Annotated[str, Field(max_length=20_000)]
Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_said)]
Looks = Annotated[str, Field(max_length=4000, description="How it looks, for images; nobody under 18.")]
Age = Annotated[int, Field(description="18 or older; comes first in the appearance.")]


class Sparse(Snake):
    """Fields that are null are left out of the answer."""

    @model_serializer(mode="wrap")
    def _without_nulls(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in write(self).items() if value is not None}


class ModelsQuery(Snake):
    type: Annotated[Literal["llm", "sd"], Field(description="`llm`: language models; `sd`: models of images.")]


class ModelOut(Sparse):
    id: str
    name: str
    max_context: Annotated[int | None, Field(description="Tokens; of language models.")] = None
    cost_per_1k_tokens: Annotated[float | None, Field(description="Dollars, of what the model writes.")] = None


class MessageIn(Snake):
    role: Literal["system", "user", "agent", "assistant"]
    content: Annotated[str, Field(max_length=100_000)]


class PastIn(Snake):
    role: Literal["system", "user", "agent", "assistant"]
    content: Said


class CompletionIn(Snake):
    messages: Annotated[list[MessageIn], Field(min_length=1, max_length=1000)]
    llm_id: Annotated[Id, Field(description="Of `GET /api/v1/models?type=llm`.")]
    agent_id: Annotated[Id | None, Field(description="Whom the model shall be.")] = None
    stream: Annotated[bool, Field(description="Answer with events: `{id, delta}`, then the message.")] = False


class ImageShown(Snake):
    id: str
    url: str
    prompt: str


class MessageOut(Sparse):
    id: str
    content: str
    role: Literal["agent", "user"]
    created_at: datetime
    thoughts: Annotated[str | None, Field(description="What the model thought; with `verbose` alone.")] = None
    image: ImageShown | None = None


class ConversationIn(Snake):
    title: Title = "New conversation"
    system_prompt: Text | None = None
    llm_id: Annotated[Id, Field(description="Of `GET /api/v1/models?type=llm`.")]
    agent_id: Id | None = None
    messages: Annotated[list[PastIn] | None, Field(max_length=1000, description="History; nothing is answered.")] = None


class ConversationEdit(Snake):
    """Only what changes."""

    title: Title | None = None
    system_prompt: Text | None = None
    llm_id: Id | None = None
    agent_id: Annotated[Id | None, Field(description="null: no agent.")] = None


class ConversationOut(Snake):
    id: str
    title: str | None
    system_prompt: str | None
    llm_id: str
    last_message_at: datetime
    agent_id: str | None


class SayIn(Snake):
    content: Said
    llm_id: Annotated[Id | None, Field(description="In place of the conversation's, for this message.")] = None
    verbose: Annotated[bool, Field(description="Tell `thoughts` too.")] = False
    stream: Annotated[bool, Field(description="Answer with events: `{delta}`, then the message.")] = False


class AgentIn(Snake):
    name: Name
    appearance_prompt: Looks = ""
    personality_prompt: Text = ""
    description: Text = ""
    sd_model_id: Annotated[Id | None, Field(description="Draws an avatar; without it there is none.")] = None
    age: Age | None = None


class AgentEdit(Snake):
    """Only what changes."""

    name: Name | None = None
    appearance_prompt: Looks | None = None
    personality_prompt: Text | None = None
    description: Text | None = None
    sd_model_id: Annotated[Id | None, Field(description="Draws a new avatar.")] = None
    age: Annotated[Age | None, Field(description="null: none is told.")] = None


class AgentOut(Sparse):
    id: str
    name: str
    appearance_prompt: str
    personality_prompt: str
    description: str
    avatar_url: Annotated[str | None, Field(description="Of agents with an avatar.")] = None


class PageQuery(Snake):
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=100)] = 10


class ImageIn(Snake):
    prompt: Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_said)]
    sd_model_id: Annotated[Id, Field(description="Of `GET /api/v1/models?type=sd`.")]
    conversation_id: Annotated[Id | None, Field(description="The image is put into it as a message.")] = None


class ImageOut(Snake):
    id: str
    prompt: str
    url: str
    created_at: datetime


class Pagination(Snake):
    total_items: int
    current_page: int
    page_size: int
    total_pages: int
    next_page: int | None
    prev_page: int | None


class ImagePage(Snake):
    data: list[ImageOut]
    pagination: Pagination
