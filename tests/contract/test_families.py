"""Each of the documented APIs has a document of its own, which says what is documented."""

import ast
import gc
import re
from pathlib import Path
from typing import Any

import pytest

from hub.api.app import ROUTES
from hub.api.http.families import FAMILIES
from hub.api.http.operation import operation_of
from tests.contract import family_rows
from tests.contract.asking import Contract, Json
from tests.contract.documents import document
from tests.contract.rows import Row

OF = {"R": "ares", "C": "characters"}
EVERY = pytest.mark.parametrize(("id", "row"), family_rows.ROWS.items())


def described(id: str, row: Row) -> Json:
    path = re.sub(r"<(\w+)>", r"{\1}", row.path)
    found: Json = document(OF[id[0]])["paths"][path][row.method.lower()]
    return found


def test_the_families_share_nothing_and_leave_nothing_out() -> None:
    places = [(p, m) for d in map(document, FAMILIES) for p, methods in d["paths"].items() for m in methods]
    assert len(places) == len(set(places)) == len(ROUTES)
    for route in ROUTES:
        assert operation_of(route).family in FAMILIES


@EVERY
def test_a_row_is_in_the_document_of_its_family(id: str, row: Row) -> None:
    op = described(id, row)
    assert op["x-document-id"] == id and op["x-family"] == OF[id[0]]
    assert {str(s) for s in row.statuses} <= set(op["responses"])
    assert op["security"] == [{"user": []}] if id.startswith("R") else {"user": []} not in op["security"]
    told = {p["name"]: p["required"] for p in op["parameters"] if p["in"] == "query"}
    assert {n for n, needed in told.items() if needed} >= set(row.needed)
    assert {*row.needed, *row.optional} <= set(told)


@pytest.mark.parametrize(("family", "error"), [("ares", "AresError"), ("characters", "CharactersError")])
def test_a_family_has_its_own_errors_and_keys(family: str, error: str) -> None:
    found = document(family)
    parts = found["components"]
    assert {n for n in parts["schemas"] if n.endswith("Error") or n == "Problem"} == {error}
    assert "user" in parts["securitySchemes"] if family == "ares" else "user" not in parts["securitySchemes"]
    for methods in found["paths"].values():
        for op in methods.values():
            refusals = [r for status, r in op["responses"].items() if int(status) >= 400]
            assert {c["schema"]["$ref"] for r in refusals for c in r["content"].values()} == {
                f"#/components/schemas/{error}"
            }
            assert "429" in op["responses"]
    wanted = set(re.findall(r"#/components/schemas/([\w.-]+)", str(found)))
    assert wanted <= set(parts["schemas"])


def parsed(file: Path) -> ast.Module:
    """Python 3.11 miscounts its depth when it is interrupted by a search for garbage; once more, it does not."""
    try:
        return ast.parse(file.read_text())
    except SystemError:
        gc.collect()
        return ast.parse(file.read_text())


def test_every_row_has_its_proof() -> None:
    proved: set[str] = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.AsyncFunctionDef):
                marks = [d for d in node.decorator_list if ast.unparse(d).startswith("pytest.mark.row(")]
                proved |= {ast.literal_eval(a) for mark in marks if isinstance(mark, ast.Call) for a in mark.args}
    assert {id for id in proved if id[0] in OF} == set(family_rows.ROWS)
    assert list(family_rows.ROWS) == [f"R-{n:02}" for n in range(1, 8)] + [f"C-{n:02}" for n in range(1, 13)]


@pytest.mark.asyncio(loop_scope="module")
async def test_the_documents_are_served(api: Contract) -> None:
    whole = await api.ok("GET", "/openapi.json", key="")
    seen: dict[str, Any] = {}
    for name, family in FAMILIES.items():
        found = await api.ok("GET", f"/openapi/{name}.json", key="")
        assert found["info"]["title"] == family.title
        seen |= found["paths"]
    assert set(seen) == set(whole["paths"])
    page = await api.call("GET", "/apidocs", key="")
    for family in FAMILIES.values():
        assert f'href="/openapi/{family.name}.json"' in page.body
    assert "ARES: Chat" in page.body and "Characters: Agents" in page.body
