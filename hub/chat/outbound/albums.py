"""Files that follow one another as one message, where a network shows them so; singly where it refuses. Pure."""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]
# What may stand beside one another; anything else goes alone.
BESIDE = {"image": "seen", "video": "seen", "document": "document", "audio": "audio"}
MOVING = "image/gif"


def albums(bodies: Sequence[Json], most: int) -> list[Json]:
    """Parts with files, up to `most` of one kind joined: the first is `file`, those after it `album`."""
    found: list[Json] = []
    for body in bodies:
        last = found[-1] if found else None
        if last is not None and _fits(last, body, most):
            plain = "\n".join(t for t in (last["plain"], body["plain"]) if t)
            found[-1] = last | {"album": [*last.get("album", ()), body["file"]], "plain": plain}
        else:
            found.append(body)
    return found


def _fits(one: Json, other: Json, most: int) -> bool:
    kind = _kind(other)
    return kind is not None and _kind(one) == kind and len(one.get("album", ())) + 2 <= most


def _kind(body: Json) -> str | None:
    file = body.get("file")
    if not file or body.get("text") or file["mime"] == MOVING:
        return None
    return BESIDE.get(file["media"])


def singly(body: Json) -> Json:
    """The part of an album that goes first, with those that go after it."""
    kept = {k: v for k, v in body.items() if k not in ("album", "plain")}
    return kept | {"plain": body["file"].get("alt", ""), "rest": body["album"]}


def parted(body: Json) -> tuple[Json, Json]:
    """What has gone, and what goes next."""
    waiting: list[Json] = body["rest"]
    first, rest = waiting[0], waiting[1:]
    gone = {k: v for k, v in body.items() if k != "rest"}
    following: Json = {"file": first, "text": "", "plain": first.get("alt", ""), "bare": True}
    return gone, following | ({"rest": rest} if rest else {})
