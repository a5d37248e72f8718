"""What a caller hears when the model's provider refuses or fails."""

import re
from collections.abc import Mapping

from hub.domain import Caller
from hub.errors import Upstream
from hub.llm.refusals import REQUEST
from hub.llm.types import Failed

# For the owner of the gateway, who can do something about it.
ADVICE: Mapping[int, str] = {
    401: "It does not accept the gateway's apiKey; set one that is valid.",
    402: "The account there has no credit left; add some.",
    403: "The gateway's apiKey may not do this there; allow it, or use another key.",
    405: "There is nothing at the gateway's baseAddress; check it.",
}
CODES: Mapping[int, str] = {400: "invalid_request", 404: "model_not_found", 429: "rate_limit_exceeded"}
# Codes that say nothing of the provider, only of the request.
OPEN = frozenset((
    "context_length_exceeded", "rate_limit_exceeded", "insufficient_quota", "content_filter", "invalid_request",
    "model_not_found", "content_policy_violation", "string_above_max_length",
))
_CODE = re.compile(r"[^\w.-]+")


def told(who: Caller, e: Upstream) -> Upstream:
    """The failure as it is told: with the status that says whose trouble it is, and, to those who hold a private
    key, in the provider's words. Everyone who opens a page can read a public key."""
    kind = e.kind if isinstance(e, Failed) else 0
    status = 400 if kind in REQUEST else kind if kind in (404, 429) else Upstream.status
    details = e.details if isinstance(e.details, dict) else {}
    code = _CODE.sub("_", str(details.get("code") or "")) or None
    if status == Upstream.status:
        code = e.code
    code = code or CODES.get(status) or e.code
    text = str(e)
    if who.kind == "private":
        text = " ".join(t for t in (text, ADVICE.get(kind), str(details.get("message") or "")) if t)
    elif code not in OPEN and status != Upstream.status:
        code = CODES[status]
    found = Upstream(
        text, field=e.param if isinstance(e, Failed) and who.kind == "private" else e.field,
        details=e.details if who.kind == "private" else None, retry_after=e.retry_after, code=code,
    )
    found.status = status
    return found
