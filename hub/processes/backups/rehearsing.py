"""`hub rehearse`: a backup restored beside, brought up to date, looked at and talked to; then go or no."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from hub.config import Settings
from hub.errors import HubError, Setup
from hub.personal_keys import COPIES, copied
from hub.processes import audit
from hub.processes.backups.archive import Json
from hub.processes.backups.making import Say, newest
from hub.processes.backups.replay import replay
from hub.processes.backups.restoring import restore
from hub.processes.backups.sources import noted
from hub.store import snapshots, wall
from hub.store.db import open_db
from hub.store.migrate import current

# Of what restoring and erasing again may rightly change, by table.
MAY_DIFFER = frozenset({"audit", "audit_heads", "migrations", "leader", "worker_beats", "drills"})


@dataclass
class Findings:
    """What was looked at; wrong: what speaks against it."""

    asked: int = 0
    rows: int = 0
    wrong: list[str] = field(default_factory=list)


def rehearse(settings: Settings, file: Path | None, last: int, say: Say) -> bool:
    """Whether this backup could be gone back to; noted in the database of the hub that runs. Raise Setup where there
    is no backup."""
    file, began = file or newest(settings), datetime.now(UTC)
    found = Findings()
    folder = Path(tempfile.mkdtemp(prefix="rehearsal-", dir=_room(settings, file)))
    try:
        beside = settings.changed(
            home=folder, database_url=SecretStr(""), owner_url=SecretStr(""), redis_url=SecretStr(""), backups="",
            wal_archive="", files_url="", metrics_port=0, queue="rehearsal",
            # A copy of them too: who is erased in it again may have come back here since.
            personal_keys=str(folder / COPIES) if settings.personal_keys else "",
        )
        if settings.personal_keys:
            copied(Path(settings.personal_keys), folder / COPIES)
        erasures = settings.backups_folder / "erasures.jsonl"
        restore(
            beside, file, replace=False, erasures=erasures, say=say,
            then=lambda target, manifest: _looked(target, manifest, last, found, say),
        )
    except (Setup, HubError) as e:
        found.wrong.append(str(e))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    seconds = (datetime.now(UTC) - began).total_seconds()
    words = "; ".join(found.wrong) or f"{found.rows} rows and {found.asked} replayed messages as they were"
    verdict = f"{'no' if found.wrong else 'go'}: {file.name}, {seconds:.0f} s: {words}"
    detail = {"file": file.name, "seconds": round(seconds, 1), "replayed": found.asked, "rows": found.rows}
    noted(settings, "rehearsal", not found.wrong, verdict, detail, began, say)
    say(verdict)
    return not found.wrong


def _room(settings: Settings, file: Path) -> Path:
    """Where there is room for a second copy of everything. Raise Setup."""
    folder = settings.backups_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    need, free = 6 * file.stat().st_size, shutil.disk_usage(folder).free
    if free < need:
        raise Setup(f"There is no room to rehearse in {folder}: {free >> 20} MB are free, {need >> 20} are needed.")
    return folder


def _looked(target: Settings, manifest: Json, last: int, found: Findings, say: Say) -> None:
    asyncio.run(_look(target, manifest, last, found, say))


async def _look(target: Settings, manifest: Json, last: int, found: Findings, say: Say) -> None:
    have = await snapshots.counts(target.database_url.get_secret_value())
    found.rows = sum(have.values())
    fewer = [t for t, n in manifest["rows"].items() if t not in MAY_DIFFER and have.get(t, 0) != n]
    if fewer:
        say("other numbers of rows, by erasures or a migration: " + ", ".join(sorted(fewer)))
    gone = [t for t in manifest["rows"] if t not in have]
    found.wrong += [f"table {t} is missing" for t in gone]
    app = target.changed(database_url=SecretStr(wall.as_app(target.database_url.get_secret_value())))
    async with open_db(app.database_url.get_secret_value(), size=2) as db:
        if not await current(db):
            found.wrong.append("the schema is not current")
        if not db.walled or await wall.owns(db):
            found.wrong.append("the wall between accounts is down")
    if not await audit.verify(app, lambda _: None):
        found.wrong.append("the audit log is not as it was written")
    replayed = await replay(app, last)
    found.asked = replayed.asked
    found.wrong += replayed.differences
