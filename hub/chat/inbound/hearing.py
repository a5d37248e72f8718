"""Voice messages as text: for the model, for operators and for whoever searches, written down once."""

import asyncio
import logging
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from hub.accounts.gateways import gateway_of
from hub.domain import Gateway
from hub.engine.media import Recording, hears, written
from hub.errors import HubError, Overloaded
from hub.runtime import Hub
from hub.store import files
from hub.store.turns import Claim
from hub.task_groups import together

log = logging.getLogger(__name__)

Json = dict[str, Any]
SPOKEN = ("voice", "audio")
LARGEST, LONGEST = 25 << 20, 30_000
# For all recordings of a turn together; what is left at least for one that is begun.
SECONDS, LEAST, AT_ONCE = 60.0, 1.0, 4
ENDINGS: Mapping[str, str] = MappingProxyType({
    "audio/ogg": "ogg", "audio/opus": "ogg", "audio/mpeg": "mp3", "audio/mp4": "m4a", "audio/x-m4a": "m4a",
    "audio/aac": "aac", "audio/wav": "wav", "audio/x-wav": "wav", "audio/webm": "webm", "audio/amr": "amr",
})


async def transcribe(hub: Hub, claimed: Claim, opened: dict[str, Json]) -> None:
    """Give the batch's recordings their text (`text` of an attachment), where somebody hears them. What a network has
    written down already stays. A recording that cannot be heard is told as before, and the turn goes on."""
    if claimed.gateway is None:
        return
    gateway = gateway_of(claimed.gateway, hub.sealer)
    if not hears(hub, gateway):
        return
    limit, end = asyncio.Semaphore(AT_ONCE), time.monotonic() + SECONDS

    async def one(row: Json, place: int, a: Json) -> None:
        file = opened.get(str(a.get("file_id")))
        if a.get("media") not in SPOKEN or a.get("text") or file is None or len(file["content"]) > LARGEST:
            return
        async with limit:
            text = await _text(hub, gateway, a, file, end - time.monotonic())
        if text:
            a["text"] = text
            # At once: a turn that is begun again does not pay again.
            await files.attached(hub.db, gateway.account_id, UUID(str(row["id"])), place, a)

    await together(*(
        one(row, place, a) for row in claimed.batch for place, a in enumerate(row["body"].get("attachments") or ())
    ))


async def _text(hub: Hub, gateway: Gateway, a: Json, file: Json, seconds: float) -> str:
    if seconds < LEAST:
        return ""
    mime = str(file["mime"]).split(";")[0].strip()
    name = a.get("name") or f"voice.{ENDINGS.get(mime, 'ogg')}"
    try:
        found = await written(hub, gateway, Recording(name, mime, bytes(file["content"]), "json", {}, seconds))
    except Overloaded:
        raise
    except HubError as e:
        log.warning("a recording could not be written down: %s", e)
        return ""
    return found[:LONGEST]
