"""What happens in a conversation, for the pages that show it, as it happens."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from hub.chat.website import prompts, transcript
from hub.live.drafts import Drafts
from hub.runtime import Hub
from hub.store import messages
from hub.store.web_sessions import Visit

Json = dict[str, Any]
IDLE = 20.0
# As many messages as a page may show that were taken back while it did not listen.
HIDDEN = 500
AT_ONCE = 500
# Of what a debug page may know.
TOLD = ("outcome", "model", "promptTokens", "completionTokens", "ms")


@dataclass(frozen=True, slots=True)
class Happened:
    """kind: message (stored at `place`, or without one said but not answered yet), delta (a piece of an
    answer), tool, turn (one has ended), gone (messages that were taken back),
    person (has taken over, or given back), typing (a person of the business writes, or has stopped)."""

    kind: str
    data: Json
    place: int | None = None


async def follow(hub: Hub, key: str, seen: Visit, after: int | None) -> AsyncIterator[Happened]:
    """From a position on (None: from now), with what was taken back before. An answer in the making comes first,
    with all it has said. Ends when the access key does."""
    tools, debug = (bool(seen.parameters.get(n)) for n in ("showToolCalls", "debug"))
    async with hub.events.listen(f"s:{seen.session_id}") as heard:
        place = after if after is not None else await messages.last_position(hub.db, seen.account_id, seen.session_id)
        async for one in _meanwhile(hub, key, seen, after):
            yield one
        event: Json = {"type": "look"}
        looked, checked = 0.0, time.monotonic()
        while event["type"] != "closed":
            if time.monotonic() - checked > IDLE:
                checked = time.monotonic()
                if not await prompts.valid(hub, key):
                    return
            if event["type"] not in ("delta", "tool", "said", "gone", "typing") or time.monotonic() - looked > IDLE:
                looked = time.monotonic()
                async for row in _stored(hub, seen, place):
                    place = row["position"]
                    for message in transcript.visible([row], hub.settings.address, tools):
                        yield Happened("message", message, place)
            if told := _told(event, hub.settings.address, tools, debug):
                yield told
            event = await prompts.heard_or(heard, IDLE) or {"type": "look"}


async def _meanwhile(hub: Hub, key: str, seen: Visit, after: int | None) -> AsyncIterator[Happened]:
    """What a page that comes back has not heard: what was taken back, what is being said, who has the conversation."""
    if after and (gone := await messages.hidden(hub.db, seen.account_id, seen.session_id, HIDDEN)):
        yield Happened("gone", {"ids": [str(i) for i in gone]})
    if draft := await Drafts(hub.redis, hub.settings.queue, seen.session_id).read():
        yield Happened("delta", {"turn": draft[0], "at": 0, "text": draft[1]})
    if after is not None:
        yield Happened("person", {"active": (await prompts.visit(hub, key, manned=True)).handoff})


async def _stored(hub: Hub, seen: Visit, place: int) -> AsyncIterator[Json]:
    """All that is stored behind a position, however much it is."""
    more = True
    while more:
        rows = await messages.history(hub.db, seen.account_id, seen.session_id, place, AT_ONCE)
        for row in rows:
            place = row["position"]
            yield row
        more = len(rows) == AT_ONCE


def _told(event: Json, address: str, tools: bool, debug: bool) -> Happened | None:
    kind = event["type"]
    if kind == "said":
        return Happened("message", transcript.shown(event["row"], address))
    if kind == "delta":
        return Happened("delta", {n: event[n] for n in ("turn", "at", "text")})
    if kind == "tool" and tools:
        return Happened("tool", {"turn": event["turn"], **event["tool"]})
    if kind == "turn":
        more = {n: event[n] for n in TOLD if n in event} if debug else {}
        return Happened("turn", {"turn": event["turn"], **more})
    if kind == "typing":
        return Happened("typing", {"active": event["active"]})
    if kind == "handoff":
        return Happened("person", {"active": event["active"]})
    return Happened("gone", {"ids": event["ids"]}) if kind == "gone" else None
