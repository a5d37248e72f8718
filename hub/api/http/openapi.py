"""The OpenAPI 3.1 document, built from the endpoints themselves."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import TypeAdapter

from hub.api.http import examples, schema_names
from hub.api.http.client_address import PUBLIC
from hub.api.http.families import ANTHROPIC, BUSY, DEFAULT, ERRORS, FAMILIES, Family
from hub.api.http.operation import ENVELOPE, Header, Operation, Route, is_id, operation_of
from hub.pydantic_base import Message

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]
REF = "#/components/schemas/{model}"
VERSION = "1.0.0"
ABOUT = (
    "Chat clients on Telegram, WhatsApp and the web, answered by AI gateways with knowledge. Under `/api`,"
    f" `{ENVELOPE}: true` asks for answers as `{{\"message\", \"data\"}}`. A list that is cut says in"
    " `X-Total-Count` how much there is and in `Link` where it goes on. Fields that nothing reads are named in"
    " `warnings` of the answer and in `X-Unknown-Fields`, those of the query string in the latter. HEAD works wherever"
    " GET does."
)
TEXTS = {
    400: "The request is not valid; the text names the field and the mend.",
    401: "No valid API key (of an endpoint for users: no valid access token).",
    402: "The account's balance is used up.",
    403: "This key may not do that.",
    404: "No such object in this account.",
    409: "The object is in another state.",
    413: "The body is too large.",
    415: "This kind of content is not accepted.",
    422: "Not available, or understood and not possible; the text says which.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    500: "Internal error; the `X-Request-Id` is found in the log.",
    502: "A model or a network failed.",
    503: "The hub is busy; `Retry-After` says how long to wait.",
    BUSY: "The hub is busy, as Anthropic's clients know it.",
}
SECURITY: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key: `Authorization: Bearer sk-hub-...`."},
    "basic": {"type": "http", "scheme": "basic", "description": "Any user name, an API key as password."},
    "header": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "The API key alone."},
    "query": {"type": "apiKey", "in": "query", "name": "api-key"},
    "user": {
        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
        "description": "A user's access token: `Authorization: Bearer <access_token>` of `POST /api/auth/login`.",
    },
}
REPLAY = Header(
    "Idempotency-Key", "At most 255 characters: the same request with the same key gets the same answer for 24 hours.",
    required=False,
)
NOTHING: Json = {"type": "object", "maxProperties": 0}


def of_family(routes: Sequence[Route], address: str, family: Family) -> Json:
    """The document of one family alone."""
    mine = [route for route in routes if operation_of(route).family == family.name]
    found = document(mine, address)
    found["info"] |= {"title": family.title, "description": family.about}
    parts = found["components"]
    text = str(found["paths"])
    parts["schemas"] = {n: s for n, s in parts["schemas"].items() if n not in ERRORS or REF.format(model=n) in text}
    operations = [op for methods in found["paths"].values() for op in methods.values()]
    used = {name for op in operations for schemes in op["security"] for name in schemes}
    parts["securitySchemes"] = {n: s for n, s in SECURITY.items() if n in used}
    return found


PAGES: Json = {
    "X-Total-Count": {"description": "How many there are, shown or not.", "schema": {"type": "integer"}},
    "Link": {"description": "Of an answer that is cut: where it goes on (rel=next).", "schema": {"type": "string"}},
}


def document(routes: Sequence[Route], address: str) -> Json:
    """The whole document. Raise LookupError for a handler that is not an endpoint."""
    operations = [(route, operation_of(route)) for route in routes]
    schemas, definitions = _schemas(op for _, op in operations)
    paths: Json = {}
    for route, op in operations:
        paths.setdefault(_plain(route.path), {})[route.method.lower()] = _operation(route, op, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chat hub", "version": VERSION,
            "description": ABOUT,
        },
        "servers": [{"url": address}],
        "tags": [{"name": name} for name in dict.fromkeys(op.tag for _, op in operations)],
        "paths": paths,
        "components": {"schemas": {**ERRORS, **definitions}, "securitySchemes": SECURITY},
    }


def _plain(path: str) -> str:
    """aiohttp's {name:pattern} without its pattern."""
    return re.sub(r"\{(\w+):[^/]*\}", r"{\1}", path)


def _adapters(op: Operation) -> Iterable[tuple[str, Mode, TypeAdapter[Any]]]:
    if op.body is not None:
        yield "body", "validation", op.body
    if op.query is not None:
        yield "query", "validation", TypeAdapter(op.query)
    if op.result is not None:
        yield "result", "serialization", op.result
    for name, adapter in op.params.items():
        yield f"path:{name}", "validation", adapter


def _schemas(operations: Iterable[Operation]) -> tuple[dict[tuple[str, str], Json], Json]:
    """Schema of each part of each operation, and the shared definitions."""
    inputs: list[tuple[tuple[str, str], Mode, TypeAdapter[Any]]] = [
        ((op.name, part), mode, adapter) for op in operations for part, mode, adapter in _adapters(op)
    ]
    inputs.append((("", "message"), "serialization", TypeAdapter(Message)))
    found, shared = TypeAdapter.json_schemas(inputs, by_alias=True, ref_template=REF)
    definitions = shared.get("$defs", {})
    names = schema_names.short(definitions, ERRORS)
    named = {names[n]: schema_names.renamed(s, names) | {"title": names[n]} for n, s in definitions.items()}
    return {key: schema_names.renamed(schema, names) for (key, _), schema in found.items()}, named


def _operation(route: Route, op: Operation, schemas: dict[tuple[str, str], Json]) -> Json:
    described: Json = {
        "operationId": op.name,
        "summary": op.summary,
        "tags": [op.tag],
        "parameters": [*_variables(route, op, schemas), *_query(op, schemas), *_headers(route, op)],
        "responses": _responses(route, op, schemas),
        "security": _security(op),
    }
    if op.description:
        described["description"] = op.description
    if route.alias:
        described |= {"operationId": f"{op.name}_alias", "x-alias": True}
    if op.family != DEFAULT:
        described["x-family"] = op.family
    if op.id:
        described["x-document-id"] = op.id
    if op.body is not None:
        content = {op.consumes: {"schema": schemas[op.name, "body"]}}
        described["requestBody"] = {"required": not op.bare, "content": content}
    elif op.body_field is not None or op.consumes != "application/json":
        content = {kind: {"schema": _file(op, kind)} for kind in op.consumes.split(", ")}
        described["requestBody"] = {"required": True, "content": content}
    examples.into(described, op.name)
    return described


def _file(op: Operation, kind: str) -> Json:
    file = {"type": "string", "format": "binary"}
    if op.field is None:
        whole = kind.startswith("multipart/") or (kind == "application/json" and kind != op.consumes)
        return {"type": "object"} if whole else file
    return {"type": "object", "required": [op.field], "properties": {op.field: file}}


def _security(op: Operation) -> list[Json]:
    if op.auth == "none":
        return []
    if op.auth == "user":
        return [{"user": []}]
    return [{name: []} for name in SECURITY if name != "user" and (name != "query" or op.query_key)]


def replayed(method: str, op: Operation) -> bool:
    """Whether an Idempotency-Key has a meaning there."""
    return op.idempotent and method in ("POST", "PUT", "PATCH")


def _variables(route: Route, op: Operation, schemas: dict[tuple[str, str], Json]) -> list[Json]:
    found = []
    for name in re.findall(r"\{(\w+)", route.path):
        adapter = op.params.get(name)
        schema = schemas[op.name, f"path:{name}"] if adapter else {"type": "string"}
        one = {"name": name, "in": "path", "required": True, "schema": schema}
        if adapter and is_id(adapter):
            one["description"] = "Unknown ids and ids of other accounts are not found."
        found.append(one)
    return found


def _query(op: Operation, schemas: dict[tuple[str, str], Json]) -> list[Json]:
    if op.query is None:
        return []
    # Schemas of models always refer to a shared definition; parameters need its fields.
    schema = op.query.model_json_schema(by_alias=True, ref_template=REF)
    found = []
    for name, field in schema.get("properties", {}).items():
        words = field.pop("description", None)
        field.pop("title", None)
        found.append(
            {
                "name": name, "in": "query", "required": name in schema.get("required", ()), "schema": field,
                **({"description": words} if words else {}),
            }
        )
    return found


def _headers(route: Route, op: Operation) -> list[Json]:
    known = (*op.headers, REPLAY) if replayed(route.method, op) else op.headers
    return [
        {
            "name": one.name, "in": "header", "required": one.required, "description": one.description,
            "schema": {"type": "string"},
        }
        for one in known
    ]


def _responses(route: Route, op: Operation, schemas: dict[tuple[str, str], Json]) -> Json:
    problem = route.path.startswith("/v1/") or route.path == "/api/v1/chat/completions"
    family = "Problem" if problem else FAMILIES[op.family].error
    if route.path.startswith(ANTHROPIC):
        family = "AnthropicError"
    kind = "application/problem+json" if family == "Problem" else "application/json"
    found: Json = {str(op.status): _success(op, schemas)}
    for status in sorted({*_expected(route, op), *op.errors, *op.empty}):
        schema = NOTHING if status in op.empty else {"$ref": REF.format(model=family)}
        found[str(status)] = {
            "description": TEXTS.get(status, "Refused."), "content": {kind: {"schema": schema}},
        }
    return found


def _expected(route: Route, op: Operation) -> set[int]:
    found = {400, 500, BUSY if route.path.startswith(ANTHROPIC) else 503}
    if route.path.startswith(PUBLIC):
        found |= {403, 429} if route.method == "POST" else {403}  # a page or a person that may not
    if op.family != DEFAULT:
        found.add(429)
    if op.auth != "none":
        found |= {401, 403}
    if op.params:
        found.add(404)
    if op.body is not None or op.body_field is not None:
        found.add(413)
    if op.family == "aresgen":
        found |= {415, 429} if op.body is not None else {429}
    if replayed(route.method, op):
        found |= {409, 422}
    return found


def _success(op: Operation, schemas: dict[tuple[str, str], Json]) -> Json:
    content: Json = {}
    if op.result is not None:
        content["application/json"] = {"schema": schemas[op.name, "result"]}
    elif op.says is not None:
        content["application/json"] = {"schema": schemas["", "message"]}
    if op.produces:
        content[op.produces] = {"schema": {"type": "string"}}
    headers = {"headers": PAGES} if op.pages else {}
    return {"description": op.says or "Success.", **headers, **({"content": content} if content else {})}
