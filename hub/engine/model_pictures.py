"""Pictures that a model gives beside its text, kept for people as what a tool makes is."""

import asyncio
from collections.abc import Sequence
from typing import Any

from hub.domain import Json
from hub.mime import data_address, sniffed
from hub.tools.base import Context
from hub.tools.generated_files import keep

MOST = 8


async def kept(context: Context, images: Sequence[Any]) -> list[Json]:
    """Attachments of the pictures that came within the answer; addresses elsewhere are not fetched."""
    found: list[Json] = []
    for one in images[:MOST]:
        inner = one.get("image_url") if isinstance(one, dict) else None
        url = inner.get("url") if isinstance(inner, dict) else inner
        if not isinstance(url, str) or not url.startswith("data:"):
            continue
        content = await asyncio.to_thread(_opened, url)
        if content and (mime := sniffed(content)).startswith("image/"):
            name = f"image-{len(found) + 1}.{mime.removeprefix('image/')}"
            found.append(await keep(context, "image", name, mime, content))
    return found


def _opened(url: str) -> bytes | None:
    try:
        found = data_address(url)
    except ValueError:
        return None
    return found[1] if found else None
