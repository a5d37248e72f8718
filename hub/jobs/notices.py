"""Tells people of what waits for them: each account's calls by themselves, so that a push service that hangs, or a mail
server, holds up nobody else's."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from hub.accounts import mails
from hub.chat.operators import findings, notices
from hub.domain import Json
from hub.errors import HubError
from hub.jobs.sweeps import HOUSEKEEPING, RETURN, every
from hub.runtime import Hub
from hub.store import notices as rows
from hub.store import scope
from hub.task_groups import end, together

log = logging.getLogger(__name__)
# Of one account in one look; accounts at once, of those that are quick and of those that are not.
EACH, ACCOUNTS, SLOW = 20, 50, 25
# Seconds after which whoever is being told is slow, gives its place back, and how long that is remembered of it.
PATIENCE, REMEMBERED = 2.0, 600.0
Tell = Callable[[Hub, UUID, Sequence[Json]], Awaitable[None]]
WAYS: Mapping[str, Tell] = MappingProxyType({
    "push": notices.push, "mail": notices.mail, "visitors": notices.visitors,
})


class Notifier:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._telling: dict[tuple[str, UUID], asyncio.Task[None]] = {}
        self._begun: dict[tuple[str, UUID], float] = {}
        self._slow: dict[tuple[str, UUID], float] = {}

    async def look(self) -> None:
        """Begin to tell of what nobody was told of yet."""
        for way in WAYS:
            if self._hub.leases.closing or (way == "mail" and not mails.possible(self._hub.settings)):
                continue
            busy = self._busy(way)
            if busy is None:
                continue
            with scope.itself():
                found = await (
                    rows.visitors(self._hub.db, busy, EACH) if way == "visitors"
                    else rows.claim(self._hub.db, way, busy, EACH)
                )
            by_account = defaultdict[UUID, list[Json]](list)
            for one in found:
                by_account[one["account_id"]].append(one)
            for account, told in by_account.items():
                self._begin(way, account, told)

    def _busy(self, way: str) -> list[UUID] | None:
        """Whom not to begin with now; None: with nobody. Those that hang have places of their own."""
        now = time.monotonic()
        self._slow = {key: until for key, until in self._slow.items() if until > now or key in self._telling}
        running = [key for key in self._telling if key[0] == way]
        slow = [key for key in running if key in self._slow or now - self._begun[key] > PATIENCE]
        if len(running) - len(slow) >= ACCOUNTS:
            return None
        waiting = [key for key in self._slow if key[0] == way] if len(slow) >= SLOW else []
        return [account for _, account in {*running, *waiting}]

    def _begin(self, way: str, account: UUID, told: Sequence[Json]) -> None:
        key = (way, account)
        self._begun[key] = time.monotonic()
        task = self._telling[key] = asyncio.create_task(self._guard(way, account, told))
        task.add_done_callback(lambda _: self._ended(key))

    def _ended(self, key: tuple[str, UUID]) -> None:
        del self._telling[key]
        now = time.monotonic()
        if now - self._begun.pop(key) > PATIENCE:
            self._slow[key] = now + REMEMBERED
        else:
            self._slow.pop(key, None)

    async def _guard(self, way: str, account: UUID, told: Sequence[Json]) -> None:
        try:
            await WAYS[way](self._hub, account, told)
        except* HubError as e:
            log.warning("%s of account %s: %s", way, account, e.exceptions[0])

    async def close(self) -> None:
        await end(list(self._telling.values()))


async def work(hub: Hub) -> None:
    """Look again and again, for as long as the process lives."""
    notifier = Notifier(hub)
    try:
        await together(every(RETURN, notifier.look), every(HOUSEKEEPING, lambda: findings.weekly(hub)))
    finally:
        await notifier.close()
