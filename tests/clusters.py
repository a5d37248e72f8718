"""A cluster of PostgreSQL whose database is migrated, made once a run by whoever needs it first and then copied:
initdb and all migrations would take seconds each time."""

import asyncio
import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from hub.processes.embedded import start_postgres
from hub.store import wall
from hub.store.migrate import migrate
from tests.flows.forks import PLACE, hold


def quick() -> str:
    """Memory where there is enough of it: a test's database has some ten megabytes of files."""
    shared = Path("/dev/shm")
    if shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 4 << 30:
        return str(shared)
    return "/tmp"


def begin(config: pytest.Config) -> None:
    """A folder for the run, which goes when it ends."""
    if PLACE in os.environ:
        return
    folder = tempfile.mkdtemp(prefix="hub-made-", dir=quick())
    os.chmod(folder, 0o755)
    os.environ[PLACE] = folder
    held = hold(Path(folder))

    def end() -> None:
        del os.environ[PLACE]
        os.close(held)
        shutil.rmtree(folder, ignore_errors=True)

    config.add_cleanup(end)


def migrated(folder: Path) -> Path:
    """The folder of a server that was never started, with the data of one that was migrated and stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(_made() / "postgres"), str(folder / "postgres")], check=True)
    return folder


def _made() -> Path:
    place = Path(os.environ[PLACE])
    place.mkdir(mode=0o755, exist_ok=True)  # who tidies up the memory takes it along
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the others wait for the first
        if not (place / "made").exists():
            shutil.rmtree(place / "data", ignore_errors=True)
            server = start_postgres(place / "data", fsync="off", full_page_writes="off", min_wal_size="32MB")
            try:
                asyncio.run(migrate(server.url, wall.LOGIN))
            finally:
                server.stop()
            (place / "made").touch()
    return place / "data"
