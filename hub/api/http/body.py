"""Reading what a client sent."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from hub.api.http import bounded
from hub.api.http.app_keys import BODY, UNASKED, UNKNOWN
from hub.api.http.unknown import MOST, unknown
from hub.errors import BadRequest, NotFound, Unsupported
from hub.pydantic_base import invalid
from hub.store.db import clean

DEEPEST = 64
# Each costs some hundred bytes of memory once it is read.
VALUES = 1_000_000
T = TypeVar("T")


async def raw(request: web.Request, limit: int, seconds: float) -> bytes:
    """The whole body, at most `limit` bytes, within `seconds` and what its size needs."""
    return request[BODY] if BODY in request else await bounded.whole(request, limit, seconds)


async def json(
    request: web.Request, adapter: TypeAdapter[Any], limit: int, seconds: float, form: Any = None, nothing: bytes = b""
) -> Any:
    """The body as the type that the endpoint takes. Raise Invalid naming the field. form: the type; what is not in it
    is noted on the request. nothing: what an empty body stands for."""
    sent = (await raw(request, limit, seconds)).strip() or nothing
    found, names = await beside(sent, _read, sent, adapter, form)
    if names:
        request[UNKNOWN] = names
    return found


async def beside(sent: bytes, work: Callable[..., T], *args: Any) -> T:
    """Work on a body: a large one beside the loop, so that nobody else waits for it."""
    return work(*args) if len(sent) <= bounded.SMALL else await asyncio.to_thread(work, *args)


def few(sent: bytes, most: int = VALUES) -> None:
    """Raise BadRequest for JSON that may hold more values than are read."""
    if len(sent) > most and sum(sent.count(sign) for sign in (b",", b"[", b"{")) > most:
        raise BadRequest(f"The body holds more than {most:,} values; send it in pieces.")


def _read(sent: bytes, adapter: TypeAdapter[Any], form: Any) -> tuple[Any, list[str]]:
    if not sent.strip():
        raise BadRequest("The body is empty; send JSON.")
    few(sent)
    try:
        value = orjson.loads(sent)
    except orjson.JSONDecodeError as e:
        raise BadRequest(f"The body is not valid JSON: {e.msg} (line {e.lineno}, column {e.colno}).") from None
    if sent.count(b"[") + sent.count(b"{") > DEEPEST and deep(value):
        raise BadRequest(f"The body is nested more than {DEEPEST} levels deep.")
    if b"\\u0000" in sent:
        value = clean(value)
    try:
        found = adapter.validate_python(value)
    except ValidationError as e:
        raise invalid(e) from None
    return found, unknown(form, value) if form is not None else []


def is_json(request: web.Request) -> bool:
    """Whether the body says that it is JSON."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def only_json(request: web.Request) -> None:
    """Raise Unsupported for a body that is not said to be JSON."""
    if request.body_exists and not is_json(request):
        raise Unsupported("Send the body as JSON, with the header Content-Type: application/json.")


def deep(value: Any) -> bool:
    """Whether a JSON value is nested deeper than anything needs."""
    level = [value]
    for _ in range(DEEPEST):
        level = [c for v in level if isinstance(v, dict | list) for c in (v.values() if isinstance(v, dict) else v)]
        if not level:
            return False
    return True


def query(request: web.Request, model: type[BaseModel]) -> BaseModel:
    """The query string as a model; a name given twice is a list. What is in no form is noted on the request."""
    sent: dict[str, Any] = {}
    for name in asked(request):
        values = [clean(v) for v in request.query.getall(name)]
        sent[name] = values if len(values) > 1 else values[0]
    if names := unknown(model, sent):
        request[UNASKED] = names
    try:
        return model.model_validate(sent)
    except ValidationError as e:
        raise invalid(e) from None


def nothing(request: web.Request) -> None:
    """Note the query string of an endpoint that reads none."""
    if request.query_string and (names := asked(request)):
        request[UNASKED] = names[:MOST]


def asked(request: web.Request) -> list[str]:
    """The names of the query string, each once; a key in it is read before."""
    return [name for name in dict.fromkeys(request.query) if name != "api-key"]


def variables(request: web.Request, adapters: Mapping[str, TypeAdapter[Any]]) -> dict[str, Any]:
    """The variables of the path. What cannot be an id is an id that nobody has: raise NotFound."""
    found = {}
    for name, adapter in adapters.items():
        try:
            found[name] = adapter.validate_python(clean(request.match_info[name]))
        except ValidationError:
            raise NotFound from None
    return found
