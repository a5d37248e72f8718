"""Planned mishaps: what goes wrong with the next calls to an API or with its webhooks."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from aiohttp import web

from channels.twins.replies import Reply

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Fault:
    """One planned mishap, for `times` matching calls (0: until cleared).

    on: "api" or "webhook". match: a part of the path, or of a webhook's event. probability: of
    striking a matching call. Any seconds here are real ones, never scaled.

    For the API: delay (seconds, then handled); hang (seconds, then the connection is dropped);
    drop "before" or "after" handling; retry_after (the network's own 429); error (a name of the
    network's own errors); status with body and headers. after: handle the call first, answer then.
    For webhooks: delay; twice (extra copies); reorder (wait for the next one to pass); lose.
    """

    on: str = "api"
    match: str = ""
    times: int = 1
    probability: float = 1.0
    delay: float = 0.0
    hang: float = 0.0
    drop: str = ""
    retry_after: float | None = None
    error: str = ""
    status: int = 0
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    twice: int = 0
    reorder: bool = False
    lose: bool = False

    @classmethod
    def of(cls, given: dict[str, Any]) -> "Fault":
        """From JSON; raise ValueError with the reason."""
        if unknown := given.keys() - {f.name for f in fields(cls)}:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        found = cls(**given)
        if found.on not in ("api", "webhook"):
            raise ValueError("on is api or webhook")
        if found.drop not in ("", "before", "after"):
            raise ValueError("drop is before or after")
        if not isinstance(found.twice, int):
            found.twice = 1
        return found


class Faults:
    """What is planned, by network, oldest first."""

    def __init__(self) -> None:
        self._planned: dict[str, list[Fault]] = {}

    def add(self, network: str, fault: Fault) -> None:
        """Plan one."""
        self._planned.setdefault(network, []).append(fault)

    def clear(self, network: str = "") -> None:
        """Forget what is planned, everywhere or for one network."""
        if network:
            self._planned.pop(network, None)
        else:
            self._planned.clear()

    def listing(self, network: str) -> list[dict[str, Any]]:
        """What is still planned."""
        return [asdict(f) for f in self._planned.get(network, [])]

    def take(self, network: str, on: str, what: str) -> Fault | None:
        """The mishap that strikes this call, counted down."""
        planned = self._planned.get(network, [])
        for fault in planned:
            if fault.on != on or fault.match not in what:
                continue
            if fault.probability < 1 and random.random() >= fault.probability:
                continue
            if fault.times:
                fault.times -= 1
                if not fault.times:
                    planned.remove(fault)
            return fault
        return None


async def strike(
    fault: Fault, reply: Reply | None, request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Carry the mishap out; `reply` is what it answers, if anything."""
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.hang:
        await asyncio.sleep(fault.hang)
        return dropped(request)
    if fault.drop == "before":
        return dropped(request)
    if fault.drop == "after" or fault.after:
        answer = await handler(request)
        if fault.drop == "after":
            return dropped(request)
        return reply.response() if reply else answer
    return reply.response() if reply else await handler(request)


def dropped(request: web.Request) -> web.Response:
    """Cut the connection; the answer returned here never leaves."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)
