"""Conversations that a worker takes up: whatever is asked for while a statement runs goes into the next, together.

Each has a place of the worker before it is asked for here (see `hub.jobs.slots`), so who comes first is decided there.
"""

import asyncio
import logging
from uuid import UUID

from hub.errors import HubError
from hub.store import scope, turns
from hub.store.arrivals import TROUBLE
from hub.store.db import Call
from hub.store.turns import Claim

log = logging.getLogger(__name__)

RUNNING, GROUP = 2, 16  # statements at a time, and conversations of one: each brings some kilobytes


class _Alone(Exception):
    """It has to be asked for by itself: somebody has it locked, or one of the group cannot be claimed."""


class Claims:
    """Those of one worker. few: connections for what is asked together."""

    def __init__(self, db: Call, me: str, lease: float, history: int, few: Call | None = None) -> None:
        self._db, self._few = db, few or db
        self._with = (me, lease, history)
        self._waiting: dict[UUID, asyncio.Future[Claim | None]] = {}
        self._flushing: set[asyncio.Task[None]] = set()

    async def claim(self, session: UUID) -> Claim | None:
        """As `turns.claim`; nobody asks for the same one twice at a time."""
        done: asyncio.Future[Claim | None] = asyncio.get_running_loop().create_future()
        self._waiting[session] = done
        # Beside another only where a whole group waits: the fuller they are, the less each costs.
        if not self._flushing or (len(self._flushing) < RUNNING and len(self._waiting) >= GROUP):
            task = asyncio.create_task(self._flush())
            self._flushing.add(task)
        try:
            return await done
        except _Alone:
            return await turns.claim(self._db, session, *self._with)
        finally:
            if self._waiting.get(session) is done:
                del self._waiting[session]

    async def _flush(self) -> None:
        group: dict[UUID, asyncio.Future[Claim | None]] = {}
        me = asyncio.current_task()
        try:
            with scope.itself():  # for all of them
                while self._waiting:
                    group = {session: self._waiting.pop(session) for session in list(self._waiting)[:GROUP]}
                    await self._together(group)
        finally:
            # At once, not when its end is told: who asks in between would count on it.
            self._flushing = {one for one in self._flushing if one is not me}
            # Whatever became of this: nobody waits for ever.
            for done in (*group.values(), *self._waiting.values()):
                _fail(done, _Alone())

    async def _together(self, group: "dict[UUID, asyncio.Future[Claim | None]]") -> None:
        try:
            found = await turns.claim_each(self._few, list(group), *self._with)
        except (HubError, *TROUBLE) as e:
            log.warning("%d sessions cannot be claimed together: %s", len(group), type(e).__name__)
            for done in group.values():
                _fail(done, e if isinstance(e, HubError) else _Alone())
            return
        for session, done in group.items():
            if session not in found:
                _fail(done, _Alone())
            elif not done.done():
                done.set_result(found[session])
            elif (left := found[session]) is not None:
                await self._given_back(left)

    async def _given_back(self, claimed: Claim) -> None:
        """Nobody waits for it any more."""
        try:
            await turns.put_off(self._db, claimed, 0.0)
        except HubError as e:
            log.warning("session %s is taken up when its lease has run out: %s", claimed.session_id, e)

    async def close(self) -> None:
        """Wait for what is being claimed."""
        while self._flushing:
            await asyncio.wait(self._flushing)


def _fail(done: "asyncio.Future[Claim | None]", error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
