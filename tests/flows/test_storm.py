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

from hub import ids
from hub.chat.outbound.refused_parts import WAITS
from hub.config import Settings
from hub.processes.embedded import Server, start_postgres, start_valkey
from hub.store import files
from tests.clusters import migrated
from tests.flows.history import History, broken
from tests.flows.proxy import hole
from tests.flows.rig import NOTHING_LEFT, Rig, rig
from tests.flows.storm import Chat, Storm
from tests.flows.table import printed, table
from tests.flows.world import make

SECONDS = float(os.environ.get("STORM_SECONDS", "15"))
SEED = int(os.environ.get("STORM_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)
# What was refused four times in a row is tried again only after so long, and the chat waits behind it.
CALM = max(WAITS) + 20
# And what the sweeps of placeholders may take beside that: they look through all ids between two messages of a chat.
SWEPT = 90 if SECONDS <= 60 else 300
TIDY = """
    select not exists (select 1 from stray_placeholders)
        and not exists (select 1 from left_placeholders)
"""


@pytest.fixture
def own() -> Iterator[tuple[Path, list[Server]]]:
    folder = Path(tempfile.mkdtemp(prefix="hub-storm-", dir="/tmp"))
    os.chmod(folder, 0o755)
    servers = [start_postgres(migrated(folder)), start_valkey(folder)]
    try:
        yield folder, servers
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _people(r: Rig) -> list[Chat]:
    """Ten each on Telegram, Z-API with echoes, Evolution, Kapso, a Z-API client that never sends twice, and a bot of
    Telegram that shows drafts."""
    other = await make(r.w.hub, r.net, {"zapi": "at_most_once", "telegram": "draft"})
    await r.db.run("update gateways set parameters = $1", {"baseAddress": f"{r.model.url}/v1", "modelName": "fake-1"})
    await r.db.run('update clients set limits = \'{"messagesPerHour": 0, "maxMessages": 0}\'')
    await r.db.run("update clients set parameters = parameters || $1", {
        "suggestionButtons": [
            {"label": "Prices", "prompt": "What does it cost?"}, {"label": "Hours", "prompt": "When?"},
        ],
    })
    return [
        *(Chat("telegram", str(700 + n), r.w) for n in range(10)),
        *(Chat("evolution", f"5541{n:06}", r.w) for n in range(10)),
        *(Chat("kapso", f"5551{n:06}", r.w) for n in range(10)),
        *(Chat("zapi", f"5511{n:06}", r.w) for n in range(10)),
        *(Chat("zapi", f"5521{n:06}", other) for n in range(10)),
        *(Chat("telegram", str(720 + n), other) for n in range(10)),
    ]


async def _picture(r: Rig) -> str:
    """A file of the hub's own that answers may hold."""
    token, raw = "storm-picture", b"\x89PNG\r\n\x1a\n"
    await files.add(
        r.w.hub.db, ids.uuid7(), r.w.account, None, None, token=token, name="p.png", mime="image/png", kind="image",
        sha256=b"x" * 32, content=raw, seconds=86400.0,
    )
    return f"{r.w.hub.settings.address}/media/{token}/p.png"


def _mode(chat: Chat, r: Rig) -> str:
    if chat.network == "telegram":
        return "placeholder_edit" if chat.client is r.w else "draft"
    return "reconcile" if chat.client is r.w else "at_most_once"


async def _quiet(storm: Storm, h: History, rig: Rig) -> float:
    """Wait until nothing is left to do; how long it took."""
    began = time.monotonic()
    while (lasted := time.monotonic() - began) < CALM + SWEPT:
        await asyncio.sleep(0.3)
        over = lasted > CALM or (await rig.db.value(NOTHING_LEFT) and not storm.echoes)
        if over and await rig.db.value(TIDY):
            break
    return time.monotonic() - began


@pytest.mark.slow
@pytest.mark.timeout(SECONDS * 1.5 + CALM + SWEPT + 150)
async def test_nothing_is_lost_doubled_or_disordered(
    settings: Settings, own: tuple[Path, list[Server]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, servers = own
    with capsys.disabled():
        sys.stdout.write(f"\nstorm: seed {SEED} (STORM_SEED), {SECONDS:.0f} s (STORM_SECONDS)\n")
    stormy = settings.changed(
        database_url=servers[0].url,
        redis_url=servers[1].url,
        lease_seconds=2,
        wire_seconds=1.5,
        reconcile_seconds=8,
        sweep_seconds=0.3,
        drain_seconds=5,
        placeholder_seconds=4,
        model_patience_seconds=600,
    )
    async with hole(servers[1].url) as between, rig(stormy.changed(redis_url=between.url)) as r:
        settings, dice = r.w.hub.settings, random.Random(SEED)
        storm = Storm(settings, r.net, folder, dice, servers, await _people(r), between, r.model)
        storm.picture = await _picture(r)
        storm.begin()
        try:
            await asyncio.gather(*(web.serving() for web in storm.webs))
            until = time.monotonic() + SECONDS
            await asyncio.gather(storm.nemesis(until), *(storm.write(chat, until) for chat in storm.chats))
            storm.calm = True
            quiet = await _quiet(storm, storm.history, r)
            stumbled = storm.stumbled()
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
            modes = {c.number: (c.network, _mode(c, r)) for c in storm.chats}
            sys.stdout.write(printed(table(storm.history, modes)))
        assert wrong == {}, f"seed {SEED}"
        assert stumbled == [], f"seed {SEED}"
        assert sum(map(len, storm.history.accepted.values())) > SECONDS * 3, "the storm let nobody write"
        assert {o["mode"] for o in storm.history.outbox} == {"placeholder_edit", "reconcile", "at_most_once"}
