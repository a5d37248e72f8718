"""Answers go out: part by part, in order, each outcome written down."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from channels.base import Channel, ChannelError, Link
from channels.markup import Piece, split
from channels.outbound import Card, Choice, Fill, Outbound, Spot, Style
from channels.trace import scrubbed, tracing
from hub import ids
from hub.chat import choices as choosing
from hub.chat import content as messages
from hub.chat.clients.link import open_link
from hub.chat.inbound.intake import sha
from hub.chat.outbound import refused_parts
from hub.chat.outbound.albums import albums
from hub.chat.outbound.media_origins import Origins
from hub.chat.outbound.outgoing_files import files_of
from hub.chat.outbound.paragraphs import blocks
from hub.runtime import Hub
from hub.store import outbox
from hub.tracing import KEY, Span

log = logging.getLogger(__name__)

PLACEHOLDER = "…"
PAUSE = 0.4
RICH = 2  # tries as a rich message; then the words count more than how they look
TYPED = 1  # seconds of typing before an answer, where a network shows it only so
SHORT = 1000  # characters
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Address:
    """Where and how the parts of one answer go. buttons: whether choices are some. ask: what is said where buttons
    need words and there are none."""

    chat: str
    mode: str
    style: Style
    chunks: bool = False
    reply_to: str | None = None
    placeholder: str | None = None
    origins: Origins = Origins()
    buttons: bool = False
    ask: str = "Choose"


def parts_of(
    text: str, message_id: UUID, to: Address, choices: Sequence[Json] = (), shared: Sequence[Json] = (),
    files: Sequence[Json] = (),
) -> list[Json]:
    """An answer in Markdown as rows of the outbox, rendered and within the network's limits; with choices below it,
    places and contacts in front, and files behind. Pure."""
    bodies: list[Json] = list(shared)
    for block in blocks(choosing.worded(text, choices, to.style, to.buttons), to.origins.takes):
        if isinstance(block, dict):
            bodies.append({"file": to.origins.marked(block), "text": "", "plain": block["alt"]})
        else:
            style = choosing.asking(to.style, to.buttons, choices, block)
            bodies += [_said(p) for p in split(block, style, chunks=to.chunks)]
    bodies += [{"file": to.origins.marked(file), "text": "", "plain": file["alt"]} for file in files]
    bodies = albums(bodies, to.style.albums)
    choosing.attached(bodies, choices, message_id, to.style, to.buttons, to.ask)
    if bodies and to.reply_to:
        bodies[0]["reply_to"] = to.reply_to
    if to.mode == "placeholder_edit":
        # One placeholder for the whole answer; what comes after it is said at once.
        for body in bodies[1:]:
            body["bare"] = True
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


def _said(piece: Piece) -> Json:
    said: Json = {"text": piece.text, "plain": piece.plain}
    return said | {"rich": list(piece.rich)} if piece.rich else said


async def rendered(
    text: str, message_id: UUID, to: Address, choices: Sequence[Json] = (), shared: Sequence[Json] = (),
    files: Sequence[Json] = (),
) -> list[Json]:
    """The same beside the loop: Markdown that is long, or meant to take long, holds nobody up."""
    if len(text) <= SHORT:
        return parts_of(text, message_id, to, choices, shared, files)
    return await asyncio.to_thread(parts_of, text, message_id, to, choices, shared, files)


async def of_content(content: Json, message_id: UUID, to: Address, address: str) -> list[Json]:
    """A stored message as parts: words and files, choices, places and contacts."""
    files, shared = messages.files(content, address), messages.shared(content)
    text, offered = content.get("text") or "", choosing.of(content.get("choices"))
    if not (text or shared or offered or files):
        return []
    return await rendered(text, message_id, to, offered, shared, files)


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
            part = await asyncio.shield(_traced(hub, integration, part))
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
    return outbox.on_the_wire(hub.settings.wire_seconds)


async def _traced(hub: Hub, integration: Json, part: Json) -> Json | None:
    channel = integration["channel"]
    told = {"messaging.system": channel, "messaging.operation.type": "send", "hub.part": part["part"]}
    with hub.tracing.within(f"send {channel}", "client", told, part["body"].get(KEY)) as span:
        return await _send(hub, integration, part, span)


async def _send(hub: Hub, integration: Json, part: Json, span: Span) -> Json | None:
    channel, link = hub.channels[integration["channel"]], open_link(hub, integration)
    begun = time.monotonic()
    hub.reached("C9")
    with tracing() as calls:
        try:
            out = await _outbound(hub, channel.style, part, integration["presence"])
            async with asyncio.timeout(hub.settings.wire_seconds):
                network_id = await _call(hub, channel, link, part, out)
        except TimeoutError:
            late = ChannelError("The network did not answer in time.", ambiguous=True, code="timeout")
            span.failed("timeout")
            return await refused_parts.failed(hub, channel, link, part, late, wire(hub), _told(calls, link, begun))
        except ChannelError as e:
            span.failed(e.code or "refused")
            return await refused_parts.failed(hub, channel, link, part, e, wire(hub), _told(calls, link, begun))
    hub.reached("C11")
    told = _told(calls, link, begun)
    if part["body"].get("rest"):
        return await refused_parts.go_on(hub, part, "sent", wire(hub), network_id=network_id or None, trace=told)
    return await hub.outcomes.sent(part, network_id or None, told)


def _told(calls: list[Json], link: Link, begun: float) -> Json:
    """The last call of an attempt, as it may be shown."""
    secrets = {**link.settings, "webhook": link.secret, "header": link.proof}
    last: Json = scrubbed(calls[-1], secrets) if calls else {}
    return {"milliseconds": round((time.monotonic() - begun) * 1000), **last}


async def _call(hub: Hub, channel: Channel, link: Link, part: Json, out: Outbound) -> str:
    """Carry one part to the network; return its message id there."""
    if part["mode"] != "placeholder_edit" or out.template or part["body"].get("bare"):
        sent = await channel.send(link, out)
        hub.reached("C10")
        return sent
    place: str | None = part["placeholder"]
    if out.file is not None or out.spot or out.card:
        # A placeholder cannot become a picture: it goes, the picture comes.
        if place:
            await refused_parts.remove(hub, channel, link, part)
            await outbox.placeholder(hub.db, part, "")
        return await channel.send(link, out)
    if not place:
        place = await channel.send(link, Outbound(out.chat, out.key, PLACEHOLDER, PLACEHOLDER, reply_to=out.reply_to))
        if not await outbox.placeholder(hub.db, part, place):
            # Whoever has the part now makes its own placeholder; filling in ours would say it twice.
            await refused_parts.remove(hub, channel, link, {**part, "placeholder": place})
            raise ChannelError("Another process has taken this part over.", code="taken")
        part["placeholder"] = place
    try:
        await channel.edit(link, out, place)
    except ChannelError as e:
        if e.code != "gone":
            raise
        await _lost(hub, channel, link, part)
        raise ChannelError(str(e), retry_after=refused_parts.SOON, code="gone") from None
    hub.reached("C10")
    return place


async def _lost(hub: Hub, channel: Channel, link: Link, part: Json) -> None:
    """The placeholder cannot be filled in any more: one new one, and if that goes too, the words without any."""
    await refused_parts.remove(hub, channel, link, part)
    mark = "bare" if part["body"].get("again") else "again"
    await outbox.placeholder(hub.db, part, "")
    part["placeholder"] = ""
    part["body"] = {**part["body"], mark: True}
    await outbox.change(hub.db, part, part["body"])


async def _outbound(hub: Hub, style: Style, part: Json, presence: str) -> Outbound:
    body = part["body"]
    # It holds up whatever else the network sends for the account: not for people's own words, nor again and again.
    types = part["turn_id"] and part["part"] == 0 and part["attempt"] == 1
    typed = TYPED if types and presence in ("all", "typing") else 0
    files = await files_of(hub, style, body)
    return Outbound(
        chat=part["chat"],
        key=part["key"],
        text=body.get("text", ""),
        plain=body.get("plain", ""),
        reply_to=body.get("reply_to"),
        template=body.get("template"),
        language=body.get("language"),
        values=tuple(body.get("values") or ()),
        fills=tuple(Fill(**f) for f in body.get("fills") or ()),
        file=files[0] if files else None,
        album=tuple(files[1:]),
        choices=tuple(Choice(**c) for c in body.get("choices") or ()),
        menu=body.get("menu", ""),
        spot=Spot(**body["spot"]) if body.get("spot") else None,
        card=Card(**body["card"]) if body.get("card") else None,
        typed=typed,
        rich=tuple(body.get("rich") or ()) if part["attempt"] <= RICH else (),
    )


async def put_off(hub: Hub, part: Json | None, seconds: float) -> Json | None:
    """The part, or None when the network has asked for some seconds more before anything is sent."""
    return part if part is None or seconds <= 0 else await refused_parts.later(hub, part, seconds, wire(hub))


async def acknowledge(hub: Hub, integration_id: UUID, callback: str) -> None:
    """Stop the spinner of a pressed button; one that is too old spins no more."""
    integration = await outbox.integration(hub.db, integration_id)
    if integration is None:
        return
    try:
        await hub.channels[integration["channel"]].acknowledge(open_link(hub, integration), callback)
    except ChannelError as e:
        log.info("button not acknowledged: %s", e)


async def failed_later(hub: Hub, integration_id: UUID, fate: Json) -> None:
    """A network took a message and said afterwards that it failed: a closed window, a file it does not take."""
    integration = await outbox.integration(hub.db, integration_id)
    if integration is None:
        return
    named, callback = list(fate.get("message_ids") or ()), fate.get("callback")
    words = fate.get("text") or "The network did not accept the file."
    for row in await outbox.failed_files(hub.db, integration_id, named, callback):
        channel = hub.channels[integration["channel"]]
        part = await refused_parts.afterwards(hub, channel, row, fate.get("code"), words, wire(hub))
        await drain(hub, UUID(row["session_id"]), part, integration)
    template = open_link(hub, integration).settings.get("continuedMessagesTemplateId")
    if not template:
        return
    for id in await outbox.failed_by_window(hub.db, integration_id, named, callback):
        words = fate.get("text") or "WhatsApp's 24 hour window is closed."
        part = await refused_parts.hold(hub, id, None, template, words, wire(hub))
        if part is not None:
            await drain(hub, UUID(part["session_id"]), part, integration)
