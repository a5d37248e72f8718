"""What is to be done now is taken up as its bell is heard: arq would ask Valkey four times before it begins.

Whoever takes a bell is the only one who heard it. It may be lost with the process: the sweep finds its work.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from hub.jobs import tasks
from hub.jobs.runner import Runner
from hub.live.queue import NOW
from hub.runtime import Hub

log = logging.getLogger(__name__)

# Bells that are taken in one go: others shall have some too. Each may tell of a group of conversations.
SOME = 8
HEARD: Mapping[str, Callable[..., Awaitable[None]]] = MappingProxyType(
    {"turn": tasks.turn, "turns": tasks.turns, "send": tasks.send}
)


async def work(hub: Hub, runner: Runner) -> None:
    """For as long as the process takes up anything."""
    ctx = {"runner": runner}
    async with hub.events.listen(NOW) as rung:
        while not hub.leases.closing:
            bells = await hub.queue.heard(SOME)
            for bell in bells:
                await _begun(ctx, bell)
            if len(bells) < SOME:
                await rung.get()
            while not rung.empty():
                rung.get_nowait()  # whatever these told of stands in the list by now


async def _begun(ctx: dict[str, Any], bell: list[Any]) -> None:
    try:
        function, *args = bell
        await HEARD[function](ctx, *args)
    except (AttributeError, KeyError, TypeError, ValueError):
        log.warning("a bell of another release is not understood, the sweep will find the work: %s", bell[:1])
