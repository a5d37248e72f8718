"""Pictures as phones take them (HEIC), which few browsers and no model read: made JPEGs when they come in."""

from pathlib import PurePath

from hub.child_processes import Children
from hub.errors import Unsupported
from hub.tools import child
from hub.tools.base import ToolFailed

MIME = "image/heic"
CONVERTING, LARGEST = 12.0, 40 << 20


async def readable(children: Children, name: str, mime: str, raw: bytes) -> tuple[str, str, bytes]:
    """Name, type and bytes of a file, made readable where it must be. Raise Unsupported for what is broken."""
    if mime != MIME:
        return name, mime, raw
    try:
        ended = await child.run(children, "heic", raw, seconds=CONVERTING, longest=LARGEST)
    except ToolFailed as e:
        raise Unsupported(f"file: the picture cannot be read. {e}", field="file") from None
    if ended.code or not ended.output:
        raise Unsupported("file: the picture cannot be read; send it as JPEG.", field="file")
    return f"{PurePath(name).stem or 'picture'}.jpg", "image/jpeg", ended.output
