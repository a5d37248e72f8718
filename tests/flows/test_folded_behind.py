"""What was acknowledged is folded without a wait for the disk: a database that dies over it has each call, once."""

import asyncio
import signal
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest

from channels.base import Hook
from hub.chat.clients.link import open_link
from hub.chat.inbound.intake import items_of
from hub.chat.inbound.reading import read
from hub.config import Settings
from hub.errors import Overloaded
from hub.processes.embedded import Server, start_postgres
from hub.store import arrivals
from hub.store.arrivals import Kept
from hub.store.db import dump
from hub.store.inbox import Item
from tests.clusters import migrated
from tests.conftest import owning
from tests.flows.rig import Rig, echo, rig
from tests.flows.test_answers import BODIES
from tests.flows.test_crashes import own, quick

__all__ = ["own", "quick"]
SAID = {"telegram": ("#a1-1", "#a1-2"), "evolution": ("#a1-3", "#a1-4")}
ITS = "select id from integrations where client_id = $1 and channel = $2"


async def kept(r: Rig, channel: str) -> tuple[UUID, list[int], list[Item]]:
    """The integration, its two calls that wait, and what they bring."""
    integration = await r.db.value(ITS, r.w.client, channel)
    row = await arrivals.endpoint(r.db, integration)
    assert row is not None
    calls = [Kept(integration, {}, None, dump(BODIES[channel](f"hello {said}")).encode()) for said in SAID[channel]]
    numbers = (await arrivals.keep(r.db, calls))[integration]
    items: list[Item] = []
    for call in calls:
        arrived = await read(r.w.hub, channel, open_link(r.w.hub, row), Hook({}, call.body, proved=True))
        items += await items_of(r.db, row, arrived, 60)
    return integration, numbers, items


async def nobody_keeps(r: Rig) -> None:
    """From now on each commit that waits until it is safe waits for ever."""
    async with owning(r.w.hub.settings.database_url.get_secret_value()) as owner:
        await owner.run("alter system set synchronous_standby_names = 'nobody'")
        await owner.value("select pg_reload_conf()")
    async with asyncio.timeout(20):
        while await r.db.value("show synchronous_standby_names") != "nobody":
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("leased", [False, True])
async def test_a_database_that_dies_behind_a_fold_has_each_call_once(
    quick: Settings, own: tuple[Path, list[Server]], leased: bool
) -> None:
    folder, servers = own
    servers.append(start_postgres(migrated(folder)))
    async with rig(quick.changed(database_url=servers[0].url)) as r:
        r.model.default = echo()
        (first, numbers, items), _ = [await kept(r, channel) for channel in SAID]
        held = await arrivals.lease(r.db, first, "me", 1) if leased else None
        await nobody_keeps(r)
        if held is not None:
            folded = await arrivals.fold(r.db, held, numbers, items)
        else:
            folded = await arrivals.fold_kept(r.db, first, numbers, items)
        assert [one.outcome for one in folded] == ["accepted"] * 2
        assert await r.count("select count(*) from inbox") == 2 == await r.count("select count(*) from arrivals")
        servers[0].process.send_signal(signal.SIGQUIT)
        servers[0].process.wait(10)
        servers.append(start_postgres(folder, synchronous_standby_names=""))
        r.start()
        await r.w.until(lambda: _folded(r))
        await r.w.settle()
        told = " ".join(r.net.final())
        assert [told.count(f"#a1-{n}") for n in range(1, 5)] == [1] * 4
        assert await r.count("select count(*) from inbox") == 4
        assert await r.count("select count(*) from inbox where state <> 'answered'") == 0


async def _folded(r: Rig) -> bool:
    with suppress(Overloaded):  # of a connection that has not heard of it
        return bool(await r.count("select count(*) from arrivals") == 0)
    return False
