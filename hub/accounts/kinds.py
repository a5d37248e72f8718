"""Kinds of values that appear in several documented objects."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

MASK = "***"
INT32 = 2**31 - 1

Flag = Literal[
    "NoSystemInstruct", "NoTemperature", "ThinkingProcess", "NoAssistantPrefilling", "ReturnReasoningTokens",
    "DisableMultiModalInput", "DiffusingStream", "OpenAiStrictJson", "StructuredOutputSupport",
    "PreserveThinkingTokens", "NoStopParameter", "NoReasoningEffort", "RewriteToolCallsAsUserMessages",
    "DisableReasoningSummary", "DisableReasoningDetails", "IncludeStoredReasoning", "StrictUserAssistantTurns",
]
BuiltinFunction = Literal[
    "WebSearch", "Code", "OpenUrl", "Remember", "ImageGeneration", "XPostsSearch", "GenerateDocument",
    "GenerateWebPage", "AdvancedWebUsage", "Request", "Calendar",
]
QueryStrategy = Literal["Plain", "Concatenate", "FullRewrite", "UserRewrite", "QueryFunction"]
Multimodal = Literal["Image", "Audio", "Video", "File", "OtherFiles", "All"]

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
# Set by the HTTP client itself, or meant for one hop only.
_NOT_YOURS = frozenset(
    (
        "host", "content-length", "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
    )
)


def address(value: str) -> str:
    """The form of an address. Raise ValueError saying what is wrong."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that starts with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user name or password; use headers")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("has a port that is not a number") from None
    return value


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, content in value.items():
        if not _HEADER.fullmatch(name) or name.lower() in _NOT_YOURS:
            raise ValueError(f"holds '{name[:40]}', a header that cannot be set; leave it out")
        if any(c in content for c in "\r\n\0"):
            raise ValueError(f"holds a line break in '{name[:40]}'; a header is one line")
    return value


Address = Annotated[str, Field(max_length=2000), AfterValidator(address)]
Headers = Annotated[dict[str, str], Field(max_length=50), AfterValidator(_headers)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def mask(secret: str | None) -> str | None:
    """What is shown of a secret: its last four characters, none of a short one."""
    if not secret:
        return None
    return MASK + secret[-4:] if len(secret) >= 16 else MASK
