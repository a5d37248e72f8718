"""A question that was asked already, when it turns out that what comes has to be looked at in the usual way: whoever
asks it then gets the answer that is there, or the failure, in place of asking again."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

from hub.llm.posting import Reply

Answering = Reply | aiohttp.ClientResponse


class Begun:
    """at: when it was asked. error: what went wrong in place of the rest of an answer. chunks: what was read of it."""

    def __init__(self, at: float, reply: Answering | None = None) -> None:
        self._reply = reply
        self.at = at
        self.error: Exception | None = None
        self.chunks: list[bytes] = []

    def have(self, reply: Answering) -> None:
        """The answer began."""
        self._reply = reply

    @property
    def open(self) -> bool:
        """Whether nobody has had it yet."""
        return self._reply is not None or self.error is not None

    def reply(self) -> "Again | None":
        """The answer from its beginning, once. Raise what went wrong before there was one."""
        reply, self._reply = self._reply, None
        if reply is not None:
            return Again(reply, self.chunks, self.error)
        error, self.error = self.error, None
        if error is not None:
            raise error
        return None

    async def close(self) -> None:
        """Nobody wants it."""
        if self._reply is not None:
            async with self._reply:
                self._reply = None


class Again:
    """An answer of which some was read, from its beginning."""

    def __init__(self, reply: Answering, chunks: list[bytes], error: Exception | None) -> None:
        self._reply, self._error = reply, error
        self._chunks = chunks[::-1]
        self.status = reply.status
        self.headers: Mapping[str, str] = reply.headers
        self.content_type = reply.content_type
        self.content = self

    async def readany(self) -> bytes:
        if self._chunks:
            return self._chunks.pop()
        if self._error is not None:
            raise self._error
        return await self._reply.content.readany()

    async def read(self, most: int) -> bytes:
        return await self._reply.content.read(most)

    async def __aenter__(self) -> Self:
        await self._reply.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._reply.__aexit__(kind, error, trace)
