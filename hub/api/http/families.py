"""The documented APIs that this server is: what each is called, and how it says that something is wrong."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from aiohttp import web

from hub.api.http.operation import OPERATION, Operation

Json = dict[str, Any]
DEFAULT = "aivax"
# Anthropic's doors, whose clients add the version themselves, read errors of their own shape, and know 503 as 529.
ANTHROPIC, BUSY = "/v1/messages", 529


@dataclass(frozen=True, slots=True)
class Family:
    """error: name of its schema of errors, outside of /v1."""

    name: str
    title: str
    about: str
    error: str = "Error"


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        one.name: one
        for one in (
            Family(DEFAULT, "AIVAX", "AI gateways with knowledge, and chat clients on Telegram, WhatsApp and the web."),
            Family(
                "ares", "ARES", "Chat with agents as a signed-in user; what they learn about the user is remembered.",
                "AresError",
            ),
            Family("aresgen", "AresGen", "Documents, voices, chatbots and workflows.", "Problem"),
            Family("characters", "Characters", "Characters, conversations with them, and images.", "CharactersError"),
        )
    }
)
# Codes of ARES by status, where the error itself does not say more.
ARES_CODES: Mapping[int, str] = MappingProxyType(
    {
        400: "INVALID_INPUT", 401: "AUTHENTICATION_FAILED", 402: "INSUFFICIENT_BALANCE", 403: "AUTHORIZATION_FAILED",
        404: "NOT_FOUND", 409: "INVALID_INPUT", 413: "INVALID_INPUT", 415: "INVALID_INPUT", 422: "INVALID_INPUT",
        429: "RATE_LIMITED", 500: "INTERNAL_ERROR", 502: "LLM_ERROR", 503: "DATABASE_ERROR",
    }
)
# Below these everything is for users of ARES, also what leads nowhere.
ARES_PATHS = re.compile(r"/api/(auth|chat|conversations|memory|agents)(/|$)")
ARES_KNOWN: Mapping[str, str] = MappingProxyType(
    {
        "unknown_model": "CONFIGURATION_ERROR", "model_not_found": "CONFIGURATION_ERROR",
        "tool_failed": "EXTERNAL_SERVICE_ERROR",
    }
)


def family_of(request: web.Request) -> str:
    """Whose endpoint was asked for."""
    operation = getattr(request.match_info.handler, OPERATION, None)
    if isinstance(operation, Operation):
        return operation.family
    return "ares" if ARES_PATHS.match(request.path) else DEFAULT


def coded(family: str, status: int, code: str) -> str:
    """The error's code as this family writes it."""
    if family != "ares":
        return code
    return ARES_KNOWN.get(code) or ARES_CODES.get(status, "INTERNAL_ERROR" if status >= 500 else "INVALID_INPUT")


def _schema(required: list[str], **properties: Json) -> Json:
    return {"type": "object", "required": required, "properties": properties}


SENTENCE: Json = {"type": "string", "description": "One sentence for people."}
DETAILS: Json = {"description": "Every field that is not valid, or null."}
CODE: Json = {"type": "string", "description": "A stable word for programs."}
ERRORS: Mapping[str, Json] = MappingProxyType(
    {
        "Error": _schema(["error", "details", "code"], error=SENTENCE, details=DETAILS, code=CODE),
        "AresError": _schema(
            ["error", "code"], error=SENTENCE, details=DETAILS,
            code={**CODE, "enum": sorted({*ARES_CODES.values(), *ARES_KNOWN.values()})},
        ),
        "AnthropicError": _schema(
            ["type", "error", "request_id"], type={"const": "error"}, request_id={"type": "string"},
            error=_schema(
                ["type", "message"], type={"type": "string"}, message=SENTENCE, code=CODE,
                param={"type": ["string", "null"]},
            ),
        ),
        "CharactersError": _schema(["error"], error=SENTENCE, details=DETAILS, code=CODE),
        "Problem": _schema(
            ["type", "title", "status", "detail", "instance", "code", "error"],
            type={"type": "string"}, title={"type": "string"}, status={"type": "integer"},
            detail={"type": "string"}, code={"type": "string"},
            instance={"type": "string", "description": "The path that was asked for."},
            error={
                "type": "object",
                "properties": {
                    "message": {"type": "string"}, "type": {"type": "string"},
                    "param": {"type": ["string", "null"]}, "code": {"type": "string"},
                },
            },
        ),
    }
)
