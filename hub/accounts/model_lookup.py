"""Whom a request's `model` names, remembered for a moment: a gateway is asked for far more often than changed."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hub.accounts import gateways
from hub.domain import Account, Gateway
from hub.errors import NotFound
from hub.llm.types import INTEGRATED
from hub.runtime import Hub
from hub.store import accounts

REMEMBER = 1.0  # seconds: a change made elsewhere holds everywhere within this time
KEPT = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """made: what was worked out of it, by name, for as long as it is remembered."""

    gateway: Gateway
    account: Account
    made: dict[str, Any] = field(default_factory=dict, compare=False)


class Directory:
    """Gateways and integrated models by the names that callers use."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._known: OrderedDict[tuple[UUID, str, bool], tuple[float, Entry]] = OrderedDict()
        self._forgotten = 0

    async def find(self, account: UUID, name: str, by_id_only: bool = False) -> Entry:
        """Gateway by id, by slug, integrated model by name. Raise NotFound."""
        key = (account, name, by_id_only)
        known = self.known(*key)
        if known is not None:
            return known
        # Whoever comes after a change joins no look that began before it.
        turn = self._forgotten
        return await self._hub.flights.one(("model", self, *key, turn), lambda: self._looked_up(key, turn))

    def known(self, account: UUID, name: str, by_id_only: bool = False) -> Entry | None:
        """One that is remembered."""
        kept = self._known.get((account, name, by_id_only))
        return kept[1] if kept is not None and kept[0] > time.monotonic() else None

    async def _looked_up(self, key: tuple[UUID, str, bool], turn: int) -> Entry:
        now = time.monotonic()
        found = Entry(await self._gateway(*key), await self._account(key[0]))
        if turn == self._forgotten:
            self._known[key] = (now + REMEMBER, found)
            self._known.move_to_end(key)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        return found

    def forget(self, account: UUID) -> None:
        """Something of this account was changed here: look again."""
        self._forgotten += 1
        for key in [k for k in self._known if k[0] == account]:
            del self._known[key]

    async def _gateway(self, account: UUID, name: str, by_id_only: bool) -> Gateway:
        hub, id = self._hub, _id(name)
        try:
            if id is not None:
                return await gateways.load(hub.db, hub.sealer, account, id)
            if not by_id_only:
                if name in hub.models.integrated:
                    return integrated(account, name)
                return await gateways.by_slug(hub.db, hub.sealer, account, name)
        except NotFound:
            pass
        raise NotFound(
            f"There is no model or AI gateway '{name[:100]}'; GET /v1/models lists them.",
            field="model",
            code="model_not_found",
        )

    async def _account(self, id: UUID) -> Account:
        found = await accounts.get(self._hub.db, id)
        if found is None:
            raise NotFound
        return found


def integrated(account: UUID, name: str) -> Gateway:
    """An integrated model without a gateway of the account's; it has no slug."""
    return Gateway(account, account, name, "", {"baseAddress": INTEGRATED, "modelName": name})


def _id(name: str) -> UUID | None:
    try:
        return UUID(name) if len(name) == 36 else None
    except ValueError:
        return None
