"""Events of a stream that differ in their words alone, as nearly all of one do: a row of them is read at once. Pure."""

import re
from typing import Any

import orjson

from hub.domain import Json

# A text of JSON as it is written. Its groups may be given back: Python before 3.11.5 forgets what groups that may not
# have matched (gh-106052).
_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*"'
_CONTENT = re.compile(rb'"content" ?: ?(' + _TEXT + rb')')
# Fields of an event that says nothing but words, and goes on.
_EVENT = frozenset(("id", "object", "created", "model", "choices", "usage", "system_fingerprint"))
_CHOICE, _PIECE = frozenset(("index", "delta", "finish_reason", "logprobs")), frozenset(("content", "role"))
MARK = "\u2402 words"
# Forms that are learned although none before brought anything, and in all.
TRIES, FORMS = 3, 50
# Bytes in which a form and a row of it are looked for: a text of many escapes takes ten times as long as by itself.
LONGEST = 100_000


class Alike:
    """Learns the form of an event from one, and finds the row of events of the same form at a place."""

    def __init__(self) -> None:
        self._row: re.Pattern[bytes] | None = None
        self._words: re.Pattern[bytes] | None = None
        self._event: Json = {}
        self._left, self._forms = TRIES, 0
        self._first = False

    def learn(self, block: bytes, event: Any) -> None:
        """block: an event as it came, with the blank line after it."""
        if not _plain(event):
            return
        if self._forms == 0 and not self._first and "role" in event["choices"][0]["delta"]:
            self._first = True  # only the first has one, as a rule
            return
        self._left, self._forms = self._left - 1, self._forms + 1
        found = _CONTENT.search(block) if len(block) <= LONGEST else None
        if found is None:
            return
        before, after = block[: found.start(1)], block[found.end(1) :]
        if not _stands(event, _data(before + orjson.dumps(MARK) + after)):
            return
        before, after = re.escape(before), re.escape(after)
        self._row = re.compile(b"(?:" + before + _TEXT + after + b")*", re.DOTALL)
        self._words = re.compile(before + b"(" + _TEXT + b")" + after, re.DOTALL)
        self._event = event

    @property
    def given_up(self) -> bool:
        """Whether its events are of too many forms."""
        return self._left <= 0 or self._forms >= FORMS

    def row(self, text: bytes, start: int) -> tuple[int, Json | None]:
        """Where the row of events that begins at `start` ends, and one event with the words of them all."""
        if self._row is None or self._words is None:
            return start, None
        found = self._row.match(text, start, start + LONGEST)
        if found is None or found.end() == start:
            return start, None
        texts = self._words.findall(text, start, found.end())
        try:
            words = "".join(orjson.loads(b"[" + b",".join(texts) + b"]"))
        except orjson.JSONDecodeError:
            # Halves of characters, which are put together elsewhere: or the row would be looked through again from each
            # of its events.
            self._left = 0
            return start, None
        self._left = TRIES
        choice = self._event["choices"][0]
        piece = {**choice["delta"], "content": words}
        return found.end(), {**self._event, "choices": [{**choice, "delta": piece}]}


def _plain(event: Any) -> bool:
    """Whether an event goes on with the text and does nothing else."""
    if not isinstance(event, dict) or not event.keys() <= _EVENT or event.get("usage"):
        return False
    choices = event.get("choices")
    if event.get("object") == "error" or not isinstance(choices, list) or len(choices) != 1:
        return False
    choice = choices[0]
    if not isinstance(choice, dict) or not choice.keys() <= _CHOICE or choice.get("index"):
        return False
    piece = choice.get("delta")
    if choice.get("finish_reason") is not None or choice.get("logprobs") is not None or not isinstance(piece, dict):
        return False
    return piece.keys() <= _PIECE and isinstance(piece.get("content"), str)


def _stands(event: Json, marked: Any) -> bool:
    """Whether the mark stands where the words of the event do, and nothing else is different."""
    if not _plain(marked) or marked["choices"][0]["delta"]["content"] != MARK:
        return False
    marked["choices"][0]["delta"]["content"] = event["choices"][0]["delta"]["content"]
    return bool(marked == event)


def _data(block: bytes) -> Any:
    if not block.startswith(b"data:") or not block.endswith(b"\n\n"):
        return None
    try:
        return orjson.loads(block[5:-2])
    except orjson.JSONDecodeError:
        return None
