"""Answers while they are made: told piece by piece to whoever listens, kept for who comes in the middle."""

from typing import Any
from uuid import UUID

import orjson
from arq.connections import ArqRedis

from hub.live.connect import DOWN

KEPT_MS = 180_000
# KEYS[1]: the draft. ARGV: the turn's first line, the piece, how long it is kept in milliseconds. Only into the turn's
# own draft: what is late for it, or after its end, must not become a part of another answer.
_ADD = """
local size = #ARGV[1]
if redis.call('GETRANGE', KEYS[1], 0, size - 1) ~= ARGV[1] then return 0 end
redis.call('APPEND', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
_DROP = """
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


class Drafts:
    """The answer being made in a session. Losing it costs the sight of it, never the answer."""

    def __init__(self, redis: ArqRedis, prefix: str, session: UUID) -> None:
        self._redis: Any = redis
        self._key = f"{prefix}:d:{session}"
        self._topic = f"{prefix}:e:s:{session}"

    async def begin(self, turn: UUID) -> None:
        """An empty answer, in place of whatever was there."""
        await self._do(("set", self._key, f"{turn}\n", "px", KEPT_MS), {"turn": str(turn), "at": 0, "text": ""})

    async def add(self, turn: UUID, at: int, text: str) -> None:
        """The next piece; `at`: how much was said before, in UTF-16 units as browsers count."""
        command = ("eval", _ADD, 1, self._key, f"{turn}\n", text, KEPT_MS)
        await self._do(command, {"turn": str(turn), "at": at, "text": text})

    async def end(self) -> None:
        try:
            await self._redis.delete(self._key)
        except DOWN:
            return

    async def drop(self, turn: UUID) -> None:
        """Forget this turn's answer, and no other's."""
        try:
            await self._redis.eval(_DROP, 1, self._key, f"{turn}\n")
        except DOWN:
            return

    async def read(self) -> tuple[str, str] | None:
        """The turn and what it has said so far."""
        try:
            found = await self._redis.get(self._key)
        except DOWN:
            return None
        turn, _, text = found.decode().partition("\n") if found else ("", "", "")
        return (turn, text) if turn else None

    async def _do(self, command: tuple[Any, ...], told: dict[str, Any]) -> None:
        try:
            pipe = self._redis.pipeline(transaction=False)
            pipe.execute_command(*command)
            pipe.publish(self._topic, orjson.dumps({"type": "delta", **told}))
            await pipe.execute()
        except DOWN:
            return
