"""JSON lines of a stream, without ever holding more than one."""

from collections.abc import AsyncIterator

LINE = 1024 * 1024


async def lines(body: AsyncIterator[bytes]) -> AsyncIterator[bytes | None]:
    """Lines of a stream; None stands for one that is longer than LINE, which is never held."""
    held, cut = bytearray(), False
    async for part in body:
        *whole, rest = part.split(b"\n")
        for piece in whole:
            long = cut or len(held) + len(piece) > LINE
            yield None if long else bytes(held + piece)
            held, cut = bytearray(), False
        cut = cut or len(held) + len(rest) > LINE
        held = bytearray() if cut else held + rest
    if cut or held:
        yield None if cut else bytes(held)
