"""Pieces of one document put together for a reader: neighbours joined, headings with what they stand over. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

BUDGET = 4000  # tokens of all that is found, four characters each
LESS = 0.2  # how much less a piece may say than the best of its document


@dataclass(frozen=True, slots=True)
class Found:
    """A document's pieces, the best first; ordinals: where they stand; places: what ordered them. of: how many it has.
    locations: the page or rows of each, where its file has any."""

    contents: Sequence[str]
    ordinals: Sequence[int]
    places: Sequence[float]
    of: int
    locations: Sequence[str | None] = ()


def chosen(found: Sequence[Found], used: int) -> list[list[int]]:
    """Which pieces of each document are given: the best of each, then the best of all while the budget lasts. used:
    characters that are given whole."""
    room = BUDGET * 4 - used - sum(len(f.contents[0]) for f in found)
    taken = [[0] for _ in found]
    more = sorted(
        ((f.places[n], -d, -n) for d, f in enumerate(found) for n in range(1, len(f.contents))
         if f.places[n] >= f.places[0] - LESS),
        reverse=True,
    )
    for _, d, n in more:
        size = len(found[-d].contents[-n])
        if size <= room:
            taken[-d].append(-n)
            room -= size
    return taken


def told(found: Found, taken: Sequence[int]) -> tuple[str, str, str]:
    """The text, the headings above its best piece, and where it stands."""
    order = sorted(taken, key=lambda n: found.ordinals[n])
    groups: list[list[int]] = []
    for n in order:
        if groups and found.ordinals[n] == found.ordinals[groups[-1][-1]] + 1:
            groups[-1].append(n)
        else:
            groups.append([n])
    groups.sort(key=min)
    text = "\n\n".join(_group(found, g, first=not k) for k, g in enumerate(groups))
    return text, heading(found.contents[0]), _place(found, groups)


def _place(found: Found, groups: Sequence[Sequence[int]]) -> str:
    """Pages or rows where the file has any, else which of its pieces."""
    taken = [n for g in groups for n in g]
    if found.locations and all(found.locations[n] for n in taken):
        return ", ".join(dict.fromkeys(str(found.locations[n]) for n in taken))
    places = ", ".join(_span(found, g) for g in groups)
    word = "parts" if len(taken) > 1 else "part"
    return f"{word} {places} of {found.of}" if found.of > 1 else ""


def heading(content: str) -> str:
    """The headings that a piece begins with, which are no text of its own."""
    first, _, rest = content.partition("\n\n")
    plain = "\n" not in first and len(first) <= 200 and not first.lstrip().startswith(("#", "|", "-", "*", ">"))
    return first if rest and plain and first[-1:] not in ".!?:;" else ""


def _group(found: Found, group: Sequence[int], first: bool) -> str:
    """Neighbours: headings that the one before has too are not said again."""
    parts: list[str] = []
    above: str | None = None
    for n in group:
        content = found.contents[n]
        own = heading(content)
        body = content[len(own) :].lstrip("\n") if own else content
        if own and own != above:
            parts.append(own if first and not parts else f"# {own}")
        above = own
        parts.append(body)
    return "\n\n".join(parts)


def _span(found: Found, group: Sequence[int]) -> str:
    first, last = found.ordinals[group[0]] + 1, found.ordinals[group[-1]] + 1
    return f"{first}" if first == last else f"{first}-{last}"
