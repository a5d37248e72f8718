"""Answers go out: part by part, in order, each outcome written down."""

import asyncio
import logging
import random
import re
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

from markdown_it.token import Token

from channels.base import Channel, ChannelError, File, Link, Media, Outbound, Style
from channels.markup import split
from channels.markup.read import PARSER
from channels.trace import scrubbed, tracing
from hub import ids
from hub.chat.clients.link import open_link
from hub.chat.inbound.intake import sha
from hub.runtime import Hub
from hub.store import files, outbox

log = logging.getLogger(__name__)

PLACEHOLDER = "…"
BACKOFF_CAP = 300.0
PAUSE = 0.4
# A paragraph that is nothing but a picture or a file: sent as real media.
_FILE = re.compile(r"^!?\[(?P<alt>[^\]\n]*)\]\((?P<url>https?://[^\s)]+)\)$")
_KINDS = {
    "jpg": Media.IMAGE,
    "jpeg": Media.IMAGE,
    "png": Media.IMAGE,
    "webp": Media.IMAGE,
    "gif": Media.IMAGE,
    "mp3": Media.AUDIO,
    "ogg": Media.VOICE,
    "oga": Media.VOICE,
    "mp4": Media.VIDEO,
    "pdf": Media.DOCUMENT,
}
_MIMES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "oga": "audio/ogg",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Address:
    """Where and how the parts of one answer go."""

    chat: str
    mode: str
    style: Style
    chunks: bool = False
    reply_to: str | None = None
    placeholder: str | None = None


def parts_of(text: str, message_id: UUID, to: Address) -> list[Json]:
    """An answer in Markdown as rows of the outbox, rendered and within the network's limits. Pure."""
    bodies: list[Json] = []
    for block in _blocks(text):
        if isinstance(block, dict):
            bodies.append({"file": block, "text": "", "plain": block["alt"]})
        else:
            bodies += [{"text": p.text, "plain": p.plain} for p in split(block, to.style, chunks=to.chunks)]
    if bodies and to.reply_to:
        bodies[0]["reply_to"] = to.reply_to
    rows = [
        {
            "key": str(ids.uuid7()),
            "message_id": str(message_id),
            "chat": to.chat,
            "body": b,
            "mode": to.mode,
            "sha": sha(b["text"]),
        }
        for b in bodies
    ]
    if rows and to.placeholder:
        rows[0]["placeholder"] = to.placeholder
    return rows


def _blocks(text: str) -> list[str | Json]:
    """The text cut where a paragraph is only a file: an image, or a link to a file by its ending."""
    lines = re.sub(r"\r\n?", "\n", text).split("\n")
    found: list[str | Json] = []
    done = 0
    for paragraph, inside in pairwise(_tokens("\n".join(lines))):
        file = _file_of(inside.content) if paragraph.type == "paragraph_open" and paragraph.level == 0 else None
        if file is not None and paragraph.map:
            found += ["\n".join(lines[done : paragraph.map[0]]), file]
            done = paragraph.map[1]
    found.append("\n".join(lines[done:]))
    return [f for f in found if not isinstance(f, str) or f.strip()]


def _tokens(text: str) -> list[Token]:
    try:
        return PARSER.parse(text)
    except RecursionError:
        return []


def _file_of(paragraph: str) -> Json | None:
    match = _FILE.match(paragraph.strip())
    if match is None:
        return None
    address = match["url"].split("?")[0]
    ending = address.rsplit(".", 1)[-1].lower()
    if ending not in _KINDS and not paragraph.strip().startswith("!"):
        return None
    kind, mime = _KINDS.get(ending, Media.IMAGE), _MIMES.get(ending, "image/png")
    return {
        "url": match["url"],
        "media": str(kind),
        "mime": mime,
        "alt": match["alt"],
        "name": match["alt"] or address.rsplit("/", 1)[-1],
    }


async def drain(hub: Hub, session: UUID, part: Json | None, integration: Json | None = None) -> None:
    """Send parts of a session until nothing may go now. `part` is already marked as being sent."""
    started = time.clock_gettime(time.CLOCK_BOOTTIME)
    while part is not None:
        if integration is None or integration["id"] != part["integration_id"]:
            named = part["integration_id"]
            integration = await outbox.integration(hub.db, UUID(named)) if named else None
        if integration is None:
            part = await outbox.sent(
                hub.db,
                part,
                hub.leases.me,
                "dead",
                wire(hub),
                code="no_integration",
                error="The integration was deleted before this was sent.",
            )
            continue
        # A process that slept must not send what somebody else has been given meanwhile.
        late = time.clock_gettime(time.CLOCK_BOOTTIME) - started > wire(hub) / 2
        if late:
            part = await outbox.sent(
                hub.db, part, hub.leases.me, "queued", wire(hub), code="late", error="The sender was paused."
            )
        else:
            part = await asyncio.shield(_send(hub, integration, part))
            if part is not None:
                hub.reached("C12")
        started = time.clock_gettime(time.CLOCK_BOOTTIME)
        if part is not None and part["part"] > 0 and part["mode"] != "at_most_once":
            await asyncio.sleep(PAUSE)


async def resume(hub: Hub, session: UUID) -> None:
    """Go on with what waits in a session's outbox."""
    await drain(hub, session, await outbox.claim(hub.db, session, hub.leases.me, wire(hub)))


def wire(hub: Hub) -> float:
    """How long a part may be on the wire before its sender counts as lost, seconds."""
    return hub.settings.wire_seconds * 2 + 2


async def _send(hub: Hub, integration: Json, part: Json) -> Json | None:
    channel, link = hub.channels[integration["channel"]], open_link(hub, integration)
    me, begun = hub.leases.me, time.monotonic()
    hub.reached("C9")
    with tracing() as calls:
        try:
            async with asyncio.timeout(hub.settings.wire_seconds):
                network_id = await _call(hub, channel, link, part)
        except TimeoutError:
            late = ChannelError("The network did not answer in time.", ambiguous=True, code="timeout")
            return await _failed(hub, link, part, late, _told(calls, link, begun))
        except ChannelError as e:
            return await _failed(hub, link, part, e, _told(calls, link, begun))
    hub.reached("C11")
    told = _told(calls, link, begun)
    return await outbox.sent(hub.db, part, me, "sent", wire(hub), network_id=network_id or None, trace=told)


def _told(calls: list[Json], link: Link, begun: float) -> Json:
    """The last call of an attempt, as it may be shown."""
    secrets = {**link.settings, "webhook": link.secret}
    last: Json = scrubbed(calls[-1], secrets) if calls else {}
    return {"milliseconds": round((time.monotonic() - begun) * 1000), **last}


async def _call(hub: Hub, channel: Channel, link: Link, part: Json) -> str:
    """Carry one part to the network; return its message id there."""
    out = await _outbound(hub, part)
    if part["mode"] != "placeholder_edit" or out.template:
        sent = await channel.send(link, out)
        hub.reached("C10")
        return sent
    place: str | None = part["placeholder"]
    if out.file is not None:
        # A placeholder cannot become a picture: it goes, the picture comes.
        if place:
            await channel.delete(link, out.chat, place)
            await outbox.placeholder(hub.db, part, "")
        return await channel.send(link, out)
    if not place:
        place = await channel.send(link, Outbound(out.chat, out.key, PLACEHOLDER, PLACEHOLDER, reply_to=out.reply_to))
        if not await outbox.placeholder(hub.db, part, place):
            # Whoever has the part now makes its own placeholder; filling in ours would say it twice.
            raise ChannelError("Another process has taken this part over.", code="taken")
    try:
        await channel.edit(link, out, place)
    except ChannelError as e:
        if e.code != "gone":
            raise
        await outbox.placeholder(hub.db, part, "")  # somebody deleted it: the next try makes a new one
        raise ChannelError(str(e), retry_after=0.1, code="gone") from None
    hub.reached("C10")
    return place


async def _outbound(hub: Hub, part: Json) -> Outbound:
    body = part["body"]
    return Outbound(
        chat=part["chat"],
        key=part["key"],
        text=body.get("text", ""),
        plain=body.get("plain", ""),
        reply_to=body.get("reply_to"),
        template=body.get("template"),
        language=body.get("language"),
        values=tuple(body.get("values") or ()),
        file=await _file(hub, body.get("file")),
    )


async def _file(hub: Hub, body: Json | None) -> File | None:
    """A file of ours is sent as bytes: the network may not be able to reach the hub."""
    if body is None:
        return None
    mine = f"{hub.settings.address}/media/"
    content, mime = None, body["mime"]
    if body["url"].startswith(mine):
        row = await files.public(hub.db, body["url"].removeprefix(mine).split("/")[0].split("?")[0])
        if row is not None:
            content, mime = bytes(row["content"]), row["mime"]
    return File(media=Media(body["media"]), mime=mime, name=body["name"], content=content, url=body["url"])


async def _failed(hub: Hub, link: Link, part: Json, e: ChannelError, told: Json) -> Json | None:
    me, words, limit = hub.leases.me, str(e), wire(hub)
    template = link.settings.get("continuedMessagesTemplateId")
    if e.code == "window_closed" and template and not part["body"].get("template"):
        return await hold(hub, part["id"], part["attempt"], template, words)
    if e.permanent:
        return await outbox.sent(hub.db, part, me, "dead", limit, code=e.code, error=words, trace=told)
    if e.ambiguous and part["mode"] in ("at_most_once", "reconcile"):
        after = hub.settings.reconcile_seconds
        return await outbox.sent(
            hub.db, part, me, "unknown", limit, code=e.code or "ambiguous", error=words, after=after, trace=told
        )
    after = e.retry_after if e.retry_after is not None else backoff(part["attempt"])
    following = await outbox.sent(
        hub.db, part, me, "queued", limit, code=e.code, error=words, after=after, trace=told
    )
    await hub.queue.send(UUID(part["session_id"]), f"{part['id']}:{part['attempt']}", after + 0.01)
    return following


async def hold(hub: Hub, part_id: int, attempt: int | None, template: str, words: str) -> Json | None:
    """Send the template now; the text waits until the contact answers and so opens the window."""
    body = {"template": template, "text": "", "plain": f"[template {template}]"}
    return await outbox.hold_for_template(hub.db, part_id, attempt, hub.leases.me, ids.uuid7(), body, words, wire(hub))


def backoff(attempt: int) -> float:
    """Full jitter: up to 1 s, 2 s, 4 s ... at most five minutes."""
    return random.uniform(0.05, min(BACKOFF_CAP, 2.0 ** max(0, attempt - 1)))


async def failed_later(hub: Hub, integration_id: UUID, fate: Json) -> None:
    """A network took a message and said afterwards that it failed (WhatsApp's closed window)."""
    integration = await outbox.integration(hub.db, integration_id)
    if integration is None:
        return
    template = open_link(hub, integration).settings.get("continuedMessagesTemplateId")
    if not template:
        return
    for id in await outbox.failed_by_window(
        hub.db, integration_id, list(fate.get("message_ids") or ()), fate.get("callback")
    ):
        part = await hold(hub, id, None, template, fate.get("text") or "WhatsApp's 24 hour window is closed.")
        if part is not None:
            await drain(hub, UUID(part["session_id"]), part, integration)
