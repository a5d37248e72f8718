"""Files in bodies: multipart fields, and the body itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import cast

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web
from aiohttp.http_exceptions import BadHttpMessage

from hub.api.http import bounded
from hub.errors import BadRequest, TooLarge

PART = 64 * 1024
FIELD, FIELDS = 1 << 20, 4 << 20
# Parts of one body, and lines outside of them: headers, boundaries.
PARTS, LINES = 50, 2000
# Boundaries and headers beside what is sent, and what aiohttp reads ahead.
ROOM = 1 << 20
# What is held of a body that is worked off as it comes: its longest line, and a batch.
STREAM = 12 << 20
PLAIN = ("", "binary", "7bit", "8bit")
MALFORMED = (ValueError, BadHttpMessage, AssertionError, RuntimeError, web.RequestPayloadError)


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    mime: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """All of a multipart body: its files, and its fields as text."""

    files: list[Upload]
    fields: dict[str, str]


async def uploaded(request: web.Request, field: str, limit: int) -> Upload:
    """The one file of a multipart body. Raise BadRequest or TooLarge naming the field."""
    if not request.content_type.startswith("multipart/"):
        raise BadRequest(f"Send the file as multipart/form-data, field `{field}`.", field=field)
    async with _in_time(request, limit):
        return await _read(await _part(request, field, limit + ROOM, held=True), field, limit)


async def form(request: web.Request, most: int, limit: int, whole: int) -> Form:
    """Read at most `most` files, each of at most `limit` bytes and all of at most `whole`, and the fields beside them.

    Raise BadRequest or TooLarge.
    """
    if not request.content_type.startswith("multipart/"):
        raise BadRequest("Send the files as multipart/form-data.")
    async with _in_time(request, whole + FIELDS):
        return await _form(request, most, limit, whole)


async def _form(request: web.Request, most: int, limit: int, whole: int) -> Form:
    read, files, fields = Form([], {}), 0, 0
    async for part in _parts(request, whole + FIELDS + ROOM):
        if part.filename is None:
            field = await _read(part, part.name or "", FIELD)
            fields += len(field.content)
            if fields > FIELDS:
                raise TooLarge(f"The fields together are larger than {FIELDS >> 20} MB.")
            read.fields[part.name or ""] = _text(field)
            continue
        if len(read.files) == most:
            raise TooLarge(f"At most {most} files are taken at once.")
        read.files.append(await _read(part, part.filename, limit))
        files += len(read.files[-1].content)
        if files > whole:
            raise TooLarge(f"The files together are larger than {whole >> 20} MB; send them one by one.")
    return read


async def streamed(request: web.Request, field: str, limit: int) -> AsyncIterator[bytes]:
    """The bytes of a multipart field, or of a body that is the file itself, as they come.

    Raise BadRequest or TooLarge naming the field.
    """
    bounded.hold(request, STREAM)
    if not request.content_type.startswith("multipart/"):
        nothing = True
        async for piece in bounded.pieces(request, limit, field):
            nothing = nothing and not piece.strip()
            yield piece
        if nothing:
            raise missing(field)
        return
    clock, waited, read = asyncio.get_running_loop().time, 0.0, 0
    most = bounded.patience(request, limit)
    part: BodyPartReader | None = None
    while True:
        begun = clock()
        async with _timed(most + read / bounded.SLOWEST - waited):
            part = part or await _part(request, field, limit + ROOM, held=False)
            piece = await _piece(part)
        waited, read = waited + clock() - begun, read + len(piece)
        if not piece:
            return
        if read > limit:
            raise TooLarge(f"{field} is larger than {limit >> 20} MB; send it in several files.", field=field)
        yield piece


def _in_time(request: web.Request, limit: int) -> AbstractAsyncContextManager[None]:
    return _timed(bounded.patience(request, limit))


@asynccontextmanager
async def _timed(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            yield
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


async def _read(part: BodyPartReader, field: str, limit: int) -> Upload:
    content = bytearray()
    while piece := await _piece(part):
        content += piece
        if len(content) > limit:
            raise TooLarge(f"{field} is larger than {limit >> 20} MB.", field=field)
    return Upload(part.filename or "file", part.headers.get("Content-Type", "application/octet-stream"), bytes(content))


def _text(field: Upload) -> str:
    try:
        return field.content.decode()
    except UnicodeDecodeError:
        raise BadRequest("A field of the multipart body is not UTF-8 text.") from None


async def _part(request: web.Request, field: str, whole: int, held: bool) -> BodyPartReader:
    async for part in _parts(request, whole, held):
        if part.name == field:
            return part
    raise missing(field)


def missing(field: str) -> BadRequest:
    return BadRequest(f"{field} is missing; send the file in this multipart field.", field=field)


async def _parts(request: web.Request, whole: int, held: bool = True) -> AsyncIterator[BodyPartReader]:
    """The parts of a multipart body, each to be read before the next is asked for. Raise BadRequest or TooLarge.
    held: whether what is read stays until the request is answered."""
    try:
        reader = MultipartReader(request.headers, cast(StreamReader, _Metered(request, whole, held)))
    except ValueError:
        raise _unreadable() from None
    for _ in range(PARTS + 1):
        try:
            part = await reader.next()
        except MALFORMED:
            raise _unreadable() from None
        if part is None:
            return
        # Nobody's browser or library sends either, and aiohttp takes long over them.
        if not isinstance(part, BodyPartReader):
            raise _unreadable()
        if part.headers.get("Content-Transfer-Encoding", "").lower() not in PLAIN:
            raise _unreadable()
        yield part
    raise TooLarge(f"The multipart body has more than {PARTS} parts.")


async def _piece(part: BodyPartReader) -> bytes:
    try:
        return bytes(await part.read_chunk(PART))
    except MALFORMED:
        raise _unreadable() from None


class _Metered:
    """A body that counts what is read of it: its bytes, for the process too, and its lines outside of files."""

    def __init__(self, request: web.Request, whole: int, held: bool) -> None:
        self._request, self._content, self._whole, self._held = request, request.content, whole, held
        self._seen, self._lines = 0, 0

    async def readline(self, **how: int) -> bytes:
        self._lines += 1
        if self._lines > LINES:
            raise ValueError("too many lines between the parts")
        return self._counted(await self._content.readline(**how))

    async def read(self, size: int = -1) -> bytes:
        return self._counted(await self._content.read(size))

    def _counted(self, data: bytes) -> bytes:
        came, self._seen = self._content.total_bytes - self._seen, self._content.total_bytes
        if self._seen > self._whole:
            raise TooLarge(f"The body is larger than {self._whole >> 20} MB.")
        if self._held:
            bounded.hold(self._request, came)
        return data

    def unread_data(self, data: bytes) -> None:
        self._content.unread_data(data)

    def at_eof(self) -> bool:
        return self._content.at_eof()


def _unreadable() -> BadRequest:
    return BadRequest("The multipart body cannot be read; look at its boundary and at the headers of its parts.")
