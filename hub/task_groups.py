"""Ending tasks for certain; and tasks side by side, none of which outlives the others."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

AGAIN = 0.5
T = TypeVar("T")


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


async def together(*parts: Coroutine[Any, Any, T]) -> list[T]:
    """What they give, in order; when one fails, or nobody waits any more, all of them are stopped."""
    if len(parts) < 2:
        return [await part for part in parts]
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        await end(tasks)
