"""Files in bodies: multipart fields, and the body itself."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import BadHttpMessage

from hub.errors import BadRequest, TooLarge

PART = 64 * 1024
UNREADABLE = (ValueError, BadHttpMessage)


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    mime: str
    content: bytes


async def uploaded(request: web.Request, field: str, limit: int) -> Upload:
    """The one file of a multipart body. Raise BadRequest or TooLarge naming the field."""
    if not request.content_type.startswith("multipart/"):
        raise BadRequest(f"Send the file as multipart/form-data, field `{field}`.", field=field)
    part, content = await _part(request, field), bytearray()
    async for piece in _pieces(part):
        content += piece
        if len(content) > limit:
            raise TooLarge(f"{field} is larger than {limit >> 20} MB.", field=field)
    return Upload(part.filename or "file", part.headers.get("Content-Type", "application/octet-stream"), bytes(content))


async def streamed(request: web.Request, field: str, limit: int) -> AsyncIterator[bytes]:
    """The bytes of a multipart field, or of a body that is the file itself, as they come.

    Raise BadRequest or TooLarge naming the field.
    """
    read = 0
    multipart = request.content_type.startswith("multipart/")
    parts = _field(request, field) if multipart else request.content.iter_chunked(PART)
    async for part in parts:
        read += len(part)
        if read > limit:
            raise TooLarge(f"{field} is larger than {limit >> 20} MB; send it in several files.", field=field)
        yield part


async def _field(request: web.Request, field: str) -> AsyncIterator[bytes]:
    async for piece in _pieces(await _part(request, field)):
        yield piece


async def _part(request: web.Request, field: str) -> BodyPartReader:
    """The part of a multipart body. Raise BadRequest when there is none, or the body is none."""
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == field:
                return part
    except UNREADABLE:
        raise _unreadable(field) from None
    raise BadRequest(f"{field} is missing; send the file in this multipart field.", field=field)


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while True:
        try:
            piece = await part.read_chunk(PART)
        except UNREADABLE:
            raise _unreadable(part.name or "file") from None
        if not piece:
            return
        yield bytes(piece)


def _unreadable(field: str) -> BadRequest:
    return BadRequest(f"The multipart body cannot be read; send {field} as multipart/form-data.", field=field)
