"""Small changes of messages in the chat format (role, content as text or parts). Pure."""

from collections.abc import Collection, Sequence
from typing import Any

from hub.domain import Json
from hub.llm import thinking
from hub.llm.toolcalls import sent

SYSTEM = ("system", "developer")
UNANSWERED = "(there is no result; it is not known whether this was done)"
TRUNCATED = "[tool response truncated - call this tool again]"
# Fields of stored messages that only IncludeStoredReasoning sends back, but for those of the turn of now.
REASONING = ("reasoning", "reasoning_content", "reasoning_details")
DETAILS = ("reasoning_details",)
# What a message of a conversation may hold: what a provider answered besides (refusal, annotations, ...) is no input.
INPUT = frozenset((
    "role", "content", "name", "tool_calls", "tool_call_id", "prefix", "partial", "cache_control", "extra_content",
    "thinking_blocks", "provider_specific_fields", "reasoning_signature", *REASONING,
))
MEDIA = {"image_url": "image", "video_url": "video", "input_audio": "audio", "file": "file"}


def text_of(message: Json) -> str:
    """All text of a message."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(p.get("text") or "") for p in content if p.get("type") == "text")
    return content if isinstance(content, str) else ""


def mark_of(message: Json) -> Any:
    """The hint for the provider's cache that a caller put at a message, or at a part of it."""
    content = message.get("content")
    parts = content if isinstance(content, list) else ()
    return next((one["cache_control"] for one in (message, *parts) if one.get("cache_control")), None)


def last_user(messages: Sequence[Json]) -> int | None:
    for n in range(len(messages) - 1, -1, -1):
        if messages[n].get("role") == "user":
            return n
    return None


def tokens(message: Json) -> int:
    """Estimate: four characters a token."""
    size = len(text_of(message))
    for call in message.get("tool_calls") or ():
        size += len(str((call.get("function") or {}).get("arguments") or ""))
    return -(-size // 4)


def with_text(message: Json, text: str) -> Json:
    """The message with its text replaced; other parts stay."""
    content = message.get("content")
    if not isinstance(content, list):
        return message | {"content": text}
    others = [p for p in content if p.get("type") != "text"]
    return message | {"content": [{"type": "text", "text": text}, *others]}


def with_prefix(message: Json, text: str) -> Json:
    return with_text(message, f"{text}\n\n{text_of(message)}")


def templated(messages: list[Json], template: str | None) -> list[Json]:
    """Each user message's text put where the template says `{prompt}`."""
    if not template or "{prompt}" not in template:
        return messages
    return [
        with_text(m, template.replace("{prompt}", text_of(m))) if m.get("role") == "user" and text_of(m) else m
        for m in messages
    ]


def cleaned(
    messages: Sequence[Json], flags: frozenset[str], newest: int | None, unseen: Collection[str] = (),
    turn: int | None = None,
) -> list[Json]:
    """History as it is sent again: without thoughts, old tool answers shortened, media named if refused.
    unseen: kinds of media (image, audio, video, file) that the model does not take. turn: where the messages of
    the turn of now begin, in which the provider gets its thoughts back."""
    turn = len(messages) if turn is None else turn
    result = [_input(m, flags, n >= turn) for n, m in enumerate(messages)]
    if "PreserveThinkingTokens" not in flags:
        result = [_unthought(m) for m in result]
    if newest and newest > 0:
        places = [n for n, m in enumerate(result) if m.get("role") == "tool"]
        # Those behind the assistant's last message were never read yet.
        said = max((n for n, m in enumerate(result) if m.get("role") == "assistant"), default=len(result))
        for n in places[: max(0, len(places) - max(newest, sum(p > said for p in places)))]:
            result[n] = result[n] | {"content": TRUNCATED}
    hidden = MEDIA.values() if "DisableMultiModalInput" in flags else unseen
    return [_textual(m, hidden) for m in result] if hidden else result


def _input(message: Json, flags: frozenset[str], now: bool) -> Json:
    """What of a message is input; in the turn of now with all that its provider wants back."""
    back = message.get("back") if now else None
    dropped: tuple[str, ...] = ()
    if back:
        dropped = ("reasoning", *back)
    elif not now and "IncludeStoredReasoning" not in flags:
        dropped = REASONING
    if "DisableReasoningDetails" in flags:
        dropped = (*dropped, *DETAILS)
    kept = {_provider(k): v for k, v in message.items() if k in INPUT and k not in dropped}
    found = {k: v for k, v in {**kept, **(back or {})}.items() if v is not None or k == "content"}
    if "DisableReasoningDetails" in flags:
        found.pop("reasoning_details", None)
    if found.get("role") == "developer":
        found["role"] = "system"
    if found.get("role") != "assistant":
        return _worded(found)
    audio = message.get("audio")
    if isinstance(audio, dict) and audio.get("id"):
        found["audio"] = {"id": audio["id"]}
    calls = sent(found.pop("tool_calls", None))
    if not found.get("content") and isinstance(message.get("refusal"), str):
        found["content"] = message["refusal"]
    if calls:
        return _worded({**found, "content": found.get("content"), "tool_calls": calls})
    return _worded(found)


def _worded(message: Json) -> Json:
    """A refusal among the parts of a message is a text."""
    content = message.get("content")
    if not isinstance(content, list) or all(p.get("type") != "refusal" for p in content):
        return message
    parts = [
        {"type": "text", "text": str(p.get("refusal") or p.get("text") or "")} if p.get("type") == "refusal" else p
        for p in content
    ]
    return message | {"content": parts}


def shown(made: Sequence[Json]) -> list[Json]:
    """Messages without what only the provider gets back."""
    return [{k: v for k, v in m.items() if k != "back"} for m in made]


def spoken(message: Json) -> bool:
    """Whether there is anything in it; strict providers refuse an assistant that says nothing."""
    return message.get("role") != "assistant" or any(message.get(n) for n in ("content", "tool_calls", "audio"))


def _provider(name: str) -> str:
    """What providers call the reasoning that we store."""
    return "reasoning_content" if name == "reasoning" else name


def paired(messages: Sequence[Json]) -> list[Json]:
    """Each tool call followed by its one result, as providers demand. A result without its call is left
    out; a call without a result (its caller went on with something else, or it was stopped) gets a note."""
    found: list[Json] = []
    for n, m in enumerate(messages):
        if m.get("role") == "tool":
            continue
        found.append(m)
        if m.get("tool_calls"):
            results = _results(messages[n + 1 :])
            found += [
                results.get(str(c.get("id"))) or {"role": "tool", "tool_call_id": c.get("id"), "content": UNANSWERED}
                for c in m["tool_calls"]
            ]
    return found


def _results(messages: Sequence[Json]) -> dict[str, Json]:
    """By the id of the call: the results before the assistant says the next thing."""
    found: dict[str, Json] = {}
    for m in messages:
        if m.get("role") == "assistant":
            break
        if m.get("role") == "tool":
            found.setdefault(str(m.get("tool_call_id")), m)
    return found


def untooled(messages: Sequence[Json]) -> list[Json]:
    """The conversation with tool calls and their results as texts of the user, for models that know no tools."""
    found: list[Json] = []
    names: dict[str, str] = {}
    for m in messages:
        if m.get("role") == "tool":
            name = names.get(str(m.get("tool_call_id")), "the tool")
            found.append({"role": "user", "content": f"[Result of {name}]\n{text_of(m)}"})
            continue
        calls = m.get("tool_calls") or ()
        rest = {k: v for k, v in m.items() if k != "tool_calls"}
        if not calls or text_of(m).strip():
            found.append(rest)
        for call in calls:
            function = call.get("function") or {}
            names[str(call.get("id"))] = str(function.get("name"))
            words = f"[The assistant called {function.get('name')} with {function.get('arguments') or '{}'}]"
            found.append({"role": "user", "content": words})
    return found


def _unthought(message: Json) -> Json:
    content = message.get("content")
    if message.get("role") != "assistant" or not isinstance(content, str):
        return message
    return message | {"content": thinking.strip(content)}


def _textual(message: Json, hidden: Collection[str]) -> Json:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    parts = [{"type": "text", "text": _notice(p)} if MEDIA.get(str(p.get("type"))) in hidden else p for p in content]
    if any(p.get("type") != "text" for p in parts):
        return message | {"content": parts}
    return message | {"content": "\n".join(str(p["text"]) for p in parts if p.get("text"))}


def _notice(part: Json) -> str:
    kind = MEDIA.get(str(part.get("type")), "attachment")
    file: Any = part.get("file")
    name = f" {file['filename']}" if isinstance(file, dict) and file.get("filename") else ""
    return f"[{kind}{name}: this model cannot see it]"


def flagged(head: list[Json], messages: list[Json], flags: frozenset[str]) -> list[Json]:
    """System message and conversation together, as strict models want them."""
    if "NoSystemInstruct" in flags:
        words = [text_of(m) for m in (*head, *(m for m in messages if m.get("role") in SYSTEM))]
        talk = [m for m in messages if m.get("role") not in SYSTEM]
        talk = _told("\n\n".join(w for w in words if w), talk)
    else:
        talk = [*head, *messages]
    return _merged(talk) if "StrictUserAssistantTurns" in flags else talk


def _told(text: str, messages: list[Json]) -> list[Json]:
    """System instructions at the beginning of the first user message."""
    if not text:
        return messages
    for n, message in enumerate(messages):
        if message.get("role") == "user":
            return [*messages[:n], with_prefix(message, text), *messages[n + 1 :]]
    return [{"role": "user", "content": text}, *messages]


def _merged(messages: list[Json]) -> list[Json]:
    """Neighbours of the same role as one message."""
    result: list[Json] = []
    for message in messages:
        role = message.get("role")
        if result and role == result[-1].get("role") and role in ("user", "assistant", *SYSTEM):
            result[-1] = _joined(result[-1], message)
        else:
            result.append(message)
    return result


def _joined(a: Json, b: Json) -> Json:
    joined = a | b
    if isinstance(a.get("content"), list) or isinstance(b.get("content"), list):
        joined["content"] = [*_parts(a), *_parts(b)]
    else:
        joined["content"] = "\n\n".join(t for t in (text_of(a), text_of(b)) if t)
    calls = [*(a.get("tool_calls") or ()), *(b.get("tool_calls") or ())]
    return joined | {"tool_calls": calls} if calls else joined


def _parts(message: Json) -> list[Json]:
    content = message.get("content")
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []
