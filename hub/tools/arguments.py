"""Arguments that a model sends: checked against the tool's schema; and why it calls."""

from dataclasses import replace
from typing import Any

from hub.pydantic_base import Json
from hub.schemas import Schema, Unusable, dumped
from hub.tools.base import Tool, ToolFailed

LARGEST = 1_000_000
REASON, GOAL = "_tool_reason", "_tool_goal"
EXPLANATION: Json = {
    REASON: {"type": "string", "description": "Why this tool is needed now, in one short sentence."},
    GOAL: {"type": "string", "description": "What this call is meant to achieve, in one short sentence."},
}


class Checker:
    """Compiled schemas of one turn."""

    def __init__(self) -> None:
        self._compiled: dict[int, tuple[Json, Schema]] = {}

    def check(self, schema: Json, arguments: Any) -> None:
        """Raise ToolFailed naming the places that do not fit, in words for the model."""
        if len(dumped(arguments)) > LARGEST:
            raise ToolFailed(f"The arguments are larger than {LARGEST:,} bytes; send less.")
        try:
            wrong = self._of(schema).complaints(arguments)
        except Unusable as e:
            raise ToolFailed(f"The arguments cannot be checked by the tool's schema: {e}.") from None
        if wrong:
            told = "; ".join(f"{place or 'the arguments'}: {words}" for place, words in wrong)
            raise ToolFailed(f"The arguments do not fit: {told}.")

    def _of(self, schema: Json) -> Schema:
        # The schema is kept with what was made of it, so that its id stays its own.
        kept = self._compiled.get(id(schema))
        if kept is None:
            kept = self._compiled[id(schema)] = (schema, Schema(schema))
        return kept[1]


def check(schema: Json, arguments: Any) -> None:
    """Check once; `Checker` remembers what it compiled. Raise ToolFailed."""
    Checker().check(schema, arguments)


def explained(tool: Tool, on: bool) -> Tool:
    """The tool as it is offered when calls are to be explained: two more arguments, both required.

    Only for the offer; check (after `split`) and run the tool itself.
    """
    if not on:
        return tool
    properties = {**(tool.schema.get("properties") or {}), **EXPLANATION}
    required = [*(n for n in tool.schema.get("required") or () if n not in EXPLANATION), *EXPLANATION]
    schema = {**tool.schema, "type": "object", "properties": properties, "required": required}
    return replace(tool, schema=schema)


def split(arguments: Json) -> tuple[Json, dict[str, str] | None]:
    """The arguments without the explanation, and `{"reason", "goal"}`, or None when none was given."""
    if not isinstance(arguments, dict) or not EXPLANATION.keys() & arguments.keys():
        return arguments, None
    rest = {k: v for k, v in arguments.items() if k not in EXPLANATION}
    return rest, {"reason": str(arguments.get(REASON) or ""), "goal": str(arguments.get(GOAL) or "")}
