"""Files on their way in and out: limits, names and encodings that WhatsApp networks share."""

import base64
import binascii
import mimetypes
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from channels.base import ChannelError, Download, Fetch
from channels.inbound import Attachment
from channels.outbound import File

LIMIT = 20 * 1024 * 1024
TITLE, BELOW = 24, 72  # characters of a row


def bare(mime: str) -> str:
    """The type without parameters: "audio/ogg; codecs=opus" is "audio/ogg"."""
    return mime.partition(";")[0].strip().lower()


def encode(content: bytes) -> str:
    return base64.b64encode(content).decode()


def data_url(file: File) -> str:
    """The public address of a file, or its content as a data: address."""
    if file.content is None:
        return address(file)
    return f"data:{bare(file.mime)};base64,{encode(file.content)}"


def address(file: File) -> str:
    """The public address the network fetches the file from."""
    if not file.url:
        raise ChannelError("The file has neither content nor address.", permanent=True)
    return file.url


def row(label: str) -> dict[str, str]:
    """A choice as a row of WhatsApp's lists: what is too long for its title stands below it."""
    if len(label) <= TITLE:
        return {"title": label}
    return {"title": label[: TITLE - 1].rstrip() + "…", "description": label[:BELOW]}


def extension(file: File) -> str:
    """The file's extension without the dot, from its name or else its type."""
    suffix = PurePosixPath(file.name).suffix or mimetypes.guess_extension(bare(file.mime)) or ".bin"
    return suffix[1:].lower()


def decode(content: str, mime: str | None, name: str | None = None) -> Download:
    """Bytes out of base64, with or without a data: prefix."""
    head, comma, rest = content.partition(",")
    raw = rest if comma and head.startswith("data:") else content
    if len(raw) * 3 // 4 > LIMIT + 3:
        raise too_large()
    try:
        found = base64.b64decode(raw, validate=False)
    except (binascii.Error, ValueError):
        raise gone("The network's copy of the file cannot be decoded.") from None
    if len(found) > LIMIT:
        raise too_large()
    return Download(found, mime or "application/octet-stream", name)


async def download(fetch: Fetch, url: str, attachment: Attachment, home: str = "") -> Download:
    """Fetch a plain address; the message knows the file's type and name better than its host."""
    # `home` is the network's own base address: its files may be where its API is.
    if not url.startswith("https://") and urlsplit(url)[:2] != urlsplit(home)[:2]:
        raise gone("The file's address is not https.")
    found = await fetch(url, {}, LIMIT)
    mime, name = attachment.mime or found.mime, attachment.name or found.name
    return Download(found.content, mime, name)


def gone(text: str) -> ChannelError:
    return ChannelError(text, permanent=True, code="media_gone")


def too_large() -> ChannelError:
    return ChannelError("The file is larger than 20 MB.", permanent=True, code="too_large")
