"""Deliver webhooks over real HTTP, each network with its own patience, order and mishaps."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from channels.twins.faults import Fault, Faults
from channels.twins.state import State

BODY = 20_000  # characters of a body that the log keeps
HELD = 5.0


@dataclass(frozen=True, slots=True)
class Policy:
    """How a network delivers. `wait(n)` is the pause in seconds before attempt n (2, 3, ...)."""

    tries: int
    wait: Callable[[int], float]
    timeout: float
    final: frozenset[int] = frozenset()  # statuses that are never tried again
    # "strict": a delivery holds back those behind it in its queue until it is over; "first": only
    # during its first attempt; "none": it does not, the queue only says who starts first.
    order: str = "none"
    retry_after: bool = False  # a Retry-After header is honoured
    lifetime: float = 86_400.0


@dataclass(frozen=True, slots=True)
class Envelope:
    """One request, ready to be sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt brought; status 0: no answer."""

    status: int
    error: str = ""
    body: bytes = b""
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Any 2xx."""
        return 200 <= self.status < 300


@dataclass(slots=True)
class Push:
    """One thing to tell a webhook. `make` gives the request, or None when nobody listens."""

    network: str
    account: str
    event: str
    chat: str
    make: Callable[[], Envelope | None]
    policy: Policy
    queue: str = ""  # same name: one after another; empty: on its own
    attempted: Callable[[Outcome], None] | None = None
    failed: Callable[[], None] | None = None


class Hooks:
    """The deliveries of all twins."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults
        self._http: aiohttp.ClientSession | None = None
        self._queues: dict[str, deque[Push]] = {}
        self._held: dict[str, list[Push]] = {}

    async def open(self) -> None:
        """Connect lazily, without limits of our own."""
        connector = aiohttp.TCPConnector(limit=0)
        self._http = aiohttp.ClientSession(connector=connector, auto_decompress=False)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.close()

    def reset(self) -> None:
        """Forget what waits."""
        self._queues.clear()
        self._held.clear()

    @property
    def idle(self) -> bool:
        """Nothing is being sent or delivered, or waits for it."""
        return not self._state.busy and not any(self._held.values())

    def post(self, push: Push, *, ordered: bool = True) -> None:
        """Deliver, with the mishap planned for it."""
        fault = self._faults.take(push.network, "webhook", push.event)
        if fault is not None and self._disturb(fault, push, ordered):
            return
        self._go(push, ordered)
        for held in self._held.pop(push.network, []):
            self._go(held, True)

    def _disturb(self, fault: Fault, push: Push, ordered: bool) -> bool:
        """Whether the push has been taken care of."""
        if fault.lose:
            self._record(push, 1, None, Outcome(0, "lost on purpose"), 0.0)
            return True
        for _ in range(fault.twice):
            self._go(push, False)
        if fault.reorder:
            self._held.setdefault(push.network, []).append(push)
            self._state.spawn(self._release(push))
            return True
        if fault.delay:
            self._state.spawn(self._later(fault.delay, push, ordered))
            return True
        return False

    async def _later(self, seconds: float, push: Push, ordered: bool) -> None:
        await asyncio.sleep(seconds)
        self._go(push, ordered)

    async def _release(self, push: Push) -> None:
        """When no other delivery comes by."""
        await self._state.sleep(HELD)
        held = self._held.get(push.network, [])
        if push in held:
            held.remove(push)
            self._go(push, True)

    def _go(self, push: Push, ordered: bool) -> None:
        if not (push.queue and ordered):
            self._state.spawn(self._deliver(push))
            return
        name = f"{push.network}/{push.account}/{push.queue}"
        waiting = self._queues.get(name)
        if waiting is None:
            self._queues[name] = deque([push])
            self._state.spawn(self._drain(name))
        else:
            waiting.append(push)

    async def _drain(self, name: str) -> None:
        waiting = self._queues[name]
        while waiting:
            push = waiting[0]
            if push.policy.order == "strict":
                await self._deliver(push)
            elif push.policy.order == "none":
                self._state.spawn(self._deliver(push))
            else:
                over, wait = await self._once(push, 1)
                if not over:
                    self._state.spawn(self._deliver(push, 2, wait))
            if waiting:
                waiting.popleft()
        self._queues.pop(name, None)

    async def _deliver(self, push: Push, first: int = 1, wait: float = 0.0) -> None:
        """All attempts from `first` on."""
        ends = time.monotonic() + push.policy.lifetime * self._state.options.speed
        for attempt in range(first, push.policy.tries + 1):
            if wait:
                await self._state.sleep(wait)
            over, wait = await self._once(push, attempt)
            if over:
                return
            if time.monotonic() > ends:
                break
        if push.failed:
            push.failed()

    async def _once(self, push: Push, attempt: int) -> tuple[bool, float]:
        """One attempt: whether the push is over, and the pause before the next."""
        envelope = push.make()
        if envelope is None:
            self._record(push, attempt, None, Outcome(0, "no webhook is registered"), 0.0)
            return True, 0.0
        started = time.perf_counter()
        outcome = await self._request(envelope, push.policy.timeout)
        self._record(push, attempt, envelope, outcome, time.perf_counter() - started)
        if push.attempted:
            push.attempted(outcome)
        over = outcome.ok or outcome.status in push.policy.final
        if push.policy.retry_after and outcome.retry_after is not None:
            return over, min(outcome.retry_after, 3600.0)
        return over, push.policy.wait(attempt + 1)

    async def _request(self, envelope: Envelope, timeout: float) -> Outcome:
        if self._http is None:
            return Outcome(0, "the twins are stopping")
        try:
            async with self._http.post(
                envelope.url,
                data=envelope.body,
                headers=dict(envelope.headers),
                timeout=aiohttp.ClientTimeout(total=timeout),
                allow_redirects=False,
            ) as answer:
                body = await answer.content.read(BODY)
                after = answer.headers.get("Retry-After", "")
                seconds = float(after) if after.isdigit() else None
                return Outcome(answer.status, "", body, seconds)
        except TimeoutError:
            return Outcome(0, "timeout")
        except (aiohttp.ClientError, OSError, ValueError) as e:
            return Outcome(0, type(e).__name__)

    def _record(
        self, push: Push, attempt: int, envelope: Envelope | None, outcome: Outcome, took: float
    ) -> None:
        entry: dict[str, Any] = {
            "id": self._state.number(),
            "at": time.time(),
            "network": push.network,
            "account": push.account,
            "event": push.event,
            "chat": push.chat,
            "url": envelope.url if envelope else None,
            "headers": dict(envelope.headers) if envelope else {},
            "body": envelope.body[:BODY].decode("utf-8", "replace") if envelope else "",
            "attempt": attempt,
            "status": outcome.status,
            "error": outcome.error or None,
            "ms": round(took * 1000, 2),
        }
        self._state.deliveries.append(entry)
        shown = ("network", "account", "event", "chat", "attempt", "status", "error", "ms", "at")
        self._state.publish("delivery", {k: entry[k] for k in shown})
