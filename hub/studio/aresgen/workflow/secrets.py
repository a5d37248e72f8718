"""What the http steps of a workflow send, and where: kept under seal, shown with masks, never moved elsewhere."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson

from hub.accounts.destinations import Entry, bare, masked, not_a_value, queried, unmasked, unqueried
from hub.sealing import Sealer

PLACE = "workflow_versions.sealed"
# What of a step that sends something is stored open.
OPEN = ("method",)
Json = dict[str, Any]


def _sending(definition: Json) -> Iterator[tuple[int, Json]]:
    for n, step in enumerate(definition.get("steps") or ()):
        if step.get("type") == "http" and isinstance(step.get("with"), dict):
            yield n, step["with"]


def split(sealer: Sealer, workflow: UUID, definition: Json) -> tuple[Json, bytes | None]:
    """A definition as it is stored, and under seal what its http steps send."""
    kept = {str(n): given for n, given in _sending(definition)}
    if not kept:
        return definition, None
    steps = [
        {**step, "with": {"url": bare(kept[str(n)]["url"]), **{k: v for k, v in step["with"].items() if k in OPEN}}}
        if str(n) in kept
        else step
        for n, step in enumerate(definition["steps"])
    ]
    return {**definition, "steps": steps}, sealer.seal(PLACE, workflow, orjson.dumps(kept).decode())


def joined(sealer: Sealer, workflow: UUID, definition: Json, sealed: bytes | None) -> Json:
    """The definition as it was given."""
    if sealed is None:
        return definition
    kept = orjson.loads(sealer.open(PLACE, workflow, bytes(sealed)))
    steps = [{**step, "with": kept[str(n)]} if str(n) in kept else step for n, step in enumerate(definition["steps"])]
    return {**definition, "steps": steps}


def shown(definition: Json, whole: bool) -> Json:
    """Headers masked. whole: with the queries of addresses."""
    sending = dict(_sending(definition))
    return {
        **definition,
        "steps": [
            {**step, "with": _masked(sending[n], whole)} if n in sending else step
            for n, step in enumerate(definition.get("steps") or ())
        ],
    }


def _masked(given: Json, whole: bool) -> Json:
    found = given if whole else {**given, "url": unqueried(given["url"])}
    return {**found, "headers": masked(given["headers"])} if given.get("headers") else found


def complete(definition: Json, before: Json | None) -> Json:
    """A definition with what its masks stand for, in steps of the version before that call the same destination.

    Raise Invalid naming, as a JSON pointer, a mask that stands for nothing."""
    old = [(s["id"], given) for s, given in _named(before)] if before else []
    known = [Entry(id, given["url"], given.get("headers") or {}) for id, given in old]
    sending = dict(_sending(definition))
    steps = []
    for n, step in enumerate(definition["steps"]):
        given = sending.get(n)
        if given is not None:
            place = f"/steps/{n}/with"
            url = queried(given["url"], f"{place}/url", [one.url for one in known])
            headers, lost = unmasked(Entry(step["id"], url, given.get("headers") or {}), known)
            if lost:
                raise not_a_value(f"{place}/headers/{lost[0]}")
            step = {**step, "with": {**given, "url": url, **({"headers": headers} if headers else {})}}
        steps.append(step)
    return {**definition, "steps": steps}


def _named(definition: Json) -> Iterator[tuple[Json, Json]]:
    for n, given in _sending(definition):
        yield definition["steps"][n], given
