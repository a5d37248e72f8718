"""The pages behind `type` of problem details: what a code means and what helps."""

import inspect
import re
from collections.abc import Iterator, Mapping

from aiohttp import web

from hub import errors
from hub.api.http.app_keys import SPOKEN
from hub.api.http.page_language import language
from hub.errors import HubError

# Codes that are said beside those of the classes of errors.
MORE: Mapping[str, str] = {
    "answer_deleted": "What the first request with this key was about has been deleted, and its answer with it.",
    "bad_request": "The request could not be understood; the detail says why.",
    "context_overflow": "The conversation is larger than the model takes; send less of it.",
    "empty_answer": "The model answered nothing; ask again.",
    "empty_document": "The document has no text that the command could be run on.",
    "idempotency_in_progress": "The first request with this key is being answered; send it again in a moment.",
    "idempotency_key_invalid": "An Idempotency-Key has 1 to 255 characters.",
    "idempotency_key_reused": "The Idempotency-Key was sent with another body; use a new key for a new request.",
    "internal_error": "The hub failed; X-Request-Id of the answer is found in its log.",
    "invalid_definition": "The workflow's definition is not valid; details name each place by a JSON pointer.",
    "invalid_input": "The input of the run does not fit the workflow; details name each place by a JSON pointer.",
    "key_rotated": "The key was rotated before; rotate the one that took its place.",
    "length_required": "Send the Content-Length of the body.",
    "method_not_allowed": "The path takes other methods; Allow names them.",
    "json_healing_failed": "The model did not give valid JSON in all its attempts.",
    "model_cut": "The model's answer broke off; ask again.",
    "model_not_found": "There is no model or AI gateway of that name; GET /v1/models lists them.",
    "model_paused": "The model provider failed several times in a row and is left alone for half a minute.",
    "model_timeout": "The model did not answer in time.",
    "model_refused": "The public key is bound to other gateways.",
    "needs_model": "The command needs a model that follows instructions; name another one with model.",
    "not_found": "There is nothing at this path, or the object is not in this account.",
    "nothing_to_cite": "Nothing in the knowledge base speaks of the text.",
    "origin_refused": "Pages of that origin may not use the key; add the origin to it.",
    "private_key_needed": "A public key may not do that; use a private key.",
    "role_too_low": "The role of the key does not allow that; use a key of another role.",
    "run_ended": "The run has ended already.",
    "sample_too_short": "A voice is trained from a sample of at least 300 words.",
    "stale_revision": "The document was changed meanwhile; details hold its present state.",
    "timeout": "The body did not arrive in time; send it again.",
    "tool_limit": "The model did not come to an answer within its tool calls.",
    "too_many_webhooks": "The account has as many webhooks as it may; delete one first.",
    "unknown_field": "The hub's own models do not know the field; leave it out.",
    "unknown_model": "There is no integrated model of that name, or its provider has no key.",
    "upload_limit": "Guests have uploaded as much as they may, in this conversation or today.",
    "unsupported_media": "Send JSON with the header Content-Type: application/json.",
}
OTHER = "The request was refused; the detail of the answer says why."
_CODE = re.compile(r"[a-z0-9_]{1,60}")


def classes(root: type[HubError] = HubError) -> Iterator[type[HubError]]:
    for one in root.__subclasses__():
        yield one
        yield from classes(one)


def known() -> dict[str, str]:
    """Codes and what they mean: the errors' own words, and those of MORE."""
    found = {one.code: inspect.getdoc(one) or "" for one in classes() if one.__module__ == errors.__name__}
    return found | dict(MORE)


async def show(request: web.Request) -> web.Response:
    """GET /problems/{code}"""
    code = request.match_info["code"]
    if not _CODE.fullmatch(code):
        raise web.HTTPNotFound
    words = known().get(code, OTHER)
    html = request.app[SPOKEN].of(language(request)).get_template("problem.html").render(code=code, words=words)
    policy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    headers = {"Content-Security-Policy": policy, "Vary": "Accept-Language"}
    return web.Response(text=html, content_type="text/html", headers=headers)


def routes() -> list[web.RouteDef]:
    return [web.get("/problems/{code}", show)]
