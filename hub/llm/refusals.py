"""What a model provider's error says, whatever its shape: its kind, its code, its words, its wait. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from hub.domain import Json
from hub.llm.finish import FILTER
from hub.llm.masking import clean
from hub.llm.sse import Events, parse, whole
from hub.llm.types import Failed

# Asking again changes nothing.
PERMANENT = frozenset((400, 401, 402, 403, 404, 405, 410, 413, 414, 415, 422, 501))
REQUEST = frozenset((400, 413, 414, 415, 422))
SPENT = "insufficient_quota"
QUOTA = frozenset((
    SPENT, "insufficient_balance", "billing_hard_limit_reached", "billing_not_active", "exceeded_current_quota_error",
))
CONTEXT = "context_length_exceeded"
# Where the words of an error stand, the likeliest first.
_WORDS = (
    "message", "Message", "msg", "detail", "details", "error_msg", "error_message", "errorMessage", "ErrorMessage",
    "error_description", "status_msg", "errors", "description", "reason", "title", "faultstring", "fault", "base_resp",
    "data", "body", "response", "text", "messages", "Error", "Response", "ResponseMetadata",
)
_CODES = ("code", "Code", "type", "status", "error_code", "errorCode", "error_type", "__type", "reason")
_INSIDE = ("error", "errors", "detail", "base_resp", "message", "Error", "Response", "ResponseMetadata")
_NUMBERS = ("code", "status_code", "statusCode", "http_status", "status", "error_code", "http_code")
# What codes, types and states of providers mean, by a part of them.
_KINDS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (401, (
        "authentication", "invalidapikey", "apikeyinvalid", "unauthenticated", "unauthorized", "invalidtoken",
        "authfailure",
    )),
    (402, (
        "paymentrequired", "insufficientbalance", "insufficientcredit", "insufficientfunds", "billingnotactive",
        "arrearage",
    )),
    (429, (
        "ratelimit", "resourceexhausted", "throttl", "toomanyrequests", "insufficientquota", "quotaexceeded",
        "tokenlimitexceededperminute", "engineoverloaded",
    )),
    (403, ("permission", "forbidden", "accessdenied")),
    (404, ("notfound", "nosuchmodel", "modelnotexist", "unknownmodel")),
    (413, ("toolarge",)),
    (400, (
        "invalidrequest", "badrequest", "invalidargument", "invalidparameter", "invalidvalue", "invalidinput",
        "validation", "contextlength", "contextwindow", "stringabovemax", "contentfilter", "contentpolicy",
        "unsupported", "unprocessable", "failedprecondition", "extraforbidden", "missingparameter", "integrityerror",
    )),
    (503, ("overloaded", "unavailable", "capacity", "busy")),
    (504, ("timeout", "deadlineexceeded")),
    (500, ("internal", "servererror", "apierror")),
)
_TOO_LONG = re.compile(
    r"(?i)maximum context|context (?:length|window|size)|\b(?:prompt|input|request|messages?|tokens?)\b[^.]{0,40}"
    r"\btoo (?:long|large)|too long\b[^.]{0,40}\b(?:model|prompt|tokens?|context|input|limit)|reduce the length of"
    r"|token count\b[^.]{0,40}\bexceeds the (?:maximum|limit)|too many tokens|maximum (?:prompt|model|input) length"
    r"|(?:prompt|input)\b[^.]{0,60}\b(?:exceeds?|longer than)\b[^.]{0,30}\b(?:max\w*|limit)\b|model token limit"
    r"|\binput length should be|`?inputs`?(?: tokens)?\b[^.]{0,40}\b(?:must be <=|must have less than) ?\d+"
    r"|\bcurrent length is \d+ while limit|tokens\b[^.]{0,40}\bexceeds? max message tokens"
)
# A picture that is too large leaves room for words.
_MEDIUM = re.compile(r"(?i)\b(?:images?|pictures?|audio|videos?|files?|documents?|attachments?)\b")
_COUNTED = re.compile(r"(?i)tokens?\b|context")
# What servers say of a path that they do not have, not of a model.
_NO_DOOR = re.compile(
    r"(?i)^\W*+(?:404\W*+)?(?:error\W*+)?(?:the requested |this )?(?:page|path|route|resource|url|endpoint)?\W*+"
    r"(?:(?:was )?not found|not_found|notfound)?\W*+$|invalid url|cannot post|no route|no such (?:route|path|endpoint)"
)
_OF_MODEL = re.compile(r"(?i)model|deployment")
_NO_KEY = re.compile(
    r"(?i)api[ _-]?key (?:is )?(?:not valid|invalid|expired|not found)|(?:invalid|incorrect) api[ _-]?key"
)
_NO_MONEY = re.compile(r"(?i)insufficient (?:account )?balance|balance is (?:too low|insufficient|not enough)|recharge")
_TRY_IN = re.compile(
    r"(?i)(?:(?:try again|retry)(?: after| in)|please wait)\s+((?:[\d.]+\s*(?:ms|h|m(?:in\w*)?|s(?:ec\w*)?)\s*)+)"
)
_SPAN = re.compile(r"(?i)([\d.]+)\s*(ms|h|m|s)")
_UNITS: Mapping[str, float] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_TITLE, _TITLED = re.compile(r"(?i)<title>"), re.compile(r"(?i)</title>")
DEEP, MANY, LONGEST_WAIT = 8, 8, 86_400.0
LOOKED_AT = 8000  # characters of an error: an event of a stream may hold millions


def failure(
    status: int, body: Any, key: str | None, wait: float | None = None, headers: Mapping[str, str] | None = None
) -> Failed:
    """A provider's error in words that carry neither keys nor addresses."""
    told, code = whole(_beginning(words(body))), code_of(body)
    kind = kind_of(status, body, code, told)
    details: Json = {"status": status}
    if told:
        details["message"] = clean(told, key)
    if code:
        details["code"] = code
    if wait is None:
        wait = waiting(headers or {}, body, told) if kind == 429 or kind >= 500 else None
    named = _said(kind, code, told)
    if named is not None:
        details["code"] = named
    return Failed(
        _sentence(status, kind), permanent=kind in PERMANENT or named == SPENT or 300 <= status < 400, retry_after=wait,
        details=details, kind=kind, down=status >= 500, param=_param(body),
    )


def _beginning(told: str) -> str:
    """What is looked at and shown; a key that stands where it is cut goes as a whole."""
    cut = told[:LOOKED_AT]
    return cut if len(told) <= LOOKED_AT else cut.rpartition(" ")[0] or cut


def _said(kind: int, code: str | None, told: str) -> str | None:
    """The code that OpenAI's clients know for what the provider says otherwise."""
    if kind in (400, 422) and _TOO_LONG.search(told) and (_COUNTED.search(told) or not _MEDIUM.search(told)):
        return CONTEXT
    if kind == 429 and (code in QUOTA or _NO_MONEY.search(told)):
        return SPENT
    return FILTER if kind in REQUEST and code and "inspection" in code.lower() else None


def _sentence(status: int, kind: int) -> str:
    if 300 <= status < 400:
        return "The model provider redirects to another address; use that one."
    if kind == 429:
        return "The model provider limits the requests."
    shown = kind if status < 300 else status
    if kind in PERMANENT:
        return f"The model provider refused the request (status {shown})."
    if status < 300:
        return "The model provider reported an error in its answer."
    return f"The model provider failed (status {shown})."


def read(raw: bytes, html: bool = False) -> Any:
    """The body of an error: its JSON, the first event of a stream, or its text."""
    found = parse(raw.removeprefix(b"\xef\xbb\xbf"))
    if found is not None:
        return found
    if raw.lstrip().startswith((b"data:", b"event:")):
        events = Events()
        told = [*events.feed(raw), *events.end()]
        if told:
            return told[0]
    text = raw.decode("utf-8", errors="replace").strip()
    if html or text.startswith("<"):
        title = _TITLE.search(text)
        ended = _TITLED.search(text, title.end()) if title else None
        return text[title.end() : ended.start()].strip() if title and ended else None
    return text or None


def words(found: Any, depth: int = 0) -> str:
    """What an error says to a person."""
    if depth > DEEP:
        return ""
    if isinstance(found, str):
        return _in_text(found.strip(), depth)
    if isinstance(found, list):
        return "; ".join(w for one in found[:MANY] if (w := words(one, depth + 1)))
    if not isinstance(found, dict):
        return ""
    if isinstance(found.get("loc"), list) and isinstance(found.get("msg"), str):
        return f"{'.'.join(str(p) for p in found['loc'])}: {found['msg']}"
    error = found.get("error")
    if isinstance(error, dict | list) and (told := words(error, depth + 1)):
        return told
    told = next((w for name in _WORDS if (w := words(found.get(name), depth + 1))), "")
    raw = found.get("metadata")
    beneath = words(raw.get("raw"), depth + 1) if isinstance(raw, dict) else ""
    if beneath and beneath not in told:
        return f"{told}: {beneath}" if told else beneath
    return told or (words(error, depth + 1) if isinstance(error, str) else "")


def _in_text(text: str, depth: int) -> str:
    """Providers that stand before others hand their JSON on as a text."""
    if text[:1] in ("{", "["):
        inner = words(parse(text.encode("utf-8", "replace")), depth + 1)
        return inner or text
    return text


def _places(body: Any) -> list[Json]:
    """The objects of an error in which its code may stand, the innermost first."""
    found: list[Json] = []
    here = body
    while len(found) < DEEP:
        if isinstance(here, list):
            here = here[0] if here else None
        if not isinstance(here, dict):
            break
        found.insert(0, here)
        here = next((here[n] for n in _INSIDE if isinstance(here.get(n), dict | list)), None)
    return found


def code_of(body: Any) -> str | None:
    """The provider's own code: a word, not the number that HTTP has too."""
    for place in _places(body):
        for name in _CODES:
            value = place.get(name)
            if isinstance(value, str) and _is_code(value):
                return value[:80]
        error = place.get("error")
        if isinstance(error, str) and _is_code(error) and words(place) != error:
            return error[:80]
    return None


def _is_code(value: str) -> bool:
    """RFC 9457's types, which are addresses, are none."""
    if value.lower().startswith(("about:", "urn:")):
        return False
    return bool(re.fullmatch(r"[A-Za-z][\w.#:-]{2,}", value)) and value.lower() not in ("error", "none", "null", "fail")


def _param(body: Any) -> str | None:
    found = next((p["param"] for p in _places(body) if isinstance(p.get("param"), str)), None)
    return found[:200] if found else None


def kind_of(status: int, body: Any, code: str | None, told: str) -> int:
    """The status of HTTP that says what went wrong; 0 when nothing tells."""
    if status == 400 and (_NO_KEY.search(told) or _named(code) == 401):
        return 401
    if status == 400 and (_NO_MONEY.search(told) or _named(code) == 402):
        return 402
    if status == 404 and _NO_DOOR.search(told) and not _OF_MODEL.search(code or ""):
        return 405  # there is no such door at that address
    if 400 <= status < 500:
        return status
    told_kind = _number(body) or _named(code)
    if told_kind == 400 and _NO_KEY.search(told):
        return 401
    if status >= 500:
        return told_kind if told_kind in REQUEST or told_kind == 429 else status
    return told_kind


def _number(body: Any) -> int:
    for place in _places(body):
        for name in _NUMBERS:
            value = place.get(name)
            value = int(value) if isinstance(value, str) and value.isdigit() else value
            if isinstance(value, int) and 400 <= value < 600:
                return value
    return 0


def _named(code: str | None) -> int:
    word = re.sub(r"[^a-z]", "", (code or "").lower())
    return next((kind for kind, parts in _KINDS if any(p in word for p in parts)), 0) if word else 0


def waiting(headers: Mapping[str, str], body: Any = None, told: str = "") -> float | None:
    """Seconds a provider asks to wait, from its headers or from what it says."""
    found = _in_headers(headers)
    if found is not None:
        return found
    for place in _places(body):
        found = _in_place(place)
        if found is not None:
            return found
    found_words = _TRY_IN.search(told)
    return _span(found_words[1]) if found_words else None


def _in_headers(headers: Mapping[str, str]) -> float | None:
    for name, unit in (("Retry-After-Ms", 0.001), ("Retry-After", 1.0)):
        value = headers.get(name)
        if value and (found := _seconds(value, unit)) is not None:
            return found
    return _reset(headers)


def _in_place(place: Json) -> float | None:
    details, beneath = place.get("details"), place.get("metadata")
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict) and isinstance(one.get("retryDelay"), str):
            return _span(one["retryDelay"])
    if isinstance(beneath, dict) and isinstance(beneath.get("headers"), dict):
        found = _in_headers({str(k): str(v) for k, v in beneath["headers"].items()})
        if found is not None:
            return found
    wanted = next((place[n] for n in ("retry_after", "estimated_time") if isinstance(place.get(n), int | float)), None)
    return None if wanted is None else _bounded(float(wanted))


def _reset(headers: Mapping[str, str]) -> float | None:
    """Seconds until there is something left of what nothing is left of."""
    named = {name.lower(): value for name, value in headers.items()}
    waits = []
    for name, left in named.items():
        if "ratelimit" not in name or not name.endswith(("remaining", "remaining-requests", "remaining-tokens")):
            continue
        if left.strip() == "0" and (value := named.get(name.replace("remaining", "reset"))):
            waits.append(_until(value))
    return max((w for w in waits if w is not None), default=None)


def _until(value: str) -> float | None:
    """`6m0s`, seconds, a moment, or its seconds or milliseconds since 1970."""
    now = datetime.now(UTC)
    try:
        number = float(value)
    except ValueError:
        try:
            return _bounded((datetime.fromisoformat(value).astimezone(UTC) - now).total_seconds())
        except ValueError:
            return _span(value)
    if number > 1e11:
        number /= 1000
    return _bounded(number - now.timestamp() if number > 1e9 else number)


def _seconds(value: str, unit: float) -> float | None:
    try:
        return _bounded(float(value) * unit)
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return _span(value)
    return _bounded((when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _span(text: str) -> float | None:
    """`34s`, `6m0s`, `340ms`."""
    try:
        parts = [float(number) * _UNITS[unit.lower()] for number, unit in _SPAN.findall(text)]
    except ValueError:
        return None
    return _bounded(sum(parts)) if parts else None


def _bounded(seconds: float) -> float | None:
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else None


def filtered(code: str | None) -> bool:
    """Whether the provider did not take the question for what it says."""
    return code is not None and FILTER.replace("_", "") in code.lower().replace("_", "")
