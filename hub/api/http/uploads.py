"""Files in bodies: multipart fields, and the body itself."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import BadHttpMessage

from hub.errors import BadRequest, TooLarge

PART = 64 * 1024
FIELD = 1 << 20


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
    return await _read(await _part(request, field), field, limit)


async def form(request: web.Request, most: int, limit: int, whole: int) -> Form:
    """Read at most `most` files, each of at most `limit` bytes and all of at most `whole`, and the fields beside them.

    Raise BadRequest or TooLarge.
    """
    if not request.content_type.startswith("multipart/"):
        raise BadRequest("Send the files as multipart/form-data.")
    read, size = Form([], {}), 0
    async for part in _parts(request):
        if part.filename is None:
            read.fields[part.name or ""] = _text(await _read(part, part.name or "", FIELD))
            continue
        if len(read.files) == most:
            raise TooLarge(f"At most {most} files are taken at once.")
        read.files.append(await _read(part, part.filename, limit))
        size += len(read.files[-1].content)
        if size > whole:
            raise TooLarge(f"The files together are larger than {whole >> 20} MB; send them one by one.")
    return read


async def streamed(request: web.Request, field: str, limit: int) -> AsyncIterator[bytes]:
    """The bytes of a multipart field, or of a body that is the file itself, as they come.

    Raise BadRequest or TooLarge naming the field.
    """
    read = 0
    multipart = request.content_type.startswith("multipart/")
    parts = _pieces(await _part(request, field)) if multipart else request.content.iter_chunked(PART)
    async for part in parts:
        read += len(part)
        if read > limit:
            raise TooLarge(f"{field} is larger than {limit >> 20} MB; send it in several files.", field=field)
        yield part


async def _read(part: BodyPartReader, field: str, limit: int) -> Upload:
    content = bytearray()
    async for piece in _pieces(part):
        content += piece
        if len(content) > limit:
            raise TooLarge(f"{field} is larger than {limit >> 20} MB.", field=field)
    return Upload(part.filename or "file", part.headers.get("Content-Type", "application/octet-stream"), bytes(content))


def _text(field: Upload) -> str:
    try:
        return field.content.decode()
    except UnicodeDecodeError:
        raise BadRequest("A field of the multipart body is not UTF-8 text.") from None


async def _part(request: web.Request, field: str) -> BodyPartReader:
    async for part in _parts(request):
        if part.name == field:
            return part
    raise BadRequest(f"{field} is missing; send the file in this multipart field.", field=field)


async def _parts(request: web.Request) -> AsyncIterator[BodyPartReader]:
    """The parts of a multipart body, each to be read before the next is asked for. Raise BadRequest."""
    try:
        reader = await request.multipart()
    except ValueError:
        raise _unreadable() from None
    while True:
        try:
            part = await reader.next()
        except (ValueError, BadHttpMessage):
            raise _unreadable() from None
        if part is None:
            return
        if isinstance(part, BodyPartReader):
            yield part


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while True:
        try:
            piece = await part.read_chunk(PART)
        except (ValueError, BadHttpMessage):
            raise _unreadable() from None
        if not piece:
            return
        yield bytes(piece)


def _unreadable() -> BadRequest:
    return BadRequest("The multipart body cannot be read; look at its boundary and at the headers of its parts.")
