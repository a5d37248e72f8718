"""What each type of step takes under `with`; where a template may stand, text is taken as well."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.accounts.value_types import Headers

Json = dict[str, Any]
Template = Annotated[str, Field(pattern=r"\{\{")]
Text = Annotated[str, Field(min_length=1, max_length=200_000)]
Short = Annotated[str, Field(min_length=1, max_length=2000)]
Applied = Literal["trim", "upper", "lower", "text", "json", "parse", "length", "lines", "first", "last", "unique"]


class Strict(BaseModel):
    """A name that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid")


class ChatMessage(Strict):
    role: Literal["system", "user", "assistant"]
    content: Text


class Chat(Strict):
    model: Short | None = None
    prompt: Text | None = None
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=200)] | None = None
    system: Text | None = None
    voice_id: Short | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | Template | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | Template | None = None

    @model_validator(mode="after")
    def _asks(self) -> "Chat":
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("needs either prompt or messages")
        return self


class Document(Strict):
    action: Literal["create", "update", "command", "publish"] = "create"
    document_id: Short | None = None
    title: Short | None = None
    content: Annotated[str, Field(max_length=300_000)] | None = None
    voice_id: Short | None = None
    model: Short | None = None
    command: Literal["outline", "expand", "summarize", "rewrite", "cite", "translate"] | None = None
    selection: Text | None = None
    instructions: Text | None = None
    target_language: Short | None = None
    knowledge_base_id: Short | None = None
    apply: bool | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Document":
        if self.action != "create" and self.document_id is None:
            raise ValueError(f"the action {self.action} needs document_id")
        if (self.action == "command") != (self.command is not None):
            raise ValueError("the action command needs command, and no other action does")
        if self.action == "update" and self.title is None and self.content is None:
            raise ValueError("the action update needs title or content")
        return self


class Chatbot(Strict):
    chatbot_id: Short
    message: Text
    conversation_id: Short | None = None
    user_id: Annotated[str, Field(min_length=1, max_length=256)] | None = None


class Http(Strict):
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: Short
    headers: Headers = {}
    json_: Annotated[Any, Field(alias="json")] = None
    body: Text | None = None

    @model_validator(mode="after")
    def _one_body(self) -> "Http":
        if self.json_ is not None and self.body is not None:
            raise ValueError("takes json or body, not both")
        if self.method in ("GET", "HEAD") and (self.json_ is not None or self.body is not None):
            raise ValueError(f"a request of the method {self.method} has no body")
        return self


class Condition(Strict):
    expression: Short


class Transform(Strict):
    value: Any
    apply: Annotated[list[Applied], Field(max_length=20)] = []


class Wait(Strict):
    seconds: Annotated[float, Field(ge=0, le=604_800)] | Template | None = None
    until: Short | None = None

    @model_validator(mode="after")
    def _one(self) -> "Wait":
        if (self.seconds is None) == (self.until is None):
            raise ValueError("needs either seconds or until")
        return self


TYPES: Mapping[str, type[Strict]] = {
    "chat": Chat, "document": Document, "chatbot": Chatbot, "http": Http, "condition": Condition,
    "transform": Transform, "wait": Wait,
}
