"""A question in the shape of Anthropic's Messages API. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hub.domain import Json
from hub.llm.heal import instructions
from hub.llm.media import Medium, medium, parts_of
from hub.llm.toolcalls import extra_of
from hub.llm.types import Prompt

NAME = "anthropic"
SYSTEM = ("system", "developer")
# The API refuses a question without the most tokens of its answer; of models whose names tell nothing, and of old ones.
TOKENS, UNKNOWN_TOKENS = 32_000, 8192
SMALLEST_BUDGET = 1024
BUDGETS: Mapping[str, int] = {
    "minimal": 1024, "low": 2048, "medium": 8192, "high": 16_000, "xhigh": 16_000, "max": 16_000,
}
EFFORTS: Mapping[str, str] = {"minimal": "low"}
SAMPLING = ("temperature", "top_p", "top_k")
MARK: Json = {"type": "ephemeral"}
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")
_ID = re.compile(r"[^a-zA-Z0-9_-]")
# Options of OpenAI that the API has by another name, or not at all.
_OTHERS = frozenset((
    "temperature", "top_p", "stop", "max_tokens", "max_completion_tokens", "presence_penalty", "frequency_penalty",
    "seed", "reasoning_effort", "verbosity", "tools", "tool_choice", "parallel_tool_calls", "response_format",
    "logprobs", "top_logprobs", "logit_bias", "modalities", "prompt_cache_key", "safety_identifier", "n",
    "thinking", "output_config",
))


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a model takes. tokens: the most of an answer. samples: temperature and its like. adaptive: it decides
    itself how long it thinks. formats: answers by a schema."""

    tokens: int = UNKNOWN_TOKENS
    samples: bool = True
    adaptive: bool = False
    formats: bool = True


def abilities(model: str) -> Abilities:
    """By its name."""
    if "claude" not in model:
        return Abilities()
    found = _VERSION.search(model)
    if found is None:
        return Abilities(TOKENS, False, True)
    version = int(found[1]), int(found[2] or 0)
    if version < (4, 0):
        return Abilities({(3, 7): TOKENS, (3, 5): 8192}.get(version, 4096), formats=False)
    formats = version >= (4, 5) or (version == (4, 1) and "opus" in model)
    return Abilities(TOKENS, version < (4, 7), version >= (4, 6), formats)


def body_of(prompt: Prompt, able: Abilities) -> Json:
    """What is sent."""
    options = dict(prompt.options)
    system, messages = _talk(prompt.messages)
    form = _format(options.get("response_format"), able)
    if isinstance(form, str):
        system.append({"type": "text", "text": form})
    most = options.get("max_completion_tokens") or options.get("max_tokens")
    body: Json = {"model": prompt.model, "messages": messages, "max_tokens": most or able.tokens, "stream": True}
    if system:
        body["system"] = system
    body |= _tools(options)
    body |= _thinking(options, able, body, prompt)
    body |= _sampling(options, able, body)
    stops = options.get("stop")
    stops = [s for s in ([stops] if isinstance(stops, str) else stops or ()) if isinstance(s, str) and s.strip()]
    if stops:
        body["stop_sequences"] = stops
    if options.get("safety_identifier"):
        body["metadata"] = {"user_id": str(options["safety_identifier"])}
    config = {**body.get("output_config", {}), **({"format": form} if isinstance(form, dict) else {})}
    config |= options.get("output_config") or {}
    if config:
        body["output_config"] = config
    body |= {k: v for k, v in options.items() if k not in _OTHERS and k not in SAMPLING}
    if prompt.cached or options.get("prompt_cache_key"):
        _mark(body)
    return body


def _sampling(options: Json, able: Abilities, body: Json) -> Json:
    """Temperature or top_p, as newer models refuse both together; neither beside thoughts."""
    if not able.samples or body.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        return {}
    found = {n: options[n] for n in SAMPLING if options.get(n) is not None}
    if "temperature" in found:
        found.pop("top_p", None)
        found["temperature"] = min(float(found["temperature"]), 1.0)
    return found


def _thinking(options: Json, able: Abilities, body: Json, prompt: Prompt) -> Json:
    if isinstance(options.get("thinking"), dict):
        return {"thinking": options["thinking"]} if _may_think(body["messages"]) else {}
    effort = str(options.get("reasoning_effort") or "").lower()
    if not effort or not _may_think(body["messages"]):
        return {}
    if effort in ("none", "off"):
        return {"thinking": {"type": "disabled"}} if able.samples else {}
    if _forced(body):
        return {}
    if able.adaptive:
        shown = {"display": "summarized"} if prompt.thinks else {}
        effort = EFFORTS.get(effort, effort if effort in BUDGETS else "medium")
        return {"thinking": {"type": "adaptive", **shown}, "output_config": {"effort": effort}}
    # Thoughts are part of the answer's tokens: half of them are left for words.
    budget = min(BUDGETS.get(effort, BUDGETS["medium"]), int(body["max_tokens"]) // 2)
    return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget >= SMALLEST_BUDGET else {}


def _forced(body: Json) -> bool:
    """Thoughts and a tool that must be called refuse each other."""
    return body.get("tool_choice", {}).get("type") in ("any", "tool")


def _may_think(messages: Sequence[Json]) -> bool:
    """A turn that goes on after a call of a tool has to begin with the thoughts that led to it; where they were not
    kept, it goes on without any."""
    for n in range(len(messages) - 1, -1, -1):
        kinds = [b["type"] for b in messages[n]["content"]]
        if messages[n]["role"] == "user" and "tool_result" not in kinds:
            return True
        if messages[n]["role"] == "assistant" and "tool_use" in kinds:
            return kinds[0] in ("thinking", "redacted_thinking")
    return True


def _format(asked: Any, able: Abilities) -> Json | str | None:
    """The schema of the answer, or the words that ask for one."""
    if not isinstance(asked, dict) or asked.get("type") not in ("json_schema", "json_object"):
        return None
    schema = (asked.get("json_schema") or {}).get("schema")
    if not isinstance(schema, dict):
        return instructions(None)
    return {"type": "json_schema", "schema": _closed(schema)} if able.formats else instructions(schema)


def _closed(schema: Any) -> Any:
    """Objects have no fields beside those that are named, which the API wants said."""
    if isinstance(schema, list):
        return [_closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    found = {k: _closed(v) for k, v in schema.items()}
    kind = found.get("type")
    is_object = kind == "object" or (isinstance(kind, list) and "object" in kind)
    return {**found, "additionalProperties": False} if is_object else found


def _tools(options: Json) -> Json:
    tools = [t for one in options.get("tools") or () if (t := _tool(one))]
    if not tools:
        return {}
    found: Json = {"tools": tools}
    choice = _choice(options.get("tool_choice"))
    if options.get("parallel_tool_calls") is False and (choice or {}).get("type") != "none":
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return found | {"tool_choice": choice} if choice else found


def _tool(tool: Any) -> Json | None:
    if not isinstance(tool, dict):
        return None
    function = tool.get("function")
    if not isinstance(function, dict):
        return tool if tool.get("name") else None  # one of the provider's own
    schema = function.get("parameters")
    schema = schema if isinstance(schema, dict) else {}
    found: Json = {"name": function.get("name"), "input_schema": {"properties": {}, **schema, "type": "object"}}
    if function.get("description"):
        found["description"] = function["description"]
    if function.get("strict"):
        found |= {"strict": True, "input_schema": _closed(found["input_schema"])}
    mark = tool.get("cache_control") or function.get("cache_control")
    return found | {"cache_control": mark} if mark else found


def _choice(choice: Any) -> Json | None:
    if isinstance(choice, dict):
        name = (choice.get("function") or {}).get("name") or choice.get("name")
        return {"type": "tool", "name": name} if name else choice
    kind = {"auto": "auto", "none": "none", "required": "any", "any": "any"}.get(str(choice))
    return {"type": kind} if kind else None


def _talk(messages: Iterable[Json]) -> tuple[list[Json], list[Json]]:
    """System blocks, and the conversation in which user and assistant take turns."""
    system: list[Json] = []
    found: list[Json] = []
    for m in messages:
        role = m.get("role")
        if role in SYSTEM:
            system += _marked([b for p in parts_of(m.get("content")) if (b := _text(p))], m)
            continue
        blocks = _result(m) if role == "tool" else _said(m) if role == "assistant" else _asked(m)
        if not blocks:
            continue
        place = "assistant" if role == "assistant" else "user"
        if found and found[-1]["role"] == place:
            # Results come first, whatever was said beside them.
            both = [*found[-1]["content"], *blocks]
            found[-1]["content"] = [*(b for b in both if b["type"] == "tool_result"),
                                    *(b for b in both if b["type"] != "tool_result")]
        else:
            found.append({"role": place, "content": blocks})
    if not found or found[0]["role"] != "user":
        found.insert(0, {"role": "user", "content": [{"type": "text", "text": "."}]})
    last = found[-1]["content"][-1]
    if found[-1]["role"] == "assistant" and last["type"] == "text":
        last["text"] = last["text"].rstrip()
    return system, found


def _asked(message: Json) -> list[Json]:
    return _marked([b for p in parts_of(message.get("content")) if (b := _block(p))], message)


def _said(message: Json) -> list[Json]:
    """Thoughts, words, calls: the order that the API wants."""
    calls = [c for c in message.get("tool_calls") or () if isinstance(c, dict)]
    words = [b for p in parts_of(message.get("content")) if (b := _text(p))]
    if not words and isinstance(message.get("refusal"), str) and message["refusal"].strip():
        words = [{"type": "text", "text": message["refusal"]}]
    blocks: list[Json] = [] if calls else list(words)
    for n, call in enumerate(calls):
        blocks += [b for b in extra_of(call).get(NAME, {}).get("thinking_blocks", ()) if isinstance(b, dict)]
        blocks += words if n == 0 else []
        function = call.get("function") or {}
        blocks.append({
            "type": "tool_use", "id": _named(call.get("id")), "name": function.get("name"),
            "input": _object(function.get("arguments")),
        })
    return _marked(blocks, message)


def _result(message: Json) -> list[Json]:
    found: Json = {"type": "tool_result", "tool_use_id": _named(message.get("tool_call_id"))}
    content = message.get("content")
    if isinstance(content, str):
        found |= {"content": content} if content.strip() else {}
    else:
        blocks = [b for p in parts_of(content) if (b := _block(p))]
        found |= {"content": blocks} if blocks else {}
    return _marked([found], message)


def _marked(blocks: list[Json], message: Json) -> list[Json]:
    """The last block with the mark that a caller put at the message."""
    if blocks and isinstance(message.get("cache_control"), dict) and "thinking" not in blocks[-1]["type"]:
        return [*blocks[:-1], {**blocks[-1], "cache_control": message["cache_control"]}]
    return blocks


def _text(part: Json) -> Json | None:
    text = part.get("text") or part.get("refusal")
    if not isinstance(text, str) or not text.strip():
        return None
    mark = part.get("cache_control")
    return {"type": "text", "text": text} | ({"cache_control": mark} if isinstance(mark, dict) else {})


def _block(part: Json) -> Json | None:
    found = medium(part)
    if found is None:
        return _text(part)
    block = _medium(found)
    mark = part.get("cache_control")
    return {**block, "cache_control": mark} if isinstance(mark, dict) else block


def _medium(one: Medium) -> Json:
    if one.kind == "image" or one.mime.startswith("image/"):
        return {"type": "image", "source": _source(one, one.mime or "image/jpeg")}
    if one.kind != "file":
        return {"type": "text", "text": one.notice}
    title = {"title": one.name} if one.name else {}
    if one.text is not None:
        return {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": one.text}, **title}
    if one.mime not in ("application/pdf", "") or not (one.data or one.url):
        return {"type": "text", "text": one.notice}
    return {"type": "document", "source": _source(one, "application/pdf"), **title}


def _source(one: Medium, mime: str) -> Json:
    if one.data:
        return {"type": "base64", "media_type": mime.replace("image/jpg", "image/jpeg"), "data": one.data}
    return {"type": "url", "url": one.url}


def _named(id: Any) -> str:
    return _ID.sub("_", str(id or "call"))


def _object(arguments: Any) -> Json:
    """What a call is given; the API takes nothing but objects."""
    if isinstance(arguments, str):
        try:
            arguments = orjson.loads(arguments or "{}")
        except ValueError:
            return {"arguments": arguments}
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}


def _mark(body: Json) -> None:
    """Mark the end of what stays the same from one question to the next, unless the caller did."""
    if b'"cache_control"' in orjson.dumps([body.get("system"), body.get("tools"), body["messages"]]):
        return
    for name in ("tools", "system"):
        if body.get(name):
            body[name] = [*body[name][:-1], {**body[name][-1], "cache_control": MARK}]


