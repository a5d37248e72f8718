"""An answer as a voice message of its network, behind its words: the same voice as on the website."""

import logging
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid5

from channels.base import ChannelError
from hub import ids
from hub.accounts import balance
from hub.chat import content
from hub.chat.inbound.intake import FILE_DAYS, sha
from hub.chat.website import speech
from hub.errors import HubError
from hub.mime import sniffed
from hub.runtime import Hub
from hub.store import files, handoffs, messages, outbox

log = logging.getLogger(__name__)

OPUS = "audio/ogg"
NAMES = MappingProxyType({OPUS: "answer.ogg"})
Json = dict[str, Any]
KIND = "voice note"


async def speak(hub: Hub, account: UUID, session: UUID, message: UUID) -> None:
    """Make it and put it behind what waits to be sent; whatever fails, the words are there."""
    where = await handoffs.where(hub.db, account, None, session)
    row = await messages.one(hub.db, account, session, message)
    if where is None or row is None or not where["channel"]:
        return
    # One for each answer, however often it is rung for.
    key = uuid5(message, KIND)
    if await files.made_of(hub.db, account, message, KIND, key.bytes):
        return
    try:
        text = content.plain(row["content"], hub.settings.address)
        url, mime = await _made(hub, (account, session, message), text, where["parameters"])
    except (HubError, ChannelError) as e:
        log.warning("answer %s is not said: %s", message, e)
        return
    file = {"media": "voice", "mime": mime, "name": NAMES.get(mime, "answer.mp3"), "url": url}
    body = {"file": file, "text": "", "plain": ""}
    async with hub.db.transaction() as tx:
        queued = await outbox.behind(tx, account, session, key, message, body, sha(url), "at_most_once")
    if queued:
        await hub.queue.send(session, f"o:{key}")


async def _made(hub: Hub, of: tuple[UUID, UUID, UUID], text: str, p: Json) -> tuple[str, str]:
    """Its public address and type; of: account, session, answer. Raise HubError."""
    account, session, message = of
    await balance.paying(hub, account)
    raw, row = await speech.note(hub, p, text)
    await hub.meter.add(account, [row], session=session)
    mime = OPUS if raw[:4] == b"OggS" else sniffed(raw, "audio/mpeg")
    token = ids.access_key()[4:]
    await files.add(
        hub.db, ids.uuid7(), account, session, message, token=token, name=NAMES.get(mime, "answer.mp3"), mime=mime,
        kind=KIND, sha256=uuid5(message, KIND).bytes, content=raw, seconds=FILE_DAYS * 86400.0,
    )
    return f"{hub.settings.address}/media/{token}", mime
