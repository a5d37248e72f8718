"""A disk that fills: refused before it is full, said everywhere, and gone on by itself when there is room again."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from hub.config import Settings
from hub.processes.doctor import _disk, _size
from hub.processes.metrics import web_metrics
from hub.room import Room
from tests.api.test_webhooks import NETWORKS, Door, opened
from tests.conftest import small

MB = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine mounts no small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def settings(dsn: str, redis_url: str, sealing_key: str, disk: Path) -> Settings:
    return small(dsn, redis_url, sealing_key, disk).changed(disk_reserve_mb=12)


@pytest.fixture
async def door(settings: Settings) -> AsyncIterator[Door]:
    async with opened(settings) as one:
        yield one


def filled(disk: Path, megabytes: int) -> Path:
    file = disk / "films"
    file.write_bytes(bytes(megabytes * MB))
    return file


async def looked(door: Door) -> None:
    """A look at the disk is good for a second; now is the next one."""
    door.w.hub.room._looked = 0.0


async def test_a_disk_that_fills_is_refused_before_it_is_full(door: Door, disk: Path) -> None:
    hub = door.w.hub
    assert hub.room.full is None and [(await door.post(n))[0] for n in NETWORKS] == [200] * 4
    stored = await door.stored()
    films = filled(disk, 15)  # within the reserve, more than half of it left
    await looked(door)
    told = {n: await door.post(n) for n in NETWORKS}
    assert {n: status for n, (status, _) in told.items()} == {
        "telegram": 503, "evolution": 503, "kapso": 503, "zapi": 200
    }, "a network that never sends again is kept in the reserve"
    assert all(h["Retry-After"] == "60" for n, (_, h) in told.items() if n != "zapi")
    assert await door.stored() == stored
    async with door.http.post(f"{door.url}/api/v1/memories", json={}) as got:
        assert got.status == 503 and got.headers["Retry-After"] == "60" and "almost full" in await got.text()
    async with door.http.get(f"{door.url}/health/live") as got:
        assert got.status == 200
    async with door.http.delete(f"{door.url}/api/v1/memories/x") as got:
        assert got.status == 405, "what makes room is let in, as far as there is such a route"
    finding = _disk(hub.settings)
    assert finding.state == "bad" and "nothing new is taken" in finding.what
    text = generate_latest(await web_metrics(hub, door.w.intake)).decode()
    assert "hub_disk_refusing 1.0" in text
    films.write_bytes(bytes(20 * MB))  # the rest of the reserve too
    await looked(door)
    assert (await door.post("zapi"))[0] == 503
    films.unlink()
    await looked(door)
    assert [(await door.post(n))[0] for n in ("telegram", "evolution", "kapso")] == [200] * 3
    for _ in range(200):  # what was kept on disk meanwhile is taken by itself
        if await door.stored() == stored + 4:
            break
        await asyncio.sleep(0.05)
    assert await door.stored() == stored + 4
    assert "hub_disk_refusing 0.0" in generate_latest(await web_metrics(hub, door.w.intake)).decode()


async def test_a_database_that_nears_its_limit_takes_nothing_new(door: Door, settings: Settings) -> None:
    hub = door.w.hub
    hub.room._most = 1
    hub.room.database = 2
    status, headers = await door.post("telegram")
    assert status == 503 and headers["Retry-After"] == "60"
    assert _size(settings.changed(database_mb=1), 2 * MB).state == "bad"
    assert _size(settings.changed(database_mb=3), 2 * MB).state == _size(settings, 2 * MB).state == "ok"
    hub.room.database = 1
    assert (await door.post("telegram"))[0] == 200


def test_a_home_that_is_not_there_yet_is_measured_where_it_will_be(tmp_path: Path) -> None:
    here, later = Room(tmp_path, 1, 0), Room(tmp_path / "a" / "b", 1, 0)
    assert later.free > 0 and abs(here.free - later.free) < 1 << 30
    assert Room(tmp_path, 0, 0).full is None, "without a reserve nothing is looked at"
