"""Images: made by the configured service or as a placeholder, kept and served by the hub."""

import asyncio
import hashlib
import time
from dataclasses import dataclass
from uuid import UUID

from hub import ids
from hub.accounts.balance import paying
from hub.accounts.model_lookup import integrated
from hub.chat.turns import dialogs
from hub.domain import Caller, Json
from hub.errors import Invalid, NotFound, Upstream
from hub.llm.extractive import MODEL as OFFLINE
from hub.mime import sniffed
from hub.purse import aside
from hub.runtime import Hub
from hub.store import characters, files
from hub.store.db import Call
from hub.studio.characters import models
from hub.studio.characters.drawing import PLACEHOLDER, placeholder
from hub.tools.base import Context, ToolFailed
from hub.tools.builtin.common import Options
from hub.tools.builtin.painting import DECENT, SECONDS, Indecent, Wanted, billed, paint

KIND = "character"
PREFIX = "img"


@dataclass(frozen=True, slots=True)
class Picture:
    """What was drawn, not kept yet."""

    model: str
    content: bytes

    @property
    def mime(self) -> str:
        return sniffed(self.content)


async def drawn(hub: Hub, who: Caller, painter: str, prompt: str, field: str = "prompt") -> Picture:
    """Draw and charge. Raise NotFound for the model, PaymentRequired, Invalid for what the service will not
    draw, Upstream when it fails."""
    model = models.painter(hub, painter)
    await paying(hub, who.account_id)
    price = 0.0 if model == PLACEHOLDER else hub.settings.image_price
    async with aside((painter, model), 0, price, SECONDS):
        if model == PLACEHOLDER:
            picture = Picture(model, await asyncio.to_thread(placeholder, prompt))
        else:
            picture = Picture(model, await _painted(hub, who, model, prompt, field))
    await hub.meter.add(who.account_id, [billed(model, 1, price)], key=who.key_id)
    return picture


async def _painted(hub: Hub, who: Caller, model: str, prompt: str, field: str) -> bytes:
    context = Context(
        hub=hub, account_id=who.account_id, gateway=integrated(who.account_id, OFFLINE),
        deadline=time.monotonic() + SECONDS,
    )
    try:
        return (await paint(context, Wanted(Options(), model, f"{prompt}\n\n{DECENT}", 1, "square", ())))[0]
    except Indecent:
        raise Invalid(f"{field} was refused by the image service because of its content.", field=field) from None
    except ToolFailed as e:
        raise Upstream(str(e)) from None


async def keep(db: Call, account: UUID, picture: Picture, name: str) -> tuple[UUID, str]:
    """The file's id, and the token of its address."""
    id, token = ids.uuid7(), ids.access_key()[4:]
    await files.add(
        db, id, account, None, None, token=token, name=f"{name}.{picture.mime.removeprefix('image/')}",
        mime=picture.mime, kind="image", sha256=hashlib.sha256(picture.content).digest(), content=picture.content,
        seconds=None,
    )
    return id, token


def address(hub: Hub, token: str) -> str:
    return f"{hub.settings.address}/media/{token}"


async def create(hub: Hub, who: Caller, painter: str, prompt: str, conversation: str | None) -> Json:
    """Draw, keep, and put it into the conversation: id, prompt, token, created_at. Raise as `drawn` does, and
    NotFound for the conversation."""
    account = who.account_id
    dialog = await dialogs.find(hub.db, account, KIND, conversation) if conversation else None
    picture = await drawn(hub, who, painter, prompt)
    id = ids.uuid7()
    name = ids.named(PREFIX, id)
    async with hub.db.transaction() as t:
        file, token = await keep(t, account, picture, name)
        made = await characters.add_image(t, account, id, prompt, picture.model, file, token)
        if dialog is not None:
            shown = {"media": "image", "mime": picture.mime, "name": name, "token": token, "text": prompt[:500]}
            image = {"id": name, "prompt": prompt}
            body = {"text": "", "attachments": [{**shown, "file_id": str(file)}], "image": image}
            await dialogs.add(t, dialog, "assistant", body)
    return made


async def find(db: Call, account: UUID, name: str) -> Json:
    """Raise NotFound."""
    id = ids.unnamed(PREFIX, name)
    row = await characters.image(db, account, id) if id else None
    if row is None:
        raise NotFound
    return row


async def page(db: Call, account: UUID, number: int, size: int) -> tuple[list[Json], int]:
    """Images of a page, the newest first, and how many there are in all."""
    return await characters.images(db, account, size, (number - 1) * size)
