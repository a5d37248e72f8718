"""What became of turns and of parts, written together by a process that has many of them at the same moment.

Each under its own fence, and as if each had been written by itself (`turns.complete`, `outbox.sent`): what somebody else holds
locked, what cannot be written and what is large is written alone, and holds up nobody else. Where the connection is lost
nobody knows whether it was written: it is asked until it is known, for as long as a part may be on the wire.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from hub.errors import Overloaded
from hub.store import deeds, outbox, turns
from hub.store.db import FEW, Call, Db, clean, dump
from hub.store.together import Alone, Together
from hub.store.turns import CLAIM_EACH, Claim, Closed

COMPLETE = "select n, ok, taken, more, part from complete_each($1, $2, $3)"
SENT = "select n, part from sent_each($1, $2, $3)"
PLACED = "select session, kept from place_each($1)"
GROUP, HEAVIEST = 16, 64_000  # of one statement: rows, and characters
AGAIN = 0.3  # seconds after which a database that was lost is asked again
Json = dict[str, Any]
Place = Callable[[str], None]
R = TypeVar("R")


class Outcomes:
    """Those of one process. wire: seconds that a part may be on the wire. few: connections for what is written together."""

    def __init__(self, db: Call, me: str, wire: float, reached: Place, few: Call | None = None) -> None:
        self._db, self._me, self._wire, self._reached = db, me, wire, reached
        self._few = few or db
        self._turns: Together[Json, Closed] = Together(self._completed, GROUP, HEAVIEST)
        self._parts: Together[Json, Json | None] = Together(self._sent, GROUP, HEAVIEST)
        self._places: Together[Json, bool] = Together(self._placed, GROUP, HEAVIEST)

    async def complete(self, claimed: Claim, turn: Json, messages: Sequence[Json], parts: Sequence[Json]) -> Closed:
        """As `turns.complete`."""
        try:
            return await self._complete(claimed, turn, messages, parts)
        except Overloaded as e:
            return await self._until_known(e, lambda: self._complete_again(claimed, turn, messages, parts))

    async def _complete_again(
        self, claimed: Claim, turn: Json, messages: Sequence[Json], parts: Sequence[Json]
    ) -> Closed:
        closed = await turns.complete(self._db, claimed, self._me, turn, messages, parts, self._wire)
        if closed.ok:
            return closed
        # Thrown away, unless it was this very turn that is there already.
        return await turns.completed(self._db, claimed, turn, self._me, self._wire) or closed

    async def _complete(self, claimed: Claim, turn: Json, messages: Sequence[Json], parts: Sequence[Json]) -> Closed:
        plain = "reset" not in turn and "activation" not in turn and deeds.current() is None
        if plain:
            told, said, rows = await turns.sealed(self._db, claimed, turn, messages, parts)
            charged = any(Decimal(str(row.get("amount") or 0)) for row in turn.get("billed") or ())
            item: Json = {
                "session": claimed.session["id"], "epoch": claimed.epoch, "since": claimed.session["done_seq"],
                "upto": claimed.upto, "turn": told, "messages": said, "parts": rows,
                "charged": claimed.account["id"] if charged else None,
            }
            try:
                return await self._turns.ask(item, len(dump(item)))
            except Alone:
                pass
        return await turns.complete(self._db, claimed, self._me, turn, messages, parts, self._wire)

    async def sent(self, part: Json, network_id: str | None, trace: Json) -> Json | None:
        """As `outbox.sent` of a part that the network took."""
        try:
            return await self._took(part, network_id, trace)
        except Overloaded as e:
            def again() -> Awaitable[Json | None]:
                return outbox.sent_again(self._db, part, self._me, self._wire, network_id, trace)

            return await self._until_known(e, again)

    async def _until_known(self, error: Overloaded, again: Callable[[], Awaitable[R]]) -> R:
        until = time.monotonic() + self._wire
        while time.monotonic() < until:
            await asyncio.sleep(AGAIN)
            try:
                return await again()
            except Overloaded as e:
                error = e
        raise error

    async def _took(self, part: Json, network_id: str | None, trace: Json) -> Json | None:
        if deeds.current() is None:
            item = {
                "id": part["id"], "attempt": part["attempt"], "network_id": clean(network_id),
                "trace": await outbox.traced(self._db, part, trace),
            }
            try:
                return await self._parts.ask(item, len(dump(item)))
            except Alone:
                pass
        return await outbox.sent(self._db, part, self._me, "sent", self._wire, network_id=network_id, trace=trace)

    async def placeholder(self, claimed: Claim, message_id: str) -> bool:
        """As `turns.placeholder`."""
        if deeds.current() is None:
            item = {
                "session": claimed.session["id"], "epoch": claimed.epoch, "since": claimed.session["done_seq"],
                "named": clean(message_id),
            }
            try:
                return await self._places.ask(item, len(message_id))
            except Alone:
                pass
        return await turns.placeholder(self._db, claimed, message_id)

    async def _completed(self, items: Sequence[Json]) -> dict[int, Closed]:
        self._reached("G1")
        rows = await self._few.fetch(COMPLETE, items, self._me, self._wire)
        self._reached("G2")
        return {r["n"]: Closed(r["ok"], r["taken"], r["more"], r["part"]) for r in rows}

    async def _sent(self, items: Sequence[Json]) -> dict[int, Json | None]:
        self._reached("G3")
        rows = await self._few.fetch(SENT, items, self._me, self._wire)
        self._reached("G4")
        return {r["n"]: r["part"] for r in rows}

    async def _placed(self, items: Sequence[Json]) -> dict[int, bool]:
        # Of a conversation that is in it twice, the first.
        mine: dict[str, int] = {}
        for n, item in enumerate(items):
            mine.setdefault(item["session"], n)
        self._reached("G5")
        rows = await self._few.fetch(PLACED, [items[n] for n in mine.values()])
        self._reached("G6")
        return {mine[str(r["session"])]: r["kept"] for r in rows}

    async def close(self) -> None:
        await self._turns.close()
        await self._parts.close()
        await self._places.close()


async def rehearse(db: Db) -> None:
    """Let each of the connections for what many ask for together read and plan it, of nothing, before somebody waits."""
    async def once() -> None:
        async with db.few.transaction() as tx:
            await tx.fetch(CLAIM_EACH, [], "", 0.0, 0)
            await tx.fetch(COMPLETE, [], "", 0.0)
            await tx.fetch(SENT, [], "", 0.0)
            await tx.fetch(PLACED, [])

    await asyncio.gather(*(once() for _ in range(FEW)))
