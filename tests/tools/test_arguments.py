"""Arguments of a model: what fits, what does not, and what must not take long."""

import time
from typing import Any

import pytest

from hub.tools.arguments import Checker, check, explained, split
from hub.tools.base import Context, Result, Tool, ToolFailed

Json = dict[str, Any]
ORDER: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$"},
        "lines": {"type": "array", "items": {"type": "object", "required": ["sku"]}, "uniqueItems": True},
        "kind": {"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]},
    },
    "required": ["id"],
    "additionalProperties": False,
}
DOUBLING: Json = {"a0": {"type": "object"}} | {
    f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n - 1}"}] * 2} for n in range(1, 40)
}


async def _run(context: Context, arguments: Json) -> Result:
    return Result("done")


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({}, "'id' is a required property"),
        ({"id": 7}, "id: 7 is not of type 'string'"),
        ({"id": "x"}, "id: does not match"),
        ({"id": "1", "lines": [{"sku": "a"}, {}]}, "lines.1: 'sku'"),
        ({"id": "1", "lines": [{"sku": 1}, {"sku": 1.0}]}, "lines: has one item twice"),
        ({"id": "1", "more": 1}, "has 'more', which it does not know"),
        ({"id": "1", "kind": "c"}, "kind: 'c' is not"),
        (["id"], "the arguments: ['id'] is not of type 'object'"),
        ({"id": "9" * 1_000_001}, "larger than"),
    ],
)
def test_what_does_not_fit_is_named(arguments: Any, place: str) -> None:
    with pytest.raises(ToolFailed) as e:
        check(ORDER, arguments)
    assert place in str(e.value)


def test_what_fits_passes_and_is_compiled_once() -> None:
    checker = Checker()
    for n in range(3):
        checker.check(ORDER, {"id": str(n), "lines": [{"sku": 1}, {"sku": True}], "kind": None})
    assert checker._of(ORDER) is checker._of(ORDER)


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ({"properties": {"a": {"pattern": "^(a|aa)+$"}}}, {"a": "a" * 80 + "b"}),
        ({"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}, {"a": "a"}),
        ({"patternProperties": {"^(a|aa)+$": {}}}, {"a" * 80 + "b": 1}),
        ({"patternProperties": {"^(a|aa)+$": {}}, "additionalProperties": False}, {"a" * 80 + "b": 1}),
        ({"$defs": DOUBLING, "$ref": "#/$defs/a39"}, {}),
        ({"$ref": "#"}, {}),
        ({"description": "x" * 300_000}, {}),
    ],
)
def test_a_schema_cannot_hold_the_process_up(schema: Json, arguments: Json) -> None:
    begun = time.monotonic()
    with pytest.raises(ToolFailed, match="too complicated|larger than"):
        check(schema, arguments)
    assert time.monotonic() - begun < 20, "minutes without the bound, also on a busy machine"


def test_the_search_for_what_is_left_over_is_not_begun() -> None:
    check({"unevaluatedProperties": False, "patternProperties": {"^(b|bb)+$": {}}}, {"c": 1})


def test_many_things_are_compared_quickly() -> None:
    begun = time.monotonic()
    check({"properties": {"a": {"uniqueItems": True}}}, {"a": [{"n": n} for n in range(20_000)]})
    assert time.monotonic() - begun < 20, "minutes without the bound, also on a busy machine"


@pytest.mark.parametrize("where", ["http://127.0.0.1:9/schema", "file:///etc/passwd", "other.json", "#/$defs/none"])
def test_nothing_is_fetched_for_a_schema(where: str) -> None:
    with pytest.raises(ToolFailed, match="refers to another"):
        check({"$ref": where}, {})


@pytest.mark.parametrize("schema", [{"type": "thing"}, {"properties": 7}, {"properties": {"a": {"pattern": "("}}}])
def test_a_broken_schema_is_called_so(schema: Json) -> None:
    with pytest.raises(ToolFailed, match="not valid|not a JSON Schema"):
        check(schema, {"a": "x"})


def test_explanations_are_asked_for_and_taken_away() -> None:
    tool = Tool("find_order", "Finds it.", ORDER, _run)
    assert explained(tool, False) is tool
    offered = explained(tool, True).function["function"]["parameters"]
    assert offered["required"] == ["id", "_tool_reason", "_tool_goal"]
    assert offered["properties"]["_tool_reason"]["type"] == "string"
    assert "_tool_goal" not in ORDER["properties"], "the tool itself stays as it is"
    given = {"id": "1", "_tool_reason": "asked", "_tool_goal": "to know"}
    check(offered, given)
    rest, why = split(given)
    check(ORDER, rest)
    assert (rest, why) == ({"id": "1"}, {"reason": "asked", "goal": "to know"})
    assert split({"id": "1"}) == ({"id": "1"}, None)
    assert split({"_tool_goal": None})[1] == {"reason": "", "goal": ""}
