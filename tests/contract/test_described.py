"""The OpenAPI document says of every documented row what is documented."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from tests.contract import aresgen
from tests.contract.answers import ANSWERS, OTHERWISE
from tests.contract.documents import document
from tests.contract.requests import REQUESTS
from tests.contract.rows import ROWS, Row
from tests.contract.shape import names

Json = dict[str, Any]
EVERY = pytest.mark.parametrize(("id", "row"), ROWS.items())
MULTIPART = {"A-24", "A-52"}
BINARY = {"A-27"}
SENTENCE = {"message", "data"}


def described(id: str) -> Json:
    """The one operation that is named after a row."""
    [found] = [
        {**op, "place": (method.upper(), path)}
        for path, methods in document()["paths"].items() for method, op in methods.items()
        if op.get("x-document-id") == id and "x-alias" not in op
    ]
    return found


def fields(schema: Json, place: str = "", seen: tuple[str, ...] = ()) -> set[str]:
    """Dotted names of all fields of a schema; lists, unions and references do not count."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return set() if name in seen else fields(document()["components"]["schemas"][name], place, (*seen, name))
    found: set[str] = set()
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        found |= fields(one, place, seen)
    if isinstance(schema.get("items"), dict):
        found |= fields(schema["items"], place, seen)
    for name, inner in schema.get("properties", {}).items():
        path = f"{place}.{name}".lstrip(".")
        found |= {path} | fields(inner, path, seen)
    return found


def spelled(path: str) -> str:
    """A path without the names of its variables."""
    return re.sub(r"<[\w-]+>|\{\w+\}", "{}", path)


def test_every_row_is_known() -> None:
    every = [f"A-{n:02}" for n in range(1, 66)]
    assert list(ROWS) == every
    ids = {str(op.get("x-document-id")) for methods in document()["paths"].values() for op in methods.values()}
    assert {id for id in ids if id.startswith("A-")} == set(every)
    assert set(ANSWERS) | OTHERWISE == set(every) and not set(ANSWERS) & OTHERWISE


def test_every_row_has_its_proof() -> None:
    """By the marks of the tests beside this one; `api` sees to it that a mark is no mere word."""
    proved: set[str] = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_"):
                marks = [d for d in node.decorator_list if ast.unparse(d).startswith("pytest.mark.row(")]
                proved |= {ast.literal_eval(a) for mark in marks if isinstance(mark, ast.Call) for a in mark.args}
    assert {row for row in proved if row.startswith("A-")} == set(ROWS)
    assert {row for row in proved if row.startswith("G-")} == set(aresgen.ROWS)


@EVERY
def test_the_place_and_what_is_asked_for(id: str, row: Row) -> None:
    op = described(id)
    method, path = op["place"]
    assert (method, spelled(path)) == (row.method, spelled(row.path))
    told = {(p["in"], p["name"]): p for p in op["parameters"]}
    for name in row.needed + row.optional:
        assert told["query", name]["required"] is (name in row.needed), name
    assert {name for place, name in told if place == "header"} >= set(row.headers)
    assert bool(op["security"]) is not row.public
    assert op["summary"] and op["tags"]
    if id not in MULTIPART | BINARY | set(REQUESTS):
        assert "requestBody" not in op


@EVERY
def test_the_statuses(id: str, row: Row) -> None:
    told = {int(status) for status in described(id)["responses"]}
    assert set(row.statuses) <= told
    assert told >= ({422} if row.public else {401, 403})
    assert {400, 500} <= told


@pytest.mark.parametrize(("id", "shape"), REQUESTS.items())
def test_the_fields_of_the_request(id: str, shape: Any) -> None:
    [schema] = [c["schema"] for c in described(id)["requestBody"]["content"].values()]
    assert names(shape) - fields(schema) == set()


@pytest.mark.parametrize(("id", "shape"), ANSWERS.items())
def test_the_fields_of_the_answer(id: str, shape: Any) -> None:
    content = described(id)["responses"]["200"]["content"]
    told = fields(content["application/json"]["schema"])
    wanted = SENTENCE if isinstance(shape, str) else names(shape)
    assert wanted - told == set()
    if isinstance(shape, str):
        assert described(id)["responses"]["200"]["description"] == shape
