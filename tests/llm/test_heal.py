"""JSON is found in what a model wrote, mended and checked."""

import pytest

from hub.domain import Json
from hub.errors import Invalid
from hub.llm.heal import checker, feedback, instructions, read

CITY: Json = {
    "type": "object",
    "properties": {"city": {"type": "string", "minLength": 2}, "size": {"type": "integer"}},
    "required": ["city"],
}


@pytest.mark.parametrize(
    "text",
    [
        '{"city": "Rio"}',
        '  {"city": "Rio"}\n',
        '```json\n{"city": "Rio"}\n```',
        'Sure!\n```\n{"city": "Rio"}\n```\nBye',
        'Here: {"city": "Rio"} as asked.',
        '{"city": "Rio"',
        "{'city': 'Rio'}",
        '{city: "Rio",}',
        'First {"town": 1}, better:\n```json\n{"city": "Rio"}\n```',
        '{"city": "Rio"}\n```',
    ],
)
def test_json_in_many_disguises(text: str) -> None:
    assert read(text, checker(CITY)) == (True, {"city": "Rio"}, [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("I do not know.", "no JSON"),
        ('{"town": "Rio"}', "'city' is a required property"),
        ('{"city": "R"}', "$.city"),
        ('{"city": "Rio", "size": "big"}', "$.size"),
        ("", "no JSON"),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    valid, value, wrong = read(text, checker(CITY))
    assert not valid and value is None and says in wrong[0] and wrong[0] in feedback(wrong)


def test_any_json_without_a_schema() -> None:
    assert read("[1, 2]", None) == (True, [1, 2], []) and read("null", None)[:2] == (True, None)
    assert "JSON Schema" not in instructions(None) and '"minLength"' in instructions(CITY)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "minLength": 2, "maxLength": 3, "pattern": "^a"}, '"ab"', '"b"'),
        ({"type": "string", "format": "date"}, '"2026-01-31"', '"soon"'),
        ({"enum": ["a", "b"]}, '"a"', '"c"'),
        ({"type": "number", "minimum": 1, "exclusiveMaximum": 3, "multipleOf": 0.5}, "2.5", "3"),
        (
            {"type": "array", "items": {"type": "integer"}, "uniqueItems": True, "minItems": 1, "maxItems": 2},
            "[1]",
            "[1, 1]",
        ),
        ({"type": "bool"}, "true", "1"),
        ({"type": ["string", "number"]}, "1", "[]"),
        ({"type": "null"}, "null", "0"),
    ],
)
def test_documented_keywords(schema: Json, good: str, bad: str) -> None:
    assert read(good, checker(schema))[0] and not read(bad, checker(schema))[0]


@pytest.mark.parametrize("schema", [{"type": "thing"}, {"type": 1}, {"properties": 1}])
def test_a_schema_that_is_none(schema: Json) -> None:
    with pytest.raises(Invalid, match="schema"):
        checker(schema)


def test_nothing_is_fetched_for_a_schema() -> None:
    with pytest.raises(Invalid, match="schema"):
        read("{}", checker({"$ref": "http://127.0.0.1:9/schema.json"}))
