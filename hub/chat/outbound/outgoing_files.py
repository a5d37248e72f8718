"""Files of an answer on their way out: as the network takes them, converted if need be, else as a link."""

import asyncio
import html
import mimetypes
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from channels.base import ChannelError
from channels.inbound import Media
from channels.outbound import File, Style
from hub.chat import choices
from hub.chat.outbound.albums import singly
from hub.child_processes import Stopped
from hub.errors import HubError
from hub.mime import sniffed
from hub.runtime import Hub
from hub.store import files
from hub.tools import child
from hub.tools.base import ToolFailed

Json = dict[str, Any]
LARGEST = 20 * 1024 * 1024
CONVERTING = 10.0
DRAWN = "image/svg+xml"  # there is nothing in it that could be converted without running it


async def files_of(hub: Hub, style: Style, body: Json) -> list[File]:
    """The files of a part; of an album that takes too long to get, or is too large to be held at once, none: raise
    ChannelError, and they go one by one."""
    listed: list[Json] = [body["file"], *body.get("album", ())] if body.get("file") else []
    if len(listed) < 2:
        return [await _file_of(hub, style, one, await _ours(hub, one["url"])) for one in listed]
    found: list[File] = []
    # As long as one may take: a sender that prepares for longer counts as lost.
    until = asyncio.get_running_loop().time() + hub.settings.wire_seconds
    try:
        for one in listed:
            ours = await _ours(hub, one["url"])  # the database has deadlines of its own
            async with asyncio.timeout_at(until):
                found.append(await _file_of(hub, style, one, ours))
            if sum(len(f.content or b"") for f in found) > LARGEST:
                raise _refused("The files are too large for an album.")
    except TimeoutError:
        raise _refused("The files of the album cannot be had in time.") from None
    return found


async def _file_of(hub: Hub, style: Style, body: Json, content: tuple[bytes, str] | None) -> File:
    """As bytes: one of ours, or one that was allowed and is fetched now. No network is given an address to fetch. Raise
    ChannelError when there is no way but the link."""
    media, mime = Media(body["media"]), str(body["mime"])
    if content is None:
        if not body.get("allowed"):
            raise _refused("The file is none of the hub's, and its origin is not in allowedMediaOrigins.")
        if mime == DRAWN and style.documents is not None:
            raise _refused("The network takes no drawings.")
        content = _typed(*await _fetched(hub, body["url"]))
    raw, mime = content
    raw, mime, media = await _fitting(hub, style, raw, mime, media)
    return File(media, mime, named(body["name"], mime, body["url"]), content=raw)


def instead(body: Json, style: Style) -> Json | None:
    """What stands for a part that cannot go as it is: a file's link, a text's words alone; or None."""
    if body.get("last") or body.get("template"):
        return None
    if body.get("album"):
        return singly(body)
    file = body.get("file")
    plain = str(body.get("plain") or "")
    if body.get("choices"):
        text, words = choices.instead(body, style)
        return {"text": text, "plain": words, "last": True, "bare": True} | _kept(body)
    words = "\n".join(t for t in (plain[: style.limit // 2], file["url"]) if t) if file else plain
    text = html.escape(words, quote=False) if style.markup == "html" else words
    if not words.strip() or (not file and text == body.get("text")):
        return None
    return {"text": text, "plain": words, "last": True, "bare": True} | _kept(body)


def _kept(body: Json) -> Json:
    return {k: body[k] for k in ("reply_to", "rest") if body.get(k)}


def named(name: str, mime: str, url: str) -> str:
    """The file's name with its extension: without one a phone does not know how to open it."""
    wanted = mimetypes.guess_type(urlsplit(url).path)[0], mime.split(";")[0].strip()
    if mimetypes.guess_type(f"x{PurePosixPath(name).suffix}")[0]:
        return name
    theirs = PurePosixPath(urlsplit(url).path).suffix
    if theirs and (wanted[0] == wanted[1] or not mimetypes.guess_extension(wanted[1])):
        return name + theirs
    return name + (mimetypes.guess_extension(wanted[1]) or "")


async def _ours(hub: Hub, url: str) -> tuple[bytes, str] | None:
    mine = f"{hub.settings.address}/media/"
    if not url.startswith(mine):
        return None
    row = await files.public(hub.db, url.removeprefix(mine).split("/")[0].split("?")[0])
    return (bytes(row["content"]), row["mime"]) if row is not None else None


async def _fetched(hub: Hub, url: str) -> tuple[bytes, str]:
    try:
        async with asyncio.timeout(hub.settings.wire_seconds):
            reply = await hub.outbound.request(
                "GET", url, seconds=hub.settings.wire_seconds, limit=LARGEST, follow=True
            )
    except HubError as e:
        raise _refused(f"The file cannot be fetched: {e}") from None
    except TimeoutError:
        raise _refused("The file cannot be fetched: its server did not answer in time.") from None
    if reply.status != 200 or not reply.body:
        raise _refused(f"The file cannot be fetched: its server answered {reply.status}.")
    return reply.body, sniffed(reply.body, reply.mime)


def _typed(raw: bytes, mime: str) -> tuple[bytes, str]:
    """What somebody else's server gave, if it is a file that an answer may hold. Raise ChannelError."""
    drawn = mime == DRAWN and b"<svg" in raw[:4096]
    if not drawn and (mime == DRAWN or not mime.startswith(("image/", "audio/", "video/", "application/pdf"))):
        raise _refused("There is no picture, sound, film or PDF at the address.")
    return raw, mime


async def _fitting(hub: Hub, style: Style, raw: bytes, mime: str, media: Media) -> tuple[bytes, str, Media]:
    """The file in a form and as a kind that the network takes."""
    media = _kind(mime, media)
    if _taken(media, mime, style):
        return raw, mime, media
    if media is Media.IMAGE:
        return await _converted(hub, raw), "image/png", media
    raise _refused(f"The network does not take files of the type {mime[:60]}.")


def _kind(mime: str, media: Media) -> Media:
    """As what the bytes are sent; an address may have promised something else."""
    group = mime.split("/")[0]
    if mime in ("text/html", "application/json") or (media in (Media.IMAGE, Media.VIDEO) and group == "text"):
        raise _refused("There is no file at the address.")
    if media is Media.DOCUMENT or mime == DRAWN:
        return Media.DOCUMENT
    if group == "image":
        return Media.STICKER if media is Media.STICKER else Media.IMAGE
    if group == "video":
        return Media.VIDEO
    if group == "audio":
        return Media.VOICE if media is Media.VOICE else Media.AUDIO
    return Media.DOCUMENT


def _taken(media: Media, mime: str, style: Style) -> bool:
    if media is Media.IMAGE:
        return mime in style.pictures
    return media is not Media.DOCUMENT or style.documents is None or mime in style.documents


async def _converted(hub: Hub, raw: bytes) -> bytes:
    try:
        ended = await child.run(hub.children, "picture", raw, seconds=CONVERTING, longest=LARGEST)
    except (ToolFailed, Stopped):
        raise _refused("The picture cannot be converted: it takes too long.") from None
    if ended.code or not ended.output:
        raise _refused("The picture cannot be converted.")
    return ended.output


def _refused(text: str) -> ChannelError:
    return ChannelError(text, permanent=True, code="no_file")
