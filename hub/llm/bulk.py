"""Vectors of documents, made in a process of its own: it can be stopped at any moment, and questions never wait for it.

It is started when it is needed and ends when nothing was to be done for a while, so that a hub whose documents are all
indexed has no second model in memory.
"""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from hub.errors import Overloaded
from hub.later import later
from hub.llm.embedder import DIMENSION, Vector, centred, encodable, mean
from hub.llm.embedding_means import PASSAGE

if TYPE_CHECKING:
    import numpy as np
else:
    np = later("numpy")

PROGRAM = Path(__file__).parent / "children" / "passages.py"
IDLE = 60.0
LONGEST = 1 << 20


class BulkEmbedder:
    """One process, one request at a time. Cancelled in the middle it kills it; the next call starts another."""

    def __init__(self, idle: float = IDLE) -> None:
        self._idle = idle
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._end: asyncio.TimerHandle | None = None
        self._resting: set[asyncio.Task[int]] = set()

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        """Vectors of pieces of documents. Raise Overloaded when the process ended in the middle."""
        if not texts:
            return []
        async with self._turn:
            if self._end is not None:
                self._end.cancel()
            whole = False
            try:
                raw = await self._asked(texts)
                whole = True
            except (BrokenPipeError, ConnectionResetError, asyncio.IncompleteReadError):
                raise Overloaded("The process that turns texts into vectors ended in the middle of its work.") from None
            finally:
                if not whole:
                    await self._kill()
            self._end = asyncio.get_running_loop().call_later(self._idle, self._rest)
        return await asyncio.to_thread(_vectors, raw)

    async def close(self) -> None:
        if self._end is not None:
            self._end.cancel()
        await self._kill()
        await asyncio.gather(*self._resting)

    async def _asked(self, texts: Sequence[str]) -> bytes:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-X", "utf8", str(PROGRAM), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, cwd="/",
                env={"OMP_WAIT_POLICY": "passive"}, start_new_session=True, limit=LONGEST,
            )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(orjson.dumps(encodable(texts)) + b"\n")
        await process.stdin.drain()
        return await process.stdout.readexactly(len(texts) * DIMENSION * 4)

    def _rest(self) -> None:
        """Its input ends, and so does it."""
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            waiting = asyncio.ensure_future(process.wait())
            self._resting.add(waiting)
            waiting.add_done_callback(self._resting.discard)

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()


def _vectors(raw: bytes) -> list[Vector]:
    """Beside the loop: whoever is the first brings in numpy."""
    return centred(np.frombuffer(raw, dtype="<f4").reshape(-1, DIMENSION), mean(PASSAGE))
