"""What built-in functions share: schemas, and calls to services of the operator's settings."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

import orjson
from pydantic import SecretStr

from hub.domain import Json
from hub.errors import HubError
from hub.tools.base import Context, ToolFailed

log = logging.getLogger(__name__)

LARGEST = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the built-in functions of a gateway (or of a request) behave."""

    search_mode: Literal["Full", "Summarized"] = "Full"
    search_results: int = 10
    image_results: int = 1
    image_quality: Literal["Low", "Medium", "High", "Highest"] = "Low"
    image_mature: bool = False
    image_references: bool = False
    image_model: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> "Options":
        """From `builtinFunctionsOptions` of a gateway, or the `options` of a request's `builtin_tools`."""
        known = {_spelled(k): v for k, v in (given or {}).items() if v is not None}
        return cls(**{name: known[wanted] for name, wanted in SPELLINGS.items() if wanted in known})


SPELLINGS: Mapping[str, str] = {
    "search_mode": "websearchmode",
    "search_results": "websearchmaxresults",
    "image_results": "imagegenerationmaxresults",
    "image_quality": "imagegenerationquality",
    "image_mature": "imagegenerationallowmaturecontent",
    "image_references": "imagegenerationallowreferenceusage",
    "image_model": "imagegenerationmodelname",
}


def _spelled(name: str) -> str:
    """camelCase and snake_case alike."""
    return name.replace("_", "").lower()


def text(description: str, longest: int = 2000, **more: Any) -> Json:
    return {"type": "string", "minLength": 1, "maxLength": longest, "description": description, **more}


def bearer(key: SecretStr) -> dict[str, str]:
    secret = key.get_secret_value()
    return {"Authorization": f"Bearer {secret}"} if secret else {}


async def ask(
    context: Context, method: str, url: str, *, query: Json | None = None, body: Any = None,
    headers: dict[str, str] | None = None, seconds: float = 30.0, limit: int = LARGEST,
) -> tuple[int, Any]:
    """Call a service of the operator's; its status and its JSON (None when it is none). Raise ToolFailed."""
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {"Accept": "application/json", **({"Content-Type": "application/json"} if raw else {}), **(headers or {})}
    try:
        reply = await context.hub.trusted.request(
            method, f"{url}?{urlencode(query)}" if query else url, headers=sent, body=raw,
            seconds=min(seconds, context.left), limit=limit,
        )
    except HubError as e:
        host = urlsplit(url).hostname
        log.warning("the service at %s cannot be used: %s", host, e)
        raise ToolFailed("The service cannot be reached now.") from None
    try:
        return reply.status, orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return reply.status, None


def told(status: int, url: str, what: str) -> ToolFailed:
    """A service that answered something else than it should: details are for the operator."""
    host = urlsplit(url).hostname
    log.warning("the service of %s at %s answered with status %d", what, host, status)
    return ToolFailed(f"The service of {what} failed; it gave no result.")
