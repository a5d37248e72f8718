"""Files that came with messages: fetched through the guarded client, stored, named in the message."""

import asyncio
import contextlib
import hashlib
import logging
from typing import Any
from uuid import UUID, uuid5

from channels.base import ChannelError, Link
from hub import ids
from hub.chat import content
from hub.chat.clients.link import open_link
from hub.chat.inbound import quotes
from hub.chat.inbound.intake import FILE_DAYS
from hub.errors import HubError
from hub.mime import sniffed
from hub.personal_keys import subject
from hub.runtime import Hub
from hub.store import files, outbox
from hub.store.turns import Claim
from hub.tools import phone_pictures

log = logging.getLogger(__name__)

SECONDS = 25.0
Json = dict[str, Any]


async def fetch_message(hub: Hub, message: UUID) -> None:
    """Fetch all attachments of one waiting message; what fails is written down in the message."""
    row = await files.pending(hub.db, message)
    if row is None or row["integration_id"] is None:
        return
    integration = await outbox.integration(hub.db, row["integration_id"])
    if integration is None:
        return
    link = open_link(hub, integration)
    for place, a in enumerate(row["body"].get("attachments", ())):
        await fetch_one(hub, link, integration["channel"], row, place, a)


async def fetch_one(hub: Hub, link: Link, channel: str, row: Json, place: int, a: Json) -> Json:
    """One attachment: its stored form with file_id and token, or with the error in plain words."""
    if a.get("file_id") or not (a.get("ref") or a.get("url")) or a.get("error"):
        return a
    account, message = UUID(str(row["account_id"])), UUID(str(row["id"]))
    try:
        async with asyncio.timeout(SECONDS):
            got = await hub.channels[channel].fetch_media(link, content.to_attachment(a), row.get("network_id"))
    except (ChannelError, TimeoutError) as e:
        done = a | {"error": str(e) or "the network did not give it in time"}
    else:
        id, token = uuid5(message, str(place)), ids.access_key()[4:]
        name, mime = a.get("name") or got.name or a["media"], a.get("mime") or got.mime
        raw, kind = got.content, a["media"]
        if sniffed(raw, mime) == phone_pictures.MIME:
            with contextlib.suppress(HubError):  # it is kept as it came
                name, mime, raw = await phone_pictures.readable(hub.children, name, phone_pictures.MIME, raw)
                kind = "image"
        await files.add(
            hub.db,
            id,
            account,
            UUID(str(row["session_id"])),
            message,
            token=token,
            name=name,
            mime=mime,
            kind=kind,
            sha256=hashlib.sha256(raw).digest(),
            content=raw,
            seconds=FILE_DAYS * 86400.0,
            whose=subject(row["session_id"], row["body"]),
        )
        stored = await files.content(hub.db, account, id)
        done = a | {
            "file_id": str(id),
            "token": stored["token"] if stored else token,
            "size": len(raw),
            "mime": mime,
            **({"media": kind, "name": name} if raw is not got.content else {}),
        }
    await files.attached(hub.db, account, message, place, done)
    return done


async def ensure(hub: Hub, claimed: Claim) -> dict[str, Json]:
    """The batch's files by id, opened; whatever the bulk worker has not fetched yet is fetched now.

    The rows of `claimed.batch` are completed in place, so that history keeps the files' links.
    """
    account = UUID(claimed.account["id"])
    wanted: list[str] = []
    for row in claimed.batch:
        attachments = row["body"].get("attachments") or []
        for place, a in enumerate(attachments):
            if claimed.integration is not None:
                attachments[place] = await fetch_one(
                    hub, open_link(hub, claimed.integration), claimed.integration["channel"], row, place, a
                )
            if attachments[place].get("file_id"):
                wanted.append(attachments[place]["file_id"])
    wanted += await quotes.complete(hub, claimed)
    opened: dict[str, Json] = {}
    for id in dict.fromkeys(wanted):
        file = await files.content(hub.db, account, UUID(id))
        if file is not None:
            opened[id] = file
    return opened
