"""Downloads that are made while they are sent: JSON lines."""

from collections.abc import AsyncIterator

from aiohttp import web


async def download(request: web.Request, lines: AsyncIterator[bytes], name: str) -> web.StreamResponse:
    """Send the lines as a file as they come."""
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/jsonl; charset=utf-8",
            "Content-Disposition": f'attachment; filename="{name}"',
        }
    )
    await response.prepare(request)
    async for line in lines:
        await response.write(line)
    await response.write_eof()
    return response
