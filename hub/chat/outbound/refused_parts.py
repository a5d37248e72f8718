"""What becomes of a part that did not go out: tried again with a limit, sent in another form, or dead with its reason.

A refusal may depend on the part itself (its picture's link is broken) or on the network as a whole. Only the second
is waited out: after `TRIES` the network is asked whether it is there at all, and if it is, the part makes way for what
stands for it (its link, its plain text) and what is behind it goes on. Nothing stands at the head of a conversation
for ever.
"""

import asyncio
import logging
import random
from typing import Any
from uuid import UUID

from channels.base import Channel, ChannelError, Link
from hub import ids
from hub.chat.clients import templates
from hub.chat.inbound.intake import sha
from hub.chat.outbound.albums import parted
from hub.chat.outbound.outgoing_files import instead
from hub.runtime import Hub
from hub.store import outbox, strays

log = logging.getLogger(__name__)

Json = dict[str, Any]
TRIES, WAITS = 5, (2.0, 10.0, 30.0, 70.0)  # within two minutes
LAST_TRIES = 3  # of what stands for a part
BUSY_TRIES = 15  # of a part that is to be sent more slowly; their waits grow too
AWAY_TRIES = 300  # while the network is not there: a day, since no wait is longer than five minutes
THRICE = 3  # how often a placeholder is sent when nobody knows whether it arrived
SOON = 0.1
BACKOFF_CAP = 300.0
BUSY = frozenset({"429", "rate_limited", "in_flight"})
UNREACHED = frozenset({"unreachable", "dns", "tls"})
# The person or the account is what is refused: no other form of the part helps.
HOPELESS = frozenset({
    "blocked", "unauthorized", "chat_not_found", "bad_chat", "not_on_whatsapp", "no_address", "window_closed",
    "opted_out", "account_locked", "account_blocked", "country", "not_delivered", "no_instance", "not_found", "license",
    "client_token", "bad_settings", "template", "template_paused", "template_disabled",
})
# What is wrong with the template is wrong for everybody it goes to.
HALTS = frozenset({"template_paused", "template_disabled"})
# Whoever is refused one part is refused all.
STOPS = frozenset({"blocked", "unauthorized"})


async def failed(
    hub: Hub, channel: Channel, link: Link, part: Json, e: ChannelError, limit: float, told: Json
) -> Json | None:
    """Write down what became of a call; return the session's next part, marked as being sent. `limit`: see `wire`."""
    me, words, body = hub.leases.me, str(e), part["body"]
    template = link.settings.get("continuedMessagesTemplateId")
    if e.code == "window_closed" and template and not body.get("template"):
        return await hold(hub, part["id"], part["attempt"], template, words, limit)
    if e.permanent:
        return await _refused(hub, channel, link, part, e, limit, told)
    if e.ambiguous and part["mode"] != "at_least_once" and not fills_in(part):
        return await _unknown(hub, part, e, limit, told)
    if e.ambiguous and fills_in(part) and not part.get("placeholder"):
        await strays.mark(hub.db, UUID(part["session_id"]))
    arrived = e.code not in BUSY | UNREACHED
    if arrived and fills_in(part) and part.get("placeholder") and not body.get("doubted"):
        # The words may stand in its place: that is not taken away when the part is given up.
        body = part["body"] = {**body, "doubted": True}
        await outbox.change(hub.db, part, body)
    failures = await outbox.failed(hub.db, part)
    after = wait(part["attempt"], failures, e)
    if failures < _tries(body, e):
        await _otherwise(hub, part, e, failures)
    elif e.code in BUSY or part["attempt"] >= AWAY_TRIES or await _there(hub, channel, link):
        if e.ambiguous:
            return await _unknown(hub, part, e, limit, told)
        return await _refused(hub, channel, link, part, e, limit, told)
    else:
        await outbox.change(hub.db, part, body, 0)
        after = max(backoff(part["attempt"]), e.retry_after or 0.0)
    following = await outbox.sent(hub.db, part, me, "queued", limit, code=e.code, error=words, after=after, trace=told)
    await hub.queue.send(UUID(part["session_id"]), f"{part['id']}:{part['attempt']}", after + 0.01, _lane(part))
    return following


def fills_in(part: Json) -> bool:
    """Whether it can be sent again without ever being there twice (`fills_in` in SQL says the same)."""
    return part["mode"] == "placeholder_edit" and not part["body"].keys() & {"bare", "file", "template", "spot", "card"}


def _tries(body: Json, e: ChannelError) -> int:
    return BUSY_TRIES if e.code in BUSY else LAST_TRIES if body.get("last") else TRIES


async def _otherwise(hub: Hub, part: Json, e: ChannelError, failures: int) -> None:
    """How the part is to be tried the next time, where another way may help."""
    body = part["body"]
    if e.ambiguous and fills_in(part) and not part.get("placeholder") and failures >= THRICE:
        # Each try may have shown another placeholder: now the words go without any.
        await outbox.change(hub.db, part, {**body, "bare": True}, 0)


async def _refused(
    hub: Hub, channel: Channel, link: Link, part: Json, e: ChannelError, limit: float, told: Json
) -> Json | None:
    """The part cannot go as it is."""
    me, body = hub.leases.me, part["body"]
    hopeless = e.code in HOPELESS or (e.code == "forbidden" and not body.get("file"))
    if part.get("placeholder") and part["mode"] == "placeholder_edit" and e.code not in STOPS:
        await remove(hub, channel, link, part)
        await outbox.placeholder(hub.db, part, "")
        if not hopeless and not body.get("bare") and not body.get("file"):
            await outbox.change(hub.db, part, {**body, "bare": True}, 0)
            return await outbox.sent(hub.db, part, me, "queued", limit, code=e.code, error=str(e), trace=told)
    other = None if hopeless else instead(body, channel.style)
    if other is not None:
        return await outbox.fall_back(
            hub.db,
            part,
            part["attempt"],
            me,
            ids.uuid7(),
            other,
            sha(other["text"]),
            limit,
            code=e.code,
            error=str(e),
            trace=told,
        )
    if e.code in STOPS:
        await outbox.stop(hub.db, part, e.code, str(e))
    if e.code in HALTS and body.get("template"):
        await templates.refused(hub.db, part, str(e))
    if body.get("rest") and e.code not in STOPS:
        return await go_on(hub, part, "dead", limit, code=e.code, error=str(e), trace=told)
    return await outbox.sent(hub.db, part, me, "dead", limit, code=e.code, error=str(e), trace=told)


async def go_on(
    hub: Hub, part: Json, state: str, limit: float, *, network_id: str | None = None, code: str | None = None,
    error: str | None = None, trace: Json | None = None
) -> Json | None:
    """A file of an album that goes one by one has its outcome, and a row of its own; the next takes its place."""
    gone, following = parted(part["body"])
    return await outbox.go_on(
        hub.db, part, hub.leases.me, state, ids.uuid7(), gone, following, limit, network_id=network_id, code=code,
        error=error, trace=trace,
    )


async def _there(hub: Hub, channel: Channel, link: Link) -> bool:
    try:
        async with asyncio.timeout(hub.settings.wire_seconds / 2):
            return await channel.alive(link)
    except TimeoutError:
        return False


async def _unknown(hub: Hub, part: Json, e: ChannelError, limit: float, told: Json) -> Json | None:
    return await outbox.sent(
        hub.db,
        part,
        hub.leases.me,
        "unknown",
        limit,
        code=e.code or "ambiguous",
        error=str(e),
        after=hub.settings.reconcile_seconds,
        trace=told,
    )


def _lane(part: Json) -> tuple[str, str]:
    return str(part["account_id"]), str(part["integration_id"] or "")


async def later(hub: Hub, part: Json, seconds: float, limit: float) -> Json | None:
    """The network asked for time before the part could even be tried: it waits."""
    words = "The network asked to wait."
    following = await outbox.sent(hub.db, part, hub.leases.me, "queued", limit, code="429", error=words, after=seconds)
    await hub.queue.send(UUID(part["session_id"]), f"{part['id']}:w", seconds + 0.01, _lane(part))
    return following


async def hold(hub: Hub, part_id: int, attempt: int | None, template: str, words: str, limit: float) -> Json | None:
    """Send the template now; the text waits until the contact answers and so opens the window."""
    body = {"template": template, "text": "", "plain": f"[template {template}]"}
    return await outbox.hold_for_template(hub.db, part_id, attempt, hub.leases.me, ids.uuid7(), body, words, limit)


async def afterwards(hub: Hub, channel: Channel, part: Json, code: str | None, words: str, limit: float) -> Json | None:
    """A file that the network took and refused later goes as its link. The part to send now."""
    body = part["body"]
    other = None if code in HOPELESS else instead(body, channel.style)
    if other is None:
        return None
    return await outbox.fall_back(
        hub.db, part, None, hub.leases.me, ids.uuid7(), other, sha(other["text"]), limit, code=code, error=words
    )


async def remove(hub: Hub, channel: Channel, link: Link, part: Json) -> None:
    """Take a part's placeholder away. What cannot be removed now must not keep the words from coming: a sweep asks
    again."""
    try:
        await channel.delete(link, part["chat"], part["placeholder"])
    except ChannelError as e:
        log.info("placeholder not removed: %s", e)
        if not e.permanent:
            await strays.leave(hub.db, UUID(part["session_id"]), part["placeholder"])


def wait(attempt: int, failures: int, e: ChannelError) -> float:
    """Seconds until the next try: as long as the network asks, and longer with each try."""
    if e.code == "gone" and e.retry_after is not None:
        return e.retry_after
    if e.code in BUSY:
        return max(e.retry_after or 1.0, random.uniform(0.5, 1.0) * min(BACKOFF_CAP, 2.0 ** (failures - 4)))
    grown = backoff(attempt) if e.code in UNREACHED else random.uniform(0.5, 1.0) * WAITS[min(failures, len(WAITS)) - 1]
    return max(grown, e.retry_after or 0.0)


def backoff(attempt: int) -> float:
    """Full jitter: up to 1 s, 2 s, 4 s ... at most five minutes."""
    return random.uniform(0.05, min(BACKOFF_CAP, 2.0 ** min(30, max(0, attempt - 1))))
