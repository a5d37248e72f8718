"""Webhooks out: who is told of what, and the telling itself: signed, in order, again until it is heard."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from hub import ids
from hub.accounts import addresses
from hub.accounts.destinations import bare, moved, queried, wanted
from hub.errors import Conflict, HubError, Invalid, NotFound
from hub.runtime import Hub
from hub.sealing import sign
from hub.store import outgoing_webhooks
from hub.store.outgoing_webhooks import Line
from hub.studio import events

log = logging.getLogger(__name__)

Json = dict[str, Any]
PLACE = "webhook_endpoints.secret"
MOST, SECONDS, ANSWER = 50, 10.0, 64_000
ATTEMPTS = 24
# 10 s, then 1.8864 times as long, at most 6 h: 23 pauses between 24 attempts make 72 hours.
FIRST, GROWTH, LONGEST = 10.0, 1.8863950675793968, 21_600.0
RUN, REPLAYED = 200, 10_000


def pause(failed: int) -> float:
    """Seconds after so many failures of one delivery. Pure."""
    return min(FIRST * GROWTH ** (failed - 1), LONGEST)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Hex HMAC-SHA256 of `<timestamp>.<body>`. Pure."""
    return sign(secret, f"{timestamp}.{body.decode()}")


def check(wanted: Sequence[str]) -> list[str]:
    """Raise Invalid for what no event can fit: an exact type, `chatbot.*`, or `*`."""
    for n, one in enumerate(wanted):
        fits = one == "*" or one in events.TYPES
        fits = fits or (one.endswith(".*") and any(t.startswith(one[:-1]) for t in events.TYPES))
        if not fits:
            raise Invalid(
                f"events.{n} is no event type; use {', '.join(events.TYPES)}, a wildcard such as chatbot.*, or *.",
                field=f"events.{n}",
            )
    return list(dict.fromkeys(wanted))


async def add(hub: Hub, account: UUID, id: UUID, url: str, wanted: Sequence[str], description: str) -> str:
    """A new endpoint of this id, once; its secret, shown this once."""
    addresses.check(hub.outbound.guard, url, "url")
    types = check(wanted)
    if await outgoing_webhooks.secret(hub.db, account, id) is None:
        if await outgoing_webhooks.count(hub.db, account) >= MOST:
            raise Conflict(f"There are {MOST} webhooks already; delete one first.", code="too_many_webhooks")
        made = sealed(hub, id, ids.secret("whsec"), url)
        await outgoing_webhooks.add(hub.db, account, id, bare(url), types, description, made)
    kept = await outgoing_webhooks.secret(hub.db, account, id)
    if kept is None:
        raise NotFound
    return opened(hub, id, kept, url)[0]


def sealed(hub: Hub, id: UUID, secret: str, url: str) -> bytes:
    """The secret, and the address with its query, which may hold a token."""
    return hub.sealer.seal(PLACE, id, orjson.dumps({"secret": secret, "url": url}).decode())


def opened(hub: Hub, id: UUID, kept: bytes, url: str) -> tuple[str, str]:
    """The secret and the address of an endpoint; `url` of one whose seal holds only the secret."""
    text = hub.sealer.open(PLACE, id, bytes(kept))
    found: Json = orjson.loads(text) if text.startswith("{") else {"secret": text, "url": url}
    return found["secret"], found["url"]


async def get(hub: Hub, account: UUID, id: UUID) -> Json:
    found = await outgoing_webhooks.get(hub.db, account, id)
    if found is None:
        raise NotFound
    return addressed(hub, found)


async def listed(hub: Hub, account: UUID, before: UUID | None, limit: int) -> list[Json]:
    return [addressed(hub, row) for row in await outgoing_webhooks.listed(hub.db, account, before, limit)]


def addressed(hub: Hub, row: Json) -> Json:
    """A row with its whole address, without its secret."""
    shown = {k: v for k, v in row.items() if k != "secret"}
    return shown | {"url": opened(hub, row["id"], row["secret"], row["url"])[1]}


async def edit(
    hub: Hub, account: UUID, id: UUID, given: Json, seen: Callable[[Json], None] | None = None
) -> Json:
    """given: url, events, description, enabled, secret; what is left out stays. seen: raises when what it is given is
    not what the change was made from.

    Raise Invalid when the address moves to another host, port or scheme and the secret does not come along."""
    types = check(given["events"]) if given.get("events") else None
    async with hub.db.transaction() as tx:
        row = await outgoing_webhooks.lock(tx, account, id)
        if row is None:
            raise NotFound
        if seen is not None:
            seen(addressed(hub, row))
        secret, old = opened(hub, id, row["secret"], row["url"])
        url = queried(given["url"], "url", [old]) if given.get("url") else old
        if moved(old, url) and not given.get("secret"):
            raise wanted("secret", "url")
        if given.get("url"):
            addresses.check(hub.outbound.guard, url, "url")
        made = sealed(hub, id, given.get("secret") or secret, url)
        await outgoing_webhooks.edit(
            tx, account, id, bare(url), types, given.get("description"), given.get("enabled"), made
        )
    return await get(hub, account, id)


async def remove(hub: Hub, account: UUID, id: UUID) -> None:
    if not await outgoing_webhooks.remove(hub.db, account, id):
        raise NotFound


async def replay(hub: Hub, account: UUID, given: Json) -> int:
    """given: webhook_id, event_ids, from, to, types. Raise NotFound, Invalid when nothing is named."""
    endpoint = given.get("webhook_id")
    if endpoint is not None:
        await get(hub, account, endpoint)
    if not any(given.get(name) for name in ("event_ids", "from", "to", "types")):
        raise Invalid("Name what is to be replayed: event_ids, types, or a time with from and to.", field="event_ids")
    times = given.get("from"), given.get("to")
    types = check(given["types"]) if given.get("types") else None
    return await outgoing_webhooks.replay(hub.db, account, endpoint, given.get("event_ids"), times, types, REPLAYED)


async def deliver(hub: Hub, endpoint: UUID) -> None:
    """Tell an endpoint what waits for it, in order, until one fails or nothing is left."""
    lease = hub.settings.lease_seconds + SECONDS
    line = await outgoing_webhooks.claim(hub.db, endpoint, hub.leases.me, lease)
    if line is None:
        return
    for _ in range(RUN):
        waiting = None if hub.leases.closing else await outgoing_webhooks.head(hub.db, line)
        if waiting is None:
            break
        attempt = await _told(hub, line, waiting)
        hub.reached("H1")
        if attempt["error"] is not None:
            await _failed(hub, line, waiting, attempt)
            return
        # Not ours any more, or what it told of is deleted: whoever comes next goes on.
        if not await outgoing_webhooks.delivered(hub.db, line, waiting["id"], lease, attempt):
            break
    await outgoing_webhooks.release(hub.db, line)


async def _failed(hub: Hub, line: Line, waiting: Json, attempt: Json) -> None:
    tried = waiting["attempts"] + 1
    await outgoing_webhooks.failed(hub.db, line, waiting["id"], pause(tried), attempt, tried >= ATTEMPTS)
    reason = f"It failed for 72 hours; the last time: {attempt['error']}"
    if await outgoing_webhooks.disable(hub.db, line, reason):
        log.warning("webhook %s of account %s is disabled: %s", line.id, line.account_id, reason)


async def _told(hub: Hub, line: Line, waiting: Json) -> Json:
    """One attempt: {at, status, error, ms}; error None: it was heard."""
    content = body(line.account_id, waiting)
    secret, url = opened(hub, line.id, line.secret, line.url)
    timestamp, began = str(int(time.time())), time.monotonic()
    headers = {
        "Content-Type": "application/json", "User-Agent": "aresgen-webhooks", "Aresgen-Timestamp": timestamp,
        "Aresgen-Signature": signature(secret, timestamp, content), "Aresgen-Event": waiting["type"],
        "Aresgen-Event-Id": ids.named("evt", waiting["event_id"]),
    }
    status, error = None, None
    try:
        reply = await hub.outbound.request(
            "POST", url, headers=headers, body=content, seconds=SECONDS, limit=ANSWER, cut=True
        )
        status = reply.status
        if 300 <= status < 400:
            error = f"It answered {status}, a redirect; give its final address."
        elif status >= 400 or status < 200:
            error = f"It answered {status}."
    except HubError as e:
        error = str(e)
    spent = round((time.monotonic() - began) * 1000)
    return {"at": datetime.now(UTC).isoformat().replace("+00:00", "Z"), "status": status, "error": error, "ms": spent}


def body(account: UUID, event: Json) -> bytes:
    """An event as it is sent: the same bytes at every attempt. Pure."""
    return orjson.dumps({
        "id": ids.named("evt", event["event_id"]),
        "type": event["type"],
        "created": event["created_at"].astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "workspace_id": ids.named("ws", account),
        "data": event["data"],
    })
