"""Channels of gpt-oss (harmony) that a server left in the text: what is said in the final one is the answer. Pure."""

import re

from hub.llm.thinking import half

STARTS = ("<|channel|>", "<|start|>", "analysis<|message|>", "final<|message|>")
_TAG = re.compile(r"<\|(start|channel|message|constrain|end|return|call)\|>")
_TAGS = tuple(f"<|{name}|>" for name in ("start", "channel", "message", "constrain", "end", "return", "call"))
FINAL = "final"


def begins(text: str) -> bool | None:
    """Whether a text has channels; None: more of it has to be heard."""
    text = text.lstrip()
    if any(text.startswith(one) for one in STARTS):
        return True
    return None if any(one.startswith(text) for one in STARTS) else False


class Channels:
    """Takes a text apart, fed as it arrives; a tag may be cut anywhere."""

    def __init__(self) -> None:
        self._rest = ""
        self._has: bool | None = None
        self._head: str | None = ""  # what names the channel, while it is told; None within what is said
        self._final = False

    @property
    def plain(self) -> bool:
        """Whether it is known that the text has none."""
        return self._has is False

    def feed(self, text: str) -> tuple[str, str]:
        """(answer, thoughts) of the text so far; what may be half a tag waits."""
        self._rest += text
        if self._has is None:
            self._has = begins(self._rest)
        if self._has is None:
            return "", ""
        if not self._has:
            return self._all(), ""
        said = {True: "", False: ""}
        at = 0
        for tag in _TAG.finditer(self._rest):
            self._take(self._rest[at : tag.start()], said)
            self._turn(tag[1])
            at = tag.end()
        keep = max(half(self._rest[at:], one) for one in _TAGS)
        self._take(self._rest[at : len(self._rest) - keep], said)
        self._rest = self._rest[len(self._rest) - keep :]
        return said[True], said[False]

    def end(self) -> tuple[str, str]:
        """What waited."""
        if self._has is not True or self._final:
            return self._all(), ""
        return "", self._all()

    def _all(self) -> str:
        rest, self._rest = self._rest, ""
        return rest

    def _take(self, words: str, said: dict[bool, str]) -> None:
        if self._head is not None:
            self._head += words
        else:
            said[self._final] += words

    def _turn(self, tag: str) -> None:
        """A channel is named between its tag and that of its message; a kind of what is said may stand there too."""
        if tag == "message":
            self._final = (self._head or "").split()[:1] == [FINAL]
            self._head = None
        elif tag == "constrain" and self._head is not None:
            self._head += " "
        else:
            self._head, self._final = "", False
