"""Documents that people write: every accepted change is a version, and nobody writes over what was not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hub import ids
from hub.errors import Conflict, Invalid, NotFound
from hub.runtime import Hub
from hub.sealing import digest
from hub.store import studio_documents
from hub.store.db import Call
from hub.store.studio_documents import Writing
from hub.studio.aresgen import voices
from hub.studio.events import DOCUMENT_PUBLISHED, DOCUMENT_VERSION, emit

Json = dict[str, Any]
TOKEN_SECONDS = 86_400.0
TOGETHER = 30.0  # seconds in which changes of one editor make one version
LONGEST = 300_000
UNTITLED = "Untitled"


class Stale(Conflict):
    """The document was changed meanwhile."""

    code = "stale_revision"


async def add(
    hub: Hub, account: UUID, id: UUID, title: str | None, content: str, voice: UUID | None, model: str | None
) -> Writing:
    """A new document; one of this id that there is already is that one."""
    if voice is not None:
        await voices.get(hub.db, account, voice)
    async with hub.db.transaction() as tx:
        fresh = await studio_documents.add(tx, account, id, title or _title(content), content, voice, model)
        made = await get(tx, account, id)
        if fresh:
            await _version(tx, made, "api")
    return made


def _title(content: str) -> str:
    """The first line of a text, as a title."""
    first = next((line.strip("# *_\t") for line in content.splitlines() if line.strip("# *_\t")), "")
    return first[:120] or UNTITLED


async def get(db: Call, account: UUID, id: UUID, *, lock: bool = False) -> Writing:
    """Raise NotFound."""
    found = await studio_documents.get(db, account, id, lock=lock)
    if found is None:
        raise NotFound
    return found


async def edit(
    hub: Hub, account: UUID, id: UUID, given: Mapping[str, Any], base: int | None, author: str = "api"
) -> Writing:
    """given: title, content, voice_id, model. base: the revision that was changed; None: whatever it is.

    Raise Stale, with the present state as details, when somebody else was faster.
    """
    if given.get("voice_id") is not None:
        await voices.get(hub.db, account, given["voice_id"])
    async with hub.db.transaction() as tx:
        old = await get(tx, account, id, lock=True)
        fenced(old, base)
        new = replace(old, **given)
        if (new.title, new.content) != (old.title, old.content):
            new = await _changed(tx, new, author)
        else:
            await studio_documents.save(tx, new)
    await announce(hub, new, old, author)
    return new


async def change(hub: Hub, account: UUID, id: UUID, base: int, changes: Sequence[Json], author: str) -> Writing:
    """Replace pieces of the text, one after the other. Raise Stale, Invalid for a place outside of it."""
    async with hub.db.transaction() as tx:
        old = await get(tx, account, id, lock=True)
        fenced(old, base)
        content = applied(old.content, changes)
        new = replace(old, content=content)
        if content != old.content:
            new = await _changed(tx, new, author, TOGETHER)
    await announce(hub, new, old, author, changes)
    return new


def applied(content: str, changes: Sequence[Json]) -> str:
    """The text with each {from, to, text} in place, in order; places count characters. Pure."""
    for n, one in enumerate(changes):
        begin, end = one["from"], one["to"]
        if not 0 <= begin <= end <= len(content):
            raise Invalid(
                f"changes.{n} is outside of the text, which has {len(content)} characters.", field=f"changes.{n}"
            )
        content = content[:begin] + one["text"] + content[end:]
    if len(content) > LONGEST:
        raise Invalid(f"A document has at most {LONGEST:,} characters.", field="content")
    return content


def fenced(old: Writing, base: int | None) -> None:
    if base is not None and base != old.revision:
        raise Stale(
            f"The document is at revision {old.revision}, not {base}; look at it and change it again.",
            field="base_revision", details=state(old),
        )


def state(w: Writing) -> Json:
    """The present state, for who has an old one."""
    return {"revision": w.revision, "version": w.version, "title": w.title, "content": w.content}


async def _changed(tx: Call, new: Writing, author: str, together: float = 0.0) -> Writing:
    new = replace(new, revision=new.revision + 1)
    if together and await studio_documents.extend_version(tx, new, author, together):
        await studio_documents.save(tx, new)
        return new
    new = replace(new, version=new.version + 1)
    await studio_documents.save(tx, new)
    await _version(tx, new, author)
    return new


async def _version(
    tx: Call, w: Writing, author: str, command: str | None = None, output: str | None = None
) -> None:
    await studio_documents.add_version(tx, w, ids.uuid7(), author, command, output)
    told = {"document_id": ids.named("doc", w.id), "version": w.version, "title": w.title, "command": command}
    await emit(tx, w.account_id, DOCUMENT_VERSION, told, w.id)


async def commanded(
    hub: Hub, old: Writing, command: str, content: str, output: str
) -> Writing:
    """What came of a command, as a version; content: the text it leaves.

    Raise Stale, with the output as well, when the text was changed while the command ran.
    """
    async with hub.db.transaction() as tx:
        now = await get(tx, old.account_id, old.id, lock=True)
        if content != old.content and now.revision != old.revision:
            raise Stale(
                "The document was changed while the command ran; the output is in details.",
                details=state(now) | {"output": output},
            )
        if content != old.content:
            now = replace(now, content=content, revision=now.revision + 1)
        new = replace(now, version=now.version + 1)
        await studio_documents.save(tx, new)
        await _version(tx, new, "command", command, output)
    await announce(hub, new, old, "command")
    return new


async def announce(
    hub: Hub, new: Writing, old: Writing, author: str, changes: Sequence[Json] | None = None
) -> None:
    """Tell who edits it now; what is lost here, they read from the database."""
    if new.revision == old.revision:
        return
    told: Json = {
        "type": "changed", "revision": new.revision, "base": old.revision, "version": new.version,
        "title": new.title, "by": author,
    }
    told |= {"changes": list(changes)} if changes is not None else {"content": new.content}
    await hub.events.publish(topic(new.id), told)


def topic(id: UUID) -> str:
    return f"w:{id}"


async def publish(hub: Hub, account: UUID, id: UUID) -> Writing:
    async with hub.db.transaction() as tx:
        if not await studio_documents.publish(tx, account, id):
            raise NotFound
        found = await get(tx, account, id)
        at = (found.published_at or datetime.now(UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
        told = {
            "document_id": ids.named("doc", id), "title": found.title, "version": found.version, "published_at": at,
        }
        await emit(tx, account, DOCUMENT_PUBLISHED, told, id)
    return found


async def remove(hub: Hub, account: UUID, id: UUID) -> None:
    if not await studio_documents.remove(hub.db, account, id):
        raise NotFound
    await hub.events.publish(topic(id), {"type": "deleted"})


async def grant(hub: Hub, account: UUID, id: UUID) -> tuple[str, datetime]:
    """A token that opens the document for live editing, and when it expires. Raise NotFound."""
    await get(hub.db, account, id)
    token = ids.secret("edt")
    return token, await studio_documents.add_token(hub.db, account, id, digest(token), TOKEN_SECONDS)


async def withdraw(hub: Hub, account: UUID, id: UUID) -> None:
    """No token that was given opens the document any more. Raise NotFound."""
    await get(hub.db, account, id)
    await studio_documents.remove_tokens(hub.db, account, id)
    await hub.events.publish(topic(id), {"type": "withdrawn"})


async def opened(hub: Hub, id: UUID, token: str) -> tuple[Writing, datetime] | None:
    """What a token opens, and until when; None when it opens nothing, or another document."""
    found = await studio_documents.of_token(hub.db, digest(token))
    if found is None or found["writing_id"] != id:
        return None
    writing = await studio_documents.get(hub.db, found["account_id"], id)
    return (writing, found["expires_at"]) if writing else None
