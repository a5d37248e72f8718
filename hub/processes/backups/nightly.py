"""Once a day: a backup and the rehearsal of its restore, as commands of their own beside the scheduler."""

import asyncio
import logging
import sys
from datetime import UTC, datetime, time

from hub.processes.embedded import die_with_parent
from hub.runtime import Hub
from hub.store import drills, leader_election

log = logging.getLogger(__name__)

LONGEST = 6 * 3600.0  # seconds in which nobody else begins it
WORDS = 300


async def run(hub: Hub) -> None:
    """When its time of day has come and nobody has begun it today."""
    now = datetime.now(UTC)
    due = datetime.combine(now.date(), time.fromisoformat(hub.settings.backup_at), UTC)
    if now < due or await drills.done_since(hub.db, "rehearsal", due):
        return
    if not await leader_election.take(hub.db, "nightly", hub.leases.me, LONGEST):
        return
    if hub.settings.wal_archive and hub.settings.home.joinpath("postgres", "PG_VERSION").exists():
        wrong = await _command(hub, "backup", "--base")
        if wrong is not None:
            log.error("hub backup --base: %s", wrong)
    for command, kind in (("backup", "backup"), ("rehearse", "rehearsal")):
        began = datetime.now(UTC)
        wrong = await _command(hub, command)
        if wrong is not None:
            log.error("hub %s: %s", command, wrong)
            if not await drills.done_since(hub.db, kind, began):
                await drills.note(hub.db, kind, False, wrong, {}, began)
            if kind == "backup":
                await drills.note(hub.db, "rehearsal", False, "no: there was no new backup to rehearse", {}, began)
            return


async def _command(hub: Hub, *words: str) -> str | None:
    """What it said last where it failed. Of the settings it finds all in the environment but the home."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", *words, "--home", str(hub.settings.home.resolve()),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, preexec_fn=die_with_parent(15),
    )
    try:
        _, err = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        raise
    if process.returncode == 0:
        return None
    return (err.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1][:WORDS]
