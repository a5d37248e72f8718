"""Responses that are kept, so that the next question goes on from them."""

from dataclasses import dataclass, field
from uuid import UUID

import orjson

from hub import ids
from hub.domain import Caller, Json
from hub.errors import Invalid, NotFound, TooLarge
from hub.runtime import Hub
from hub.store import responses

PREFIX = "resp"
# Responses in a row, and bytes of all they say; bytes of one.
DEEPEST, LARGEST, ONE = 1000, 32 << 20, 8 << 20
PREVIOUS = "previous_response_id"


@dataclass(frozen=True, slots=True)
class Line:
    """What a question goes on from. root: the first response; messages: the conversation in the chat format."""

    root: UUID
    previous: UUID | None = None
    messages: list[Json] = field(default_factory=list)


async def line(hub: Hub, who: Caller, name: str) -> Line:
    """The conversation up to a response. Raise NotFound, also when a part of it was deleted, Invalid when it is too
    long to go on."""
    id = ids.unnamed(PREFIX, name)
    rows = await responses.chain(hub.db, who.account_id, who.key_id, id, DEEPEST, LARGEST) if id else []
    if not rows:
        await _known(hub, who, name)
        raise Invalid("The conversation is too long to go on; begin a new one.", field=PREVIOUS)
    if rows[0]["place"] >= DEEPEST:
        raise Invalid(f"The conversation has {DEEPEST} responses; begin a new one.", field=PREVIOUS)
    if rows[0]["previous_id"] is not None:
        raise NotFound(
            f"A response that {name[:80]} goes on from was deleted, or has expired.", field=PREVIOUS,
            code="previous_response_not_found",
        )
    return Line(rows[-1]["root_id"], id, [m for r in rows for m in r["talk"]])


async def _known(hub: Hub, who: Caller, name: str) -> None:
    try:
        await find(hub, who, name)
    except NotFound as e:
        raise NotFound(str(e), field=PREVIOUS, code="previous_response_not_found") from None


async def find(hub: Hub, who: Caller, name: str) -> Json:
    """id, previous_id, input, answer. Raise NotFound."""
    id = ids.unnamed(PREFIX, name)
    row = await responses.one(hub.db, who.account_id, who.key_id, id) if id else None
    if row is None:
        raise NotFound(f"There is no response {name[:80]} of this key; it may have been deleted, or have expired.")
    return row


def numbered(prefix: str, id: UUID, number: int) -> str:
    """The id of an item of a response, by which it is found again."""
    return f"{prefix}_{ids.ulid(id)}{number:04d}"


class Items:
    """Items that responses of a key hold, looked up for one request: each response once."""

    def __init__(self, hub: Hub, who: Caller) -> None:
        self._hub, self._who = hub, who
        self._known: dict[UUID, dict[str, Json]] = {}

    async def find(self, name: str) -> Json | None:
        """None without one."""
        try:
            id = ids.of_ulid(name.partition("_")[2][:26])
        except ValueError:
            return None
        if id not in self._known:
            row = await responses.one(self._hub.db, self._who.account_id, self._who.key_id, id)
            held = [*row["answer"].get("output", ()), *row["input"]] if row else []
            self._known[id] = {str(i.get("id")): i for i in held}
        return self._known[id].get(name)


def check(input: list[Json]) -> None:
    """Raise TooLarge for what is not kept."""
    if len(orjson.dumps(input)) > ONE:
        raise TooLarge(
            f"Only {ONE >> 20} MB of a response are kept; set store to false, and send the conversation each time.",
            field="store",
        )


async def keep(
    hub: Hub, who: Caller, id: UUID, line: Line, user: str | None, input: list[Json], answer: Json, talk: list[Json]
) -> None:
    """Raise NotFound when what it goes on from was deleted meanwhile."""
    size = len(orjson.dumps(talk))
    async with hub.db.transaction() as tx:
        added = await responses.add(
            tx, who.account_id, who.key_id, id, previous=line.previous, root=line.root, user=user, input=input,
            answer=answer, talk=talk, size=size, days=hub.settings.response_days,
        )
    if not added:
        raise NotFound("The response that this one goes on from was deleted meanwhile.", field=PREVIOUS)


async def remove(hub: Hub, who: Caller, name: str) -> None:
    """For good, and what the log has of its conversation. Raise NotFound."""
    id = ids.unnamed(PREFIX, name)
    if id is None or not await responses.remove(hub.db, who.account_id, who.key_id, id):
        raise NotFound(f"There is no response {name[:80]} of this key.")
