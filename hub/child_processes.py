"""Programs that work on what strangers sent, each in a Python of its own with nothing to lose."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path

AT_ONCE = 4
GRACE = 5.0  # seconds to start and to end
PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Ended:
    """What a program wrote and how it ended. code: 0 by itself, negative by a signal."""

    output: bytes
    code: int


class Stopped(Exception):
    """The program took too long or wrote too much, and was stopped."""


class Children:
    """Starts programs: isolated, with an empty environment, at most AT_ONCE at a time.

    A program is a file; it imports nothing of the hub, limits itself (resource.setrlimit) before it
    touches its input, reads the input from stdin and writes to stdout.
    """

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._slots = asyncio.Semaphore(at_once)

    async def run(self, program: Path, given: bytes, *, seconds: float, longest: int) -> Ended:
        """Run a program to its end; it is gone afterwards, whatever happens.

        seconds: of work, once it has begun. longest: bytes it may write. Raise Stopped.
        """
        async with self._slots:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-X", "utf8", str(program),
                stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, cwd="/", start_new_session=True,
            )
            try:
                async with asyncio.timeout(seconds + GRACE):
                    _, output = await asyncio.gather(_feed(process, given), _read(process, longest))
                    return Ended(output, await process.wait())
            except TimeoutError:
                raise Stopped(f"took longer than {seconds:g} seconds") from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()


async def _feed(process: Process, given: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(given)
        await process.stdin.drain()
        process.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        return  # it ended before it had read everything; its code says why


async def _read(process: Process, longest: int) -> bytes:
    assert process.stdout is not None
    output = bytearray()
    while piece := await process.stdout.read(PIECE):
        output += piece
        if len(output) > longest:
            raise Stopped("made more than can be taken")
    return bytes(output)
