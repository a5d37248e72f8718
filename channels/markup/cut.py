"""Cut blocks to size: at line ends, sentences, words and, last of all, between graphemes."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

from channels.markup.model import Block, Run, Shape

# The look-behind keeps a long row of dots from being tried at each dot.
SENTENCE = re.compile(r"(?<![.!?…。！？])[.!?…。！？]++[\"'”’)\]*]*+(?:\s+|(?<=[。！？]))")
SPACE = re.compile(r"\s+")
JOINER = "\u200d"
FLAGS = ("\U0001f1e6", "\U0001f1ff")
SKIN = ("\U0001f3fb", "\U0001f3ff")
STEP = 8
LONGEST = 64  # code points in one grapheme; a longer "grapheme" is an attack

Size = Callable[[Block], int]


def cut(block: Block, limit: int, size: Size) -> list[Block]:
    """Parts of `block`, each within `limit` as `size` counts."""
    rest = _without_long_addresses(block, limit // 4)
    parts: list[Block] = []
    while len(text := rest.text) > limit or size(rest) > limit:
        room = _room(rest, limit, size)
        at = _place(text, room, rest.shape)
        # A shorter text can need more signs than a longer one.
        while size(_head(rest, at)) > limit and room > STEP:
            room -= STEP
            at = _place(text, room, rest.shape)
        parts.append(_head(rest, at))
        rest = _tail(rest, at)
    return [part for part in [*parts, rest] if part.runs]


def dealt(block: Block, most: int, count: Callable[[Block], int]) -> list[Block]:
    """Parts of `block` with at most so many pieces of formatting each, 0 for no limit."""
    parts: list[Block] = []
    while most and count(block) > most and len(block.runs) > 1:
        low, high = 1, len(block.runs) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if count(replace(block, runs=block.runs[:middle])) <= most:
                low = middle
            else:
                high = middle - 1
        at = sum(len(run.text) for run in block.runs[:low])
        parts.append(_head(block, at))
        block = _tail(block, at)
    return [part for part in [*parts, block] if part.runs]


def _without_long_addresses(block: Block, longest: int) -> Block:
    """An address that could not stand in one piece with its link becomes text."""
    runs: list[Run] = []
    for run in block.runs:
        if len(run.tail) > longest:
            runs += [Run(run.text, run.marks), Run(run.tail)]
        else:
            runs.append(run)
    return replace(block, runs=tuple(runs))


def _room(block: Block, limit: int, size: Size) -> int:
    """How many characters fit."""
    low, high = 1, min(len(block.text), limit)
    while low < high:
        middle = (low + high + 1) // 2
        if size(_head(block, middle)) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


def _place(text: str, room: int, shape: Shape) -> int:
    """The best place to cut within the first `room` characters."""
    if room >= len(text):
        return len(text)
    window = text[: room + 1]  # a separator just behind the room is free
    if shape is Shape.CODE:
        at = window.rfind("\n")
        return at if at > 0 else grapheme(text, room)
    least = room // 4
    for at in (window.rfind("\n\n"), window.rfind("\n"), _last(SENTENCE, window, room)):
        if at > least:
            return at
    at = _last(SPACE, window, room + 1)
    return at if text[:at].strip() else grapheme(text, room)


def _last(pattern: re.Pattern[str], window: str, most: int) -> int:
    """Where the last match ends, before the blanks."""
    best = 0
    for found in pattern.finditer(window):
        end = found.start() + len(found.group().rstrip())
        if end <= most:
            best = end
    return best


def grapheme(text: str, at: int) -> int:
    """The nearest place at or before `at` that does not tear a visible character."""
    place = at
    while place > 1 and at - place < LONGEST and _inside(text, place):
        place -= 1
    return at if _inside(text, place) else place


def _inside(text: str, at: int) -> bool:
    """Whether the characters before and after `at` belong together."""
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    if left == JOINER or right == JOINER or SKIN[0] <= right <= SKIN[1]:
        return True
    if unicodedata.category(right) in ("Mn", "Me", "Mc") or (left, right) == ("\r", "\n"):
        return True
    if not (_flag(left) and _flag(right)):
        return False
    run = 0  # flags are pairs: an odd number before means within one
    while run < LONGEST and at - 1 - run >= 0 and _flag(text[at - 1 - run]):
        run += 1
    return run % 2 == 1


def _flag(char: str) -> bool:
    return FLAGS[0] <= char <= FLAGS[1]


def _head(block: Block, at: int) -> Block:
    """The first `at` characters; a link's address stays with its end."""
    runs: list[Run] = []
    for run in block.runs:
        if len(run.text) > at:
            if at:
                runs.append(replace(run, text=run.text[:at], tail=""))
            break
        runs.append(run)
        at -= len(run.text)
    runs = runs if block.shape is Shape.CODE else _trim_end(runs)
    # A part of a row is no row any more, nor is one of a heading a heading.
    return replace(block, runs=tuple(runs), heading=False, level=0, table=None)


def _tail(block: Block, at: int) -> Block:
    """What `_head` leaves."""
    skip = 0
    while skip < len(block.runs) and len(block.runs[skip].text) <= at:
        at -= len(block.runs[skip].text)
        skip += 1
    runs = list(block.runs[skip:])
    if runs:
        runs[0] = replace(runs[0], text=runs[0].text[at:])
    runs = _trim_line(runs) if block.shape is Shape.CODE else _trim_start(runs)
    return replace(block, runs=tuple(runs), gap="\n\n", fresh=False, level=0, table=None)


def _trim_end(runs: list[Run]) -> list[Run]:
    while runs and not runs[-1].tail and not runs[-1].text.rstrip():
        runs = runs[:-1]
    if runs and not runs[-1].tail:
        runs = [*runs[:-1], replace(runs[-1], text=runs[-1].text.rstrip())]
    return runs


def _trim_start(runs: list[Run]) -> list[Run]:
    while runs and not runs[0].tail and not runs[0].text.lstrip():
        runs = runs[1:]
    if not runs:
        return runs
    first = replace(runs[0], text=runs[0].text.lstrip())
    # The words of the link stayed behind: its address cannot hide behind none.
    return [first if first.text else Run(first.tail.lstrip()), *runs[1:]]


def _trim_line(runs: list[Run]) -> list[Run]:
    """The line end at which code was cut."""
    return [replace(runs[0], text=runs[0].text.removeprefix("\n")), *runs[1:]] if runs else runs
