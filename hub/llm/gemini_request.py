"""A question in the shape of Gemini's generateContent API. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from hub.domain import Json
from hub.llm.heal import instructions
from hub.llm.media import Medium, medium, parts_of, text_of
from hub.llm.toolcalls import extra_of
from hub.llm.types import Prompt

SYSTEM = ("system", "developer")
MOST_STOPS = 5
BUDGETS: Mapping[str, int] = {
    "none": 0, "off": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 32_768, "max": 32_768,
}
# What Google calls otherwise; any other word is handed on, as a newer model may know it.
LEVELS: Mapping[str, str] = {"none": "MINIMAL", "off": "MINIMAL", "xhigh": "HIGH", "max": "HIGH"}
# How much it thinks is left to the model.
OWN = frozenset(("", "auto", "default"))
# Google's own word for calls that came from elsewhere, which newer models refuse without a signature.
UNSIGNED = "skip_thought_signature_validator"
_VERSION = re.compile(r"gemini-(\d{1,2})(?:\.(\d{1,2}))?")
_NAMES: Mapping[str, str] = {
    "temperature": "temperature", "top_p": "topP", "top_k": "topK", "seed": "seed",
    "presence_penalty": "presencePenalty", "frequency_penalty": "frequencyPenalty", "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
_OTHERS = frozenset((
    *_NAMES, "stop", "max_tokens", "max_completion_tokens", "reasoning_effort", "verbosity", "tools", "tool_choice",
    "parallel_tool_calls", "response_format", "logit_bias", "modalities", "prompt_cache_key", "safety_identifier", "n",
    "generationConfig", "generation_config", "google",
))


def version(model: str) -> tuple[int, int]:
    """By its name; (0, 0) for what is none of Gemini's."""
    found = _VERSION.search(model)
    if found is None:
        return (9, 0) if "gemini-" in model else (0, 0)
    return int(found[1]), int(found[2] or 0)


def body_of(prompt: Prompt) -> Json:
    """What is sent."""
    options, known = dict(prompt.options), version(prompt.model)
    system, contents = _talk(prompt.messages, known >= (3, 0))
    tools = _tools(options)
    form = _format(options.get("response_format"), bool(tools) and known < (3, 0))
    if isinstance(form, str):
        system.append({"text": form})
    body: Json = {"contents": contents, **tools}
    if system:
        body["systemInstruction"] = {"parts": system}
    config = _config(options, prompt, known) | (form if isinstance(form, dict) else {})
    given = options.get("generationConfig") or options.get("generation_config")
    config |= given if isinstance(given, dict) else {}
    if config:
        body["generationConfig"] = config
    return body | {k: v for k, v in options.items() if k not in _OTHERS}


def _config(options: Json, prompt: Prompt, known: tuple[int, int]) -> Json:
    found = {theirs: options[ours] for ours, theirs in _NAMES.items() if options.get(ours) is not None}
    most = options.get("max_completion_tokens") or options.get("max_tokens")
    if most:
        found["maxOutputTokens"] = most
    stops = options.get("stop")
    stops = [s for s in ([stops] if isinstance(stops, str) else stops or ()) if isinstance(s, str) and s]
    if stops:
        found["stopSequences"] = stops[:MOST_STOPS]
    modes = [str(m).upper() for m in options.get("modalities") or ()]
    if modes and modes != ["TEXT"]:
        found["responseModalities"] = modes
    thinking = _thinking(str(options.get("reasoning_effort") or "").lower(), prompt, known)
    return found | ({"thinkingConfig": thinking} if thinking else {})


def _thinking(effort: str, prompt: Prompt, known: tuple[int, int]) -> Json:
    """How much it thinks, and whether it tells of it. Older models refuse to be asked."""
    if known < (2, 5):
        return {}
    found: Json = {"includeThoughts": True} if prompt.thinks and effort not in ("none", "off") else {}
    if effort in OWN:
        return found
    if known >= (3, 0):
        found["thinkingLevel"] = LEVELS.get(effort, effort.upper())
    else:
        found["thinkingBudget"] = BUDGETS.get(effort, BUDGETS["medium"])
    return found


def _format(asked: Any, told: bool) -> Json | str | None:
    """Fields for an answer of JSON, or (`told`) the words: older models refuse them beside tools."""
    if not isinstance(asked, dict) or asked.get("type") not in ("json_schema", "json_object"):
        return None
    schema = (asked.get("json_schema") or {}).get("schema")
    schema = schema if isinstance(schema, dict) else None
    if told:
        return instructions(schema)
    return {"responseMimeType": "application/json", **({"responseJsonSchema": schema} if schema is not None else {})}


def _tools(options: Json) -> Json:
    functions: list[Json] = []
    others: list[Json] = []
    for tool in options.get("tools") or ():
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict):
            functions.append(_function(function))
        elif isinstance(tool, dict):
            others.append(tool)  # one of the provider's own
    found = [*([{"functionDeclarations": functions}] if functions else []), *others]
    if not found:
        return {}
    choice = _choice(options.get("tool_choice")) if functions else None
    return {"tools": found} | ({"toolConfig": {"functionCallingConfig": choice}} if choice else {})


def _function(function: Json) -> Json:
    found: Json = {"name": function.get("name")}
    if function.get("description"):
        found["description"] = function["description"]
    schema = function.get("parameters")
    if isinstance(schema, dict) and schema:
        found["parametersJsonSchema"] = schema
    return found


def _choice(choice: Any) -> Json | None:
    if isinstance(choice, dict):
        name = (choice.get("function") or {}).get("name") or choice.get("name")
        return {"mode": "ANY", "allowedFunctionNames": [name]} if name else None
    mode = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY"}.get(str(choice))
    return {"mode": mode} if mode else None


def _talk(messages: Iterable[Json], signed: bool) -> tuple[list[Json], list[Json]]:
    """System parts, and the conversation in which user and model take turns. signed: calls need a signature."""
    system: list[Json] = []
    found: list[Json] = []
    names: dict[str, str] = {}
    for m in messages:
        role = m.get("role")
        if role in SYSTEM:
            system += [{"text": t} for p in parts_of(m.get("content")) if (t := _words(p))]
            continue
        place = "model" if role == "assistant" else "user"
        parts = _result(m, names) if role == "tool" else _said(m, names, signed) if place == "model" else _asked(m)
        if not parts:
            continue
        if found and found[-1]["role"] == place and not _apart(found[-1]["parts"], parts):
            found[-1]["parts"] += parts
        else:
            found.append({"role": place, "parts": parts})
    if not found or found[0]["role"] != "user":
        found.insert(0, {"role": "user", "parts": [{"text": "."}]})
    return system, found


def _apart(one: Sequence[Json], other: Sequence[Json]) -> bool:
    """Whether one of two neighbours holds the results of calls, which stand alone, and the other does not."""
    return any("functionResponse" in p for p in one) != any("functionResponse" in p for p in other)


def _asked(message: Json) -> list[Json]:
    return [b for p in parts_of(message.get("content")) if (b := _part(p))]


def _said(message: Json, names: dict[str, str], signed: bool) -> list[Json]:
    parts = _asked(message)
    if not parts and isinstance(message.get("refusal"), str) and message["refusal"].strip():
        parts = [{"text": message["refusal"]}]
    for n, call in enumerate(c for c in message.get("tool_calls") or () if isinstance(c, dict)):
        function = call.get("function") or {}
        names[str(call.get("id"))] = str(function.get("name"))
        part: Json = {"functionCall": {"name": function.get("name"), "args": _object(function.get("arguments"))}}
        google = extra_of(call).get("google")
        signature = google.get("thought_signature") if isinstance(google, dict) else None
        if isinstance(signature, str) and signature:
            part["thoughtSignature"] = signature
        elif signed and n == 0:
            part["thoughtSignature"] = UNSIGNED
        parts.append(part)
    return parts


def _result(message: Json, names: Mapping[str, str]) -> list[Json]:
    """What a tool said, and beside it the pictures it gave."""
    text = text_of(message.get("content"))
    try:
        value = orjson.loads(text)
    except ValueError:
        value = text
    name = names.get(str(message.get("tool_call_id"))) or str(message.get("name") or "tool")
    response = value if isinstance(value, dict) else {"result": value}
    media = [b for p in parts_of(message.get("content")) if medium(p) and (b := _part(p))]
    return [{"functionResponse": {"name": name, "response": response}}, *media]


def _words(part: Json) -> str:
    text = part.get("text") or part.get("refusal")
    return text if isinstance(text, str) else ""


def _part(part: Json) -> Json | None:
    found = medium(part)
    if found is not None:
        return _medium(found)
    text = _words(part)
    return {"text": text} if text.strip() else None


def _medium(one: Medium) -> Json:
    if one.data:
        if one.text is not None:
            return {"text": f"[{one.name or one.kind}]\n{one.text}"}
        return {"inlineData": {"mimeType": one.mime or "application/octet-stream", "data": one.data}}
    if not (one.url or one.id):
        return {"text": one.notice}
    mime = one.mime or {"image": "image/jpeg", "video": "video/mp4", "audio": "audio/mp3"}.get(one.kind, "")
    return {"fileData": {"fileUri": one.url or one.id, **({"mimeType": mime} if mime else {})}}


def _object(arguments: Any) -> Json:
    if isinstance(arguments, str):
        try:
            arguments = orjson.loads(arguments or "{}")
        except ValueError:
            return {"arguments": arguments}
    return arguments if isinstance(arguments, dict) else {"arguments": arguments}
