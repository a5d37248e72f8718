"""Documented shapes of ARES, and ours beside them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from hub.pydantic_base import Snake


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


Password = Annotated[str, Field(max_length=1024, description="At least 8 characters.")]
Email = Annotated[str, Field(min_length=1, max_length=254, description="Of one user only, in any case of letters.")]
Said = Annotated[str, Field(min_length=1, max_length=100_000), AfterValidator(_said)]


class RegisterIn(Snake):
    email: Email
    password: Password
    name: Annotated[str, Field(max_length=200)] = ""


class LoginIn(Snake):
    email: Email
    password: Password


class RefreshIn(Snake):
    refresh_token: Annotated[str, Field(min_length=1, max_length=4096)]


class TokensOut(Snake):
    access_token: Annotated[str, Field(description="Good for `expires_in` seconds.")]
    refresh_token: Annotated[str, Field(description="Good for one use, within seven days.")]
    expires_in: int
    token_type: str = "Bearer"


class RegisteredOut(TokensOut):
    message: str = "User registered successfully"
    user_id: UUID


class Sentence(Snake):
    message: str


class ChatIn(Snake):
    message: Annotated[Said, Field(description="The user's message or prompt.")]
    agent_type: Annotated[
        str | None,
        Field(min_length=1, max_length=64, description="Which agent answers; `router` (or none) chooses one."),
    ] = None
    context_id: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Of an earlier answer: go on with it.")
    ] = None


class Source(Snake):
    title: str
    url: str | None
    relevance_score: Annotated[float, Field(description="0 to 1.")]


class ChatOut(Snake):
    response: str
    agent: Annotated[str, Field(description="The agent that handled the request.")]
    context_id: str
    sources: list[Source] | None


class StreamQuery(Snake):
    format: Annotated[
        str, Field(pattern="^(text|json)$", description="`json`: events in place of pieces of text.")
    ] = "text"


class ConversationLine(Snake):
    id: str
    title: str | None
    message_count: int
    created_at: datetime
    updated_at: datetime


class MessageOut(Snake):
    id: UUID
    role: str
    content: str
    created_at: datetime


class ConversationOut(Snake):
    id: str
    title: str | None
    messages: list[MessageOut]
    created_at: datetime
    updated_at: datetime


class TitleIn(Snake):
    title: Annotated[str | None, Field(max_length=500, description="null clears it.")]


class Done(Snake):
    success: bool = True


class PreferenceOut(Snake):
    category: str
    key: str
    value: str
    confidence: float


class FactOut(Snake):
    id: UUID
    user_id: UUID
    category: str
    fact_key: str
    fact_value: str
    confidence: float
    created_at: datetime
    updated_at: datetime


class MemoryOut(Snake):
    user_id: UUID
    preferences: list[PreferenceOut]
    facts: list[FactOut]


class AgentLine(Snake):
    name: str
    description: str


class AgentIn(Snake):
    gateway: Annotated[UUID, Field(description="Id of the AI gateway that answers.")]
    description: Annotated[str | None, Field(max_length=500, description="What it is for; the router reads it.")] = None
    instructions: Annotated[str | None, Field(max_length=20_000, description="Beside the gateway's own.")] = None


class AgentOut(Snake):
    name: str
    description: str
    own: Annotated[bool, Field(description="Whether the account made it.")]
    gateway: Annotated[str | None, Field(description="Name of its gateway; null: that of the settings.")]
    gateway_id: UUID | None
    instructions: str | None


class SettingsIn(Snake):
    gateway: Annotated[
        UUID | None, Field(description="Of the agents that come with the hub; null: the account's first one.")
    ]


class SettingsOut(Snake):
    gateway: UUID | None


class UserOut(Snake):
    id: UUID
    email: str
    name: str
    created_at: datetime


class UserEdit(Snake):
    """Only what changes."""

    name: Annotated[str | None, Field(max_length=200)] = None
    password: Annotated[Password | None, Field(description="A new one ends every sign-in.")] = None


class UserId(Snake):
    id: UUID
