"""The turns this process is running, so that their leases can be renewed and they can be stopped."""

import asyncio
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID


@dataclass(eq=False, slots=True)
class Lease:
    """One turn's. stopped: on somebody's wish. taken: the session is not ours any more. asked: how often its task was
    told to stop, for either."""

    epoch: int
    task: asyncio.Task[object] | None
    stopped: bool = False
    taken: bool = False
    asked: int = 0

    def stop(self) -> None:
        if self.task is not None:
            self.asked += 1
            self.task.cancel()

    def heed(self) -> None:
        """Raise CancelledError when it was told to stop: libraries swallow that now and then."""
        if self.asked:
            raise asyncio.CancelledError

    def over(self) -> None:
        """The cancellations have done what they were for: the task must not count as cancelled any more."""
        for _ in range(self.asked):
            if self.task is not None:
                self.task.uncancel()


class Leases:
    """`me` names this process in the database."""

    def __init__(self) -> None:
        self.me = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._held: dict[UUID, Lease] = {}
        self.closing = False
        self.lost = 0

    @contextmanager
    def hold(self, session: UUID, epoch: int) -> Iterator[Lease]:
        """What is stopped is what is done under it; the task goes on behind it."""
        mine = self._held[session] = Lease(epoch, asyncio.current_task())
        try:
            yield mine
        finally:
            mine.over()
            # Somebody in this process may hold it anew by now.
            if self._held.get(session) is mine:
                del self._held[session]

    def held(self) -> dict[UUID, int]:
        return {session: lease.epoch for session, lease in self._held.items()}

    def keep(self, asked: dict[UUID, int], ours: set[UUID]) -> None:
        """Stop what was asked for and is not ours any more: its answer would be thrown away. Only the turn stops,
        not the request that waits for it."""
        for session, epoch in asked.items():
            held = self._held.get(session)
            if session not in ours and held and held.epoch == epoch and held.task:
                self.lost += 1
                held.taken = True
                held.stop()

    def cancel(self, session: UUID) -> bool:
        """Stop the turn of a session on somebody's wish; the turn closes itself with what was said."""
        held = self._held.get(session)
        if held is None or held.task is None:
            return False
        held.stopped = True
        held.stop()
        return True
