"""One webhook call: who it belongs to, whether it is real, what becomes of it. No HTTP here."""

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from channels.base import BadSignature, Challenged, Hook, Link, Unreadable
from hub import ids
from hub.chat.clients.link import open_link
from hub.chat.inbound.alone import Alone, Mine
from hub.chat.inbound.intake import Intake, carry, items_of
from hub.chat.inbound.journal import Done, Journal
from hub.chat.inbound.reading import learned, read
from hub.errors import HubError, Overloaded
from hub.personal_keys import Unkeyed
from hub.runtime import Hub
from hub.sealing import digest
from hub.store import inbox, scope
from hub.store.arrivals import Kept
from hub.store.db import of_data

log = logging.getLogger(__name__)

REMEMBER = 1.0  # seconds an integration is remembered: changes act within this time
EARLY = 0.7  # seconds before their end in which it is asked for again
CONFIG_GRACE = timedelta(minutes=10)
# To whom it makes a difference whether an address was one a moment ago; all others are told the same in both cases.
ASKS_AGAIN = frozenset({"evolution"})
REMEMBERED = 5000
HEARD, LATELY = 0.1, 5.0
TURNS = 3  # how often a call that cannot be kept tries to get past those that are
PATIENCE = 4  # times as long as a call may take, while others are stored
# What is kept of a body that could not be read, and of one that was refused; and how many of them.
LARGEST, SHOWN, VALUE, AN_HOUR = 1_000_000, 1024, 300, 120
WRONG = "wrong secret or signature"
KEPT_HEADERS = ("content-type", "user-agent", "x-webhook-event", "x-event-type", "content-encoding")

Place = tuple[UUID, str]  # of which chat client, on which network


class NotStored(Overloaded):
    """The hub is busy; try again in a few seconds."""


class Verdict(Enum):
    """What the network is told."""

    STORED = auto()
    REFUSED = auto()  # not from the network
    UNKNOWN = auto()  # no such integration
    CHANGING = auto()  # no such integration, but its chat client was changed a moment ago


@dataclass(frozen=True, slots=True)
class Call:
    """A webhook call before its body is read; header names in lower case."""

    channel: str
    client_id: UUID
    secret: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Knock(Call):
    """A webhook call as it came in."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An integration as it is remembered: its row and, opened once, what its adapter works with."""

    row: dict[str, Any]
    link: Link


class Receiver:
    """Remembers integrations for a second, so that a busy one costs no look-up per call."""

    def __init__(self, hub: Hub, intake: Intake, journal: Journal | None = None, alone: Alone | None = None) -> None:
        """journal: where calls are kept in a crowd; without it all are stored at once. alone: folds those that came
        alone."""
        self._hub = hub
        self._intake = intake
        self._journal = journal
        self._alone = alone
        self._known: dict[Place, tuple[float, Endpoint | None]] = {}
        self._asked: dict[tuple[Place, int], asyncio.Task[Endpoint | None]] = {}
        # Hashes of secrets that were found good, for when nobody can be asked.
        self._good: dict[tuple[UUID, str], bytes] = {}
        self._learned = 0
        self._stored_at = time.monotonic()
        self._late: set[asyncio.Task[Verdict]] = set()

    async def admits(self, call: Call) -> Verdict:
        """STORED where the body is worth reading: the address is one of ours and its secrets are right, as far as they
        do not stand in the body. Raise Overloaded when the database cannot be asked."""
        with _whose_fault():
            return (await self._admitted(call))[0]

    def fell_behind(self, client: UUID, channel: str) -> None:
        """A call was not stored: what it tells is not known here. Only some networks tell of what was sent (`echoes`);
        calls of the others leave nobody in doubt."""
        one = self._hub.channels.get(channel)
        if one is not None and one.echoes:
            self._intake.behind.add(client, channel)

    def remembers(self, call: Call) -> bool:
        """Whether such a call was admitted before."""
        good = self._good.get((call.client_id, call.channel), b"")
        return hmac.compare_digest(digest(call.secret), good)

    async def _admitted(self, call: Call) -> tuple[Verdict, Endpoint | None]:
        endpoint = await self._endpoint(call)
        if endpoint is None:
            # Who guesses at addresses costs one question each, and the same address none for a while.
            changed = call.channel in ASKS_AGAIN and await inbox.changed_since(
                self._hub.db, call.client_id, datetime.now(UTC) - CONFIG_GRACE
            )
            return (Verdict.CHANGING if changed else Verdict.UNKNOWN), None
        if not self.genuine(endpoint, call):
            return Verdict.REFUSED, endpoint
        if len(self._good) > REMEMBERED:
            self._good.clear()
        self._good[call.client_id, call.channel] = digest(call.secret)
        return Verdict.STORED, endpoint

    def genuine(self, endpoint: Endpoint, call: Call) -> bool:
        """Whether its address has the secret, and its headers what they must prove."""
        if not hmac.compare_digest(digest(call.secret), endpoint.row["secret_hash"]):
            return False
        try:
            self._hub.channels[call.channel].prove(endpoint.link, call.headers)
        except BadSignature:
            return False
        return True

    async def challenged(self, call: Call, query: Mapping[str, str]) -> str | None:
        """What a network is answered that asks whether the address is ours; None for everybody else."""
        with _whose_fault():
            endpoint = await self._endpoint(call)
        channel = self._hub.channels[call.channel]
        if endpoint is None or not isinstance(channel, Challenged):
            return None
        right = hmac.compare_digest(digest(call.secret), endpoint.row["secret_hash"])
        return channel.challenge(endpoint.link, query) if right else None

    async def in_time(self, knock: Knock, seconds: float) -> Verdict:
        """The same as `receive`; what takes longer goes on, and counts as not stored: raise Overloaded. It is sent
        again, and found to be there. While others were stored a moment ago, what is begun is waited for a little
        longer: to refuse it would only bring it here once more."""
        task = asyncio.create_task(self.receive(knock))
        alive = time.monotonic() - self._stored_at < LATELY
        done, _ = await asyncio.wait([task], timeout=seconds * PATIENCE if alive else seconds)
        if not done:  # a loop that was held up hears of answers after its clocks
            done, _ = await asyncio.wait([task], timeout=HEARD)
        if done:
            return task.result()
        self._late.add(task)
        task.add_done_callback(self._ended)
        raise Overloaded(retry_after=5)

    def _ended(self, task: "asyncio.Task[Verdict]") -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a webhook call was not stored in time: %s: %s", type(error).__name__, error)

    async def receive(self, knock: Knock) -> Verdict:
        """Verify, store, answer. Raise Overloaded when the database cannot take it now."""
        with _whose_fault():
            return await self._receive(knock)

    async def _receive(self, knock: Knock) -> Verdict:
        verdict, endpoint = await self._admitted(knock)
        if endpoint is None or verdict is not Verdict.STORED:
            return verdict
        try:
            await self._take(endpoint, knock)
        except BadSignature:
            return Verdict.REFUSED
        except Unreadable as e:
            await self._quarantine(knock, endpoint, str(e))
        except (asyncpg.PostgresError, ValueError) as e:
            if not of_data(e):
                raise
            await self._quarantine(knock, endpoint, "could not be stored: a value in it is none that can be kept")
        self._hub.reached("C2")
        self.has_stored()
        return Verdict.STORED

    async def _take(self, endpoint: Endpoint, knock: Knock) -> None:
        """Into the journal in a crowd, and behind what is there already. Raise NotStored."""
        journal, integration = self._journal, endpoint.row["id"]
        if journal is None:
            if not await self._store(endpoint, knock):
                raise NotStored(retry_after=5)
            return
        if journal.wants(integration, len(knock.body)) and await self._keep(journal, endpoint, knock):
            return
        for _ in range(TURNS):
            with journal.past(integration):
                stored = await self._store(endpoint, knock)
            if stored or (journal.takes(len(knock.body)) and await self._keep(journal, endpoint, knock)):
                return
            await journal.clear(integration)
        raise NotStored(retry_after=5)

    def recognised(self, call: Call) -> Endpoint | None:
        """The integration of a call that is admitted by what is remembered alone."""
        endpoint = self.place(call)
        return endpoint if endpoint is not None and self.genuine(endpoint, call) else None

    def place(self, call: Call) -> Endpoint | None:
        """What is remembered of the address of a call, whoever makes it."""
        kept = self._remembered((call.client_id, call.channel))
        return None if kept is None else kept[1]

    def crowded(self, endpoint: Endpoint) -> bool:
        """Whether small bodies for it go into the journal."""
        return self._journal is not None and self._journal.wants(endpoint.row["id"], 0)

    def short(self, endpoint: Endpoint) -> bool:
        """Whether small bodies for it that `puts` is given go into the journal."""
        journal, integration = self._journal, endpoint.row["id"]
        if journal is None:
            return False
        return journal.wants(integration, 0) or (self._alone is not None and journal.alone(integration, 0))

    async def keeps(self, endpoint: Endpoint, knock: Knock) -> bool:
        """Whether a recognised call is in the journal now. Raise BadSignature or Overloaded."""
        with _whose_fault():
            if self._journal is None or not await self._keep(self._journal, endpoint, knock):
                return False
        self.has_stored()
        return True

    def has_stored(self) -> None:
        """Calls are stored in this moment."""
        self._stored_at = time.monotonic()

    def puts(self, endpoint: Endpoint, knock: Knock, done: Done) -> bool:
        """The same for who does not wait: `done` is told what became of it. False where it must be read at once. Raise
        BadSignature or Overloaded."""
        journal, alone = self._journal, self._alone
        kept = None if journal is None else self._vouched(endpoint, knock)
        if kept is None or journal is None:
            return False
        own = None
        if alone is not None and journal.alone(kept.integration, len(kept.body)):
            own = partial(alone.take, Mine(endpoint.row, endpoint.link, kept, partial(self._forget, endpoint)))
        journal.put(kept, done, own)
        return True

    async def _keep(self, journal: Journal, endpoint: Endpoint, knock: Knock) -> bool:
        """False where the call must be read at once. Raise BadSignature."""
        kept = self._vouched(endpoint, knock)
        if kept is not None:
            await journal.keep(kept)
        return kept is not None

    def _vouched(self, endpoint: Endpoint, knock: Knock) -> Kept | None:
        needed = self._hub.channels[knock.channel].vouch(endpoint.link, Hook(knock.headers, knock.body))
        if needed is None:
            return None
        headers = {k: knock.headers[k][:VALUE] for k in (*needed, *KEPT_HEADERS) if k in knock.headers}
        return Kept(endpoint.row["id"], headers, self._hub.tracing.carrier(), knock.body)

    async def _store(self, endpoint: Endpoint, knock: Knock) -> bool:
        """False where calls that were acknowledged before are not folded yet. Raise BadSignature or Unreadable."""
        arrived = await read(self._hub, knock.channel, endpoint.link, Hook(knock.headers, knock.body))
        items = await items_of(self._hub.db, endpoint.row, arrived, self._hub.settings.max_debounce_wait)
        if await learned(self._hub, endpoint.row, arrived):
            self._forget(endpoint)
        self._hub.reached("C1")
        with self._hub.tracing.within("ingest", attributes={"messaging.batch.message_count": len(items)}):
            carry(self._hub.tracing, items)
            return all(got.outcome != "behind" for got in await self._intake.store(items))

    def _forget(self, endpoint: Endpoint) -> None:
        """Something was learned: it is to be read anew."""
        self._learned += 1
        self._known.pop((endpoint.row["client_id"], endpoint.row["channel"]), None)

    async def _endpoint(self, call: Call) -> Endpoint | None:
        """Asked for once, however many calls want to know: a flood would take every connection with the same
        question."""
        key = (call.client_id, call.channel)
        kept = self._remembered(key)
        return await asyncio.shield(self._asking(key)) if kept is None else kept[1]

    def _remembered(self, key: Place) -> tuple[float, Endpoint | None] | None:
        """What still counts. Of one that is busy it is asked before it is needed, and nobody waits."""
        kept, now = self._known.get(key), time.monotonic()
        if kept is None or kept[0] <= now:
            return None
        if kept[0] < now + EARLY:
            self._asking(key)
        return kept

    def _asking(self, key: Place) -> "asyncio.Task[Endpoint | None]":
        # Whoever comes after something was learned joins no look that began before it.
        place = (key, self._learned)
        asked = self._asked.get(place)
        if asked is None:
            asked = self._asked[place] = asyncio.create_task(self._look_up(*place))
            asked.add_done_callback(lambda task: self._heard(place, task))
        return asked

    async def _look_up(self, key: Place, turn: int) -> Endpoint | None:
        now = time.monotonic()
        with scope.itself():  # for all that wait
            row = await inbox.endpoint(self._hub.db, *key)
        endpoint = Endpoint(row, open_link(self._hub, row)) if row else None
        if len(self._known) > REMEMBERED:
            self._known = {k: v for k, v in self._known.items() if v[0] > now}
        if turn == self._learned:
            self._known[key] = (now + REMEMBER, endpoint)
        return endpoint

    def _heard(self, place: tuple[Place, int], asked: "asyncio.Task[Endpoint | None]") -> None:
        self._asked.pop(place, None)
        if not asked.cancelled():
            asked.exception()  # whoever still waits is told

    async def refused(self, call: Call, body: bytes) -> None:
        """Keep a little of a call that was answered with success and dropped (Z-API never sends it again)."""
        log.warning("%s webhook of client %s dropped: %s", call.channel, call.client_id, WRONG)
        with _whose_fault():
            endpoint = await self._endpoint(call)
            if endpoint is not None:
                await self._aside(endpoint, call, body, WRONG, SHOWN)

    async def set_aside(self, knock: Knock, reason: str) -> None:
        """Quarantine a kept call that cannot be taken, however often it is tried."""
        endpoint = await self._endpoint(knock)
        if endpoint is not None:
            await self._quarantine(knock, endpoint, reason)

    async def kept(self, knock: Knock) -> None:
        """Take a call that was kept on disk. Raise Overloaded."""
        verdict = await self.receive(knock)
        if verdict is Verdict.REFUSED:
            await self.refused(knock, knock.body)
        elif verdict is not Verdict.STORED:
            log.warning("a kept %s call is for client %s, which is no more", knock.channel, knock.client_id)

    async def _quarantine(self, knock: Knock, endpoint: Endpoint, reason: str) -> None:
        await self._aside(endpoint, knock, knock.body, reason, LARGEST)

    async def _aside(self, endpoint: Endpoint, call: Call, body: bytes, reason: str, most: int) -> None:
        """Each address may put aside so many an hour: more of the same tells nobody more."""
        self._intake.counts["quarantined"] = self._intake.counts.get("quarantined", 0) + 1
        whom = f"{endpoint.row['id']}:{most}"
        if await self._hub.limits.take("quarantine", whom, AN_HOUR, 3600.0) > 0:
            return
        await inbox.quarantine(
            self._hub.db,
            ids.uuid7(),
            endpoint.row["account_id"],
            endpoint.row["id"],
            (await asyncio.to_thread(_sha, body), body[:most]),
            {k: v[:VALUE] for k, v in call.headers.items() if k in KEPT_HEADERS},
            reason,
        )


@contextmanager
def _whose_fault() -> Iterator[None]:
    """Where not what was sent is to blame, it is neither lost nor put aside: raise NotStored."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, Unkeyed) as e:
        log.warning("webhook call not stored: %s: %s", type(e).__name__, e)
        raise NotStored(retry_after=5) from e
    except (HubError, BadSignature, Unreadable):
        raise
    except Exception as e:  # a fault of ours must not lose a call either: it is sent again, or kept on disk
        log.exception("webhook call not stored")
        raise NotStored(retry_after=5) from e


def _sha(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
