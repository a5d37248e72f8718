"""What is sent to Anthropic and to Gemini, and what our servers answer in their place, by the types of their SDKs."""

import importlib
import pkgutil
from functools import cache
from typing import Any, is_typeddict

from anthropic import types as anthropic_types
from anthropic.types import Message, RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from google.genai import types as google_types
from pydantic import ConfigDict, TypeAdapter

Json = dict[str, Any]
# Fields that the API of 2023-06-01, which we ask for, takes, and the newest one of the SDK does not know any more.
OLDER = ("temperature", "top_p", "top_k")
# What stands around the config of a request in the SDK, and in the body itself over HTTP.
GOOGLE = {
    "contents": list[google_types.Content], "systemInstruction": google_types.Content,
    "tools": list[google_types.Tool], "toolConfig": google_types.ToolConfig,
    "generationConfig": google_types.GenerationConfig, "safetySettings": list[google_types.SafetySetting],
    "cachedContent": str,
}


@cache
def _asked() -> TypeAdapter[Any]:
    for module in pkgutil.iter_modules(anthropic_types.__path__):
        found = importlib.import_module(f"anthropic.types.{module.name}")
        for one in vars(found).values():
            if is_typeddict(one):
                one.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(MessageCreateParamsStreaming)


def asked_anthropic(body: Json) -> Json:
    """The body, which is one. Raise ValueError."""
    _asked().validate_python({k: v for k, v in body.items() if k not in OLDER})
    return body


def asked_gemini(body: Json) -> Json:
    """The body, which is one. Raise ValueError."""
    for name, value in body.items():
        TypeAdapter(GOOGLE[name]).validate_python(value)
    return body


@cache
def _event() -> TypeAdapter[Any]:
    return TypeAdapter(RawMessageStreamEvent)


def told_anthropic(event: Json) -> Json:
    """An event, or a whole message, as Anthropic sends it. Raise ValueError."""
    if event["type"] == "message":
        Message.model_validate(event, strict=True)
    elif event["type"] not in ("ping", "error"):
        _event().validate_python(event, strict=True)
    return event


def told_gemini(event: Json) -> Json:
    """An event as Gemini sends it. Raise ValueError."""
    google_types.GenerateContentResponse.model_validate(event)
    return event
