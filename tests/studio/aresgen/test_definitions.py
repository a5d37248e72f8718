"""Workflows on paper: what is no definition and why, templates, conditions, YAML within bounds."""

from typing import Any

import pytest

from hub.errors import TooLarge, Unprocessable
from hub.studio.aresgen.workflow import expression, source
from hub.studio.aresgen.workflow.definition import checked, inputs_of, needs
from hub.studio.aresgen.workflow.template import LARGEST, TooMuch, filled, resolve

Json = dict[str, Any]


def step(id: str, type: str = "transform", **more: Any) -> Json:
    given: Json = {"value": 1} if type == "transform" else {}
    return {"id": id, "type": type, "with": more.pop("with_", given), **more}


def pointers(value: Any) -> dict[str, str]:
    with pytest.raises(Unprocessable) as refused:
        checked(value)
    assert refused.value.code == "invalid_definition"
    return {d["pointer"]: d["message"] for d in refused.value.details}


def flow(*steps: Json, **more: Any) -> Json:
    return {"name": "w", "steps": list(steps), **more}


WRONG: list[tuple[Any, str, str]] = [
    ([], "", "must be an object"),
    ({"name": "w"}, "/steps", "is missing"),
    (flow(), "/steps", "at least 1"),
    (flow(step("a", "sing")), "/steps/0/type", "must be one of"),
    (flow(step("a"), step("a")), "/steps/1/id", "already"),
    (flow(step("1x")), "/steps/0/id", ""),
    (flow(step("a", needs=["b"])), "/steps/0/needs/0", "no step 'b'"),
    (flow(step("a", needs=["a"])), "/steps/0/needs/0", "itself"),
    (flow(step("a", needs=["b"]), step("b", needs=["a"])), "/steps/0/needs", "waits for itself"),
    (flow(step("a", with_={"value": "{{steps.b.output}}"}), step("b", needs=["a"])), "/steps/1/needs", "waits for"),
    (flow(step("a", with_={"value": ["{{inputs.topic}}"]})), "/steps/0/with/value/0", "no input 'topic'"),
    (flow(step("a", with_={"value": "{{steps.z.output}}"})), "/steps/0/with/value", "no step 'z'"),
    (flow(step("a", with_={"value": "{{steps.a.output}}"})), "/steps/0/with/value", "itself"),
    (flow(step("a"), step("b", with_={"value": "{{steps.a.secret}}"})), "/steps/1/with/value", "go on with .output"),
    (flow(step("a", with_={"value": "{{config.key}}"})), "/steps/0/with/value", "is no path"),
    (flow(step("a", with_={"value": "{{ inputs.x|safe }}"})), "/steps/0/with/value", "is no path"),
    (flow(step("a"), output="{{steps.b.output}}"), "/output", "no step 'b'"),
    (flow(step("a", if_="x")), "/steps/0/if_", ""),
    (flow({**step("a"), "if": "{{inputs"}), "/steps/0/if", "cannot be read"),
    (flow(step("a", "http")), "/steps/0/with/url", "is missing"),
    (flow(step("a", "http", with_={"url": "x", "json": 1, "body": "x", "method": "PUT"})), "/steps/0/with", "not both"),
    (flow(step("a", "http", with_={"url": "x", "headers": {"Host": "y"}})), "/steps/0/with/headers", "cannot be set"),
    (flow(step("a", "chat")), "/steps/0/with", "either prompt or messages"),
    (flow(step("a", "wait", with_={"seconds": -1})), "/steps/0/with/seconds", ""),
    (flow(step("a", "condition", with_={"expression": "1 ="})), "/steps/0/with/expression", "cannot be read"),
    (flow(step("a", "transform", with_={"value": 1, "apply": ["eval"]})), "/steps/0/with/apply/0", "must be one of"),
    (flow(step("a", retries={"max": 99})), "/steps/0/retries/max", "at most 20"),
    (flow(step("a", timeout_seconds=0)), "/steps/0/timeout_seconds", "more than 0"),
    (flow(step("a"), inputs={"n": {"type": "integer", "default": "x"}}), "/inputs/n/default", "integer"),
    (flow(step("a"), inputs={"n": "colour"}), "/inputs/n/type", "must be one of"),
    (flow(step("a"), surprise=1), "/surprise", ""),
]


@pytest.mark.parametrize(("value", "pointer", "words"), WRONG, ids=[f"{n}{one[1]}" for n, one in enumerate(WRONG)])
def test_what_is_no_definition(value: Any, pointer: str, words: str) -> None:
    found = pointers(value)
    assert pointer in found and words in found[pointer], found


def test_references_are_needs() -> None:
    found = checked(flow(
        step("a"), step("b"), {**step("c", needs=["a"], with_={"value": "{{steps.b.output.0}}"}),
                               "if": "{{steps.a.output}} == 1"}))
    assert needs(found.steps[2]) == {"a", "b"}


def test_inputs() -> None:
    found = checked(flow(step("a"), inputs={
        "topic": {"type": "string", "required": True}, "count": {"type": "integer", "default": 3}, "tags": "array"}))
    assert inputs_of(found, {"topic": "x"}) == {"topic": "x", "count": 3, "tags": None}
    for given, pointer in (({}, "/input/topic"), ({"topic": 1}, "/input/topic"), ({"topic": "x", "y": 1}, "/input/y"),
                           ({"topic": "x", "count": True}, "/input/count")):
        with pytest.raises(Unprocessable) as refused:
            inputs_of(found, given)
        assert refused.value.code == "invalid_input" and refused.value.details[0]["pointer"] == pointer


SCOPE: Json = {
    "inputs": {"topic": "bread", "n": 5, "evil": "{{inputs.topic}}", "flag": False, "none": None},
    "steps": {"draft": {"output": {"items": [{"name": "a"}, {"name": "b"}], "text": ""}, "status": "success"}},
}


def test_templates() -> None:
    assert filled("About {{inputs.topic}}, {{ inputs.n }} times", SCOPE) == "About bread, 5 times"
    assert filled("{{inputs.n}}", SCOPE) == 5 and filled("{{inputs.none}}", SCOPE) is None
    assert filled("{{steps.draft.output.items.1.name}}", SCOPE) == "b"
    assert filled("{{steps.draft.output.items}}!", SCOPE) == '[{"name":"a"},{"name":"b"}]!'
    assert filled({"a": ["{{inputs.flag}}", 1]}, SCOPE) == {"a": [False, 1]}
    assert filled("{{inputs.evil}} {{inputs.evil}}", SCOPE) == "{{inputs.topic}} {{inputs.topic}}", "filled in once"
    assert resolve("steps.draft.output.items.9.name", SCOPE) is None
    assert resolve("inputs.topic.__class__", SCOPE) is None and resolve("inputs.n.real", SCOPE) is None
    with pytest.raises(TooMuch):
        filled(["{{inputs.x}}"] * 100, {"inputs": {"x": "y" * (LARGEST // 50)}})


@pytest.mark.parametrize(("source", "holds"), [
    ("{{steps.draft.output.text}} != ''", False), ("{{inputs.topic}} == 'bread'", True), ("{{inputs.n}} > 4", True),
    ("{{inputs.n}} >= 5 and not {{inputs.flag}}", True), ("{{inputs.flag}} or ({{inputs.n}} < 3)", False),
    ("{{inputs.topic}} contains 'rea'", True), ("{{steps.draft.output.items}} contains 'x'", False),
    ("{{inputs.none}} == null", True), ("{{inputs.none}} == ''", True), ("{{inputs.n}} == '5'", True),
    ("{{steps.draft}} contains {{steps.draft.output.items}}", False), ("{{inputs.n}} < 1" + "0" * 400, True),
    ("{{inputs.n}} > -1" + "0" * 400, True), ("{{steps.draft.output.items.².name}}", False),
    ("{{steps.draft.output.items." + "9" * 1900 + "}}", False),
    ("{{inputs.evil}} == '{{inputs.topic}}'", True), ("true", True), ("'false'", False), ("{{inputs.nothing}}", False),
    ("'it''s'", None), ("1 == ", None), ("(1", None), ("{{inputs.n}} = 5", None), ("__import__('os')", None),
    ("not " * 50 + "1", None), ("(" * 50 + "1" + ")" * 50, None),
])
def test_conditions(source: str, holds: bool | None) -> None:
    if holds is None:
        with pytest.raises(expression.Wrong):
            expression.parse(source)
    else:
        assert expression.holds(expression.parse(source), SCOPE) is holds


def test_yaml_within_bounds() -> None:
    assert source.read(b"a: 2026-01-01\nb: [1, yes]") == {"a": "2026-01-01", "b": [1, True]}
    bomb = "a: &a [x]\n" + "".join(
        f"{c}: &{c} [{', '.join(['*' + p] * 9)}]\n" for p, c in zip("abcdef", "bcdefg", strict=True)
    )
    deep, huge = "[" * 40 + "]" * 40, "a: 99999999999999999999999"
    evil = "a: !!python/object/apply:os.system [ls]"
    for raw in (bomb, deep, huge, evil, "a: *b", "a: [", "? [1]\n: 2", "&a [*a]", "\t- x"):
        with pytest.raises(Unprocessable):
            source.read(raw.encode())
    with pytest.raises(Unprocessable, match="values"):
        source.read(b"[" + b"a," * source.EVENTS + b"]")
    with pytest.raises(TooLarge):
        source.read(b"a: " + b"x" * source.LARGEST)
    with pytest.raises(Unprocessable):
        source.read(b"\xff\xfe")
