"""Tools of the Responses API as those of a chat completion, and calls of them back again. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from hub.domain import Json
from hub.errors import Invalid

LONGEST = 64  # characters of a name
BETWEEN = "__"  # a space of names, and a name in it
# Built-in tools that the hub has as functions of a gateway.
BUILTIN: Mapping[str, str] = {
    "web_search": "WebSearch", "web_search_2025_08_26": "WebSearch", "web_search_preview": "WebSearch",
    "web_search_preview_2025_03_11": "WebSearch", "image_generation": "ImageGeneration",
}
NOTHING: Json = {"type": "object", "properties": {}}
INPUT: Json = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


@dataclass(frozen=True, slots=True)
class Known:
    """What a tool of the chat format is called by who sent it. custom: it takes a text, not JSON."""

    name: str
    space: str | None = None
    custom: bool = False


@dataclass(slots=True)
class Tools:
    """chat: tools as a chat completion takes them, by name. shown: as they were sent. builtins: functions of the hub
    to be switched on. missing: built-in tools that the gateway does not have, with their places."""

    chat: dict[str, Json] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    shown: list[Json] = field(default_factory=list)
    builtins: list[str] = field(default_factory=list)
    missing: dict[int, str] = field(default_factory=dict)

    def item(self, call: Json) -> Json:
        """A call in the names of who sent the tools: the fields of an item without its id and status."""
        function = call["function"]
        name, arguments = str(function.get("name") or ""), str(function.get("arguments") or "")
        known = self.known.get(name) or Known(name)
        extra = {k: v for k, v in call.items() if k not in ("id", "type", "index", "function")}
        space = {"namespace": known.space} if known.space else {}
        if known.custom:
            return {**extra, "type": "custom_tool_call", "call_id": call["id"], "name": known.name, **space,
                    "input": text_of(arguments)}
        return {**extra, "type": "function_call", "call_id": call["id"], "name": known.name, **space,
                "arguments": arguments}


def text_of(arguments: str) -> str:
    """What a custom tool is called with; a model that gave no JSON has given the text itself."""
    try:
        found = orjson.loads(arguments)
    except ValueError:
        return arguments
    return str(found["input"]) if isinstance(found, dict) and "input" in found else arguments


def joined(space: Any, name: Any) -> str:
    """The name of a tool in a space of names."""
    return f"{space}{BETWEEN}{name}"[:LONGEST] if space else str(name)


def read(given: Sequence[Json], functions: Sequence[str], services: Mapping[str, bool]) -> Tools:
    """functions: those that the gateway has switched on. services: whether the hub has what a function needs. Raise
    Invalid naming the place."""
    found = Tools()
    for n, tool in enumerate(given):
        kind = tool.get("type")
        if kind == "namespace" and isinstance(tool.get("tools"), list):
            for m, inner in enumerate(tool["tools"]):
                _one(found, inner, f"tools.{n}.tools.{m}", str(tool.get("name") or ""))
        elif kind in BUILTIN:
            name = BUILTIN[str(kind)]
            if name not in functions and not services.get(name):
                found.missing[n] = str(kind)
                continue
            found.builtins += [] if name in functions else [name]
        else:
            _one(found, tool, f"tools.{n}", None)
        found.shown.append(tool)
    return found


def _one(found: Tools, tool: Any, place: str, space: str | None) -> None:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind not in ("function", "custom"):
        raise Invalid(
            f"{place}: there is no tool {str(kind)[:60]} here; offer functions, or switch the gateway's own tools on.",
            field=f"{place}.type", code="unsupported_tool",
        )
    own = tool.get("name")
    if not isinstance(own, str) or not 0 < len(own) <= LONGEST:
        raise Invalid(f"{place}.name must have 1 to {LONGEST} characters.", field=f"{place}.name")
    form = tool.get("format")
    if kind == "custom" and form is not None and (not isinstance(form, dict) or form.get("type", "text") != "text"):
        raise Invalid(
            f"{place}.format: a grammar cannot be kept to here; use a function, or the format text.",
            field=f"{place}.format",
        )
    name = joined(space, own)
    if name in found.chat:
        raise Invalid(f"{place}.name: there are two tools {name}.", field=f"{place}.name")
    function: Json = {"name": name}
    if tool.get("description"):
        function["description"] = tool["description"]
    function["parameters"] = INPUT if kind == "custom" else tool.get("parameters") or NOTHING
    if tool.get("strict") is not None and kind == "function":
        function["strict"] = tool["strict"]
    found.chat[name] = {"type": "function", "function": function}
    found.known[name] = Known(own, space, kind == "custom")


def choice(tools: Tools, given: str | Json | None) -> str | Json | None:
    """`tool_choice` of a chat completion; of `allowed_tools` the others are left out. Raise Invalid."""
    if given is None or given in ("auto", "none", "required"):
        return given
    if isinstance(given, dict) and given.get("type") in ("function", "custom"):
        return {"type": "function", "function": {"name": _named(tools, given)}}
    if isinstance(given, dict) and given.get("type") == "allowed_tools" and isinstance(given.get("tools"), list):
        allowed = {_named(tools, t) for t in given["tools"] if isinstance(t, dict)}
        tools.chat = {n: t for n, t in tools.chat.items() if n in allowed}
        return "required" if given.get("mode") == "required" else "auto"
    kind = given.get("type") if isinstance(given, dict) else given
    raise Invalid(
        f"tool_choice cannot be {str(kind)[:60]} here; it may be auto, none, required, a function or allowed_tools.",
        field="tool_choice",
    )


def _named(tools: Tools, given: Json) -> str:
    name = joined(given.get("namespace"), given.get("name"))
    if name not in tools.chat:
        raise Invalid(f"tool_choice names {name[:80]}, which is none of tools.", field="tool_choice")
    return name
