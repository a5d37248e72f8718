"""What a message answers to: most networks send only the id of what is quoted, and the hub has the words under it."""

from typing import Any
from uuid import UUID

from hub.chat import content
from hub.runtime import Hub
from hub.store import messages
from hub.store.turns import Claim

Json = dict[str, Any]
LONGEST = 4000
DELETED = "(this message was deleted by its author)"


async def complete(hub: Hub, claimed: Claim) -> list[str]:
    """Put quotes into the rows of the batch, in place; return the files of what is quoted."""
    wanted = [r["body"]["reply_to"] for r in claimed.batch if r["body"].get("reply_to")]
    if not wanted or claimed.integration is None:
        return []
    found = await messages.named(
        hub.db, UUID(claimed.account["id"]), claimed.session_id, UUID(claimed.integration["id"]), wanted
    )
    # What came in the same batch may have had its files fetched only now.
    found |= {r["network_id"]: r["body"] for r in claimed.batch if r["network_id"] in wanted}
    files: list[str] = []
    for row in claimed.batch:
        body = row["body"]
        known = found.get(body.get("reply_to"))
        if known is None or known is body:
            continue
        gone = bool(known.get("revoked"))
        if gone or not body.get("quote"):
            body["quote"] = DELETED if gone else content.plain(known, hub.settings.address)[:LONGEST]
        quoted = [a for a in known.get("attachments") or () if a.get("file_id")]
        if quoted and not gone:
            body["quoted"] = quoted
            files += [a["file_id"] for a in quoted]
    return files
