"""The embedded PostgreSQL at any moment: base copies and the archived log, and `hub restore --at`.

    HUB_WAL_ARCHIVE/0000...            segments of the log, as PostgreSQL hands them over (at the latest after a minute)
    HUB_WAL_ARCHIVE/base-<moment>/     copies of the cluster, each with the log that makes it whole
"""

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import orjson
from pydantic import SecretStr

from hub.config import Settings
from hub.errors import Setup
from hub.processes.backups.making import STAMP, Say
from hub.processes.backups.restoring import finish, keys_back
from hub.processes.backups.sources import serving
from hub.processes.embedded import Server, archiving, binaries, owned, socket_folder, start_postgres, start_valkey
from hub.processes.home import RESTORING, locked, with_key, write_private
from hub.store import snapshots

BASE = "base-"
REPLAY_SECONDS = 6 * 3600.0
LABEL = re.compile(r"START WAL LOCATION: \S+ \(file (\w+)\)")
FUTURE = "The moment must be in the past, such as 2026-11-29T22:15:00Z."


def base(settings: Settings, say: Say) -> Path:
    """Copy the cluster while it runs; older copies, and the log that only they need, go. Raise Setup."""
    archive = _archive(settings)
    with serving(settings) as served:
        part = archive / f"{BASE}new.part"
        shutil.rmtree(part, ignore_errors=True)
        _run(
            "pg_basebackup", "-h", str(socket_folder(settings.home.resolve())), "-U", "postgres", "-D", str(part),
            "-X", "stream", "--checkpoint=fast",
        )
        # What is archived from here on follows it; the moment is the server's own.
        now = asyncio.run(snapshots.moment(served.database_url.get_secret_value()))
    path = archive / f"{BASE}{now.strftime(STAMP)}"
    os.replace(part, path)
    for old in _bases(archive)[: -settings.backups_keep]:
        shutil.rmtree(old)
        say(f"removed {old}")
    oldest = LABEL.search((_bases(archive)[0] / "backup_label").read_text())
    if oldest is not None:
        _run("pg_archivecleanup", str(archive), oldest[1])
    say(f"base {path}: from now on every moment can be gone back to")
    return path


def restore_at(settings: Settings, at: str, *, replace: bool, erasures: Path | None, say: Say) -> None:
    """The database as it was at a moment; what is in its place goes aside. Files of the home stay. Raise Setup."""
    moment, archive = _moment(at), _archive(settings)
    before = [b for b in _bases(archive) if _made(b) <= moment]
    if not before:
        raise Setup(f"There is no base in {archive} of before that moment; `hub backup --base` makes one.")
    home = settings.home.resolve()
    keys_back(settings, settings.backups_folder, say)
    with locked(home):
        place = home / "postgres"
        if place.exists() and any(place.iterdir()) and not replace:
            raise Setup(f"There is a database in {home}; `hub restore --at ... --replace` moves it aside.")
        write_private(home / RESTORING, orjson.dumps({"at": moment}))
        with _instead_of(place) as aside:
            shutil.copytree(before[-1], place, symlinks=True)
            place.chmod(0o700)
            owned(place)
            _replay(home, archive, aside, moment, say)
        server = start_postgres(home, **archiving(str(archive)))
        try:
            target = settings.changed(database_url=SecretStr(server.url))
            valkey = start_valkey(home) if not target.redis_url.get_secret_value() else None
            try:
                if valkey is not None:
                    target = target.changed(redis_url=SecretStr(valkey.url))
                asyncio.run(finish(with_key(target), moment, erasures, say))
            finally:
                if valkey is not None:
                    valkey.stop()
        finally:
            server.stop()
        (home / RESTORING).unlink()
    say(f"the database is as it was at {moment.isoformat()}" + (f"; what was there is in {aside}" if aside else ""))


def _archive(settings: Settings) -> Path:
    if not settings.embedded[0]:
        raise Setup("This is for the embedded PostgreSQL; a server of your own has its own tools for it.")
    if not settings.wal_archive:
        raise Setup("Set HUB_WAL_ARCHIVE to a folder for the log, start the hub with it, then `hub backup --base`.")
    return Path(settings.wal_archive).resolve()


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Setup(FUTURE) from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found > datetime.now(UTC):
        raise Setup(FUTURE)
    return found


def _bases(archive: Path) -> list[Path]:
    return sorted(p for p in archive.glob(f"{BASE}*") if p.suffix != ".part")


def _made(base: Path) -> datetime:
    return datetime.strptime(base.name.removeprefix(BASE), STAMP).replace(tzinfo=UTC)


@contextmanager
def _instead_of(place: Path) -> Iterator[Path | None]:
    """Move what is there aside; back again when its successor does not come about."""
    aside = None
    if place.exists() and any(place.iterdir()):
        aside = place.parent / f"before-{datetime.now(UTC):{STAMP}}"
        aside.mkdir(mode=0o700)
        os.replace(place, aside / "postgres")
    elif place.exists():
        place.rmdir()
    try:
        yield aside
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        if aside is not None:
            os.replace(aside / "postgres", place)
            aside.rmdir()
        (place.parent / RESTORING).unlink(missing_ok=True)
        raise


def _replay(home: Path, archive: Path, aside: Path | None, moment: datetime, say: Say) -> None:
    """Let PostgreSQL go through the log up to the moment, then stop it."""
    (home / "postgres" / "recovery.signal").touch()
    owned(home / "postgres" / "recovery.signal")
    # What was not handed over yet lies with what was there.
    places = [archive, *([aside / "postgres" / "pg_wal"] if aside is not None else [])]
    if aside is not None:
        owned(aside)
    fetch = " || ".join(f"cp {shlex.quote(str(p)).replace('%', '%%')}/%f %p" for p in places)
    say(f"going through the log up to {moment.isoformat()}")
    try:
        server = start_postgres(
            home, restore_command=fetch, recovery_target_time=moment.isoformat(), recovery_target_action="promote",
        )
    except Setup as e:
        raise _ended(str(e)) from None
    try:
        _until_promoted(server)
    finally:
        server.stop()


def _ended(said: str) -> Setup:
    if "before configured recovery target was reached" in said:
        return Setup("The log that is there ends before that moment; choose an earlier one.")
    return Setup(f"PostgreSQL could not go to that moment: {said.strip().splitlines()[-1].rstrip('.')}.")


def _until_promoted(server: Server) -> None:
    end = time.monotonic() + REPLAY_SECONDS
    while time.monotonic() < end:
        if server.process.poll() is not None:
            raise _ended(server.log.read_text(errors="replace")[-2000:])
        if not asyncio.run(snapshots.recovering(server.url)):
            return
        time.sleep(0.2)
    raise Setup(f"PostgreSQL did not reach that moment in time; its log is {server.log}.")


def _run(program: str, *words: str) -> None:
    done = subprocess.run([binaries() / program, *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Setup(f"{program} failed: {(done.stderr.strip().splitlines() or ['it said nothing'])[-1].rstrip('.')}.")
