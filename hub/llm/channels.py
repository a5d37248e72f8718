"""Channels of gpt-oss (harmony) that a server left in the text: what is said in the final one is the answer. Pure.

Who asks about such tags is told of them with the same signs: what stands for none is a word, and no word is lost.
"""

import re

from hub.llm.thinking import half

STARTS = ("<|channel|>", "<|start|>", "analysis<|message|>", "final<|message|>")
_TAG = re.compile(r"<\|(start|channel|message|constrain|end|return|call)\|>")
_TAGS = tuple(f"<|{name}|>" for name in ("start", "channel", "message", "constrain", "end", "return", "call"))
FINAL, SPEAKER = "final", "assistant"
NAMES = (FINAL, "analysis", "commentary")
# What stands around messages: who speaks in which channel to whom, in words like these, of so many characters at most.
_WORD, _MOST = re.compile(r"[\w.:=/-]+"), 300
# Before a text, and spaces in front of its first tag: more are of a text without any.
_SPACES = 200
_ENDS = frozenset(("end", "return", "call"))


def begins(text: str) -> bool | None:
    """Whether a text has channels; None: more of it has to be heard."""
    start = text[:_SPACES].lstrip()
    if any(start.startswith(one) for one in STARTS):
        return True
    return None if len(text) < _SPACES and any(one.startswith(start) for one in STARTS) else False


class Channels:
    """Takes a text apart, fed as it arrives; a tag may be cut anywhere."""

    def __init__(self) -> None:
        self._rest = ""
        self._has: bool | None = None
        # What stands between two messages as far as it is told: all of it, its last tag and the words after that.
        self._between = ""
        self._tag: str | None = None
        self._words = ""
        self._over = False  # whether the message before it is
        self._final, self._begun = True, False

    @property
    def plain(self) -> bool:
        """Whether it is known that the text has none."""
        return self._has is False

    def feed(self, text: str) -> tuple[str, str]:
        """(answer, thoughts) of the text so far; what may be half a tag waits."""
        self._rest += text
        if self._has is None:
            self._has = begins(self._rest)
            # The first tag of all may have been eaten.
            self._tag = "end" if self._rest.lstrip().startswith("<") else "channel"
        if not self._has:
            return ("" if self._has is None else self._all()), ""
        said: dict[bool, list[str]] = {True: [], False: []}
        at = 0
        for tag in _TAG.finditer(self._rest):
            self._say(self._rest[at : tag.start()], said)
            self._turn(tag[0], tag[1], said)
            at = tag.end()
        keep = max(half(self._rest[at:], one) for one in _TAGS) if self._has else 0
        self._say(self._rest[at : len(self._rest) - keep], said)
        self._rest = self._rest[len(self._rest) - keep :]
        return "".join(said[True]), "".join(said[False])

    def end(self) -> tuple[str, str]:
        """What waited. A message that was cut before it began says nothing."""
        words, self._between = self._between + self._all(), ""
        if self._tag is not None and self._begun and self._over:
            words = ""
        return (words, "") if self._final else ("", words)

    def _all(self) -> str:
        rest, self._rest = self._rest, ""
        return rest

    def _say(self, words: str, said: dict[bool, list[str]]) -> None:
        if self._tag is None:
            said[self._final].append(words)
            return
        if not words:
            return
        self._between += words
        self._words += words
        if not _fits(self._tag, self._words):
            self._give_back(said)

    def _give_back(self, said: dict[bool, list[str]]) -> None:
        """What looked like tags were words."""
        said[self._final].append(self._between)
        self._between, self._tag, self._words, self._over = "", None, "", False
        if not self._begun:
            self._has = False

    def _turn(self, tag: str, name: str, said: dict[bool, list[str]]) -> None:
        if self._tag is not None and (len(self._between) > _MOST or not self._follows(name)):
            self._give_back(said)
        if self._tag is None and (not self._has or not self._opens(name)):
            said[self._final].append(tag)
        elif name == "message":
            named = self._words.split()[:1]
            self._final = named == ([SPEAKER] if self._tag == "start" else [FINAL])
            self._begun, self._over = True, False
            self._between, self._tag, self._words = "", None, ""
        else:
            self._over = self._over or name in _ENDS
            # A kind of what is said stands behind the name of its channel.
            self._words = f"{self._words} " if name == "constrain" and self._tag == "channel" else ""
            self._tag = "channel" if name == "constrain" else name
            self._between += tag

    def _opens(self, name: str) -> bool:
        """Whether a tag ends what is said. An answer goes on until it is told to be over."""
        return name in _ENDS or (name in ("start", "channel") and not self._final)

    def _follows(self, name: str) -> bool:
        """Whether a tag may stand behind that before it."""
        if name in _ENDS:
            return self._tag in _ENDS and self._begun
        if name == "message":
            return self._tag == "start" or (self._tag == "channel" and self._words.split()[:1] in ([n] for n in NAMES))
        return name in ("start", "channel") or self._tag in ("start", "channel")


def _fits(tag: str, words: str) -> bool:
    """Whether words may go on behind a tag between two messages."""
    found = words.split()
    if tag in _ENDS or len(found) > 4 or len(words) > _MOST or not all(map(_WORD.fullmatch, found)):
        return not found and len(words) <= _MOST
    if tag == "start":
        return all("to=".startswith(one[:3]) for one in found[1:])
    return not found or found[0] in NAMES or (
        len(found) == 1 and not words[-1:].isspace() and any(one.startswith(found[0]) for one in NAMES)
    )
