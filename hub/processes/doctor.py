"""`hub doctor`: check the set-up and say what to do."""

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from channels.base import ChannelError
from hub.chat.clients.link import integration_of, link_of
from hub.config import Settings
from hub.errors import HubError, Setup
from hub.live.connect import DOWN
from hub.processes.home import with_key
from hub.processes.running import twins_of, with_running
from hub.runtime import Hub, open_hub
from hub.store import drills, health, owed_indexes, stats, wall
from hub.store.migrate import EXTENSIONS, current
from hub.tools.shell import sandbox

LOW_DISK = 1 << 30
SKEW = 2.0
OLD = timedelta(days=3)
BACKLOG = 60.0  # seconds that a call may wait
MARKS = {"ok": "ok  ", "warn": "warn", "bad": "BAD "}


@dataclass(frozen=True, slots=True)
class Finding:
    """state: ok, warn or bad; mend: what to do, when there is something to do."""

    state: str
    what: str
    mend: str = ""


def main(settings: Settings) -> None:
    """Print findings; exit 1 when something is bad."""
    bad = asyncio.run(_report(settings, print))
    if bad:
        sys.exit(1)


async def _report(settings: Settings, say: Callable[[str], None]) -> int:
    bad = 0
    async with aclosing(_findings(settings)) as findings:
        async for f in findings:
            say(f"{MARKS[f.state]} {f.what}" + (f"\n       -> {f.mend}" if f.mend else ""))
            bad += f.state == "bad"
    say("everything needed is in order" if not bad else f"{bad} thing(s) to mend")
    return bad


async def _findings(settings: Settings) -> AsyncGenerator[Finding, None]:
    yield _public(settings)
    yield _disk(settings)
    yield await _shell(settings)
    try:
        found = with_key(with_running(settings))
    except Setup as e:
        yield Finding("bad", str(e), "Start the hub with `hub up`, then run `hub doctor` with the same --home.")
        return
    async with open_hub(found) as hub:
        ready = False
        async for f in _database(hub):
            ready = ready or f.what.startswith("Database")
            yield f
        yield await _redis(hub)
        if ready:
            yield await _wall(hub)
            yield await _workers(hub)
            yield await _backlog(hub)
            async for f in _drills(hub):
                yield f
            async for f in _networks(hub):
                yield f


def _public(settings: Settings) -> Finding:
    address = settings.address
    if where := twins_of(settings.home):
        return Finding("ok", f"Public address {address}; twins of the networks at http://{where[0]}:{where[1]}/phone")
    if address.startswith("https://"):
        return Finding("ok", f"Public address {address}")
    return Finding(
        "warn",
        f"Public address {address}: networks need an https address to reach webhooks",
        "Set HUB_PUBLIC_URL to the https address of your reverse proxy; for a trial use `hub up --twins`.",
    )


def _disk(settings: Settings) -> Finding:
    home, reserve = settings.home.resolve(), settings.disk_reserve_mb
    place = next(p for p in (home, *home.parents) if p.exists())
    free = shutil.disk_usage(place).free
    if free < reserve << 20:
        return Finding(
            "bad", f"Disk: {free >> 20} MiB free at {place}, and {reserve} are the reserve: nothing new is taken",
            "Make room; the hub goes on by itself as soon as there is some (HUB_DISK_RESERVE_MB).",
        )
    if free < LOW_DISK:
        return Finding(
            "bad", f"Disk: {free >> 20} MiB free at {place}", "Free at least 1 GiB: a full disk stops the database."
        )
    return Finding("ok", f"Disk: {free >> 30} GiB free at {place}")


async def _shell(settings: Settings) -> Finding:
    if not settings.shell:
        return Finding("ok", "Shell: switched off (HUB_SHELL)")
    why = await sandbox.check(settings)
    if why is None:
        return Finding("ok", "Shell: the sandbox starts")
    return Finding(
        "warn", f"Shell: {why}; gateways with enableBash answer without it",
        "Install bubblewrap (Debian: apt-get install bubblewrap) and allow unprivileged user namespaces; a container "
        "needs the security options seccomp=unconfined and systempaths=unconfined for it. Or set HUB_SHELL=false.",
    )


async def _database(hub: Hub) -> AsyncIterator[Finding]:
    try:
        seen = await health.database(hub.db)
        up_to_date = await current(hub.db)
    except HubError:
        yield Finding("bad", "PostgreSQL cannot be reached", "Check HUB_DATABASE_URL and that the server runs.")
        return
    if not up_to_date:
        yield Finding("bad", "The schema is not the one this version needs", "Run `hub migrate`.")
    else:
        yield Finding("ok", f"Database: PostgreSQL {seen['version']}, schema current")
        if owed := await owed_indexes.many(hub.db):
            yield Finding(
                "warn", f"Indexes that are still to be built: {owed}; what needs them is slow",
                "Run `hub migrate`: it holds nobody up.",
            )
    for name in EXTENSIONS:
        if name not in seen["extensions"]:
            yield Finding(
                "bad", f"Extension {name} is missing", f"Install it on the server and run `create extension {name}`."
            )
    for name in ("fsync", "synchronous_commit"):
        if seen[name] == "off":
            yield Finding("bad", f"{name} is off: accepted messages can be lost", f"Set {name} = on.")
    yield _size(hub.settings, await health.size(hub.db))
    skew = abs((datetime.now(UTC) - seen["now"]).total_seconds())
    state = "ok" if skew < SKEW else "bad"
    yield Finding(
        state,
        f"Clocks: {skew:.1f} s between this machine and the database",
        "" if state == "ok" else "Run an NTP client on both.",
    )


def _size(settings: Settings, size: int) -> Finding:
    most = settings.database_mb
    if most and size > most << 20:
        return Finding(
            "bad", f"The database has {size >> 20} MiB, and {most} are its limit: nothing new is taken",
            "Set retentionDays of accounts, or raise HUB_DATABASE_MB when its disk has room.",
        )
    return Finding("ok", f"Size of the database: {size >> 20} MiB" + (f" of {most}" if most else ""))


async def _drills(hub: Hub) -> AsyncIterator[Finding]:
    """What became of the newest backup and the newest rehearsal."""
    done = await drills.latest(hub.db)
    if "backup" not in done:
        yield Finding("warn", "No backup was ever made here", "Set HUB_BACKUP_AT, or run `hub backup` every night.")
    for kind, one in sorted(done.items()):
        old = datetime.now(UTC) - one.began > OLD
        when = f"{one.began:%Y-%m-%d %H:%M} UTC"
        if one.ok and not old:
            yield Finding("ok", f"Newest {kind}: {when}, {one.words}")
            continue
        mend = "Run `hub backup` and `hub rehearse`; HUB_BACKUP_AT does both every night."
        yield Finding("warn", f"Newest {kind}: {when}, {'too long ago' if one.ok else one.words}", mend)


async def _wall(hub: Hub) -> Finding:
    """Whether PostgreSQL itself keeps accounts apart."""
    if not hub.db.walled:
        return Finding(
            "warn", "Accounts: kept apart by the hub alone, the database's wall is down",
            "Run `hub migrate` with HUB_OWNER_URL as who may create roles, or the statements in deploy/README.md.",
        )
    if await wall.owns(hub.db):
        return Finding(
            "warn", "Accounts: the wall is up, but the hub signs in as the owner of its tables",
            "Name the owner in HUB_OWNER_URL, another role in HUB_DATABASE_URL, and run `hub migrate`.",
        )
    return Finding("ok", "Accounts: the database keeps them apart too, and the hub owns none of its tables")


async def _workers(hub: Hub) -> Finding:
    alive = await health.beats(hub.db)
    if not alive.get("worker"):
        return Finding(
            "bad", "No worker is running: messages are stored but not answered", "Start `hub worker` (or `hub up`)."
        )
    return Finding("ok", "Running: " + ", ".join(f"{n} {kind}" for kind, n in sorted(alive.items())))


async def _backlog(hub: Hub) -> Finding:
    """Whether what was acknowledged gets into its conversations."""
    seen = await stats.pipeline(hub.db)
    if seen["backlog_age"] < BACKLOG:
        return Finding("ok", f"Journal: {seen['backlog']} webhook calls on their way into their conversations")
    return Finding(
        "bad", f"Journal: {seen['backlog']} webhook calls wait, the oldest for {seen['backlog_age']:.0f} s",
        "The logs of web and worker say why (calls of integration ... wait); what cannot be stored goes to quarantine.",
    )


async def _redis(hub: Hub) -> Finding:
    began = time.monotonic()
    try:
        await hub.redis.ping()
        policy = (await hub.redis.config_get("maxmemory-policy")).get("maxmemory-policy", "")
    except DOWN as e:
        return Finding(
            "bad",
            f"Redis cannot be used ({type(e).__name__})",
            "Check HUB_REDIS_URL; answers are late without it, none is lost.",
        )
    if policy.startswith("allkeys"):
        return Finding("warn", f"Redis evicts jobs (maxmemory-policy {policy})", "Set maxmemory-policy noeviction.")
    return Finding("ok", f"Redis answers in {(time.monotonic() - began) * 1000:.1f} ms")


async def _networks(hub: Hub) -> AsyncIterator[Finding]:
    rows = await health.integrations(hub.db)
    if not rows:
        yield Finding("ok", "Networks: none connected yet")
    for row in rows:
        name = f"{row['channel']} of {row['client_name']}"
        try:
            one = integration_of(row, hub.sealer)
            words = await hub.channels[one.channel].check(link_of(one, hub.settings))
        except (ChannelError, Setup) as e:
            yield Finding(
                "bad",
                f"{name}: {e}",
                "Correct the credentials with PUT .../integrations, which registers the webhook again.",
            )
            continue
        state = "ok" if row["state"] == "registered" else "warn"
        mend = (
            "" if state == "ok" else f"The webhook is not registered ({row['state_text']}); save the integration again."
        )
        yield Finding(state, f"{name}: {words}", mend)
