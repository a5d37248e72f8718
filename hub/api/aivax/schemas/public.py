"""Shapes of the public chat client (A-35..A-39 and what goes beyond)."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hub.forms import Camel, Snake

Json = dict[str, Any]


class Part(Snake):
    """One part of a message: text, an inline image, audio or file, or an uploaded file by `file_id`."""

    type: Literal["text", "image_url", "input_audio", "file"]
    text: Annotated[str, Field(max_length=100_000)] = ""
    image_url: Json | None = None
    input_audio: Json | None = None
    file: Json | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Part":
        if self.type != "text" and getattr(self, self.type) is None:
            raise ValueError(f"{self.type} is missing; send it with the part")
        return self


class Said(Snake):
    """A message of the visitor, or the result of a tool the caller has run."""

    role: Literal["user", "tool"] = "user"
    content: Annotated[str, Field(max_length=100_000)] | list[Part] = ""
    tool_call_id: str | None = None
    name: str | None = None


class PromptIn(Camel):
    """`prompt`: a text, a message, or several messages. An empty list answers the last one again."""

    prompt: Annotated[str, Field(max_length=100_000)] | Said | Annotated[list[Said], Field(max_length=50)]
    commit: bool = True
    instructions: str | list[str] | None = None
    client_message_id: Annotated[str | None, Field(max_length=128, description="Sent twice, answered once.")] = None

    def said(self) -> list[Said]:
        if isinstance(self.prompt, str):
            return [Said(content=self.prompt)]
        return self.prompt if isinstance(self.prompt, list) else [self.prompt]

    def extra(self) -> tuple[str, ...]:
        if not self.instructions:
            return ()
        return (self.instructions,) if isinstance(self.instructions, str) else tuple(self.instructions)


class UsageOut(Camel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class PromptOut(Camel):
    completion_text: str
    reasoning: str | None
    tool_calls: list[Json]
    usage: UsageOut
    created_messages: list[Json]


class SessionInfo(Camel):
    messages: list[Json]
    chat_title: str | None
    culture: dict[str, str]
    client: Json
    chat_creation_data: Json | None


class AttachmentOut(Camel):
    id: str
    name: str
    mime_type: str
    size: int
    kind: str
    public_url: str


class FeedbackIn(Camel):
    rating: Literal["up", "down"] | Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str | None, Field(max_length=2000)] = None


class Cancelled(Camel):
    message: str = "Inference cancelled."
