"""Signals, and running a process's main coroutine."""

import asyncio
import gc
import os
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from hub.errors import Setup

try:
    import uvloop
except ImportError:  # Windows
    uvloop = None  # type: ignore[assignment]  # there is none on Windows


# Allocations before a collection of the young, and how many of those before older ones are looked at.
COLLECT = (10_000, 20, 50)


@contextmanager
def listening(host: str, port: int, how: str) -> Iterator[None]:
    """Say in one sentence that a port cannot be listened on; `how` names what chooses another."""
    try:
        yield
    except OSError as e:
        words = os.strerror(e.errno) if e.errno else str(e)
        raise Setup(
            f"Port {port} on {host} cannot be used ({words}); stop what uses it or choose another with {how}."
        ) from None


async def until_signal() -> None:
    """Return at the first SIGTERM or SIGINT; a second one ends the process at once (safe by design)."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()

    def ask() -> None:
        if asked.is_set():
            os._exit(1)
        asked.set()

    for sig in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sig, ask)
    await asked.wait()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where there is one."""
    # What was imported stays for ever: the collector need not look through it again and again, which
    # took a fifth of the time of a busy process.
    gc.freeze()
    gc.set_threshold(*COLLECT)
    factory = uvloop.new_event_loop if uvloop is not None else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)
