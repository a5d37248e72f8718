"""What the readers share: what they are asked, how they limit themselves, how they say what they read.

Input: a line of JSON {"kind", "seconds", "memory" (bytes), "pages", "rows", "unpacked" (bytes), "longest" (characters),
"cut", "links"}, then the file. Output: "ok" or "no", on the line after it JSON {"text", "notes", "places", "links",
"canonical", "kept", "scanned", "seen", "hard", "next", "count"} or why.
With `cut` what is longer is left out instead of refused, and the pages of a PDF are numbered.
"""

import json
import resource
import sys
import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

Asked = dict[str, Any]
DEPTH = 5000
TOLD = 20
LIGATURES: Mapping[int, str] = MappingProxyType(
    {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"})
# What nobody sees, and what would keep a word or a price from being found.
UNSEEN: Mapping[int, str | None] = MappingProxyType(
    {0: " ", 0xAD: None, 0x200B: None, 0x2060: None, 0xFEFF: None, 0xA0: " ", 0x202F: " ", 0x2007: " ", 0x2011: "-"}
    | dict(LIGATURES))


class No(Exception):
    """Why the file is not read."""


class Full(Exception):
    """As much as was asked for is read."""


class Text:
    """What is read of a file, part by part; notes: what is not; places: where numbered parts begin.

    links: where a page leads to; canonical: what it says its address is; kept: false when it asks not to be indexed.
    scanned: pages that are pictures and were
    not read; seen: those that were, by their picture; hard: those of them that may be wrong; next: the page of `count`
    where the next step goes on.
    """

    def __init__(self, asked: Asked, unit: str = "") -> None:
        self.asked, self.unit = asked, unit
        self.notes: list[str] = []
        self.links: list[str] = []
        self.canonical = ""
        self.kept = True
        self.scanned: list[int] = []
        self.seen: list[int] = []
        self.hard: list[int] = []
        self.next: int | None = None
        self.count = 1
        self._said: set[str] = set()
        self._parts: list[str] = []
        self._starts: list[tuple[int, int]] = []
        self._size = 0

    def add(self, part: str, number: int | None = None) -> None:
        """A part on its own lines; number: of its page or row. Raise No, or Full, when it is too much."""
        part = plain(part.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
        if not part.strip():
            return
        if number is not None:
            self._starts.append((self._size, number))
        self._parts.append(part)
        self._size += len(part) + 2
        if self._size > self.asked["longest"] + 2:
            if self.asked["cut"]:
                raise Full
            raise No(f"has more than {self.asked['longest']:,} characters of text; split it")

    def note(self, text: str) -> None:
        """A sentence about what is not read, once."""
        text = text.replace("\0", " ")  # no database takes it
        if text not in self._said:
            self._said.add(text)
            if len(self.notes) < TOLD:
                self.notes.append(text)

    @property
    def empty(self) -> bool:
        return not self._parts

    def told(self) -> str:
        places = {"unit": self.unit, "starts": self._starts} if self.unit and self._starts else None
        text = "\n\n".join(self._parts)[: self.asked["longest"]]
        rest = len(self._said) - len(self.notes)
        more = [f"{rest} more remarks of this kind are not listed."] if rest else []
        said = {"text": text, "notes": [*self.notes, *more], "places": places, "links": self.links,
                "canonical": self.canonical, "kept": self.kept,
                "scanned": self.scanned, "seen": self.seen, "hard": self.hard, "next": self.next, "count": self.count}
        return json.dumps(said, ensure_ascii=False)


Reader = Callable[[bytes, Asked, Text], None]


def run(readers: Mapping[str, Reader]) -> None:
    """Read what is asked for on the input; limited before it is touched."""
    asked = json.loads(sys.stdin.buffer.readline())
    for limit, value in (
        (resource.RLIMIT_CPU, int(asked["seconds"]) + 1), (resource.RLIMIT_AS, asked["memory"]),
        (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (value, value))
    sys.setrecursionlimit(DEPTH)
    text = Text(asked)
    said = "no\n"
    try:
        readers[asked["kind"]](sys.stdin.buffer.read(), asked, text)
        said = f"ok\n{text.told()}"
    except Full:
        said = f"ok\n{text.told()}"
    except No as e:
        said += str(e)
    except MemoryError:
        said += str(No("needs more memory than it may have"))
    except RecursionError:
        said += str(No("is nested too deeply"))
    sys.stdout.buffer.write(said.encode(errors="replace"))


def plain(text: str) -> str:
    """The same words as people type them: letters with their accents, without marks that nobody sees."""
    return unicodedata.normalize("NFC", text.translate(UNSEEN))


def quoted(text: str, most: int = 80) -> str:
    """The beginning of what is told; what is cut says so."""
    said = " ".join(text.split())
    return f'"{said[:most]}{"…" * (len(said) > most)}"'


def listed(numbers: list[int]) -> str:
    """1, 2, 3, 7 as "1-3, 7"."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and runs[-1][1] == n - 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
