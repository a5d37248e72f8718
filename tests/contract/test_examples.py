"""Examples of the documents are true: of today's operations, with today's fields; and what they say can be typed."""

import re
from collections import Counter
from typing import Any

import orjson
import pytest

from hub.api.app import ROUTES
from hub.api.http import docs, examples, openapi
from hub.api.http.operation import operation_of
from tests.contract.examples import FILE, wrong

DOCUMENT: dict[str, Any] = orjson.loads(orjson.dumps(openapi.document(ROUTES, "https://hub.example")))
OPERATIONS = {op["operationId"]: op for methods in DOCUMENT["paths"].values() for op in methods.values()}
KEPT: dict[str, Any] = orjson.loads(FILE.read_bytes())
# What is answered with a stream, a file or nothing, so that there is no exchange to show beside the parameters.
UNTOLD = {
    "aresgen_live_live": "an event stream", "contacts_export": "a file", "contacts_export_named": "a file",
    "exports_table": "a file", "exports_lines": "a file", "exports_text": "a file", "exports_printed": "a file",
    "guests_leave": "nothing but a cookie",
    "responses_cancel": "there is nothing that could be cancelled, so it never succeeds",
}


def test_every_operation_has_an_example_and_no_example_is_of_none() -> None:
    names = {operation_of(r).name for r in ROUTES}
    assert KEPT.keys() - names == set(), "python -m tests.contract.examples --write"
    assert names - KEPT.keys() <= UNTOLD.keys(), "record them: tests/contract/recorder.py"


@pytest.mark.parametrize("name", sorted(KEPT))
def test_an_example_is_as_the_operation_is_today(name: str) -> None:
    """A field that was renamed, a type that was narrowed: the example must be recorded anew."""
    route = next(r for r in ROUTES if operation_of(r).name == name and not r.alias)
    op, one = operation_of(route), KEPT[name]
    assert wrong(DOCUMENT, OPERATIONS[name], op, one) == []
    content = OPERATIONS[name]["responses"][str(op.status)].get("content", {}).get("application/json")
    assert content is None or content.get("example") == one.get("body")
    assert set(one.get("path", {})) == set(re.findall(r"\{(\w+)", route.path))
    assert all("example" in p for p in OPERATIONS[name]["parameters"] if p["in"] == "path")


def test_examples_hold_nothing_of_the_machine_they_were_made_on() -> None:
    text = FILE.read_text()
    assert not re.search(r"127\.0\.0\.1|localhost|/tmp/|/root/|/work/", text)
    assert set(re.findall(r"sk-hub-\w+", text)) <= {"sk-hub-Example0123456789"}


def test_the_page_shows_them() -> None:
    every = [op for s in docs._built(tuple(ROUTES))[1] for op in s["operations"]]
    assert [op["id"] for op in every if not op["example"] and op["id"] not in UNTOLD] == []
    made = next(op for op in every if op["id"] == "clients_create")
    assert made["example"]["sent"].startswith("POST /api/v1/web-chat-client") and '"name"' in made["example"]["sent"]
    assert examples.shown({"operationId": "none", "security": []}, "GET", "/") is None


def test_what_typescript_needs_is_there() -> None:
    """What generators for TypeScript make of the document: a function of each operation, with a type of what it takes
    and gives. There is no light one that runs without a network, so what they need is looked at."""
    names = Counter(re.sub(r"_(\w)", lambda m: m[1].upper(), id) for id in OPERATIONS)
    assert [n for n, count in names.items() if count > 1 or not re.fullmatch(r"[A-Za-z_$][\w$]*", n)] == []
    parts = DOCUMENT["components"]["schemas"]
    assert [n for n in parts if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", n)] == []
    untyped = []
    for id, op in OPERATIONS.items():
        bodies = op.get("requestBody", {}).get("content", {})
        answers = [c for s, a in op["responses"].items() if s.startswith("2") for c in a.get("content", {}).values()]
        untyped += [id for c in (*bodies.values(), *answers) if not typed(c["schema"])]
        untyped += [id for p in op["parameters"] if not typed(p["schema"])]
    assert sorted(set(untyped)) == []


def typed(schema: Any) -> bool:
    return bool({"$ref", "type", "anyOf", "oneOf", "allOf", "enum", "const"} & schema.keys())
