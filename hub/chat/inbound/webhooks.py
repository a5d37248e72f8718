"""One webhook call: who it belongs to, whether it is real, what becomes of it. No HTTP here."""

import hashlib
import hmac
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID

import asyncpg

from channels.base import BadSignature, Hook, Inbound, Link, Unreadable
from hub import ids
from hub.chat.clients.link import open_link
from hub.chat.inbound.intake import Intake, items_of
from hub.errors import HubError
from hub.runtime import Hub
from hub.sealing import digest
from hub.store import inbox

log = logging.getLogger(__name__)

REMEMBER = 1.0  # seconds an integration is remembered: changes act within this time
CONFIG_GRACE = timedelta(minutes=10)
KEPT_HEADERS = ("content-type", "user-agent", "x-webhook-event", "x-event-type", "content-encoding")


class Verdict(Enum):
    """What the network is told."""

    STORED = auto()
    REFUSED = auto()  # not from the network
    UNKNOWN = auto()  # no such integration
    CHANGING = auto()  # no such integration, but its chat client was changed a moment ago


@dataclass(frozen=True, slots=True)
class Knock:
    """A webhook call as it came in; header names in lower case."""

    channel: str
    client_id: UUID
    secret: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An integration as it is remembered: its row and, opened once, what its adapter works with."""

    row: dict[str, Any]
    link: Link


class Receiver:
    """Remembers integrations for a second, so that a busy one costs no look-up per call."""

    def __init__(self, hub: Hub, intake: Intake) -> None:
        self._hub = hub
        self._intake = intake
        self._known: dict[tuple[UUID, str], tuple[float, Endpoint | None]] = {}

    async def receive(self, knock: Knock) -> Verdict:
        """Verify, store, answer. Raise Overloaded when the database cannot take it now."""
        endpoint = await self._endpoint(knock)
        if endpoint is None:
            if await inbox.changed_since(self._hub.db, knock.client_id, datetime.now(UTC) - CONFIG_GRACE):
                return Verdict.CHANGING
            return Verdict.UNKNOWN
        if not hmac.compare_digest(digest(knock.secret), endpoint.row["secret_hash"]):
            return Verdict.REFUSED
        hook = Hook(knock.headers, knock.body)
        try:
            arrived = self._hub.channels[knock.channel].receive(endpoint.link, hook)
            items = await items_of(self._hub.db, endpoint.row, arrived, self._hub.settings.max_debounce_wait)
        except BadSignature:
            return Verdict.REFUSED
        except Unreadable as e:
            await self._quarantine(knock, endpoint, str(e))
            return Verdict.STORED
        await self._learn(endpoint, arrived)
        for one in arrived:
            if one.ignore and one.ignore.startswith("unsupported"):
                log.warning("%s of client %s not answered: %s", one.event, knock.client_id, one.ignore)
        self._hub.reached("C1")
        try:
            await self._intake.store(items)
        except HubError:
            raise
        except (asyncpg.PostgresError, ValueError) as e:
            await self._quarantine(knock, endpoint, f"could not be stored: {type(e).__name__}")
        self._hub.reached("C2")
        return Verdict.STORED

    async def _learn(self, endpoint: Endpoint, arrived: Sequence[Inbound]) -> None:
        """Ids of the account itself, which networks tell now and then."""
        taught = {i for one in arrived for i in one.ours} - set(endpoint.row["own_ids"])
        if taught:
            await inbox.learn(self._hub.db, endpoint.row["id"], sorted(taught))
            self._known.pop((endpoint.row["client_id"], endpoint.row["channel"]), None)

    async def _endpoint(self, knock: Knock) -> Endpoint | None:
        key, now = (knock.client_id, knock.channel), time.monotonic()
        kept = self._known.get(key)
        if kept and kept[0] > now:
            return kept[1]
        if len(self._known) > 5000:
            self._known = {k: v for k, v in self._known.items() if v[0] > now}
        row = await inbox.endpoint(self._hub.db, *key)
        endpoint = Endpoint(row, open_link(self._hub, row)) if row else None
        self._known[key] = (now + REMEMBER, endpoint)
        return endpoint

    async def refuse(self, knock: Knock, reason: str) -> None:
        """Keep a call that was answered with success and dropped (Z-API never sends it again)."""
        endpoint = await self._endpoint(knock)
        log.warning("%s webhook of client %s dropped: %s", knock.channel, knock.client_id, reason)
        await self._quarantine(knock, endpoint, reason)

    async def _quarantine(self, knock: Knock, endpoint: Endpoint | None, reason: str) -> None:
        raw = knock.body[:1_000_000]
        self._intake.counts["quarantined"] = self._intake.counts.get("quarantined", 0) + 1
        await inbox.quarantine(
            self._hub.db,
            ids.uuid7(),
            endpoint.row["account_id"] if endpoint else None,
            endpoint.row["id"] if endpoint else None,
            (hashlib.sha256(knock.body).digest(), raw),
            {k: v for k, v in knock.headers.items() if k in KEPT_HEADERS},
            reason,
        )
