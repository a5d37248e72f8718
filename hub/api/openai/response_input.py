"""Items of the Responses API as the messages of a chat completion."""

from collections.abc import Awaitable, Callable
from typing import Any

from hub.api.openai import response_tools
from hub.domain import Json
from hub.errors import Invalid

# The item that a reference means; None without one.
Find = Callable[[str], Awaitable[Json | None]]
# What stands in an item of reasoning, opened: fields of the assistant's message. Raise Invalid.
Open = Callable[[str, str], Json]
ROLES = ("user", "assistant", "system", "developer")
CALLS, RESULTS = ("function_call", "custom_tool_call"), ("function_call_output", "custom_tool_call_output")
SEEN = "(what the tool showed follows)"


async def resolved(given: str | list[Json], find: Find) -> list[Json]:
    """The items, what is only named among them as what it is. Raise Invalid."""
    if isinstance(given, str):
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": given}]}]
    found = []
    for n, item in enumerate(given):
        kind = item.get("type") or ("message" if "role" in item else "item_reference" if "id" in item else None)
        if kind != "item_reference":
            found.append({**item, "type": kind})
            continue
        held = await find(str(item.get("id")))
        if held is None:
            raise Invalid(
                f"input.{n}: there is no item {str(item.get('id'))[:80]} of this key.", field=f"input.{n}.id",
                code="item_not_found",
            )
        found.append(held)
    return found


def messages(items: list[Json], opened: Open) -> list[Json]:
    """Raise Invalid naming the place."""
    talk = _Talk(opened)
    for n, item in enumerate(items):
        talk.take(f"input.{n}", item)
    talk.end()
    return talk.said


class _Talk:
    """What the assistant says in a row is put together: thoughts, words, calls."""

    def __init__(self, opened: Open) -> None:
        self.said: list[Json] = []
        self._opened = opened
        self._row: list[Json] = []
        self._thoughts: Json = {}
        self._shown: list[Json] = []

    def take(self, place: str, item: Json) -> None:
        kind = item.get("type")
        if kind == "message":
            self._message(place, item)
        elif kind in CALLS:
            self._call(place, item)
        elif kind in RESULTS:
            self._result(place, item)
        elif kind == "reasoning":
            self._reasoning(place, item)
        else:
            raise Invalid(
                f"{place}: an item of the type {str(kind)[:60]} cannot be read here; send messages, calls of functions"
                " and their outputs.", field=f"{place}.type",
            )

    def end(self) -> None:
        self._answered()
        self._see()

    def _message(self, place: str, item: Json) -> None:
        role = item.get("role")
        if role not in ROLES:
            raise Invalid(f"{place}.role must be one of {', '.join(ROLES)}.", field=f"{place}.role")
        content = parts(item.get("content"), f"{place}.content")
        if role == "assistant":
            texts = [p for p in content if p["type"] in ("text", "refusal")]
            if len(texts) < len(content):
                raise Invalid(f"{place}.content of an assistant is text.", field=f"{place}.content")
            self._row.append({"role": role, "content": "".join(str(p.get("text") or p.get("refusal")) for p in texts)})
            return
        self.end()
        alone = content[0]["text"] if len(content) == 1 and content[0]["type"] == "text" else content
        self.said.append({"role": role, "content": alone})

    def _call(self, place: str, item: Json) -> None:
        if not (isinstance(item.get("call_id"), str) and isinstance(item.get("name"), str)):
            raise Invalid(f"{place} needs call_id and name.", field=place)
        name = response_tools.joined(item.get("namespace"), item["name"])
        arguments = item.get("arguments")
        if item["type"] == "custom_tool_call":
            arguments = {"input": str(item.get("input") or "")}
        ours = ("type", "id", "call_id", "name", "namespace", "arguments", "input", "status", "caller", "created_by")
        call = {k: v for k, v in item.items() if k not in ours and v is not None}
        call |= {"id": item["call_id"], "type": "function", "function": {"name": name, "arguments": arguments or "{}"}}
        if not self._row:
            self._row.append({"role": "assistant", "content": None})
        self._row[-1].setdefault("tool_calls", []).append(call)

    def _result(self, place: str, item: Json) -> None:
        if not isinstance(item.get("call_id"), str):
            raise Invalid(f"{place}.call_id is missing.", field=f"{place}.call_id")
        self._answered()
        content = parts(item.get("output"), f"{place}.output")
        text = "\n".join(p["text"] for p in content if p["type"] == "text")
        shown = [p for p in content if p["type"] != "text"]
        # Of what tools give back providers take text alone.
        self._shown += shown
        self.said.append({"role": "tool", "tool_call_id": item["call_id"], "content": text or (SEEN if shown else "")})

    def _reasoning(self, place: str, item: Json) -> None:
        sealed = item.get("encrypted_content")
        if isinstance(sealed, str) and sealed:
            self._thoughts |= self._opened(f"{place}.encrypted_content", sealed)
            return
        told = [t for n in ("summary", "content") if isinstance(item.get(n), list) for t in item[n]]
        text = "\n".join(str(t.get("text") or "") for t in told if isinstance(t, dict))
        if text:
            self._thoughts.setdefault("reasoning", text)

    def _answered(self) -> None:
        """What the assistant said in a row is over."""
        if self._row:
            self._see()
            self._row[-1] |= self._thoughts
            self.said += self._row
        self._row, self._thoughts = [], {}

    def _see(self) -> None:
        """What tools have shown, as it can be shown to a model: by the user, behind the last of their results."""
        if self._shown:
            self.said.append({"role": "user", "content": self._shown})
            self._shown = []


def parts(content: Any, place: str) -> list[Json]:
    """Content in the chat format. Raise Invalid."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise Invalid(f"{place} must be text or a list of parts.", field=place)
    return [_part(p, f"{place}.{n}") for n, p in enumerate(content)]


def _part(part: Any, place: str) -> Json:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("input_text", "output_text", "text", "summary_text") and isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    if kind == "refusal":
        return {"type": "refusal", "refusal": str(part.get("refusal") or "")}
    if kind == "input_image":
        url = _given(part, "image_url", place)
        detail = {"detail": part["detail"]} if part.get("detail") else {}
        return {"type": "image_url", "image_url": {"url": url, **detail}}
    if kind == "input_file":
        data = _given(part, "file_data", place)
        return {"type": "file", "file": {"filename": part.get("filename") or "file", "file_data": data}}
    if kind == "input_audio" and isinstance(part.get("input_audio"), dict):
        return {"type": "input_audio", "input_audio": part["input_audio"]}
    raise Invalid(f"{place}: a part of the type {str(kind)[:60]} cannot be read here.", field=f"{place}.type")


def _given(part: Json, name: str, place: str) -> str:
    """What is sent with the message; nothing is fetched, and nothing was uploaded before."""
    value = part.get(name)
    if isinstance(value, dict):
        value = value.get("url")
    if isinstance(value, str) and value:
        return value
    other = next((n for n in ("file_id", "file_url") if part.get(n)), name)
    raise Invalid(f"{place}.{other} cannot be used here; send {name}.", field=f"{place}.{other}")
