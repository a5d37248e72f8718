"""What is sent to Anthropic and to Gemini, and what our servers answer in their place, by the types of their SDKs.

The SDKs take seconds to be imported, and every process of a run collects every file: so they are when a file asks for
`sdks`, before its tests and not in the middle of one.
"""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import GenericAlias
from typing import Any, is_typeddict

import pytest
from pydantic import ConfigDict, TypeAdapter

Json = dict[str, Any]
# Fields that the API of 2023-06-01, which we ask for, takes, and the newest one of the SDK does not know any more.
OLDER = ("temperature", "top_p", "top_k")


@pytest.fixture(scope="module", autouse=True)
def sdks() -> None:
    for made in (_asked, _event, _google):
        made()


@cache
def _asked() -> TypeAdapter[Any]:
    for module in pkgutil.iter_modules(import_module("anthropic.types").__path__):
        found = import_module(f"anthropic.types.{module.name}")
        for one in vars(found).values():
            if is_typeddict(one):
                one.__pydantic_config__ = ConfigDict(extra="forbid")
    return TypeAdapter(import_module("anthropic.types.message_create_params").MessageCreateParamsStreaming)


@cache
def _event() -> TypeAdapter[Any]:
    return TypeAdapter(import_module("anthropic.types").RawMessageStreamEvent)


@cache
def _google() -> Mapping[str, Any]:
    """What stands around the config of a request in the SDK, and in the body itself over HTTP."""
    google = import_module("google.genai.types")
    contents, tools, settings = (
        GenericAlias(list, one) for one in (google.Content, google.Tool, google.SafetySetting))
    return {
        "contents": contents, "systemInstruction": google.Content, "tools": tools, "toolConfig": google.ToolConfig,
        "generationConfig": google.GenerationConfig, "safetySettings": settings, "cachedContent": str,
    }


def asked_anthropic(body: Json) -> Json:
    """The body, which is one. Raise ValueError."""
    _asked().validate_python({k: v for k, v in body.items() if k not in OLDER})
    return body


def asked_gemini(body: Json) -> Json:
    """The body, which is one. Raise ValueError."""
    for name, value in body.items():
        TypeAdapter(_google()[name]).validate_python(value)
    return body


def told_anthropic(event: Json) -> Json:
    """An event, or a whole message, as Anthropic sends it. Raise ValueError."""
    if event["type"] == "message":
        import_module("anthropic.types").Message.model_validate(event, strict=True)
    elif event["type"] not in ("ping", "error"):
        _event().validate_python(event, strict=True)
    return event


def told_gemini(event: Json) -> Json:
    """An event as Gemini sends it. Raise ValueError."""
    import_module("google.genai.types").GenerateContentResponse.model_validate(event)
    return event
