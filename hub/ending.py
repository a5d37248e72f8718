"""Ending tasks for certain."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN = 0.5


async def end(tasks: Iterable["asyncio.Task[Any] | None"]) -> None:
    """Cancel tasks until they have ended; their results and errors are dropped.

    Once is not enough: `asyncio.wait_for` of Python 3.11, which libraries use, may swallow a
    cancellation that comes at the moment its own wait ends, and an endless task would go on.
    """
    mine = [t for t in tasks if t is not None]
    waiting = {t for t in mine if not t.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        _, waiting = await asyncio.wait(waiting, timeout=AGAIN)
    await asyncio.gather(*mine, return_exceptions=True)
