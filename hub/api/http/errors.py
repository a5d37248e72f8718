"""The one place that turns errors into answers.

Under /api: {"error", "details", "code"}, the code as the endpoint's family writes it. Under /v1 and its
alias: RFC 9457 problem details with the `error` member that OpenAI clients read. Elsewhere: one line of
text.
"""

import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from hub.api.http.families import ANTHROPIC, BUSY, DEFAULT, coded
from hub.errors import HubError
from hub.request_id import request_id

ALIASES = ("/api/v1/chat/completions",)
# What clients ask for whose base address lacks the version, or has it twice.
OPENAI = ("/chat/completions", "/completions", "/embeddings", "/responses", "/models")
ANTHROPIC_KINDS = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 409: "conflict_error", 413: "request_too_large", 422: "invalid_request_error",
    429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error",
}
INTERNAL = "Internal error"
QUOTA = "insufficient_quota"
KINDS = {
    400: "invalid_request_error", 401: "authentication_error", 402: "insufficient_quota", 403: "permission_error",
    404: "not_found_error", 409: "conflict_error", 413: "invalid_request_error", 415: "invalid_request_error",
    422: "invalid_request_error", 429: "rate_limit_error",
}
# aiohttp's own refusals.
TEXTS = {
    400: ("The request is not valid HTTP for this path.", "bad_request"),
    404: ("There is nothing at this path; see /apidocs for all endpoints.", "not_found"),
    408: ("The body did not arrive in time; send it again.", "timeout"),
    411: ("Send the Content-Length of the body.", "length_required"),
    413: ("The body is too large.", "too_large"),
    415: ("This kind of content is not accepted here.", "unsupported_media"),
    417: ("The Expect header cannot be met; leave it out.", "expectation_failed"),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What is told to the client."""

    status: int
    text: str
    code: str
    details: Any = None
    field: str | None = None
    retry_after: float | None = None
    allow: str | None = None


def of_hub(error: HubError, guest: bool = False) -> Failure:
    if error.status == 500:
        return Failure(500, INTERNAL, "internal_error")
    retry = error.retry_after
    if retry is None and error.status in (429, 503) and error.code != QUOTA:
        retry = 5.0
    details = _for_guests(error.details) if guest and error.status >= 500 else error.details
    return Failure(error.status, str(error), error.code, details, error.field, retry)


def _for_guests(details: Any) -> Any:
    """What a provider said, and how it is called, is not for a business's visitors; what was said to them is."""
    shown = details if isinstance(details, dict) else {}
    return {name: value for name, value in shown.items() if name == "completionText"} or None


def of_http(error: web.HTTPException) -> Failure:
    """For aiohttp's own refusals (no such path, wrong method, body too large)."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allow = ", ".join(sorted(error.allowed_methods))
        return Failure(405, f"This path takes {allow}, not {error.method}.", "method_not_allowed", allow=allow)
    text, code = TEXTS.get(error.status, (HTTPStatus(error.status).phrase + ".", "error"))
    return Failure(error.status, text, code)


def internal() -> Failure:
    return Failure(500, INTERNAL, "internal_error")


def render(path: str, failure: Failure, family: str = DEFAULT, address: str = "") -> web.Response:
    """The failure in the shape of the path and of the family whose endpoint was asked for. address: where the hub's
    pages are found."""
    # A client that was given the hub's address without its /v1, or with one too many.
    lost = failure.text == TEXTS[404][0] and path.rstrip("/").endswith(OPENAI) and not path.startswith("/api/")
    if lost:
        failure = Failure(404, f"There is nothing at {path}: set the client's base_url to {address}/v1.", "not_found")
    twice = path.endswith(ANTHROPIC) and path != ANTHROPIC
    if twice and failure.status == 404:
        failure = Failure(404, f"There is nothing at {path}: set the client's base_url to {address}.", "not_found")
    if path == ANTHROPIC or path.startswith(ANTHROPIC + "/") or twice:
        return _anthropic(failure)
    if path.startswith("/v1/") or path in ALIASES or lost:
        content, kind = problem(failure, path, address), "application/problem+json"
    elif path.startswith("/api/"):
        content, kind = plain(failure, family), "application/json"
    else:
        return web.Response(status=failure.status, text=failure.text + "\n", headers=_headers(failure))
    return web.Response(
        status=failure.status, body=orjson.dumps(content, default=str), content_type=kind, headers=_headers(failure)
    )


def _anthropic(failure: Failure) -> web.Response:
    status = BUSY if failure.status == 503 else failure.status
    kind = ANTHROPIC_KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    error = {"type": kind, "message": failure.text, "code": failure.code, "param": failure.field}
    content = {"type": "error", "error": error, "request_id": request_id.get()}
    return web.Response(
        status=status, body=orjson.dumps(content), content_type="application/json", headers=_headers(failure)
    )


def plain(failure: Failure, family: str = DEFAULT) -> dict[str, Any]:
    if family == "characters" and failure.status == 500:
        return {"error": failure.text}  # documented whole
    code = coded(family, failure.status, failure.code)
    return {"error": failure.text, "details": failure.details, "code": code}


def problem(failure: Failure, path: str = "", address: str = "") -> dict[str, Any]:
    kind = KINDS.get(failure.status, "api_error" if failure.status >= 500 else "invalid_request_error")
    if failure.code == QUOTA:
        kind = QUOTA
    return {
        "type": f"{address}/problems/{failure.code}",
        "title": HTTPStatus(failure.status).phrase,
        "status": failure.status,
        "detail": failure.text,
        "instance": path,
        "code": failure.code,
        **({"details": failure.details} if failure.details is not None else {}),
        "error": {"message": failure.text, "type": kind, "param": failure.field, "code": failure.code},
    }


def _headers(failure: Failure) -> dict[str, str]:
    found = {}
    if failure.status == 401:
        found["WWW-Authenticate"] = "Bearer"
    if failure.retry_after is not None:
        found["Retry-After"] = str(max(1, math.ceil(failure.retry_after)))
    if failure.code == QUOTA:
        found["X-Should-Retry"] = "false"  # OpenAI's clients would try a 429 again
    if failure.allow:
        found["Allow"] = failure.allow
    return found
