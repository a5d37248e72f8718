"""The documents as machines read them: valid, with short names, and a client made of them keeps every operation."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from hub.api.app import ROUTES
from hub.api.http import docs, schema_names
from hub.api.http.families import FAMILIES
from tests.contract.documents import document

EVERY = pytest.mark.parametrize("name", ["", *FAMILIES])


def sent(name: str) -> Any:
    """As it goes over the wire."""
    return orjson.loads(orjson.dumps(document(name)))


@EVERY
def test_a_document_is_valid(name: str) -> None:
    assert [str(e.message) for e in OpenAPIV31SpecValidator(sent(name)).iter_errors()] == []


@EVERY
def test_schemas_have_short_names_of_their_own(name: str) -> None:
    parts = document(name)["components"]["schemas"]
    assert [n for n in parts if not n.isalnum() or len(n) > 30] == []
    assert len({n.lower() for n in parts}) == len(parts)
    assert [n for n, s in parts.items() if s.get("title", n) != n] == []
    assert set(re.findall(r"#/components/schemas/([^'\"]+)", str(document(name)))) <= set(parts)


def test_names_that_meet_are_kept_apart() -> None:
    both = [f"hub__api__{family}__schemas__public__Part" for family in ("x", "y")]
    names = ["Part", *both, "Paged_Line_", "A-Input"]
    found = schema_names.short(names, ["Problem"])
    assert found["Part"] == "Part" and found["Paged_Line_"] == "PagedLine" and found["A-Input"] == "AInput"
    assert len(set(found.values())) == len(names)


def test_a_python_client_has_every_operation(tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_bytes(orjson.dumps(document()))
    command = [
        str(Path(sys.executable).with_name("openapi-python-client")), "generate", "--path", "openapi.json",
        "--output-path", "client", "--meta", "none",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=100)
    made = [p for p in (tmp_path / "client/api").rglob("*.py") if p.name != "__init__.py"]
    assert len(made) == sum(len(methods) for methods in document()["paths"].values())
    subprocess.run([sys.executable, "-m", "compileall", "-q", "client"], cwd=tmp_path, check=True, timeout=100)


def test_the_page_is_searched() -> None:
    sections = docs._built(tuple(ROUTES))[1]
    every = [op["id"] for s in sections for op in s["operations"]]
    assert len(every) == len(set(every)) > 200
    found = [op for s in docs.found(sections, "web-chat sessions post") for op in s["operations"]]
    assert found and all("web-chat" in op["words"] and "sessions" in op["words"] for op in found)
    assert docs.found(sections, "outputBlockedText") and docs.found(sections, "no such word") == []
    assert docs.found(sections, " ") == sections
