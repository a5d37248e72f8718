"""Kinds of values that appear in several documented objects."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from hub.pydantic_base import SEEN

MASK = "***"
INT32 = 2**31 - 1

# How much a model thinks, and how much it says. An unknown word would do nothing: it is refused where it is new.
EFFORTS = ("none", "off", "minimal", "low", "medium", "high", "xhigh", "max", "auto", "default")
VERBOSITIES = ("low", "medium", "high", "max")


def _word(known: Sequence[str]) -> AfterValidator:
    """As it is known; what is stored and is not known stays as it is."""
    def one(value: str) -> str:
        word = value.strip().lower()
        return word if word in known or not word else value

    return AfterValidator(one)


Effort = Annotated[str, Field(max_length=200), _word(EFFORTS)]
Verbosity = Annotated[str, Field(max_length=200), _word(VERBOSITIES)]
Flag = Literal[
    "NoSystemInstruct", "NoTemperature", "ThinkingProcess", "NoAssistantPrefilling", "ReturnReasoningTokens",
    "DisableMultiModalInput", "DiffusingStream", "OpenAiStrictJson", "StructuredOutputSupport",
    "PreserveThinkingTokens", "NoStopParameter", "NoReasoningEffort", "RewriteToolCallsAsUserMessages",
    "DisableReasoningSummary", "DisableReasoningDetails", "IncludeStoredReasoning", "StrictUserAssistantTurns",
    "UseMaxTokens",
]
BuiltinFunction = Literal[
    "WebSearch", "Code", "OpenUrl", "Remember", "ImageGeneration", "XPostsSearch", "GenerateDocument",
    "GenerateWebPage", "AdvancedWebUsage", "Request", "Calendar", "Choices", "AskForHuman",
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


def origin(value: str) -> str:
    """An origin as browsers send it. Raise ValueError saying what is wrong."""
    found = value.strip().rstrip("/").lower()
    parts = urlsplit(found)
    if parts.scheme not in ("http", "https") or not parts.hostname or found != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("must be an origin such as https://shop.example, without a path")
    return found


_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{1,63}")
# Words that JavaScript keeps for itself, of two letters and more.
_KEPT = frozenset(
    (
        "await", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do",
        "else", "enum", "export", "extends", "false", "finally", "for", "function", "if", "implements", "import",
        "in", "instanceof", "interface", "let", "new", "null", "package", "private", "protected", "public",
        "return", "static", "super", "switch", "this", "throw", "true", "try", "typeof", "var", "void", "while",
        "with", "yield",
    )
)
# What the model sees of each built-in function.
RUNTIME_NAMES: Mapping[BuiltinFunction, tuple[str, ...]] = {
    "WebSearch": ("web_search",),
    "Code": ("evaluate_code",),
    "OpenUrl": ("open_url",),
    "Remember": ("memory_save", "memory_search", "memory_update", "memory_remove", "memory_clear"),
    "ImageGeneration": ("generate_image",),
    "XPostsSearch": ("search_x_posts",),
    "GenerateDocument": ("generate_document",),
    "GenerateWebPage": ("generate_web_page",),
    "AdvancedWebUsage": ("advanced_web_search",),
    "Request": ("request",),
    "Calendar": ("calendar_create", "calendar_search", "calendar_get", "calendar_update", "calendar_delete"),
    "Choices": ("offer_choices",),
    "AskForHuman": ("ask_for_human",),
}
RESERVED_NAMES = ("read_skill", "shell")


def identifier(value: str) -> str:
    """A function's name: an identifier of JavaScript, within what model providers accept."""
    if not _IDENTIFIER.fullmatch(value):
        raise ValueError("must be 2 to 64 letters, digits and _, and not begin with a digit")
    if value in _KEPT:
        raise ValueError(f"is '{value}', a word that JavaScript keeps for itself; choose another name")
    return value


Address = Annotated[str, Field(max_length=2000), AfterValidator(address)]
Headers = Annotated[dict[str, str], Field(max_length=50), AfterValidator(_headers)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
# What people call a thing of theirs: something that can be seen.
Called = Annotated[str, Field(min_length=1, max_length=200, pattern=SEEN)]


def mask(secret: str | None) -> str | None:
    """What is shown of a secret: its last four characters, none of a short one."""
    if not secret:
        return None
    return MASK + secret[-4:] if len(secret) >= 16 else MASK
