"""The embedded database at any moment."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hub.config import Settings
from hub.errors import Setup
from hub.processes.backups.recovery import base, restore_at
from hub.processes.embedded import archiving, start_postgres
from hub.processes.home import demand_whole, locked, with_key
from tests.clusters import migrated
from tests.processes.command import until


@pytest.fixture(scope="module")
def past() -> Iterator[tuple[Settings, list[datetime]]]:
    """A stopped cluster that wrote one row a moment; the moments between them."""
    folder = Path(tempfile.mkdtemp(prefix="at-", dir="/tmp"))
    os.chmod(folder, 0o755)
    archive = folder / "it's the 100% log"
    settings = with_key(Settings(home=folder / "h", wal_archive=str(archive)))
    server = start_postgres(migrated(settings.home), **archiving(str(archive)))
    moments: list[datetime] = []
    try:
        with locked(settings.home):
            for n in range(4):
                moments.append(asyncio.run(_wrote(server.url, n)))
                if n == 0:
                    base(settings, lambda _: None)
            until(lambda: [p for p in archive.iterdir() if len(p.name) == 24])
            asyncio.run(_wrote(server.url, 99))  # stays in the cluster's own log
    finally:
        server.stop()
    yield settings, moments
    shutil.rmtree(folder, ignore_errors=True)


async def _wrote(url: str, n: int) -> datetime:
    """A row, then a moment after it; the segment is handed over."""
    con: Any = await asyncpg.connect(url)
    try:
        await con.execute(f"insert into leader values ('row{n}', 1, 'x', now())")
        found: datetime = await con.fetchval("select clock_timestamp() + interval '1 millisecond'")
        await con.execute("select pg_sleep(0.01)")
        if n < 3:
            await con.execute("select pg_switch_wal()")
        return found
    finally:
        await con.close()


def rows(settings: Settings) -> list[str]:
    server = start_postgres(settings.home)
    try:
        return asyncio.run(_rows(server.url))
    finally:
        server.stop()


async def _rows(url: str) -> list[str]:
    con: Any = await asyncpg.connect(url)
    try:
        return [r["name"] for r in await con.fetch("select name from leader where name like 'row%' order by name")]
    finally:
        await con.close()


def test_a_moment_between_comes_back(past: tuple[Settings, list[datetime]]) -> None:
    """Once from the archive, once with what only the old cluster's own log has; refused without `--replace`."""
    settings, moments = past
    said: list[str] = []
    how: Any = {"erasures": None, "say": said.append}
    with pytest.raises(Setup, match="--replace"):
        restore_at(settings, moments[3].isoformat(), replace=False, **how)
    restore_at(settings, moments[3].isoformat(), replace=True, **how)
    assert rows(settings) == ["row0", "row1", "row2", "row3"]
    restore_at(settings, moments[1].isoformat(), replace=True, **how)
    assert rows(settings) == ["row0", "row1"]
    demand_whole(settings.home)
    assert len(list(settings.home.glob("before-*"))) == 2, "what was there is never thrown away"


def test_moments_that_cannot_be_are_refused(past: tuple[Settings, list[datetime]]) -> None:
    settings, moments = past
    how: Any = {"replace": True, "erasures": None, "say": lambda _: None}
    before = rows(settings)
    cases = {
        "yesterday": "in the past", (datetime.now(UTC) + timedelta(hours=1)).isoformat(): "in the past",
        (moments[0] - timedelta(hours=1)).isoformat(): "no base",
        datetime.now(UTC).isoformat(): "ends before that moment",
    }
    for at, words in cases.items():
        with pytest.raises(Setup, match=words):
            restore_at(settings, at, **how)
    assert rows(settings) == before, "what does not come about leaves everything as it was"
    with pytest.raises(Setup, match="HUB_WAL_ARCHIVE"):
        restore_at(settings.changed(wal_archive=""), moments[0].isoformat(), **how)
