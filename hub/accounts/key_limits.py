"""Keys with limits of their own: what may be asked with one, how much a minute, and for how many dollars."""

import logging
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated
from uuid import UUID

from pydantic import Field

from hub import ids
from hub.domain import Caller, Json, KeyLimits
from hub.errors import Forbidden, HubError, TooMany
from hub.live.limits import Window
from hub.purse import purse
from hub.pydantic_base import Camel
from hub.runtime import Hub
from hub.store import key_limits, keys, scope

log = logging.getLogger(__name__)

MINUTE = 60.0
BUSY = 2.0
# A hold outlives its call by so much: what it took is written after it.
AFTERWARDS = 60.0
MOST = 1_000_000_000
WORDS = {"day": "day", "month": "month", "total": "whole life"}
Dollars = Annotated[float | None, Field(gt=0, le=MOST)]
PerMinute = Annotated[int | None, Field(ge=1, le=MOST)]


class Budget(Camel):
    """Dollars, as `GET /api/v1/accounts/spend` counts them; days and months are those of UTC."""

    day: Dollars = None
    month: Dollars = None
    total: Dollars = None


class Limits(Camel):
    """Of one key; null is no limit. A key with limits manages no keys."""

    models: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=200)]] | None,
        Field(min_length=1, max_length=100, description="What it may ask: gateways by id or slug, models by name."),
    ] = None
    requests_per_minute: PerMinute = None
    tokens_per_minute: PerMinute = None
    budget: Budget | None = None

    def stored(self) -> Json:
        budget = self.budget.model_dump(exclude_none=True) if self.budget else None
        found = {
            "models": list(dict.fromkeys(self.models)) if self.models else None, "requests": self.requests_per_minute,
            "tokens": self.tokens_per_minute, "budget": budget or None,
        }
        return {name: value for name, value in found.items() if value is not None}


def shown(stored: Json) -> Limits | None:
    """What is stored, as it was given."""
    if not stored:
        return None
    return Limits(
        models=stored.get("models"), requests_per_minute=stored.get("requests"), tokens_per_minute=stored.get("tokens"),
        budget=Budget(**stored["budget"]) if stored.get("budget") else None,
    )


def of(stored: Json) -> KeyLimits | None:
    if not stored:
        return None
    return KeyLimits(
        tuple(stored.get("models") or ()), stored.get("requests"), stored.get("tokens"), bool(stored.get("budget"))
    )


class QuotaExceeded(TooMany):
    """The budget of this key is used up."""

    code = "insufficient_quota"


async def counted(hub: Hub, who: Caller) -> Window | None:
    """The minute of a key that may make only so many requests in one, this request counted. Raise Overloaded."""
    most = who.limits.requests if who.limits is not None else None
    if most is None:
        return None
    return await hub.limits.count("key-requests", str(who.key_id), most, MINUTE, hub.settings.key_limits_alone)


def too_many(seen: Window) -> TooMany:
    return TooMany(
        f"This key may make {seen.limit} requests a minute; the next one is possible in {math.ceil(seen.reset)} s.",
        retry_after=seen.reset, details={"limit": "requests_per_minute", "most": seen.limit},
    )


def may_ask(limits: KeyLimits | None, *names: str) -> None:
    """Raise Forbidden for a model that is none of those that the key may ask. names: of the one; none: it
    stands beside what is asked."""
    if limits is not None and limits.models and names and not set(names) & set(limits.models):
        raise Forbidden("This key may not use that model.", field="model", code="model_refused")


class KeyPurse:
    """What one request of a key may spend. Dollars are set aside in PostgreSQL, whatever becomes of this process."""

    def __init__(self, hub: Hub, account: UUID, key: UUID, limits: KeyLimits) -> None:
        self._hub, self._account, self._key, self._limits = hub, account, key, limits
        self._hold = ids.uuid7()
        self._cost = self._open = 0.0
        self._held = self._closed = False

    async def take(self, names: Sequence[str], tokens: int, cost: float, seconds: float) -> None:
        """Raise Forbidden, TooMany, QuotaExceeded, Overloaded."""
        may_ask(self._limits, *names)
        if self._limits.budget:
            await self._dollars(cost, seconds)
        if self._limits.tokens is not None:
            try:
                await self._tokens(tokens)
            except HubError:
                self._open -= cost
                raise

    async def _dollars(self, cost: float, seconds: float) -> None:
        """Several calls may be open at once: all that they may cost is one hold."""
        self._open += cost
        try:
            with scope.itself():
                no = await key_limits.reserve(
                    self._hub.db, self._account, self._key, self._hold, self._cost + self._open, seconds + AFTERWARDS
                )
            if no is not None:
                raise _exceeded(no)
        except HubError:
            self._open -= cost
            raise
        self._held = True

    async def _tokens(self, tokens: int) -> None:
        most, hub = self._limits.tokens or 0, self._hub
        seen = await hub.limits.spend(
            "key-tokens", str(self._key), min(tokens, most), most, MINUTE, hub.settings.key_limits_alone
        )
        if seen.over:
            raise TooMany(
                f"This key may use {most} tokens a minute; they are used up for {math.ceil(seen.reset)} s.",
                retry_after=seen.reset, details={"limit": "tokens_per_minute", "most": most},
            )

    async def spent(self, aside: tuple[int, float], tokens: int, cost: float) -> None:
        self._cost += cost
        if self._limits.budget:
            self._open -= aside[1]
        most = self._limits.tokens
        if most is not None and (more := tokens - min(aside[0], most)):
            await self._hub.limits.adjust("key-tokens", str(self._key), more)
        if self._closed:
            await self._release()

    async def close(self) -> None:
        """What was taken is written by now: nothing is set aside any more."""
        self._closed = True
        await self._release()

    async def _release(self) -> None:
        if not self._held:
            return
        self._held = False
        try:
            with scope.itself():
                await key_limits.release(self._hub.db, self._account, self._key, self._hold)
        except HubError as e:
            log.warning("what key %s had set aside is given back when its time is over: %s", self._key, e)


def purse_of(hub: Hub, who: Caller) -> KeyPurse | None:
    """None for a key without limits of what it spends."""
    limits = who.limits
    if limits is None or not (limits.models or limits.tokens is not None or limits.budget):
        return None
    return KeyPurse(hub, who.account_id, who.key_id, limits)


@asynccontextmanager
async def paid_by(hub: Hub, found: KeyPurse | None) -> AsyncIterator[None]:
    """Meanwhile this purse pays for what models are asked."""
    if found is None:
        yield
        return
    token = purse.set(found)
    try:
        yield
    finally:
        purse.reset(token)
        await found.close()


async def purse_of_key(hub: Hub, account: UUID, key: UUID | None) -> KeyPurse | None:
    """The same for work that a key began, after its request; a key that is gone has no limits either."""
    row = await keys.lock(hub.db, account, key) if key is not None else None
    if row is None or key is None:
        return None
    return purse_of(hub, Caller(account, key, row["kind"], row["role"], limits=of(row["limits"])))


def _exceeded(no: Json) -> QuotaExceeded:
    limit = f"{float(no['limit']):.10g}"
    what = f"The budget of this key, ${limit} for the {WORDS[no['period']]},"
    details = {"limit": f"budget_{no['period']}", "most": float(no["limit"])}
    if no.get("busy"):
        return QuotaExceeded(
            f"{what} is set aside by requests that are under way; try again in a moment.", retry_after=BUSY,
            details=details, code="budget_busy",
        )
    if no["period"] == "total":
        return QuotaExceeded(f"{what} is used up; its owner can raise it.", details=details)
    seconds = max(1.0, float(no["ends"]))
    ends = f"{math.ceil(seconds / 3600)} h" if seconds > 5400 else f"{math.ceil(seconds / 60)} min"
    return QuotaExceeded(f"{what} is used up; a new {no['period']} begins in {ends} (UTC).", retry_after=seconds,
                         details=details)


