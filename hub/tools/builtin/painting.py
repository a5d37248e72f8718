"""Images of an OpenAI-compatible service (HUB_IMAGE_URL)."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiohttp import FormData
from aiohttp.payload import Payload

from hub.domain import Json
from hub.errors import HubError
from hub.mime import sniffed
from hub.tools.base import Context, ToolFailed
from hub.tools.builtin.common import Options, ask, bearer, told
from hub.tools.builtin.references import Reference

SECONDS, LARGEST, ANSWER = 180.0, 20_000_000, 120_000_000
DECENT = "The image must be suitable for all ages: no nudity, no sexual content, no gore."
SIZES: Mapping[str, str] = {"square": "1024x1024", "landscape": "1536x1024", "portrait": "1024x1536"}
LARGE: Mapping[str, str] = {"square": "1536x1536", "landscape": "2304x1536", "portrait": "1536x2304"}
QUALITIES: Mapping[str, str] = {"Low": "low", "Medium": "medium", "High": "high", "Highest": "high"}


class Indecent(ToolFailed):
    """The service will not make this image."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the service."""

    options: Options
    model: str
    prompt: str
    count: int
    shape: str
    references: tuple[Reference, ...]

    def fields(self, plain: bool) -> Json:
        """`plain`: only what every service knows, for one that refused the rest."""
        size = LARGE[self.shape] if self.options.image_quality == "Highest" and not plain else SIZES[self.shape]
        found: Json = {"model": self.model, "prompt": self.prompt, "n": self.count, "size": size}
        if not plain:
            found["quality"] = QUALITIES[self.options.image_quality]
            if self.options.image_mature:
                found["moderation"] = "low"
        return found


async def paint(context: Context, wanted: Wanted) -> list[bytes]:
    """The images, each one that was looked at. Raise ToolFailed, Indecent when the service will not."""
    status, said = await _asked(context, wanted, False)
    if status == 400 and not _refused(said):
        status, said = await _asked(context, wanted, True)
    if _refused(said):
        raise Indecent("The service refused to make this image because of its content; describe another one.")
    listed = said.get("data") if isinstance(said, dict) else None
    if status != 200 or not isinstance(listed, list):
        raise told(status, context.hub.settings.image_url, "image generation")
    found = await asyncio.gather(*(_image(context, one) for one in listed[: wanted.count]))
    images = [one for one in found if one]
    if not images or any(len(one) > LARGEST or not sniffed(one).startswith("image/") for one in images):
        raise told(status, context.hub.settings.image_url, "image generation")
    return images


def billed(model: str, count: int, price: float = 0.0) -> Json:
    """A row of usage. price: dollars an image."""
    return {
        "sku": "inference.image_generation", "amount": round(price * count, 12), "unit_price": price,
        "quantity": count, "description": f"Images of AI model '{model}'",
    }


async def _asked(context: Context, wanted: Wanted, plain: bool) -> tuple[int, Any]:
    settings, fields = context.hub.settings, wanted.fields(plain)
    headers = bearer(settings.image_key)
    if not wanted.references:
        return await ask(
            context, "POST", f"{settings.image_url}/images/generations", body=fields, headers=headers,
            seconds=SECONDS, limit=ANSWER,
        )
    form = FormData({name: str(value) for name, value in fields.items()})
    for n, one in enumerate(wanted.references):
        form.add_field("image[]", one.content, filename=f"image{n}", content_type=one.mime)
    body = form()
    assert isinstance(body, Payload)
    return await ask(
        context, "POST", f"{settings.image_url}/images/edits", body=await body.as_bytes(),
        headers={**headers, "Content-Type": body.content_type}, seconds=SECONDS, limit=ANSWER,
    )


def _refused(said: Any) -> bool:
    error = said.get("error") if isinstance(said, dict) else None
    words = f"{error.get('code')} {error.get('type')}" if isinstance(error, dict) else ""
    return any(word in words for word in ("moderation", "content_policy", "safety"))


async def _image(context: Context, given: Any) -> bytes | None:
    """An image of the answer: in it, or at the address it names."""
    if not isinstance(given, dict):
        return None
    if isinstance(given.get("b64_json"), str):
        try:
            return base64.b64decode(given["b64_json"])
        except binascii.Error:
            return None
    url = given.get("url")
    if not isinstance(url, str):
        return None
    ours = urlsplit(url).netloc == urlsplit(context.hub.settings.image_url).netloc
    try:
        reply = await (context.hub.trusted if ours else context.hub.outbound).request(
            "GET", url, seconds=min(60.0, context.left), limit=LARGEST, follow=True
        )
    except HubError:
        return None
    return reply.body if reply.status == 200 else None
