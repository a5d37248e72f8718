"""A file sent to somebody who keeps it: never shown, never run."""

import asyncio
import os
from collections.abc import AsyncIterator
from urllib.parse import quote

from aiohttp import web

PART = 256 * 1024
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"


async def download(request: web.Request, file: int, name: str, mime: str, size: int) -> web.StreamResponse:
    """Send an open file as an attachment; it is closed in any case."""
    try:
        response = web.StreamResponse(
            headers={
                "Content-Type": mime,
                "Content-Length": str(size),
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
                "Content-Security-Policy": POLICY,
                "X-Content-Type-Options": "nosniff",
            }
        )
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        async for part in _parts(file, size):
            await response.write(part)
        await response.write_eof()
        return response
    finally:
        os.close(file)


async def _parts(file: int, size: int) -> AsyncIterator[bytes]:
    """What was promised and no more, even when the file grows meanwhile. Raise when it has become shorter."""
    place = 0
    while place < size:
        part = await asyncio.to_thread(os.pread, file, min(PART, size - place), place)
        if not part:
            raise ConnectionResetError("The file became shorter while it was sent.")
        place += len(part)
        yield part
