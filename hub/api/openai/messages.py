"""Messages and tools of a completion request, in all their spellings."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.domain import Json

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
TEXT = 4_000_000
_TEXTS = ("input_text", "output_text")
# What a part of an answer has, and nobody takes of a question.
_MADE = ("annotations", "logprobs")
_ADDRESSES = ("image_url", "video_url")


class Part(BaseModel):
    """A piece of a message."""

    model_config = ConfigDict(extra="allow")

    type: Literal["text", "image_url", "video_url", "input_audio", "file", "refusal"]
    text: Annotated[str, Field(max_length=TEXT)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _spelled(cls, value: Any) -> Any:
        """An address may stand in place of the object around it; parts may be those of the Responses API."""
        if not isinstance(value, dict):
            return value
        kind = value.get("type")
        if kind in _TEXTS:
            return {**{k: v for k, v in value.items() if k not in _MADE}, "type": "text"}
        if kind == "input_image" and isinstance(value.get("image_url"), str):
            shown = {"url": value["image_url"], **({"detail": value["detail"]} if value.get("detail") else {})}
            return {"type": "image_url", "image_url": shown}
        if kind in _ADDRESSES and isinstance(value.get(kind), str):
            return {**value, kind: {"url": value[kind]}}
        return value

    @model_validator(mode="after")
    def _whole(self) -> "Part":
        extra = self.__pydantic_extra__ or {}
        if self.type == "text" and self.text is None:
            raise ValueError("of type text needs the field text")
        if self.type not in ("text", "refusal") and not isinstance(extra.get(self.type), dict):
            raise ValueError(f"of type {self.type} needs the object {self.type}")
        return self


class Message(BaseModel):
    model_config = ConfigDict(extra="allow")

    role: Role
    content: Annotated[str, Field(max_length=TEXT)] | list[Part] | None = None
    tool_calls: list[Json] | None = None
    tool_call_id: str | None = None

    @model_validator(mode="after")
    def _says(self) -> "Message":
        if self.content is None and self.role not in ("assistant", "function"):
            raise ValueError(f"of role {self.role} needs content")
        if any(not isinstance(c.get("function"), dict) for c in self.tool_calls or ()):
            raise ValueError("needs the object function in each of tool_calls")
        if self.role == "tool" and not self.tool_call_id:
            raise ValueError("of role tool needs tool_call_id")
        return self


def with_tools(talk: Sequence[Json]) -> list[Json]:
    """The conversation with calls of functions, the older form, as calls of tools."""
    found: list[Json] = []
    last = ""
    for n, m in enumerate(talk):
        called = m.get("function_call")
        if isinstance(called, dict) and called.get("name") and not m.get("tool_calls"):
            last = f"call_{n}"
            rest = {k: v for k, v in m.items() if k != "function_call"}
            found.append({**rest, "tool_calls": [{"id": last, "type": "function", "function": called}]})
        elif m["role"] == "function":
            found.append({**m, "role": "tool", "tool_call_id": last or f"call_{n}", "content": m.get("content") or ""})
        else:
            found.append(m)
    return found


def tools_of(
    tools: list[Json] | None, choice: str | Json | None, functions: list[Json] | None, call: str | Json | None
) -> tuple[list[Json] | None, str | Json | None]:
    """Tools and the choice among them; functions are the older form of both."""
    if tools or not functions:
        return tools, choice
    named = {"type": "function", "function": {"name": call.get("name")}} if isinstance(call, dict) else call
    return [{"type": "function", "function": f} for f in functions], choice if choice is not None else named
