"""Why an answer ended, in the words of OpenAI. Pure."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

STOP, LENGTH, FILTER, CALLS, CUT = "stop", "length", "content_filter", "tool_calls", "error"
# The answer is over, whatever it holds.
FINAL = (LENGTH, FILTER)
_NONE = frozenset(("", "null", "none", "finishreasonunspecified", "unspecified"))
_WORDS: Mapping[str, tuple[str, ...]] = {
    LENGTH: (
        "length", "maxtokens", "maxtoken", "maxoutputtokens", "maxcompletiontokens", "maxnewtokens", "modellength",
        "maxlength", "maxoutput", "tokenlimit", "tokenlimitreached", "limit", "errorlimit", "lengthlimit", "incomplete",
        "truncated", "contextlength", "contextlengthexceeded", "contextwindowexceeded", "modelcontextwindowexceeded",
        "outputlimit", "maxcontextlength", "repetitiontruncation", "maxtime",
    ),
    FILTER: (
        "contentfilter", "contentfiltered", "filter", "filtered", "safety", "safetyfilter", "recitation", "blocklist",
        "blocked", "prohibitedcontent", "spii", "imagesafety", "imageprohibitedcontent", "imagerecitation",
        "imageother", "language", "refusal", "refused", "guardrailintervened", "guardrail", "sensitive", "errortoxic",
        "toxic", "moderation", "violation", "contentpolicy", "contentpolicyviolation", "contentmoderation",
        "modelarmor", "jailbreak",
    ),
    CALLS: (
        "toolcalls", "toolcall", "tooluse", "tool", "tools", "functioncall", "functioncalls", "function",
    ),
    CUT: (
        "error", "engineerror", "servererror", "networkerror", "internalerror", "failed", "failure", "abort",
        "aborted", "cancelled", "canceled", "timeout", "insufficientsystemresource", "malformedfunctioncall",
        "malformedresponse", "unexpectedtoolcall", "errorinternal", "interrupted", "modelerror", "overloaded",
        "toomanytoolcalls", "missingthoughtsignature", "expired",
    ),
}
# What a word means that is none of these, by a part of it.
_PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (FILTER, ("contentfilter", "safety", "prohibited", "inspection", "moderation", "guardrail", "contentpolicy")),
    (LENGTH, ("maxtoken", "tokenlimit", "tokenslimit", "outoftokens", "length", "limitreached", "stoppedlimit",
              "maxoutput", "timelimit")),
    (CUT, ("overloaded", "ratelimit", "error", "failed", "timeout")),
)
_KNOWN: Mapping[str, str] = {word: kind for kind, words in _WORDS.items() for word in words}
# Of a word for an end; more of it is none of these.
LONGEST = 200
_PREFIX = re.compile(r"^(finishreason|stopreason)")


def mapped(reason: Any) -> str | None:
    """stop, length, content_filter, tool_calls, or error for an answer that was cut; None: it goes on."""
    if isinstance(reason, dict):
        reason = next((reason[n] for n in ("type", "reason") if isinstance(reason.get(n), str)), None)
    if reason is None or reason is False:
        return None
    return _mapped(str(reason)[:LONGEST])


@lru_cache(maxsize=500)
def _mapped(reason: str) -> str | None:
    word = re.sub(r"[^a-z]", "", reason.lower())
    if word in _NONE:
        return None
    # `content_filter: PROHIBITED_CONTENT`: the end says more than the beginning.
    named = [_PREFIX.sub("", re.sub(r"[^a-z]", "", part)) for part in reason.lower().split(":")[::-1]]
    found = next((_KNOWN[one] for one in (word, *named) if one in _KNOWN), None)
    return found or next((kind for kind, parts in _PARTS if any(p in word for p in parts)), STOP)
