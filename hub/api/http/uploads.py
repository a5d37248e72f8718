"""Files in multipart bodies."""

from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from hub.errors import BadRequest, TooLarge


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


async def _read(part: BodyPartReader, field: str, limit: int) -> Upload:
    content = bytearray()
    while piece := await part.read_chunk(65536):
        content += piece
        if len(content) > limit:
            raise TooLarge(f"{field} is larger than {limit >> 20} MB.", field=field)
    return Upload(part.filename or "file", part.headers.get("Content-Type", "application/octet-stream"), bytes(content))
