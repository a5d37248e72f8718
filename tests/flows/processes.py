"""Real worker and web processes, forked from one that has imported everything, so that they start at once."""

import asyncio
import ctypes
import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from hub.checkpoints import Reached, unwatched
from hub.config import Settings
from hub.processes import scheduler, web, worker
from hub.processes.embedded import PR_SET_PDEATHSIG, free_port
from hub.processes.lifetime import run
from tests.flows import forks

FORKS = forks.context()
ROLES = {"worker": worker.main, "web": web.main, "scheduler": scheduler.main}


@dataclass(frozen=True)
class Dies:
    """Ends the process, once, at a named place; the file says that it did."""

    place: str
    once: Path

    def __call__(self, place: str) -> None:
        if place == self.place and not self.once.exists():
            self.once.touch()
            os._exit(9)


def _main(role: str, settings: Settings, reached: Reached) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    logging.basicConfig(
        filename=settings.home / f"{role}-{os.getpid()}.log",
        level="INFO",
        force=True,
        format="%(asctime)s %(name)s %(message)s",
    )
    run(ROLES[role](settings, reached))


@dataclass
class Child:
    """A process of the hub."""

    role: str
    process: Any
    port: int = 0

    @property
    def pid(self) -> int:
        return int(self.process.pid)

    @property
    def alive(self) -> bool:
        return bool(self.process.is_alive())

    def signal(self, number: int) -> None:
        if self.alive:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.process.kill()
        self.process.join(5)

    async def ended(self, seconds: float = 60.0) -> int:
        """The exit code, waiting for it."""
        end = time.monotonic() + seconds
        while self.process.exitcode is None:
            assert time.monotonic() < end, f"the {self.role} goes on living"
            await asyncio.sleep(0.02)
        return int(self.process.exitcode)

    async def serving(self, seconds: float = 60.0) -> None:
        """Wait until a web process answers."""
        end = time.monotonic() + seconds
        async with aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.get(f"http://127.0.0.1:{self.port}/nothing-here"):
                        return
                except aiohttp.ClientError:
                    assert self.alive and time.monotonic() < end, "the web process does not answer"
                await asyncio.sleep(0.03)


def start(role: str, settings: Settings, *, reached: Reached = unwatched, **changes: Any) -> Child:
    """reached: can be pickled; it runs in the process."""
    port = int(changes.pop("port", 0)) or (free_port() if role == "web" else 0)
    changed = settings.changed(port=port, **changes)
    process: Any = FORKS.Process(target=_main, args=(role, changed, reached), daemon=True)
    process.start()
    return Child(role, process, port)


@contextmanager
def family() -> Iterator[list[Child]]:
    """Children put into this list are gone afterwards."""
    children: list[Child] = []
    try:
        yield children
    finally:
        for child in children:
            if child.alive:
                child.kill()
