"""The turns this process is running, so that their leases can be renewed and they can be stopped."""

import asyncio
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID


class Leases:
    """`me` names this process in the database."""

    def __init__(self) -> None:
        self.me = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._held: dict[UUID, tuple[int, asyncio.Task[object] | None]] = {}
        self._stopped: set[UUID] = set()
        self._taken: set[UUID] = set()
        self.closing = False
        self.lost = 0

    @contextmanager
    def hold(self, session: UUID, epoch: int) -> Iterator[None]:
        mine = self._held[session] = (epoch, asyncio.current_task())
        try:
            yield
        finally:
            # Somebody in this process may hold it anew by now.
            if self._held.get(session) is mine:
                del self._held[session]
                self._stopped.discard(session)
                self._taken.discard(session)

    def held(self) -> dict[UUID, int]:
        return {session: epoch for session, (epoch, _) in self._held.items()}

    def keep(self, asked: dict[UUID, int], ours: set[UUID]) -> None:
        """Stop what was asked for and is not ours any more: its answer would be thrown away. Only the turn stops,
        not the request that waits for it."""
        for session, epoch in asked.items():
            held = self._held.get(session)
            if session not in ours and held and held[0] == epoch and held[1]:
                self.lost += 1
                self._taken.add(session)
                held[1].cancel()

    def cancel(self, session: UUID) -> bool:
        """Stop the turn of a session on somebody's wish; the turn closes itself with what was said."""
        held = self._held.get(session)
        if held is None or held[1] is None:
            return False
        self._stopped.add(session)
        held[1].cancel()
        return True

    def was_cancelled(self, session: UUID) -> bool:
        return session in self._stopped

    def was_taken(self, session: UUID) -> bool:
        return session in self._taken
