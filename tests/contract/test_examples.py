"""Examples of the documents are true: of today's operations, with today's fields; and what they say can be typed."""

import re
from collections import Counter
from functools import cache
from typing import Any

import orjson
import pytest

from hub.api.app import ROUTES
from hub.api.http import docs, examples
from hub.api.http.operation import operation_of
from tests.contract.documents import document
from tests.contract.examples import FILE, wrong

KEPT: dict[str, Any] = orjson.loads(FILE.read_bytes())
# What is answered with a stream, a file or nothing, so that there is no exchange to show beside the parameters.
UNTOLD = {
    "aresgen_live_live": "an event stream", "contacts_export": "a file", "contacts_export_named": "a file",
    "exports_table": "a file", "exports_lines": "a file", "exports_text": "a file", "exports_printed": "a file",
    "guests_leave": "nothing but a cookie",
    "responses_cancel": "there is nothing that could be cancelled, so it never succeeds",
}


@cache
def described() -> tuple[Any, dict[str, Any]]:
    """The document, and its operations by their names."""
    found = orjson.loads(orjson.dumps(document()))
    return found, {op["operationId"]: op for methods in found["paths"].values() for op in methods.values()}


def test_every_operation_has_an_example_and_no_example_is_of_none() -> None:
    names = {operation_of(r).name for r in ROUTES}
    assert KEPT.keys() - names == set(), "python -m tests.contract.examples --write"
    assert names - KEPT.keys() <= UNTOLD.keys(), "record them: tests/contract/recorder.py"


@pytest.mark.parametrize("name", sorted(KEPT))
def test_an_example_is_as_the_operation_is_today(name: str) -> None:
    """A field that was renamed, a type that was narrowed: the example must be recorded anew."""
    route = next(r for r in ROUTES if operation_of(r).name == name and not r.alias)
    op, one = operation_of(route), KEPT[name]
    whole, operations = described()
    assert wrong(whole, operations[name], op, one) == []
    content = operations[name]["responses"][str(op.status)].get("content", {}).get("application/json")
    assert content is None or content.get("example") == one.get("body")
    assert set(one.get("path", {})) == set(re.findall(r"\{(\w+)", route.path))
    assert all("example" in p for p in operations[name]["parameters"] if p["in"] == "path")


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
    whole, operations = described()
    names = Counter(re.sub(r"_(\w)", lambda m: m[1].upper(), id) for id in operations)
    assert [n for n, count in names.items() if count > 1 or not re.fullmatch(r"[A-Za-z_$][\w$]*", n)] == []
    parts = whole["components"]["schemas"]
    assert [n for n in parts if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", n)] == []
    untyped = []
    for id, op in operations.items():
        bodies = op.get("requestBody", {}).get("content", {})
        answers = [c for s, a in op["responses"].items() if s.startswith("2") for c in a.get("content", {}).values()]
        untyped += [id for c in (*bodies.values(), *answers) if not typed(c["schema"])]
        untyped += [id for p in op["parameters"] if not typed(p["schema"])]
    assert sorted(set(untyped)) == []


def typed(schema: Any) -> bool:
    return bool({"$ref", "type", "anyOf", "oneOf", "allOf", "enum", "const"} & schema.keys())
