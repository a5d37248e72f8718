"""The documents as machines read them: valid, with short names."""

import re
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


def test_the_page_is_searched() -> None:
    sections = docs._built(tuple(ROUTES))[1]
    every = [op["id"] for s in sections for op in s["operations"]]
    assert len(every) == len(set(every)) > 200
    found = [op for s in docs.found(sections, "web-chat sessions post") for op in s["operations"]]
    assert found and all("web-chat" in op["words"] and "sessions" in op["words"] for op in found)
    assert docs.found(sections, "outputBlockedText") and docs.found(sections, "no such word") == []
    assert docs.found(sections, " ") == sections
