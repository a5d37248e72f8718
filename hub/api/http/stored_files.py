"""A stored file as an answer: piece by piece, whole or the part that was asked for."""

from collections.abc import Mapping

from aiohttp import web

from hub.api.http.app_keys import HUB
from hub.store import files
from hub.store.files import Stored

PARTS = {"Accept-Ranges": "bytes"}


async def serve_file(request: web.Request, file: Stored, headers: Mapping[str, str]) -> web.StreamResponse:
    """206 for one range of bytes, 416 for one that is not there; several at once, or nonsense, get the whole."""
    part, asked = _part(request, file.size), _wanted(request) != (None, None)
    if part is None:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{file.size}"})
    start, end = part
    response = web.StreamResponse(status=206 if asked else 200, headers={**headers, **PARTS})
    response.content_length = end - start
    if response.status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    await response.prepare(request)
    if request.method != "HEAD":
        async for piece in files.read(request.app[HUB].db, file, start, end):
            await response.write(piece)
            start += len(piece)
        if start < end:
            # It was removed meanwhile; a connection that ends early says that this is not all.
            raise ConnectionResetError("The file was removed while it was read.")
    await response.write_eof()
    return response


def _part(request: web.Request, size: int) -> tuple[int, int] | None:
    """What is to be given, from and up to before; None where there is no such part."""
    start, stop = _wanted(request)
    if start is None and stop is None:
        return 0, size
    if start is not None and start < 0:  # the last bytes
        start, stop = max(0, size + start), size
    end = size if stop is None else min(stop, size)
    return (start or 0, end) if (start or 0) < end else None


def _wanted(request: web.Request) -> tuple[int | None, int | None]:
    """The one range that is asked for; none where it holds only for a file that we cannot tell to be the same."""
    if "If-Range" in request.headers:
        return None, None
    try:
        found = request.http_range
    except ValueError:
        return None, None
    return found.start, found.stop
