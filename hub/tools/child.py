"""Start one of `hub.tools.children`: a Python of its own with an empty environment and hard limits."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path

from hub.tools.base import ToolFailed

CHILDREN = Path(__file__).parent / "children"
GRACE = 5.0  # seconds to start and to end by itself


@dataclass(frozen=True, slots=True)
class Made:
    """What a child wrote, and how it ended; 0: by itself."""

    output: bytes
    code: int


async def run(slots: asyncio.Semaphore, program: str, given: bytes, *, seconds: float, longest: int) -> Made:
    """Give a child its input; return its output, at most `longest` bytes.

    Whatever happens, the process is gone afterwards. Raise ToolFailed when it takes too long or says
    too much, and when no place gets free in time.
    """
    try:
        async with asyncio.timeout(seconds + GRACE), slots:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-X", "utf8", str(CHILDREN / f"{program}.py"),
                stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, cwd="/", start_new_session=True,
            )
            try:
                return await _talk(process, given, longest)
            finally:
                await _end(process)
    except TimeoutError:
        raise ToolFailed(f"It took longer than {seconds:g} seconds and was stopped.") from None


async def _talk(process: Process, given: bytes, longest: int) -> Made:
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(given)
        await process.stdin.drain()
        process.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        pass  # It ended before it read everything; how, its code says.
    parts, size = [], 0
    while piece := await process.stdout.read(65536):
        size += len(piece)
        if size > longest:
            raise ToolFailed("It made more than can be taken and was stopped.")
        parts.append(piece)
    return Made(b"".join(parts), await process.wait())


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()
