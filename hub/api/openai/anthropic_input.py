"""Messages, blocks and tools of Anthropic's shape as those of a chat completion. Pure."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from hub.domain import Json
from hub.errors import Invalid

SEEN = "(what the tool showed follows)"
# What stands in a block of thoughts, opened: fields of the assistant's message.
Open = Callable[[str], Json]
CHOICES = {"auto": "auto", "any": "required", "none": "none"}
# Fields of a tool that its function has, or that change nothing where all tools are given at once.
TOOL = frozenset((
    "type", "name", "description", "input_schema", "cache_control", "strict", "eager_input_streaming", "input_examples",
))


def talk(system: str | list[Json] | None, given: Sequence[Json], opened: Open) -> list[Json]:
    """Raise Invalid naming the place."""
    found: list[Json] = []
    told = _text(system, "system") if system else ""
    if told:
        found.append({"role": "system", "content": told})
    for n, message in enumerate(given):
        place, role = f"messages.{n}", message.get("role")
        blocks = _blocks(message.get("content"), f"{place}.content")
        if role == "assistant":
            found.append(_assistant(blocks, f"{place}.content", opened))
        elif role == "system":
            found.append({"role": "system", "content": _text(blocks, f"{place}.content")})
        elif role == "user":
            found += _user(blocks, f"{place}.content")
        else:
            raise Invalid(f"{place}.role must be user, assistant or system.", field=f"{place}.role")
    return found


def _blocks(content: Any, place: str) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list) or not all(isinstance(b, dict) for b in content):
        raise Invalid(f"{place} must be text or a list of blocks.", field=place)
    return content


def _text(content: Any, place: str) -> str:
    blocks = _blocks(content, place)
    for n, block in enumerate(blocks):
        if block.get("type") != "text" or not isinstance(block.get("text"), str):
            raise Invalid(f"{place}.{n} must be a block of text.", field=f"{place}.{n}")
    return "\n\n".join(b["text"] for b in blocks if b["text"].strip())


def _assistant(blocks: list[Json], place: str, opened: Open) -> Json:
    said: Json = {"role": "assistant", "content": None}
    texts: list[str] = []
    for n, block in enumerate(blocks):
        kind = block.get("type")
        if kind == "text":
            texts.append(str(block.get("text") or ""))
        elif kind == "thinking":
            # Thoughts of another server's model are nothing to this one's.
            if "reasoning" in opened(str(block.get("signature") or "")) and block.get("thinking"):
                said.setdefault("reasoning", str(block["thinking"]))
        elif kind == "redacted_thinking":
            said |= opened(str(block.get("data") or ""))
        elif kind == "tool_use":
            said.setdefault("tool_calls", []).append(_call(block, f"{place}.{n}"))
        else:
            raise _unreadable(kind, f"{place}.{n}")
    if texts or not said.get("tool_calls"):
        said["content"] = "".join(texts)
    return said


def _call(block: Json, place: str) -> Json:
    if not (isinstance(block.get("id"), str) and isinstance(block.get("name"), str)):
        raise Invalid(f"{place} needs id and name.", field=place)
    arguments = orjson.dumps(block.get("input") or {}).decode()
    ours = ("type", "id", "name", "input", "cache_control", "caller")
    extra = {k: v for k, v in block.items() if k not in ours}
    function = {"name": block["name"], "arguments": arguments}
    return {**extra, "id": block["id"], "type": "function", "function": function}


def _user(blocks: list[Json], place: str) -> list[Json]:
    """Results of tools first, then what the user says, and what tools have shown."""
    results: list[Json] = []
    parts: list[Json] = []
    for n, block in enumerate(blocks):
        if block.get("type") != "tool_result":
            parts.append(_part(block, f"{place}.{n}"))
            continue
        if not isinstance(block.get("tool_use_id"), str):
            raise Invalid(f"{place}.{n}.tool_use_id is missing.", field=f"{place}.{n}.tool_use_id")
        inner = _blocks(block.get("content") or "", f"{place}.{n}.content")
        read = [_part(b, f"{place}.{n}.content.{m}") for m, b in enumerate(inner)]
        text = "\n".join(p["text"] for p in read if p["type"] == "text")
        shown = [p for p in read if p["type"] != "text"]
        if block.get("is_error") and not text.startswith("Error"):
            text = f"Error: {text}"
        parts += shown
        result = text or (SEEN if shown else "")
        results.append({"role": "tool", "tool_call_id": block["tool_use_id"], "content": result})
    if not parts:
        return results or [{"role": "user", "content": ""}]
    alone = parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts
    return [*results, {"role": "user", "content": alone}]


def _part(block: Json, place: str) -> Json:
    kind = block.get("type")
    if kind == "text" and isinstance(block.get("text"), str):
        return {"type": "text", "text": block["text"]}
    source = block.get("source") if isinstance(block.get("source"), dict) else {}
    assert isinstance(source, dict)
    if kind == "image":
        return {"type": "image_url", "image_url": {"url": _address(source, f"{place}.source", urls=True)}}
    if kind == "document":
        return _document(block, source, place)
    if kind == "search_result":
        text = _text(block.get("content"), f"{place}.content")
        return {"type": "text", "text": f"[{block.get('title')}] ({block.get('source')})\n{text}"}
    raise _unreadable(kind, place)


def _document(block: Json, source: Json, place: str) -> Json:
    if (block.get("citations") or {}).get("enabled"):
        raise Invalid(f"{place}.citations cannot be given here; leave them out.", field=f"{place}.citations")
    name = str(block.get("title") or "document")
    about = f"{block['context']}\n" if block.get("context") else ""
    if source.get("type") == "text":
        return {"type": "text", "text": f"[{name}]\n{about}{source.get('data') or ''}\n[end of {name}]"}
    if source.get("type") == "content":
        return {"type": "text", "text": f"[{name}]\n{about}{_text(source.get('content'), place)}\n[end of {name}]"}
    named = name if "." in name else f"{name}.pdf"
    return {"type": "file", "file": {"filename": named, "file_data": _address(source, f"{place}.source")}}


def _address(source: Json, place: str, urls: bool = False) -> str:
    if source.get("type") == "base64" and isinstance(source.get("data"), str):
        return f"data:{source.get('media_type') or 'application/octet-stream'};base64,{source['data']}"
    if urls and source.get("type") == "url" and isinstance(source.get("url"), str):
        return str(source["url"])
    raise Invalid(
        f"{place} of the type {str(source.get('type'))[:60]} cannot be used here; send it as base64.",
        field=f"{place}.type",
    )


def _unreadable(kind: Any, place: str) -> Invalid:
    return Invalid(f"{place}: a block of the type {str(kind)[:60]} cannot be read here.", field=f"{place}.type")


def tools(given: Sequence[Json] | None, functions: Sequence[str]) -> list[Json]:
    """functions: those that the gateway has switched on. Raise Invalid for tools that a provider would have to run."""
    found = []
    for n, tool in enumerate(given or ()):
        kind = tool.get("type") or "custom"
        if str(kind).startswith("web_search_") and "WebSearch" in functions:
            continue  # the gateway has its own
        if kind != "custom":
            raise Invalid(
                f"tools.{n}: there is no tool {str(kind)[:60]} here; offer your own, or switch the gateway's on.",
                field=f"tools.{n}.type",
            )
        unknown = next((name for name, v in tool.items() if name not in TOOL and v is not None), None)
        if unknown:
            raise Invalid(f"tools.{n}.{unknown} is nothing that this server can act on.", field=f"tools.{n}.{unknown}")
        if not isinstance(tool.get("name"), str) or not tool["name"]:
            raise Invalid(f"tools.{n}.name is missing.", field=f"tools.{n}.name")
        found.append(_function(tool))
    return found


def _function(tool: Json) -> Json:
    function: Json = {"name": tool["name"]}
    words = [str(tool["description"])] if tool.get("description") else []
    examples = tool.get("input_examples")
    if isinstance(examples, list) and examples:
        words.append("Examples: " + "\n".join(orjson.dumps(e).decode() for e in examples))
    if words:
        function["description"] = "\n\n".join(words)
    function["parameters"] = tool.get("input_schema") or {"type": "object", "properties": {}}
    if tool.get("strict") is not None:
        function["strict"] = tool["strict"]
    return {"type": "function", "function": function}


def choice(given: Json | None) -> str | Json | None:
    """Raise Invalid."""
    if given is None:
        return None
    kind = given.get("type")
    if kind == "tool" and isinstance(given.get("name"), str):
        return {"type": "function", "function": {"name": given["name"]}}
    if kind in CHOICES:
        return CHOICES[str(kind)]
    raise Invalid("tool_choice.type must be auto, any, tool with a name, or none.", field="tool_choice.type")
