"""/openapi.json, the documents of the families under /openapi/, and the page made of it at /apidocs."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import orjson
from aiohttp import web
from markupsafe import Markup

from hub.api.http import examples, openapi
from hub.api.http.app_keys import PAGES
from hub.api.http.families import DEFAULT, FAMILIES
from hub.api.http.operation import Route, operation_of
from hub.api.http.page_language import speaking
from hub.translations import Catalogue

FOLDER = Path(__file__).resolve().parents[3] / "templates"
LEVELS = 4
POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
Json = dict[str, Any]


def environment(catalogue: Catalogue) -> jinja2.Environment:
    """Templates of all pages; everything put into them is escaped."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )
    found.policies["ext.i18n.trimmed"] = True
    found.filters |= {"marked": marked, "breaking": breaking}
    return speaking(found, catalogue)


def marked(text: str) -> Markup:
    """Words between backticks as code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(p) if n % 2 else p for n, p in enumerate(parts))


def breaking(name: str) -> Markup:
    """A dotted name that a narrow column may break after its dots."""
    return Markup(".<wbr>").join(name.split("."))


WHOLE = "/openapi.json"
PATHS: Mapping[str, str] = {WHOLE: "", **{f"/openapi/{name}.json": name for name in FAMILIES}}


@cache
def _built(described: tuple[Route, ...]) -> tuple[dict[str, Json], list[Json]]:
    """The documents by path, and the sections of the page. It takes a second, so only who is asked for one makes it."""
    documents = {
        path: openapi.of_family(described, "", FAMILIES[name]) if name else openapi.document(described, "")
        for path, name in PATHS.items()
    }
    return documents, _sections(documents[WHOLE])


def routes(described: Sequence[Route], address: str) -> list[web.RouteDef]:
    """The pages. A route that cannot be described stops the start."""
    every = tuple(described)
    for route in every:
        operation_of(route)

    async def show_json(request: web.Request) -> web.Response:
        documents, _ = await asyncio.to_thread(_built, every)
        body = _text(documents[request.path] | {"servers": [{"url": address}]})
        return web.Response(body=body, content_type="application/json", headers={"Access-Control-Allow-Origin": "*"})

    async def show_page(request: web.Request) -> web.Response:
        documents, sections = await asyncio.to_thread(_built, every)
        nonce, words = secrets.token_urlsafe(16), request.query.get("q", "").strip()[:100]
        document = documents[WHOLE] | {"servers": [{"url": address}]}
        page = request.app[PAGES].get_template("apidocs.html").render(
            document=document, sections=found(sections, words), families=FAMILIES, nonce=nonce, words=words
        )
        headers = {"Content-Security-Policy": POLICY + f"; style-src 'nonce-{nonce}'"}
        return web.Response(text=page, content_type="text/html", headers=headers)

    return [*(web.get(path, show_json) for path in PATHS), web.get("/apidocs", show_page)]


def found(sections: Sequence[Json], words: str) -> list[Json]:
    """The sections with those operations that have all the words: in path, name, summary, description or fields."""
    wanted = words.lower().split()
    if not wanted:
        return list(sections)
    kept = [
        section | {"operations": [op for op in section["operations"] if all(w in op["words"] for w in wanted)]}
        for section in sections
    ]
    return [section for section in kept if section["operations"]]


def _words(op: Json) -> str:
    """What an operation is found by."""
    fields = [f["name"] for part in (*op["body"], *op["answers"]) for f in part["fields"]]
    names = [p["name"] for p in op["parameters"]]
    told = (op["method"], op["path"], op["id"], op["summary"], op["description"], op["document_id"] or "")
    return " ".join((*told, *names, *fields)).lower()


def _text(document: Json) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def _sections(document: Json) -> list[Json]:
    """Operations by family and tag, with their schemas as flat lists of fields."""
    found: dict[tuple[str, str], list[Json]] = {}
    for path, methods in document["paths"].items():
        for method, op in methods.items():
            if "x-alias" not in op:
                place = op.get("x-family", DEFAULT), op["tags"][0]
                found.setdefault(place, []).append(_shown(document, path, method, op))
    order = list(FAMILIES)
    return [
        {"family": family, "name": tag, "slug": f"{family}-{tag}".lower().replace(" ", "-"), "operations": ops}
        for (family, tag), ops in sorted(found.items(), key=lambda one: order.index(one[0][0]))
    ]


def _shown(document: Json, path: str, method: str, op: Json) -> Json:
    body = op.get("requestBody", {}).get("content", {})
    answers = []
    for status, answer in op["responses"].items():
        content = answer.get("content", {})
        ok = status.startswith("2")
        fields = [f for c in content.values() for f in fields_of(document, c["schema"])] if ok else []
        text = answer["description"]
        answers.append({"status": status, "text": text, "kinds": list(content), "fields": fields, "ok": ok})
    shown: Json = {
        "method": method.upper(), "path": path, "id": op["operationId"], "summary": op["summary"],
        "description": op.get("description", ""), "document_id": op.get("x-document-id"), "open": not op["security"],
        "user": {"user": []} in op["security"],
        "parameters": [{**p, "type": type_of(document, p["schema"])} for p in op["parameters"]],
        "body": [{"kind": k, "fields": fields_of(document, c["schema"])} for k, c in body.items()], "answers": answers,
        "example": examples.shown(op, method.upper(), path),
    }
    return shown | {"words": _words(shown)}


def resolve(document: Json, schema: Json) -> Json:
    """The schema behind a reference or an optional; others as they are."""
    if "$ref" in schema:
        found: Json = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return found
    real = [s for s in schema.get("anyOf", ()) if s.get("type") != "null"]
    return resolve(document, real[0]) if len(real) == 1 else schema


def type_of(document: Json, schema: Json) -> str:
    """A type in a few words: "text", "list of UUIDs", "one of a, b"."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(document, s) for s in schema["anyOf"]))
    schema = resolve(document, schema)
    if "enum" in schema or "const" in schema:
        return "one of " + ", ".join(str(v) for v in schema.get("enum", [schema.get("const")]))
    kind = schema.get("type", "any")
    if kind == "array":
        return "list of " + type_of(document, schema.get("items", {}))
    return str(schema.get("format", kind))


def fields_of(document: Json, schema: Json, prefix: str = "", level: int = 0) -> list[Json]:
    """All fields of an object, nested ones under their path ("parameters.baseAddress")."""
    schema = resolve(document, schema)
    if schema.get("type") == "array":
        return fields_of(document, schema.get("items", {}), prefix + "[]", level)
    found = []
    for name, field in schema.get("properties", {}).items():
        place = f"{prefix}.{name}" if prefix else name
        words = field.get("description") or resolve(document, field).get("description", "")
        found.append(
            {
                "name": place, "type": type_of(document, field), "required": name in schema.get("required", ()),
                "default": field.get("default"), "description": words,
            }
        )
        if level < LEVELS:
            found += fields_of(document, field, place, level + 1)
    return found
