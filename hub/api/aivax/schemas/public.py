"""Shapes of the public chat client (A-35..A-39 and what goes beyond)."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, model_validator

from hub.chat.clients.parameters import SuggestionButton
from hub.chat.inbound.continuation import Offer
from hub.pydantic_base import Camel, Enveloped, Snake
from hub.tools.schedule.targets import TARGETS

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
    instructions: Annotated[
        str | list[str] | None, Field(description="For this answer; only with a private key in Authorization.")
    ] = None
    client_message_id: Annotated[str | None, Field(max_length=128, description="Sent twice, answered once.")] = None

    def said(self) -> list[Said]:
        if isinstance(self.prompt, str):
            return [Said(content=self.prompt)]
        return self.prompt if isinstance(self.prompt, list) else [self.prompt]

    def extra(self) -> tuple[str, ...]:
        if not self.instructions:
            return ()
        return (self.instructions,) if isinstance(self.instructions, str) else tuple(self.instructions)


class MessageIn(Camel):
    """Of the chat page: stored at once, answered by the events."""

    content: Annotated[
        Annotated[str, Field(max_length=100_000)] | list[Part] | None,
        Field(description="Null answers the last message again."),
    ]
    client_message_id: Annotated[str | None, Field(max_length=128, description="Sent twice, stored once.")] = None


class AcceptedOut(Camel):
    message_id: UUID
    person: Annotated[bool, Field(description="Somebody has taken the conversation over and will answer.")]


class UsageOut(Camel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ToolCall(Camel):
    """A call that the caller must run; its result goes back as a message of role `tool`."""

    id: str
    function_name: str
    contents: Annotated[str, Field(description="The arguments as JSON text.")]
    is_protocol_function: bool


class PromptOut(Camel):
    completion_text: str
    reasoning: str | None
    tool_calls: list[ToolCall]
    usage: UsageOut
    created_messages: Annotated[list[Json], Field(description="What this request added, as chat completion messages.")]


class File(Snake):
    name: str
    kind: str
    mime_type: str
    url: Annotated[str | None, Field(description="Null when the file could not be kept.")]


class Choice(Snake):
    label: str
    text: str


class Shown(Snake):
    """A message as the visitor sees it."""

    role: Literal["user", "assistant"]
    content: str
    message_id: UUID
    source: Annotated[str, Field(description="Who or what wrote it: the user, the model, an operator, a schedule.")]
    created_at: datetime
    text: Annotated[str, Field(description="What was said, without its files.")]
    attachments: list[File]
    tools: Annotated[list[str], Field(description="Tools that were called, of clients with `showToolCalls`.")]
    turn_id: Annotated[UUID | None, Field(description="The turn it belongs to; null while it waits for one.")]
    client_message_id: Annotated[str | None, Field(description="The sender's own name for it.")]
    stopped: Annotated[bool, Field(description="The visitor stopped the answer here.")]
    choices: Annotated[list[Choice], Field(description="Buttons below it; a press is said by sending `text`.")]


class Look(Camel):
    """How the page looks; what is null is up to the page."""

    custom_scripts: str | None
    custom_styles: str | None
    hello_label: str | None
    hello_sub_label: str | None
    logo_image_url: str | None
    primary_color: str
    input_modes: Annotated[list[str], Field(description="text, then what else may be sent: image, document, audio.")]
    page_title: str
    suggestion_buttons: list[SuggestionButton]
    debug: bool
    text_area_placeholder: str | None
    audio_synthesis_enabled: bool
    show_tool_calls: bool
    upload_unsupported_files: bool
    language_code: str | None


class Creation(Camel):
    tag: str | None
    created_at: datetime


class SessionInfo(Camel):
    messages: list[Shown]
    chat_title: Annotated[str | None, Field(description="Null until something has been said.")]
    culture: Annotated[dict[str, str], Field(description="Words of the page in the visitor's language.")]
    client: Look
    chat_creation_data: Annotated[Creation | None, Field(description="Of clients with `debug`.")]


class Spoken(Camel):
    role: Literal["user", "assistant"]
    content: str


class Transcript(Camel):
    messages: list[Spoken]
    context: Annotated[str | None, Field(description="`extraContext` of the session; null without a private key.")]
    session_id: UUID
    metadata: Json


class AttachmentOut(Camel):
    id: str
    name: str
    mime_type: str
    size: int
    kind: str
    public_url: str


class EventsQuery(Camel):
    after: Annotated[
        int | None, Field(ge=0, le=2**63 - 1, description="Position of the last message known; none: from now on.")
    ] = None


class FeedbackIn(Camel):
    rating: Literal["up", "down"] | Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str | None, Field(max_length=2000)] = None


class WayOut(Snake):
    """url opens the network with the text written already; null where only the text can be told."""

    target: str
    url: str | None
    text: str


class ContinuationOut(Snake):
    code: str
    expires_at: datetime
    ways: list[WayOut]

    @classmethod
    def of(cls, found: Offer) -> "ContinuationOut":
        ways = [WayOut(target=TARGETS[w.channel], url=w.url, text=w.text) for w in found.ways]
        return cls(code=found.code, expires_at=found.expires_at, ways=ways)


class Cancelled(Enveloped):
    message: str = "Inference cancelled."
