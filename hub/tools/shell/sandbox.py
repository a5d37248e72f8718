"""Run one command in the sandbox: within its time, memory and processes, and gone as a whole afterwards."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.config import Settings
from hub.task_groups import end
from hub.tools.base import ToolFailed
from hub.tools.shell import launch, seccomp, watch
from hub.tools.shell.folders import own
from hub.tools.shell.launch import OURS, Box
from hub.tools.shell.places import descriptor

log = logging.getLogger(__name__)

LOOK, FULL_EVERY = 0.1, 5
CANNOT = "The shell cannot be used on this server; whoever runs it can ask `hub doctor` why."
Full = Callable[[], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """output: cut to the limit, `cut` when something was left out. stopped: why the hub ended it."""

    output: str
    cut: bool
    code: int
    stopped: str | None


@dataclass(slots=True)
class _Output:
    most: int
    kept: bytearray
    lost: bool = False

    async def read(self, stream: asyncio.StreamReader) -> None:
        while piece := await stream.read(65536):
            room = self.most - len(self.kept)
            self.kept += piece[:room]
            self.lost = self.lost or len(piece) > room


async def run(box: Box, command: str, *, seconds: float, limit: int, full: Full) -> Outcome:
    """Run a command. `full` says from time to time why the workspace is too large, or None.

    Raise ToolFailed when the sandbox cannot start: nothing ever runs without it.
    """
    with _pipes() as (ready, started, filter):
        process = await _start(box, command, started, filter)
        output = _Output(limit * 4, bytearray())
        try:
            stopped = await _watched(process, box, output, seconds, full)
        finally:
            await _ended(process)
        if not _stood(ready):
            log.warning("the sandbox did not start: %s", output.kept[:500].decode(errors="replace").strip())
            raise ToolFailed(CANNOT)
        text = output.kept.decode(errors="replace")
        code = process.returncode if process.returncode is not None else -1
        return Outcome(text[:limit], output.lost or len(text) > limit, code, stopped)


async def check(settings: Settings) -> str | None:
    """Why the sandbox cannot start here, in a sentence; None when it can."""
    if launch.bubblewrap() is None:
        return "bubblewrap (bwrap) is not installed"
    with TemporaryDirectory(prefix="hub-shell-") as folder:
        files = Path(folder) / "files"
        files.mkdir()
        with descriptor(files) as place:
            own(place)
        try:
            made = await run(launch.box(settings, files), "echo it stands", seconds=10, limit=100, full=_never)
        except ToolFailed:
            return "bubblewrap cannot start: user namespaces or mounts are not allowed here"
    return None if made.output == "it stands\n" else "the sandbox does not do what it is told"


async def _never() -> str | None:
    return None


@contextmanager
def _pipes() -> Iterator[tuple[int, int, int | None]]:
    """ready and started: two ends of one pipe. filter: a pipe that holds the filter of system calls."""
    held = [*os.pipe()]
    program = seccomp.program(os.uname().machine)
    try:
        if program is not None:
            held += os.pipe()
            os.write(held[3], program)
            os.close(held.pop())
        yield held[0], held[1], held[2] if program is not None else None
    finally:
        for one in held:
            os.close(one)


async def _start(box: Box, command: str, started: int, filter: int | None) -> asyncio.subprocess.Process:
    if launch.bubblewrap() is None:
        log.warning("the sandbox did not start: bubblewrap is not installed")
        raise ToolFailed(CANNOT)
    try:
        return await asyncio.create_subprocess_exec(
            *launch.arguments(box, command, started, filter), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={}, cwd="/", start_new_session=True,
            pass_fds=[started] if filter is None else [started, filter],
        )
    except OSError as e:
        log.warning("the sandbox did not start: %s", e.strerror)
        raise ToolFailed(CANNOT) from None


async def _watched(
    process: asyncio.subprocess.Process, box: Box, output: _Output, seconds: float, full: Full
) -> str | None:
    """Wait for the end; why it was ended, if it was."""
    assert process.stdout is not None
    reading = asyncio.create_task(output.read(process.stdout))
    ending = asyncio.create_task(process.wait())
    looking = asyncio.create_task(_looked(process.pid, box, full))
    try:
        await asyncio.wait({ending, looking}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if looking.done():
            return looking.result()
        if not ending.done():
            return f"it took longer than {seconds:g} s"
        return None
    finally:
        _kill(process)
        await asyncio.wait({reading}, timeout=2)
        await end([reading, ending, looking])


async def _looked(pid: int, box: Box, full: Full) -> str:
    """Look after a command until it uses too much; say of what."""
    turn = 0
    while True:
        await asyncio.sleep(LOOK)
        turn += 1
        processes, memory = watch.count(pid)
        if memory > box.memory_mb << 20:
            return f"it used more than {box.memory_mb:,} MB of memory"
        if processes > box.processes + OURS:
            return f"it had more than {box.processes:,} processes"
        if turn % FULL_EVERY == 0 and (told := await full()) is not None:
            return told


async def _ended(process: asyncio.subprocess.Process) -> None:
    _kill(process)
    await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    # Bubblewrap's first process in the sandbox dies with the outer one, and all others with it.
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _stood(ready: int) -> bool:
    os.set_blocking(ready, False)
    try:
        return os.read(ready, 1) == b"."
    except BlockingIOError:
        return False
