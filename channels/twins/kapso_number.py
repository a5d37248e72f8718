"""One WhatsApp number at Kapso: its webhooks, conversations and how events are delivered."""

import asyncio
import hashlib
import hmac
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from channels.twins.webhooks import Envelope, Hooks, Outcome, Policy, Push

Json = dict[str, Any]
WAITS = (0.0, 0.0, 10.0, 40.0, 90.0)
# The documentation says three retries here and three attempts there; the shorter one hurts more.
POLICY = Policy(3, lambda n: WAITS[min(n, 4)], timeout=10.0, order="first")
# A webhook that mostly fails is switched off.
PAUSE_WINDOW, PAUSE_LEAST, PAUSE_FAILED, PAUSE_SHARE = 900.0, 40, 10, 0.85


def moment(at: float | None = None) -> str:
    """ISO 8601 in UTC."""
    found = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    return found.isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Webhook:
    """A registered webhook; `row` is what the platform API shows."""

    row: Json
    recent: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=500))
    buffers: dict[str, list[Json]] = field(default_factory=dict)
    timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    def buffered(self, event: str) -> bool:
        """Whether such events wait for more."""
        listed = self.row.get("buffer_events") or []
        return bool(self.row.get("buffer_enabled")) and (not listed or event in listed)

    def note(self, ok: bool) -> None:
        """Count a delivery; too many failures pause the webhook."""
        now = time.time()
        self.recent.append((now, ok))
        fresh = [o for t, o in self.recent if now - t <= PAUSE_WINDOW]
        bad = fresh.count(False)
        many = len(fresh) >= PAUSE_LEAST and bad >= PAUSE_FAILED
        if many and bad / len(fresh) >= PAUSE_SHARE:
            self.row["active"] = False


@dataclass(slots=True)
class Number:
    """A phone number id."""

    id: str
    key: str = ""
    seen: float = 0.0
    registered: float = 0.0
    hooks: dict[str, Webhook] = field(default_factory=dict)
    created: dict[str, str] = field(default_factory=dict)  # conversations
    deliveries: deque[Json] = field(default_factory=lambda: deque(maxlen=500))
    network: str = "kapso"
    greeting: Json = field(default_factory=dict)

    def add(self, given: Json, project: str) -> Json:
        """A new webhook's row."""
        now = moment()
        row: Json = {
            "id": str(uuid.uuid4()),
            "url": given.get("url"),
            "kind": given.get("kind") or "kapso",
            "events": given.get("events") or [],
            "active": bool(given.get("active", True)),
            "created_at": now,
            "updated_at": now,
            "project_id": project,
            "phone_number_id": self.id,
            "secret_key": given.get("secret_key") or uuid.uuid4().hex,
            "headers": given.get("headers") or {},
            "buffer_enabled": bool(given.get("buffer_enabled", False)),
            "buffer_window_seconds": given.get("buffer_window_seconds") or 5,
            "max_buffer_size": given.get("max_buffer_size") or 50,
            "buffer_events": given.get("buffer_events") or [],
            "inactivity_minutes": given.get("inactivity_minutes") or 60,
            "payload_version": given.get("payload_version") or "v2",
        }
        self.hooks[row["id"]] = Webhook(row)
        self.registered = time.time()
        return row

    def listeners(self, event: str) -> list[Webhook]:
        """Active webhooks that want the event; those of kind meta get everything."""
        return [
            h
            for h in self.hooks.values()
            if h.row["active"] and (h.row["kind"] == "meta" or event in h.row["events"])
        ]


@dataclass(slots=True)
class KapsoPush(Push):
    """A push that may have to wait for a batch."""

    hook: Webhook | None = None
    item: Json = field(default_factory=dict)


def single(number: Number, hook: Webhook, event: str, item: Json, meta: Json) -> KapsoPush:
    """One event as one delivery."""
    if hook.row["kind"] == "meta":
        body = orjson.dumps(meta)
        headers = {"X-Idempotency-Key": hashlib.sha256(body).hexdigest()}
        if number.network == "cloud":
            headers = {"User-Agent": "facebookexternalua"}
    else:
        body = orjson.dumps(item, option=orjson.OPT_INDENT_2)
        headers = _named(event)
    return _push(number, hook, event, item, body, headers)


def batch(number: Number, hook: Webhook, event: str, items: list[Json]) -> KapsoPush:
    """Several events of a conversation as one delivery, even when it is one."""
    listed = []
    for item in items:
        message = dict(item["message"])
        message["kapso"] = message["kapso"] | {
            "phone_number": item["conversation"]["phone_number"],
            "phone_number_id": number.id,
        }
        listed.append(item | {"message": message})
    body = orjson.dumps({"type": event, "batch": True, "data": listed})
    more = {"X-Webhook-Batch": "true", "X-Batch-Size": str(len(items))}
    return _push(number, hook, event, items[0], body, _named(event) | more)


def _named(event: str) -> dict[str, str]:
    return {
        "X-Webhook-Event": event,
        "X-Idempotency-Key": str(uuid.uuid4()),
        "X-Webhook-Payload-Version": "v2",
    }


def _push(
    number: Number, hook: Webhook, event: str, item: Json, body: bytes, headers: dict[str, str]
) -> KapsoPush:
    chat = str(item["conversation"]["id"])

    def make() -> Envelope | None:
        if not hook.row["active"] or hook.row["id"] not in number.hooks:
            return None
        # Signed at the time of sending: a changed secret counts at once.
        signed = hmac.new(str(hook.row["secret_key"]).encode(), body, hashlib.sha256).hexdigest()
        own = {str(k): str(v) for k, v in hook.row["headers"].items()}
        header = {"X-Webhook-Signature": signed}
        if number.network == "cloud":
            header = {"X-Hub-Signature-256": f"sha256={signed}"}
        fixed = {"Content-Type": "application/json", **header}
        return Envelope(str(hook.row["url"]), own | fixed | headers, body)

    def attempted(outcome: Outcome) -> None:
        hook.note(outcome.ok)
        number.deliveries.append(
            {"id": headers.get("X-Idempotency-Key"), "event": event, "status": outcome.status}
        )

    return KapsoPush(
        number.network, number.id, event, chat, make, POLICY, chat, attempted, None, hook, item
    )


class Batches:
    """Events that wait for others of their conversation."""

    def __init__(self, hooks: Hooks, speed: float) -> None:
        self._hooks = hooks
        self._speed = speed

    def add(self, number: Number, push: KapsoPush, hook: Webhook) -> None:
        """Wait until the conversation is quiet or the batch is full."""
        name = f"{push.event} {push.chat}"
        waiting = hook.buffers.setdefault(name, [])
        waiting.append(push.item)
        if name in hook.timers:
            hook.timers.pop(name).cancel()
        if len(waiting) >= int(hook.row["max_buffer_size"]):
            self._flush(number, hook, push.event, name)
            return
        seconds = float(hook.row["buffer_window_seconds"]) * self._speed
        loop = asyncio.get_running_loop()
        flush: Callable[..., None] = self._flush
        hook.timers[name] = loop.call_later(seconds, flush, number, hook, push.event, name)

    def _flush(self, number: Number, hook: Webhook, event: str, name: str) -> None:
        hook.timers.pop(name, None)
        items = hook.buffers.pop(name, [])
        if not items:
            return
        push = batch(number, hook, event, items)

        def failed() -> None:  # now one by one, under new keys
            for item in items:
                self._hooks.post(single(number, hook, event, item, {}))

        push.failed = failed
        self._hooks.post(push)
