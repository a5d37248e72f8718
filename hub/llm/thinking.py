"""Thoughts that a model writes between tags inside its text, <think> as a rule. Pure."""

import re
from collections.abc import Mapping

OPEN, CLOSE = "<think>", "</think>"
# How others write the tags, at the beginning of a text alone: of Gemini, Magistral, Kimi, Seed and prompted models.
_OTHERS: Mapping[str, str] = {
    "<thought>": "</thought>", "<thinking>": "</thinking>", "<reasoning>": "</reasoning>", "[THINK]": "[/THINK]",
    "\u25c1think\u25b7": "\u25c1/think\u25b7", "<seed:think>": "</seed:think>",
}
_LONGEST = max(map(len, _OTHERS))
_THOUGHTS = re.compile(r"<think>.*?(</think>\s*|$)", re.DOTALL)


def strip(text: str) -> str:
    """The text without its thoughts; those that a template opened have only an end."""
    if CLOSE in text and OPEN not in text.partition(CLOSE)[0]:
        text = text.partition(CLOSE)[2].lstrip()
    return _THOUGHTS.sub("", text) if OPEN in text else text


class Splitter:
    """Takes a stream of text apart; a tag may be cut anywhere.

    A text that does not begin with the opening tag may be thoughts all the same, as some templates open
    them: until their end is found, or the text is over, nobody can tell, and nothing of it is shown.
    """

    def __init__(self) -> None:
        self._rest = ""
        self._inside = False
        self._begun = False
        self._unknown = True
        self._seen = 0
        self._tags = OPEN, CLOSE

    @property
    def begun(self) -> bool:
        """Whether the answer has begun."""
        return self._begun

    def feed(self, text: str) -> tuple[str, str]:
        """(answer, thoughts) of the text so far; what may be half a tag waits."""
        self._rest += text
        if self._unknown and not self._known():
            return "", ""
        out = {False: "", True: ""}
        while True:
            tag = self._tags[self._inside]
            before, found, after = self._rest.partition(tag) if tag else ("", "", "")
            if not found:
                break
            out[self._inside] += before
            self._rest, self._inside = after, not self._inside
            if not self._inside and tag != CLOSE:
                self._tags = "", ""  # whose thoughts stand between others says no more of them
        keep = half(self._rest, tag)
        out[self._inside] += self._rest[: len(self._rest) - keep]
        self._rest = self._rest[len(self._rest) - keep :]
        return self._start(out[False]), out[True]

    def end(self) -> tuple[str, str]:
        """What waited."""
        if self._unknown:
            self._unknown = False
            answer, thoughts = self.feed("")
            rest, more = self.end()
            return answer + rest, thoughts + more
        rest, self._rest = self._rest, ""
        return ("", rest) if self._inside else (self._start(rest), "")

    def _known(self) -> bool:
        """Whether it is known now how the text begins."""
        if self._seen < 64:
            start = self._rest.lstrip()[:_LONGEST]
            other = next((one for one in _OTHERS if start.startswith(one)), None)
            if other is not None:
                self._tags = other, _OTHERS[other]
            if other is not None or start.startswith(OPEN):
                self._unknown = False
        end = self._rest.find(CLOSE, max(0, self._seen - len(CLOSE)))
        self._seen = len(self._rest)
        if self._unknown and end >= 0:
            self._unknown, self._inside = False, OPEN not in self._rest[:end]
        return not self._unknown

    def _start(self, answer: str) -> str:
        # The blank lines after the thoughts belong to nobody.
        if not self._begun:
            answer = answer.lstrip()
            self._begun = bool(answer)
        return answer


def half(text: str, tag: str) -> int:
    """Length of the longest end of `text` that may begin `tag`."""
    for size in range(min(len(text), len(tag) - 1), 0, -1):
        if tag.startswith(text[-size:]):
            return size
    return 0
