"""Files in bodies: multipart fields, and the body itself."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from hub.errors import BadRequest, TooLarge

PART = 64 * 1024
FIELD = 1 << 20


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    mime: str
    content: bytes


async def uploaded(request: web.Request, field: str, limit: int) -> Upload:
    """The one file of a multipart body. Raise BadRequest or TooLarge naming the field."""
    if not request.content_type.startswith("multipart/"):
        raise BadRequest(f"Send the file as multipart/form-data, field `{field}`.", field=field)
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == field:
                return await _read(part, field, limit)
    except ValueError as e:
        raise BadRequest(f"The multipart body cannot be read: {e}.") from None
    raise BadRequest(f"{field} is missing; send the file in this field.", field=field)


@dataclass(frozen=True, slots=True)
class Form:
    """All of a multipart body: its files, and its fields as text."""

    files: list[Upload]
    fields: dict[str, str]


async def form(request: web.Request, most: int, limit: int, whole: int) -> Form:
    """Read at most `most` files, each of at most `limit` bytes and all of at most `whole`, and the fields beside them.

    Raise BadRequest or TooLarge.
    """
    if not request.content_type.startswith("multipart/"):
        raise BadRequest("Send the files as multipart/form-data.")
    read, size = Form([], {}), 0
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                continue
            if part.filename is None:
                read.fields[part.name or ""] = (await _read(part, part.name or "", FIELD)).content.decode()
                continue
            if len(read.files) == most:
                raise TooLarge(f"At most {most} files are taken at once.")
            read.files.append(await _read(part, part.filename, limit))
            size += len(read.files[-1].content)
            if size > whole:
                raise TooLarge(f"The files together are larger than {whole >> 20} MB; send them one by one.")
    except ValueError as e:
        raise BadRequest(f"The multipart body cannot be read: {e}.") from None
    return read


async def _read(part: BodyPartReader, field: str, limit: int) -> Upload:
    content = bytearray()
    while piece := await part.read_chunk(PART):
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
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if isinstance(part, BodyPartReader) and part.name == field:
                while piece := await part.read_chunk(PART):
                    yield bytes(piece)
                return
    except ValueError as e:
        raise BadRequest(f"The multipart body cannot be read: {e}.") from None
    raise BadRequest(f"{field} is missing; send the file in this multipart field.", field=field)
