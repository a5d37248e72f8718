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


async def first_to_end(*parts: Coroutine[Any, Any, None]) -> None:
    """Run endless tasks side by side; when one of them ends or fails, all do."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await end(tasks)
