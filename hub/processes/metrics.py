"""Prometheus metrics on a port of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from hub.chat.inbound.intake import Intake
from hub.config import Settings
from hub.jobs.runner import Runner
from hub.processes.lifetime import listening
from hub.runtime import Hub
from hub.store import drills, stats

Collect = Callable[[], Awaitable[CollectorRegistry]]


@asynccontextmanager
async def serve_metrics(settings: Settings, collect: Collect) -> AsyncIterator[None]:
    """Answer /metrics while the block runs; port 0 turns it off."""
    if not settings.metrics_port:
        yield
        return

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(await collect()), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        with listening(settings.host, settings.metrics_port, "HUB_METRICS_PORT"):
            await web.TCPSite(runner, settings.host, settings.metrics_port).start()
        yield
    finally:
        await runner.cleanup()


def _gauge(registry: CollectorRegistry, name: str, words: str, value: float) -> None:
    Gauge(f"hub_{name}", words, registry=registry).set(value)


def _counted(registry: CollectorRegistry, name: str, words: str, label: str, counts: dict[str, int]) -> None:
    gauge = Gauge(f"hub_{name}", words, [label], registry=registry)
    for key, n in counts.items():
        gauge.labels(key).set(n)


def _common(hub: Hub, registry: CollectorRegistry) -> None:
    pools = [p for p in (hub.db.pool, hub.db.few.pool, hub.db.tenants) if p is not None]
    _gauge(registry, "pool_size", "Open PostgreSQL connections", sum(p.get_size() for p in pools))
    _gauge(registry, "pool_idle", "Idle PostgreSQL connections", sum(p.get_idle_size() for p in pools))
    _gauge(registry, "disk_free_bytes", "Bytes free where there are fewest", hub.room.free)
    _gauge(registry, "disk_refusing", "1 while nothing new is taken for want of room", hub.room.full is not None)
    _gauge(registry, "database_bytes", "Size of the database", hub.room.database)
    _gauge(registry, "leases_held", "Turns running in this process", len(hub.leases.held()))
    _gauge(registry, "leases_lost_total", "Turns stopped because another process took the session", hub.leases.lost)
    _gauge(registry, "bells_lost_total", "Bells that could not be rung", hub.queue.failures)
    registry.register(hub.models.figures.registry)


async def web_metrics(hub: Hub, intake: Intake) -> CollectorRegistry:
    registry = CollectorRegistry()
    _common(hub, registry)
    _counted(registry, "arrived_total", "Items that arrived by outcome", "outcome", intake.counts)
    return registry


async def worker_metrics(hub: Hub, runner: Runner) -> CollectorRegistry:
    registry = CollectorRegistry()
    _common(hub, registry)
    _gauge(registry, "busy", "Turns and sends running", runner.busy)
    _counted(registry, "turns_total", "Turns of this process by outcome", "outcome", runner.counts)
    _counted(registry, "arrived_total", "Items that arrived by outcome", "outcome", runner.arrived)
    seen = await stats.pipeline(hub.db)
    _gauge(registry, "lag_seconds", "How long the oldest due session has waited", seen["lag"])
    for kind, done in (await drills.latest(hub.db)).items():
        age = (datetime.now(UTC) - done.began).total_seconds()
        _gauge(registry, f"{kind}_age_seconds", f"How long ago the newest {kind} began", age)
        _gauge(registry, f"{kind}_ok", f"Whether the newest {kind} went well", done.ok)
    _gauge(registry, "backlog", "Webhook calls that wait in the journal", seen["backlog"])
    _gauge(registry, "backlog_seconds", "How long the oldest of them has waited", seen["backlog_age"])
    _gauge(registry, "quarantined", "Bodies in quarantine", seen["quarantined"])
    _counted(registry, "deliveries", "Deliveries of the last day by state", "state", seen["deliveries"])
    return registry
