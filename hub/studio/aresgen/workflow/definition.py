"""A workflow's definition: read, checked as a whole, and put in an order that can be run. Pure."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from hub.pydantic_base import invalid as complaints
from hub.studio.aresgen.workflow import expression
from hub.studio.aresgen.workflow.source import invalid
from hub.studio.aresgen.workflow.steps_with import TYPES, Strict
from hub.studio.aresgen.workflow.template import PATH, ROOTS, escaped, paths

Json = dict[str, Any]
Problem = tuple[str, str]
STEPS, INPUTS = 100, 50
Id = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,59}$")]
OF_STEPS = ("output", "status", "error")
KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "number": (int, float), "integer": (int,), "boolean": (bool,), "array": (list,),
    "object": (dict,),
}


class Input(Strict):
    type: Literal["string", "number", "integer", "boolean", "array", "object"] = "string"
    required: bool = False
    default: Any = None
    description: Annotated[str, Field(max_length=2000)] = ""


class Retries(Strict):
    max: Annotated[int, Field(ge=0, le=20)] = 0
    backoff_seconds: Annotated[float, Field(ge=0, le=3600, description="Twice as long after every failure.")] = 1.0


class Step(Strict):
    id: Id
    type: Literal["chat", "document", "chatbot", "http", "condition", "transform", "wait"]
    with_: Annotated[Json, Field(alias="with")] = {}
    needs: Annotated[list[Id], Field(max_length=STEPS)] = []
    if_: Annotated[str | bool | None, Field(alias="if")] = None
    retries: Retries = Retries()
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0


class Definition(Strict):
    """What is stored and run."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=5000)] = ""
    inputs: Annotated[dict[Id, Input], Field(max_length=INPUTS)] = {}
    steps: Annotated[list[Step], Field(min_length=1, max_length=STEPS)]
    output: Any = None

    @model_validator(mode="before")
    @classmethod
    def _short_inputs(cls, given: Any) -> Any:
        """`topic: string` is short for `topic: {type: string}`."""
        if isinstance(given, dict) and isinstance(given.get("inputs"), dict):
            long = {k: {"type": v} if isinstance(v, str) else v for k, v in given["inputs"].items()}
            return {**given, "inputs": long}
        return given


def checked(value: Any) -> Definition:
    """Raise Unprocessable naming every place that is wrong by a JSON pointer."""
    if not isinstance(value, dict):
        raise invalid([("", "it must be an object with name and steps")])
    try:
        found = Definition.model_validate(value)
    except ValidationError as e:
        raise invalid(_told(e, "")) from None
    problems = [
        *_of_inputs(found), *(p for n, s in enumerate(found.steps) for p in _of_step(s, f"/steps/{n}")),
        *_of_ids(found), *_of_references(found),
    ]
    problems += [] if problems else _of_cycles(found)
    if problems:
        raise invalid(problems)
    return found




def _told(error: ValidationError, place: str) -> list[Problem]:
    found = []
    for one in complaints(error).details:
        name = one["field"] if one["field"] != "The body" else ""
        pointer = "".join(f"/{escaped(p)}" for p in name.split(".") if p)
        found.append((place + pointer, one["message"]))
    return found


def _of_inputs(found: Definition) -> Iterator[Problem]:
    for name, one in found.inputs.items():
        if one.default is not None and not fits(one.type, one.default):
            yield f"/inputs/{name}/default", f"must be of the type {one.type}"


def fits(kind: str, value: Any) -> bool:
    """Whether a value is of a kind of input."""
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _of_step(step: Step, place: str) -> Iterator[Problem]:
    try:
        TYPES[step.type].model_validate(step.with_)
    except ValidationError as e:
        yield from _told(e, f"{place}/with")
    for pointer, source in conditions(step, place):
        try:
            expression.parse(source)
        except expression.Wrong as e:
            yield pointer, f"the condition cannot be read: {e}"


def conditions(step: Step, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(step.if_, str):
        yield f"{place}/if", step.if_
    if step.type == "condition" and isinstance(step.with_.get("expression"), str):
        yield f"{place}/with/expression", step.with_["expression"]


def _of_ids(found: Definition) -> Iterator[Problem]:
    seen: set[str] = set()
    names = {s.id for s in found.steps}
    for n, step in enumerate(found.steps):
        if step.id in seen:
            yield f"/steps/{n}/id", f"there is a step '{step.id}' already"
        seen.add(step.id)
        for m, need in enumerate(step.needs):
            if need not in names:
                yield f"/steps/{n}/needs/{m}", f"there is no step '{need}'"
            elif need == step.id:
                yield f"/steps/{n}/needs/{m}", "a step cannot need itself"


def _of_references(found: Definition) -> Iterator[Problem]:
    for n, step in enumerate(found.steps):
        for pointer, path in _templates(step, f"/steps/{n}"):
            yield from _of_path(found, pointer, path, step.id)
    for pointer, path in paths(found.output, "/output"):
        yield from _of_path(found, pointer, path, None)


def _templates(step: Step, place: str) -> Iterator[tuple[str, str]]:
    yield from paths(step.with_, f"{place}/with")
    if isinstance(step.if_, str):
        yield from paths(step.if_, f"{place}/if")


def _of_path(found: Definition, pointer: str, path: str, own: str | None) -> Iterator[Problem]:
    parts = path.split(".")
    if not PATH.fullmatch(path) or parts[0] not in ROOTS:
        yield pointer, f"'{path[:60]}' is no path such as inputs.topic or steps.draft.output"
    elif parts[0] == "inputs" and (len(parts) < 2 or parts[1] not in found.inputs):
        yield pointer, f"there is no input '{'.'.join(parts[1:2])}'; name it under inputs"
    elif parts[0] == "steps":
        if len(parts) < 3 or parts[2] not in OF_STEPS:
            yield pointer, f"'{path[:60]}' must go on with .output, .status or .error"
        elif parts[1] == own:
            yield pointer, "a step cannot refer to itself"
        elif parts[1] not in {s.id for s in found.steps}:
            yield pointer, f"there is no step '{parts[1]}'"


def needs(step: Step) -> set[str]:
    """The steps that have to end before this one: those it names, and those it refers to."""
    named = {p.split(".")[1] for _, p in _templates(step, "") if p.startswith("steps.")}
    return {*step.needs, *named}


def _of_cycles(found: Definition) -> Iterator[Problem]:
    waiting = {s.id: needs(s) for s in found.steps}
    while True:
        free = [id for id, others in waiting.items() if not others & waiting.keys()]
        if not free:
            break
        for id in free:
            del waiting[id]
    for n, step in enumerate(found.steps):
        if step.id in waiting:
            others = ", ".join(sorted(needs(step) & waiting.keys()))
            yield f"/steps/{n}/needs", f"'{step.id}' waits for itself by way of {others}"


def inputs_of(found: Definition, given: Json) -> Json:
    """The inputs of a run with defaults. Raise Unprocessable naming what is missing or of another type."""
    made: Json = {}
    problems = [
        (f"/input/{escaped(name)}", "the workflow has no such input") for name in given if name not in found.inputs
    ]
    for name, one in found.inputs.items():
        value = given.get(name, one.default)
        if value is None and one.required:
            problems.append((f"/input/{name}", "is missing; send it"))
        elif value is not None and not fits(one.type, value):
            problems.append((f"/input/{name}", f"must be of the type {one.type}"))
        made[name] = value
    if problems:
        raise invalid(problems, "invalid_input")
    return made
