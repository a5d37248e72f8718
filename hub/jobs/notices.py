"""Tells people of what waits for them: each account's calls by themselves, so that a push service that hangs, or a mail
server, holds up nobody else's."""

import asyncio
import logging
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
# Of one account in one look; accounts at once.
EACH, ACCOUNTS = 20, 50
Tell = Callable[[Hub, UUID, Sequence[Json]], Awaitable[None]]
WAYS: Mapping[str, Tell] = MappingProxyType({
    "push": notices.push, "mail": notices.mail, "visitors": notices.visitors,
})


class Notifier:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._telling: dict[tuple[str, UUID], asyncio.Task[None]] = {}

    async def look(self) -> None:
        """Begin to tell of what nobody was told of yet."""
        for way in WAYS:
            if self._hub.leases.closing or (way == "mail" and not mails.possible(self._hub.settings)):
                continue
            busy = [account for kind, account in self._telling if kind == way]
            if len(busy) >= ACCOUNTS:
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

    def _begin(self, way: str, account: UUID, told: Sequence[Json]) -> None:
        key = (way, account)
        task = self._telling[key] = asyncio.create_task(self._guard(way, account, told))
        task.add_done_callback(lambda _: self._telling.pop(key, None))

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
