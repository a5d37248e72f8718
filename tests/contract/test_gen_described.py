"""The OpenAPI document says of every AresGen row what is documented of it."""

from typing import Any

import pytest

from tests.contract.aresgen import ANSWERS, ROWS
from tests.contract.documents import document
from tests.contract.rows import Row
from tests.contract.shape import names
from tests.contract.test_described import described, fields, spelled

# The fields that api.md gives the requests.
REQUESTS: dict[str, set[str]] = {
    "G-01": {"voice_id", "thread_id", "store", "model", "messages", "stream"},
    "G-04": {"title", "content", "voice_id"},
    "G-05": {"command", "selection", "instructions", "target_language", "voice_id"},
    "G-07": {"name", "sample", "sliders", "banned_phrases", "sliders.formality", "sliders.complexity"},
    "G-09": {"name", "sample", "sliders", "banned_phrases"},
    "G-10": {"name", "knowledge_base_id", "voice_id", "instructions", "model"},
    "G-11": {"message", "conversation_id", "user_id", "metadata"},
    "G-14": {"input"},
}


def operation(id: str) -> dict[str, Any]:
    """G-01 is the handler of A-02."""
    return described("A-02" if id == "G-01" else id)


@pytest.mark.parametrize(("id", "row"), ROWS.items())
def test_a_row_is_described(id: str, row: Row) -> None:
    op = operation(id)
    assert (op["place"][0], spelled(op["place"][1])) == (row.method, spelled(row.path))
    told = {(p["in"], p["name"]) for p in op["parameters"]}
    assert {("query", name) for name in row.optional} <= told
    assert (("header", "Idempotency-Key") in told) is (row.method in ("POST", "PATCH"))
    assert {str(s) for s in row.statuses} | {"401", "403", "500"} <= set(op["responses"])
    if id != "G-01":
        assert "429" in op["responses"] and op["operationId"].startswith("aresgen_")


@pytest.mark.parametrize(("id", "wanted"), REQUESTS.items())
def test_its_request(id: str, wanted: set[str]) -> None:
    schema = operation(id)["requestBody"]["content"]["application/json"]["schema"]
    assert wanted - fields(schema) == set()


@pytest.mark.parametrize("id", ANSWERS)
def test_its_answer(id: str) -> None:
    found = operation(id)["responses"][str(ROWS[id].statuses[0])]["content"]["application/json"]["schema"]
    assert names(ANSWERS[id]) - fields(found) == set()


def test_workflows_take_yaml_too() -> None:
    assert set(operation("G-13")["requestBody"]["content"]) == {"application/json", "application/yaml"}


def test_ids_say_how_they_look() -> None:
    flows = [methods for path, methods in document()["paths"].items() if path.startswith("/v1/workflows/")]
    operations = [op for methods in flows for op in methods.values()]
    variables = [p["schema"].get("pattern", "") for op in operations for p in op["parameters"] if p["in"] == "path"]
    assert variables and all(v.startswith(("^wf_", "^run_")) for v in variables)
