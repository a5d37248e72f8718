"""Chat completions and pieces of them to deltas, in the spellings of many providers. Pure."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from hub.domain import Json, Usage
from hub.llm import finish
from hub.llm.channels import Channels
from hub.llm.counting import places, usage_of
from hub.llm.sse import Halves, safe, whole
from hub.llm.thinking import Splitter
from hub.llm.toolcalls import ToolCalls, merged
from hub.llm.types import Delta

# Fields of a message that callers get as they are, and of the answer around it.
BESIDE = ("images", "audio", "annotations", "executed_tools", "context", "grounding_metadata")
AROUND = ("citations", "search_results", "system_fingerprint", "web_search", "vertex_ai_grounding_metadata")
# Fields of a message that its provider wants back with the next question of the same turn.
BACK = ("extra_content", "thinking_blocks", "provider_specific_fields", "reasoning_signature")
THOUGHTS = ("reasoning_content", "reasoning", "thinking", "thought", "reasoning_text")
# Fields of an event, of its choice and of its piece, where nothing but text is said.
_PLAIN = frozenset(("id", "object", "created", "model", "choices", "usage", "system_fingerprint"))
_CHOICE, _WORDS = frozenset(("index", "delta", "finish_reason", "logprobs")), frozenset(("content", "role"))
_TEXTS = frozenset(("text", "output_text", "input_text"))
# Of an event that tells how it stands, not of an error.
_WELL = frozenset((
    "", "0", "200", "ok", "success", "succeeded", "completed", "queued", "pending", "processing", "running",
    "in_progress", "loading",
))


class Reading:
    """One answer while it comes. `error`: the event that told of one; `cut`: the provider's word for an end
    that is none; `ended`: whether a reason for its end was given."""

    def __init__(self, revised: bool = False) -> None:
        """`revised`: each event holds the whole text so far; the last one of a read counts."""
        self._revised = revised
        self._calls = ToolCalls()
        self._halves = {name: Halves() for name in ("text", "thoughts", "refusal")}
        self._model: str | None = None
        self._named = ""
        self._tagged: Splitter | None = None
        self._channels: Channels | None = None if revised else Channels()
        self._said = False
        self._others: list[Json] = []
        self._known: list[Any] = []
        self._seen: set[bytes] = set()
        self.heard = False
        self.calling = False
        self.ended = False
        self.over = False
        self.cut: str | None = None
        self.error: Any = None

    def take(self, events: Iterable[Json]) -> Delta | None:
        """What the events of one read say together; None when nothing."""
        made = _Made()
        for event in events:
            if self._plain(event, made):
                continue
            failed = _failed(event)
            if failed or tells_error(event):
                self.error = failed or event
                break
            try:
                self._event(event, made)
            except (TypeError, AttributeError, ValueError):
                continue  # an event of another shape says nothing
        return self._delta(made)

    def end(self) -> Delta | None:
        """What was held back, when the answer is over."""
        made = _Made()
        if not self.heard and self._others and self.error is None:
            # Its only choice has another number.
            first = self._others[0].get("index")
            for choice in self._others:
                if choice.get("index") == first:
                    self._choice(choice, made)
        if self._channels is not None:
            made.text, made.thoughts = self._channels.end()
        if self._tagged is not None:
            words, thoughts = self._tagged.end()
            made.text, made.thoughts = made.text + words, made.thoughts + thoughts
        made.text += self._halves["text"].end()
        made.thoughts += self._halves["thoughts"].end()
        made.refusal += self._halves["refusal"].end()
        made.calls += self._calls.end()
        return self._delta(made)

    def _plain(self, event: Json, made: "_Made") -> bool:
        """Take an event that goes on with the text and says nothing else, as nearly all of a stream do; whether it was
        one. The way around, for any event, comes to the same and takes five times as long."""
        if not self._said or self._revised or self._tagged is not None or self._channels is not None:
            return False
        if not event.keys() <= _PLAIN or event.get("usage"):
            return False
        choices, print_ = event.get("choices"), event.get("system_fingerprint")
        if event.get("object") == "error" or (not self._model and "model" in event):
            return False
        if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
            return False
        if print_ and (made.around or ["system_fingerprint", print_] not in self._known):
            return False
        choice = choices[0]
        piece = choice.get("delta")
        if not choice.keys() <= _CHOICE or choice.get("index") or choice.get("finish_reason") is not None:
            return False
        if choice.get("logprobs") is not None or not isinstance(piece, dict):
            return False
        words = piece.get("content")
        if not isinstance(words, str) or (
            len(piece) > 1 and any(v is not None for n, v in piece.items() if n not in _WORDS)
        ):
            return False
        made.text += self._halves["text"].feed(words)
        return True

    def _event(self, event: Json, made: "_Made") -> None:
        if isinstance(event.get("model"), str):
            self._model = self._model or whole(event["model"])
        made.usage = next((u for one in places(event) if (u := usage_of(one))), made.usage)
        made.around |= {n: safe(event[n]) for n in AROUND if event.get(n)}
        for choice in event.get("choices") or _ollama(event):
            if str(choice.get("index") or 0) == "0":
                self._choice(choice, made)
                made.usage = usage_of(choice.get("usage")) or made.usage
            elif not self.heard and len(self._others) < 10_000:
                self._others.append(choice)

    def _choice(self, choice: Json, made: "_Made") -> None:
        piece = self._piece(choice)
        reason = choice.get("finish_reason")
        self._finish(reason, made)
        self.heard = True
        words, thoughts, pictures = said(piece)
        if words and not self._revised:
            words, tagged = self._apart(piece, words)
            thoughts += tagged
        if words:
            words = self._halves["text"].feed(words)
            made.text = words if self._revised else made.text + words
        if thoughts:
            self._named = self._named or next((n for n in THOUGHTS if piece.get(n)), "")
            made.thoughts += self._halves["thoughts"].feed(thoughts)
        made.refusal += self._halves["refusal"].feed(refused(piece))
        if fragments := _fragments(piece):
            made.fragments.append(fragments)
            self.calling = True
        if isinstance(details := piece.get("reasoning_details"), list):
            made.details += [one for d in details if isinstance(d, dict) and (one := safe(d))]
        made.logprobs = joined_logprobs(made.logprobs, choice.get("logprobs"))
        beside = {n: safe(piece[n]) for n in BESIDE if piece.get(n)}
        if pictures or "images" in beside:
            beside["images"] = [picture(one) for one in (*(beside.get("images") or ()), *(safe(pictures) or ()))]
        made.beside = self._new(made.beside, beside)
        back = {n: safe(piece[n]) for n in BACK if piece.get(n)}
        if _thought(piece):
            del back["extra_content"]  # it says what this piece is
        made.back = merged(made.back, back)
        self._said = True

    def _apart(self, piece: Json, words: str) -> tuple[str, str]:
        """Text and thoughts of what Gemini writes into one field, with a mark beside it and tags around it."""
        if self._tagged is None and _thought(piece):
            if not words.lstrip().startswith("<thought>"):
                return "", words
            self._tagged = Splitter()
        if self._tagged is None:
            found = self._channels.feed(words) if self._channels is not None else (words, "")
            if self._channels is not None and self._channels.plain:
                self._channels = None
            return found
        found = self._tagged.feed(words)
        if self._tagged.begun:
            self._tagged = None  # its thoughts are told; what looks like a tag is a word of the answer
        return found

    def _piece(self, choice: Json) -> Json:
        piece = choice.get("delta")
        if piece is None and not self._said:
            piece = choice.get("message")
        if piece is None and isinstance(choice.get("text"), str):
            piece = {"content": choice["text"]}
        if piece is not None and not isinstance(piece, dict):
            raise TypeError
        return piece or {}

    def _finish(self, reason: Any, made: "_Made") -> None:
        found = finish.mapped(reason)
        if found == finish.CUT:
            self.cut = whole(str(reason))[:100]
        elif found is not None:
            made.finish, self.ended = found, True

    def _new(self, old: Json, beside: Json) -> Json:
        """The fields with what was not told before: some providers repeat them in every event."""
        fresh = {}
        for name, value in beside.items():
            if isinstance(value, list):
                told = {blake2b(orjson.dumps(v, option=orjson.OPT_SORT_KEYS)).digest(): v for v in value}
                value = [v for key, v in told.items() if key not in self._seen]
                self._seen |= told.keys()
            if value:
                fresh[name] = value
        return with_beside(old, fresh)

    def _delta(self, made: "_Made") -> Delta | None:
        if made.fragments or made.finish:
            made.calls += self._calls.take(*made.fragments, last=made.finish is not None)
        if made.around:
            made.around = {n: v for n, v in made.around.items() if [n, v] not in self._known}
            self._known += [[n, v] for n, v in made.around.items()]
        if not made.anything:
            return None
        return Delta(
            made.text, made.thoughts, tuple(made.calls), made.finish, made.usage, self._model,
            details=tuple(made.details), refusal=made.refusal, logprobs=made.logprobs, beside=made.beside,
            around=made.around, back=made.back, named=self._named,
        )


class _Made:
    """What the events of one read add up to."""

    def __init__(self) -> None:
        self.text = self.thoughts = self.refusal = ""
        self.fragments: list[list[Any]] = []  # of each event
        self.calls: list[Json] = []
        self.details: list[Json] = []
        self.finish: str | None = None
        self.usage: Usage | None = None
        self.logprobs: Json | None = None
        self.beside: Json = {}
        self.around: Json = {}
        self.back: Json = {}

    @property
    def anything(self) -> bool:
        return any(vars(self).values())


def _thought(piece: Json) -> bool:
    beside = piece.get("extra_content")
    google = beside.get("google") if isinstance(beside, dict) else None
    return isinstance(google, dict) and google.get("thought") is True


def _failed(event: Json) -> Json | None:
    """The choice of an event that tells of an error in place of an answer."""
    choices = event.get("choices")
    for one in choices if isinstance(choices, list) else ():
        if isinstance(one, dict) and isinstance(one.get("error"), dict | str) and one["error"]:
            return one
    return None


def tells_error(event: Json) -> bool:
    """Whether an event, or a document, tells of an error in place of an answer."""
    if event.get("error") or event.get("object") == "error" or event.get("type") == "error":
        return True
    base = event.get("base_resp")
    if event.get("choices"):
        return False
    if isinstance(base, dict) and base.get("status_code"):
        return True
    if event.get("success") is False or event.get("errors") or event.get("detail"):
        return True
    if any(isinstance(event.get(n), dict) and event[n].get("Error") for n in ("Response", "ResponseMetadata")):
        return True
    told = any(isinstance(event.get(n), str) for n in ("message", "msg", "error_msg", "error_message"))
    states = [event[n] for n in ("code", "status", "error_code", "statusCode", "status_code") if n in event]
    return told and any(str(one).lower() not in _WELL for one in states)


def _ollama(event: Json) -> Sequence[Json]:
    """A message without choices around it."""
    message = event.get("message")
    if not isinstance(message, dict):
        return ()
    return ({"delta": message, "finish_reason": event.get("done_reason") if event.get("done") else None},)


def _fragments(piece: Json) -> list[Any]:
    calls = piece.get("tool_calls") or ()
    found = list(calls) if isinstance(calls, list | tuple) else [calls]
    if isinstance(piece.get("function_call"), dict):
        found.append({"index": 0, "function": piece["function_call"]})
    if not all(isinstance(c, dict) and isinstance(c.get("function") or {}, dict) for c in found):
        raise TypeError
    return found


def said(message: Json) -> tuple[str, str, list[Json]]:
    """Text, thoughts and pictures of a message or of a piece of one."""
    content = message.get("content")
    thoughts = next((t for n in THOUGHTS if (t := _plain(message.get(n)))), "") or _detailed(message)
    pictures = [message["image"]] if isinstance(message.get("image"), dict) else []
    if isinstance(content, str):
        return content, thoughts, pictures
    text = ""
    for part in content if isinstance(content, list) else [content] if isinstance(content, dict) else ():
        if isinstance(part, str):
            text += part
        elif not isinstance(part, dict):
            continue
        elif part.get("type") in ("thinking", "reasoning"):
            thoughts += _plain(part.get("thinking")) or _plain(part.get("reasoning")) or _plain(part.get("text"))
        elif part.get("type") in ("image_url", "image", "output_image"):
            pictures.append(part)
        elif part.get("type") in _TEXTS or ("type" not in part and "text" in part):
            text += _plain(part.get("text"))
    return text, thoughts, pictures


def refused(message: Json) -> str:
    """The words of a refusal, beside the text or among its parts."""
    content, found = message.get("content"), message.get("refusal")
    if isinstance(found, str) and found:
        return found
    parts = content if isinstance(content, list) else ()
    return "".join(_plain(p.get("refusal")) for p in parts if isinstance(p, dict) and p.get("type") == "refusal")


def picture(given: Any) -> Any:
    """A picture as callers know it, whose provider wrote but its address."""
    if isinstance(given, dict):
        address = given.get("url") or (given.get("image_url") if given.get("type") == "output_image" else None)
        if "image_url" in given and not isinstance(address, str):
            return given
        given = address if isinstance(address, str) else given
    return {"type": "image_url", "image_url": {"url": given}} if isinstance(given, str) else given


def _plain(value: Any) -> str:
    """The text of a value that may be a text, parts of one, or an object around it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_plain(v) for v in value)
    if isinstance(value, dict):
        return _plain(value.get("text") or value.get("content") or value.get("value"))
    return ""


def _detailed(message: Json) -> str:
    details = message.get("reasoning_details")
    found = [d for d in details if isinstance(d, dict)] if isinstance(details, list) else []
    return "".join(_plain(d.get("text") or d.get("summary")) for d in found)


def with_beside(old: Json, new: Json) -> Json:
    """Fields beside the text, one piece after the other: lists grow, the texts of speech are joined."""
    found = dict(old)
    for name, value in new.items():
        before = found.get(name)
        if isinstance(before, list) and isinstance(value, list):
            found[name] = [*before, *value]
        elif isinstance(before, dict) and isinstance(value, dict):
            joined = {n: before.get(n, "") + value[n] for n in ("data", "transcript") if isinstance(value.get(n), str)}
            found[name] = before | value | joined
        else:
            found[name] = value
    return found


def joined_logprobs(old: Json | None, new: Any) -> Json | None:
    """Probabilities of both pieces; their lists grow."""
    if not isinstance(new, dict):
        return old
    found = dict(old or {})
    for name, value in (safe(new) or {}).items():
        before = found.get(name)
        found[name] = [*before, *value] if isinstance(before, list) and isinstance(value, list) else value or before
    return found
