"""JSON lines of a stream, a handful at a time, without ever holding more than one long one."""

from collections import deque
from collections.abc import AsyncIterator

LINE = 1024 * 1024
# Lines of one file, and lines that are wrong: whoever sends more sends something else.
MOST, WRONG = 1_000_000, 1000
TOO_MANY = f"A file takes {MOST:,} lines; what comes after them was not read. Send it in several files."
TOO_WRONG = f"{WRONG:,} lines are wrong; what comes after them was not read."


async def batches(body: AsyncIterator[bytes], longest: int = LINE) -> AsyncIterator[deque[bytes | None]]:
    """The lines that end in each piece of a stream; None stands for one that is longer than `longest`, which is
    never held."""
    held, cut = bytearray(), False
    async for part in body:
        first, *more = part.split(b"\n")
        cut = cut or len(held) + len(first) > longest
        held = bytearray() if cut else held + first
        if more:
            *whole, rest = [None if cut else bytes(held), *more]
            yield deque(None if line is None or len(line) > longest else line for line in whole)
            cut = len(rest) > longest
            held = bytearray() if cut else bytearray(rest)
    if cut or held:
        yield deque([None if cut else bytes(held)])
