"""Turns that are cut off by somebody else: deploys, restarts of the database. Nothing is lost, nothing is set aside."""

import asyncio
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from hub.config import Settings
from hub.processes.embedded import Server, start_postgres
from tests.clusters import migrated
from tests.fakes.model import Act, hangs
from tests.flows.rig import Rig, echo, rig
from tests.flows.test_answers import say
from tests.flows.test_crashes import own  # noqa: F401 - fixtures

LEASE = 20.0


async def test_four_deploys_in_the_middle_of_an_answer_lose_nothing(settings: Settings) -> None:
    """Workers come and go while a model takes its time; the next one begins within a second, not after the lease."""
    async with rig(settings.changed(lease_seconds=LEASE, turn_seconds=60, drain_seconds=0.5)) as r:
        r.model.default = hangs()
        await say(r.w, "telegram", "hello #a1-1")
        for n in range(4):
            worker = r.start()
            await r.w.until(lambda n=n: len(r.model.calls) == n + 1)
            mark = await r.db.row("select crash_count, attempts from sessions")
            assert tuple(mark) == (0, 1), "no mark is left of those before"
            worker.signal(signal.SIGTERM)
            assert await worker.ended(20) == 0
            assert await r.db.value("select lease_until is null from sessions"), "no lease of the dead is waited for"
        r.model.default = echo()
        r.start()
        await r.w.settle()
        assert r.net.final() == ["You said #a1-1"]
        await r.one_answer()


async def _beating(r: Rig, count: int) -> bool:
    return int(await r.db.value("select count(*) from worker_beats where kind = 'worker'")) == count


LEASED = "select lease_until from sessions"


async def _held_anew(r: Rig, before: datetime) -> datetime:
    async def later() -> bool:
        now = await r.db.value(LEASED)
        return now is not None and now > before

    await r.w.until(later)
    now: datetime = await r.db.value(LEASED)
    return now or before


def after(told: asyncio.Event) -> Act:
    """Answers when it is told to."""

    async def act(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        await told.wait()
        return await echo()(request, body)

    return act


async def test_four_restarts_of_the_database_set_nothing_aside(
    settings: Settings, own: tuple[Path, list[Server]]  # noqa: F811
) -> None:
    folder, servers = own
    servers.append(start_postgres(migrated(folder)))
    quick = settings.changed(database_url=servers[0].url, lease_seconds=2, turn_seconds=60)
    async with rig(quick) as r:
        r.model.default = after(told := asyncio.Event())
        workers = [r.start(), r.start()]
        await r.w.until(lambda: _beating(r, 2))
        await say(r.w, "telegram", "hello #a1-1")
        await r.w.until(lambda: len(r.model.calls) > 0)
        held = await r.db.value(LEASED)
        for _ in range(4):
            servers[-1].process.send_signal(signal.SIGQUIT)
            servers[-1].process.wait(10)
            await asyncio.sleep(0.5)
            servers.append(start_postgres(folder))
            # Kept by the one that had it, or taken by the other.
            held = await _held_anew(r, held)
        told.set()
        await r.w.settle()
        assert all(w.alive for w in workers)
        assert r.net.final() == ["You said #a1-1"]
        assert await r.db.value("select state from inbox") == "answered"
