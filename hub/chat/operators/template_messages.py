"""An operator sends one of WhatsApp's templates: what may be written when the contact's 24 hours are over."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from hub import ids
from hub.chat.clients import templates
from hub.chat.clients.templates import Listed
from hub.chat.news import tell
from hub.chat.turns import scheduled
from hub.errors import Conflict, NotFound
from hub.runtime import Hub
from hub.store import handoffs, outbox

Json = dict[str, Any]


async def offered(hub: Hub, account: UUID, session: UUID) -> Listed:
    """The templates that may go into a conversation. Raise NotFound where its network has none."""
    where = await _where(hub, account, session)
    return await templates.of_client(hub, account, where["client_id"], where["channel"])


async def say(
    hub: Hub, account: UUID, session: UUID, name: str, language: str, body: Sequence[str], values: Mapping[str, str],
    id: UUID | None = None,
) -> UUID:
    """Stored as it reads, and sent. id: as in `handoff.say`. Raise NotFound, Invalid, Conflict."""
    where = await _where(hub, account, session)
    found = await templates.chosen(hub, account, where["client_id"], where["channel"], name, language)
    if found is None:
        raise Conflict("The network does not list its templates now; try again in a moment.")
    if why := found.why_not():
        raise Conflict(why)
    fitted = templates.fitted(found, body, values)
    message = id or ids.uuid7()
    part = scheduled.template_part(where["chat"], found.name, found.language, [], str(message), fitted["fills"])
    said = part["body"] | {"plain": fitted["preview"]}
    mode = "at_most_once" if where["mode"] == "at_most_once" else "reconcile"
    sha = hashlib.sha256(b"").hexdigest()
    async with hub.db.transaction() as tx:
        if not await handoffs.add(tx, account, session, message, {"text": fitted["preview"]}):
            if await handoffs.said(tx, account, session, message):
                return message
            raise NotFound("No such session.")
        await outbox.enqueue(tx, account, session, UUID(part["key"]), message, said, sha, mode)
    await hub.queue.send(session, f"o:{message}")
    await tell(hub.events, account, session, {"type": "message", "messages": [str(message)]})
    return message


async def _where(hub: Hub, account: UUID, session: UUID) -> Json:
    where = await handoffs.where(hub.db, account, None, session)
    if where is None or not where["channel"] or not templates.lists(hub, where["channel"]):
        raise NotFound("There is no open conversation with templates of that id.")
    return where
