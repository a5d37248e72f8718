"""What is known about an endpoint: read once from its signature, used to run and to describe it."""

import inspect
import types
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
OPERATION = "hub_operation"
ENVELOPE = "X-Response-Envelope"


class Route(NamedTuple):
    """One line of a family's table of endpoints."""

    method: str
    path: str
    handler: Handler
    alias: bool = False  # a second spelling of a path that is described already


@dataclass(frozen=True, slots=True)
class Operation:
    """An endpoint's contract. `body` and `result` are None where there is none of it or it is raw."""

    name: str
    id: str | None
    summary: str
    description: str
    tag: str
    auth: str
    query_key: bool
    status: int
    says: str | None
    body: TypeAdapter[Any] | None
    body_field: str | None
    query: type[BaseModel] | None
    params: dict[str, TypeAdapter[Any]]
    result: TypeAdapter[Any] | None
    limit: int
    seconds: float
    consumes: str
    produces: str | None
    field: str | None
    file: str | None
    errors: tuple[int, ...]
    empty: tuple[int, ...]
    headers: tuple["Header", ...]
    family: str
    idempotent: bool
    pages: bool = False
    bare: bool = False


def operation_of(route: Route) -> Operation:
    """The contract of a route's handler. Raise LookupError when it was not made by `endpoint`."""
    found = getattr(route.handler, OPERATION, None)
    if not isinstance(found, Operation):
        raise LookupError(f"{route.method} {route.path}: the handler is not an endpoint.")
    return found


class Header(NamedTuple):
    """A header of a request."""

    name: str
    description: str
    required: bool = True


class Signature(NamedTuple):
    """A handler's parameters and answer, as types."""

    body: TypeAdapter[Any] | None
    body_field: str | None
    query: type[BaseModel] | None
    params: dict[str, TypeAdapter[Any]]
    result: TypeAdapter[Any] | None


def read(handler: Callable[..., Any]) -> Signature:
    """`body` and `query` are the request's; every other parameter is a variable of the path."""
    hints = typing.get_type_hints(handler, include_extras=True)
    names = list(inspect.signature(handler).parameters)[1:]
    body = hints["body"] if "body" in names else None
    query = hints["query"] if "query" in names else None
    params = {n: _adapter(hints.get(n, str)) for n in names if n not in ("body", "query")}
    result = _without_stream(hints.get("return"))
    return Signature(
        body=_adapter(body) if body is not None and body is not bytes else None,
        body_field="bytes" if body is bytes else None,
        query=query,
        params=params,
        result=_adapter(result) if result is not None else None,
    )


def _adapter(form: Any) -> TypeAdapter[Any]:
    """What reads or writes a form; it is made when it is first needed, as most of a hub's endpoints never are."""
    inner = typing.get_args(form)[0] if typing.get_origin(form) is typing.Annotated else form
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return TypeAdapter(form)  # as its own settings say
    return TypeAdapter(form, config=ConfigDict(defer_build=True))


def _without_stream(result: Any) -> Any:
    """The typed part of an answer: what is written by the handler itself is not described by a type."""
    members = typing.get_args(result) if typing.get_origin(result) in (typing.Union, types.UnionType) else (result,)
    typed = [m for m in members if m is not type(None) and not _is_stream(m)]
    return typed[0] if typed else None


def _is_stream(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, web.StreamResponse)


def is_id(adapter: TypeAdapter[Any]) -> bool:
    return adapter._type is UUID
