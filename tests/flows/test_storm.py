"""Everything dies again and again while forty people write; afterwards the books must balance."""

import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.config import Settings
from hub.processes.embedded import Server, start_postgres, start_valkey
from hub.store.migrate import migrate
from tests.flows.history import History, broken
from tests.flows.rig import NOTHING_LEFT, Rig, echo, rig
from tests.flows.storm import Chat, Storm
from tests.flows.world import make

SECONDS = float(os.environ.get("STORM_SECONDS", "60"))
SEED = int(os.environ.get("STORM_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)
CALM = 45.0


@pytest.fixture
def own() -> Iterator[tuple[Path, list[Server]]]:
    folder = Path(tempfile.mkdtemp(prefix="hub-storm-", dir="/tmp"))
    os.chmod(folder, 0o755)
    servers = [start_postgres(folder), start_valkey(folder)]
    try:
        yield folder, servers
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _people(r: Rig) -> list[Chat]:
    """Twenty on Telegram and ten on Z-API with echoes; ten on a Z-API client that never sends twice."""
    other = await make(r.w.hub, r.net, {"zapi": "at_most_once"})
    await r.db.run("update gateways set parameters = $1", {"baseAddress": f"{r.model.url}/v1", "modelName": "fake-1"})
    await r.db.run('update clients set limits = \'{"messagesPerHour": 0, "maxMessages": 0}\'')
    return [
        *(Chat("telegram", str(700 + n), r.w) for n in range(20)),
        *(Chat("zapi", f"5511{n:06}", r.w) for n in range(10)),
        *(Chat("zapi", f"5521{n:06}", other) for n in range(10)),
    ]


async def _quiet(storm: Storm, h: History, rig: Rig) -> float:
    """Wait until nothing is left to do; how long it took."""
    began = time.monotonic()
    while time.monotonic() - began < CALM:
        await asyncio.sleep(0.3)
        if await rig.db.value(NOTHING_LEFT) and not storm.echoes:
            break
    return time.monotonic() - began


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + CALM + 60)
async def test_nothing_is_lost_doubled_or_disordered(
    settings: Settings, own: tuple[Path, list[Server]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, servers = own
    with capsys.disabled():
        sys.stdout.write(f"\nstorm: seed {SEED} (STORM_SEED), {SECONDS:.0f} s (STORM_SECONDS)\n")
    await migrate(servers[0].url)
    stormy = settings.changed(
        database_url=servers[0].url,
        redis_url=servers[1].url,
        lease_seconds=2,
        wire_seconds=1.5,
        reconcile_seconds=8,
        sweep_seconds=0.3,
    )
    async with rig(stormy) as r:
        r.model.default = echo(0.15)
        storm = Storm(r.w.hub.settings, r.net, folder, random.Random(SEED), servers, await _people(r))
        storm.begin()
        try:
            await asyncio.gather(*(web.serving() for web in storm.webs))
            until = time.monotonic() + SECONDS
            await asyncio.gather(storm.nemesis(until), *(storm.write(chat, until) for chat in storm.chats))
            storm.calm = True
            quiet = await _quiet(storm, storm.history, r)
            await storm.history.read(r.db)
        finally:
            storm.end()
        wrong = broken(storm.history)
        with capsys.disabled():
            for name, value in {
                **storm.history.numbers(),
                "faults": dict(storm.done),
                "quiet after": f"{quiet:.1f} s",
            }.items():
                sys.stdout.write(f"storm: {name}: {value}\n")
        assert wrong == {}, f"seed {SEED}"
        assert sum(map(len, storm.history.accepted.values())) > SECONDS * 3, "the storm let nobody write"
        modes = {o["mode"] for o in storm.history.outbox}
        assert modes == {"placeholder_edit", "reconcile", "at_most_once"}
