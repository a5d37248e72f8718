"""`request`: call an address with any method, headers and body."""

from http import HTTPStatus

import orjson
from pydantic import TypeAdapter, ValidationError

from hub.accounts.value_types import Headers
from hub.domain import Json
from hub.errors import HubError
from hub.tools import http_replies
from hub.tools.base import Context, Result, Tool, ToolFailed, schema
from hub.tools.builtin.common import Options, text

SECONDS, LARGEST, LONGEST = 30.0, 1_000_000, 50_000
SHOWN = ("content-type", "location", "retry-after", "etag", "last-modified", "link")
SCHEMA = schema(
    ["url"],
    url=text("An address with http:// or https://."),
    method={
        "type": "string", "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        "description": "GET without one.",
    },
    headers={"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 50},
    body={"type": ["string", "object", "array"], "description": "Text, or a value that is sent as JSON."},
)


def request(_: Options) -> Tool:
    return Tool("request", "Calls an address over HTTP and gives status, headers and body.", SCHEMA, _request)


async def _request(context: Context, arguments: Json) -> Result:
    method, body = arguments.get("method") or "GET", arguments.get("body")
    headers = _headers(arguments.get("headers") or {})
    if body is not None and not isinstance(body, str) and not any(k.lower() == "content-type" for k in headers):
        headers["Content-Type"] = "application/json"
    raw = None if body is None else body.encode() if isinstance(body, str) else orjson.dumps(body)
    if raw is not None and len(raw) > LARGEST:
        raise ToolFailed(f"body is larger than {LARGEST:,} bytes; send less.")
    try:
        reply = await context.hub.outbound.request(
            method, arguments["url"], headers=headers, body=raw, seconds=min(SECONDS, context.left), limit=LARGEST,
            follow=method in ("GET", "HEAD"), cut=True,
        )
    except HubError as e:
        raise ToolFailed(f"The request failed: {e}") from None
    lines = [f"{reply.status} {_phrase(reply.status)}".strip()]
    lines += [f"{k}: {v}" for k, v in reply.headers.items() if k.lower() in SHOWN]
    return Result("\n".join((*lines, "", http_replies.cut(http_replies.text(reply), LONGEST) if reply.body else "")))


def _headers(given: Json) -> dict[str, str]:
    """Raise ToolFailed for headers that belong to the connection, or are no headers."""
    try:
        return {"User-Agent": "chathub"} | TypeAdapter(Headers).validate_python(given)
    except ValidationError as e:
        words = e.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise ToolFailed(f"headers {words}.") from None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
