"""Pictures that a model gives beside its text, kept for people as what a tool makes is.

They stand in a field that the provider fills, not in the model's words: whoever could write an address there has read
the conversation already. They are fetched all the same only through the guarded client, within bounds of number, size
and time, and only pictures are kept.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from hub.domain import Json
from hub.errors import HubError
from hub.mime import data_address, sniffed
from hub.tools.base import Context
from hub.tools.generated_files import keep

log = logging.getLogger(__name__)

MOST = 8
LARGEST, SECONDS = 10_000_000, 15.0
DRAWN = "image/svg+xml"


async def kept(context: Context, images: Sequence[Any]) -> tuple[list[Json], list[str]]:
    """Attachments of the pictures, and the addresses of those that could not be had."""
    urls = [u for one in images if (u := _url(one)).startswith(("data:", "https://", "http://"))]
    contents = await asyncio.gather(*(_content(context, u) for u in urls[:MOST]))
    found: list[Json] = []
    left = [u for u in urls[MOST:] if not u.startswith("data:")]
    for url, content in zip(urls, contents, strict=False):
        mime = sniffed(content) if content else ""
        if content and mime.startswith("image/") and mime != DRAWN:
            name = f"image-{len(found) + 1}.{mime.removeprefix('image/')}"
            found.append(await keep(context, "image", name, mime, content))
        elif not url.startswith("data:"):
            left.append(url)
    return found, left


def _url(one: Any) -> str:
    inner = one.get("image_url") if isinstance(one, dict) else None
    url = inner.get("url") if isinstance(inner, dict) else inner
    return url if isinstance(url, str) else ""


async def _content(context: Context, url: str) -> bytes | None:
    if url.startswith("data:"):
        return await asyncio.to_thread(_opened, url)
    try:
        reply = await context.hub.outbound.request("GET", url, seconds=SECONDS, limit=LARGEST, follow=True)
    except HubError as e:
        log.info("a picture of a model was not fetched: %s", e)
        return None
    return reply.body if reply.status == 200 else None


def _opened(url: str) -> bytes | None:
    try:
        found = data_address(url)
    except ValueError:
        return None
    return found[1] if found else None
