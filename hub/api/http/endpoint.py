"""Typed endpoints: the signature is the contract.

    @endpoint(id="A-56", tag="AI gateways")
    async def create(request: web.Request, body: GatewayIn) -> GatewayId:
        '''Create an AI gateway.'''

`body` is parsed from JSON (annotate it `bytes` to get it raw), `query` from the query string, every
other parameter is a variable of the path. What is returned is written as its annotation says; None
becomes the documented sentence (`says`) or no content; a StreamResponse is passed on as it is.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import orjson
from aiohttp import web

from hub.api.http import body, deeds, idempotency
from hub.api.http.admission import admit
from hub.api.http.app_keys import SUBJECT, UNKNOWN
from hub.api.http.families import DEFAULT
from hub.api.http.operation import ENVELOPE, OPERATION, Handler, Header, Operation, read
from hub.pydantic_base import Enveloped, Message

MIB = 1 << 20
# Whose answers are kept for as long as there is what they are about.
SUBJECTS = ("/v1/documents/", "/v1/voices/", "/v1/chatbots/", "/v1/workflows/")


def endpoint(
    *,
    id: str | None = None,
    tag: str = "Other",
    auth: str = "key",
    status: int = 200,
    says: str | None = None,
    query_key: bool = True,
    limit: int = MIB,
    seconds: float = 10.0,
    consumes: str = "application/json",
    produces: str | None = None,
    file: str | None = None,
    errors: tuple[int, ...] = (),
    empty: tuple[int, ...] = (),
    field: str | None = None,
    headers: tuple[Header, ...] = (),
    family: str = DEFAULT,
    idempotent: bool | None = None,
    pages: bool = False,
    bare: bool = False,
) -> Callable[[Callable[..., Awaitable[Any]]], Handler]:
    """Make an aiohttp handler of a typed function.

    id: name in the documents ("A-56"). auth: key (private keys), public (public keys too), user, none.
    says: the sentence answered instead of data. query_key: `?api-key=` is accepted (of AIVAX). limit, seconds:
    largest body and longest time to read it. consumes, produces: media types where not JSON. field: of a
    multipart body, the one that holds the file. file: the name under which the answer is downloaded.
    errors: documented refusals beside 400, 401, 403 and 404; empty: those whose body is `{}`. headers:
    those that the handler asks for. family: whose conventions hold (rates, roles, documents). idempotent:
    whether Idempotency-Key has a meaning on POST, PUT and PATCH; by default in the family aresgen. pages: a list whose
    answer tells in X-Total-Count and Link whether it is cut (see pagination.shown). bare: no body is an empty object.
    """

    def decorate(function: Callable[..., Awaitable[Any]]) -> Handler:
        sign = read(function)
        summary, _, description = (inspect.getdoc(function) or function.__name__).partition("\n")
        operation = Operation(
            name=_name(function, family), id=id, summary=summary.rstrip("."),
            description=description.strip(), tag=tag, auth=auth, query_key=query_key and family == DEFAULT,
            status=status, says=says, body=sign.body, body_field=sign.body_field, query=sign.query, params=sign.params,
            result=sign.result, limit=limit, seconds=seconds, consumes=consumes, produces=produces, field=field,
            file=file, errors=errors, empty=empty, headers=headers, family=family,
            idempotent=family == "aresgen" if idempotent is None else idempotent, pages=pages, bare=bare,
        )

        @functools.wraps(function)
        async def handler(request: web.Request) -> web.StreamResponse:
            await admit(request, operation)

            async def answer() -> web.StreamResponse:
                return write(request, operation, await function(request, **await _arguments(request, operation)))

            with deeds.told(request, operation):
                return await idempotency.once(request, operation, answer)

        setattr(handler, OPERATION, operation)
        return handler

    return decorate


def _name(function: Callable[..., Awaitable[Any]], family: str) -> str:
    """Families have modules of the same names."""
    own = f"{function.__module__.rsplit('.', 1)[-1]}_{function.__name__}"
    return own if family == DEFAULT else f"{family}_{own}"


async def _arguments(request: web.Request, operation: Operation) -> dict[str, Any]:
    found = body.variables(request, operation.params)
    named = [value for value in found.values() if isinstance(value, UUID)]
    if named and request.path.startswith(SUBJECTS):
        request[SUBJECT] = named[-1]
    if operation.query is not None:
        found["query"] = body.query(request, operation.query)
    else:
        body.nothing(request)
    if operation.body is not None:
        if operation.family == "aresgen":
            body.only_json(request)
        form = operation.body._type
        found["body"] = await body.json(
            request, operation.body, operation.limit, operation.seconds, form, b"{}" if operation.bare else b""
        )
    elif operation.body_field is not None:
        found["body"] = await body.raw(request, operation.limit, operation.seconds)
    return found


def write(request: web.Request, operation: Operation, result: Any) -> web.StreamResponse:
    """The answer as the contract says, in an envelope for who asks for one."""
    if isinstance(result, web.StreamResponse):
        return result  # X-Unknown-Fields tells what else would be told inside
    if result is None:
        if operation.says is None:
            return web.Response(status=204)
        result = Message(message=operation.says)
    if isinstance(result, Message):
        content = result.model_dump_json().encode()
    elif operation.result is not None:
        content = operation.result.dump_json(result, by_alias=True)
        if request.path.startswith("/api/") and request.headers.get(ENVELOPE, "").lower() == "true":
            content = _enveloped(content, result)
    else:
        content = orjson.dumps(result)
    if request.get(UNKNOWN) and content.startswith(b"{"):
        content = orjson.dumps({**orjson.loads(content), "warnings": _warnings(request[UNKNOWN])})
    named = {"Content-Disposition": f'attachment; filename="{operation.file}"'} if operation.file else None
    return web.Response(status=operation.status, body=content, content_type="application/json", headers=named)


def _warnings(names: list[str]) -> list[str]:
    return [f"{name} is no field of this request and was left out; see /apidocs." for name in names]


def _enveloped(content: bytes, result: Any) -> bytes:
    """`message` and `data` around the answer, or beside what brings one of them itself."""
    if not isinstance(result, Enveloped):
        return b'{"message":null,"data":' + content + b"}"
    return orjson.dumps({"message": None, "data": None} | orjson.loads(content))
