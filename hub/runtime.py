"""Everything that is open, in one frozen object, and the one place that opens it."""

import importlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import aiohttp

from channels.base import Channel, ChannelError, Download
from channels.registry import Urls, build
from hub import __version__
from hub.checkpoints import Reached, unwatched
from hub.child_processes import Children
from hub.config import Settings
from hub.domain import Json
from hub.errors import HubError, Invalid, Setup
from hub.guarded_http import Outbound, open_outbound
from hub.live.cache import Cache
from hub.live.circuit import Valkey
from hub.live.connect import connect
from hub.live.events import Events
from hub.live.leases import Leases
from hub.live.limits import Limits
from hub.live.queue import Queue
from hub.live.single_flight import Flights
from hub.llm.bulk import BulkEmbedder
from hub.llm.catalogue import load as load_catalogue
from hub.llm.elsewhere import Elsewhere
from hub.llm.embedder import Embedder
from hub.llm.figures import Figures
from hub.llm.gateway import Models
from hub.llm.likeness import Likeness
from hub.objects import Objects, open_objects
from hub.personal_keys import COPIES, PersonalKeys
from hub.room import Room
from hub.sealing import Sealer
from hub.store import personal, scope
from hub.store.db import Db, open_db
from hub.store.outbox import on_the_wire
from hub.store.outcomes import Outcomes
from hub.store.usage import Meter
from hub.tracing import OFF, Tracing
from hub.translations import Catalogues

EVERYWHERE = "0.0.0.0/0,::/0"


@dataclass(frozen=True, slots=True)
class Hub:
    """outbound: for addresses of customers. trusted: for those of the operator's settings alone; it
    reaches everything. embedder: for questions; bulk: for documents; elsewhere: those of
    accounts' own. children: starts programs that work on what
    strangers sent. reached: told of named places as they are passed."""

    settings: Settings
    db: Db
    redis: Valkey
    sealer: Sealer
    outbound: Outbound
    trusted: Outbound
    channels: dict[str, Channel]
    models: Models
    embedder: Embedder
    bulk: BulkEmbedder
    elsewhere: Elsewhere
    queue: Queue
    events: Events
    limits: Limits
    leases: Leases
    cache: Cache
    flights: Flights
    meter: Meter
    outcomes: Outcomes
    children: Children
    room: Room
    reached: Reached = unwatched
    tracing: Tracing = OFF
    catalogues: Catalogues = field(default_factory=Catalogues)


class _Fetch:
    """The guarded GET that channels use for addresses found in webhook bodies."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    async def __call__(self, url: str, headers: Mapping[str, str], limit: int) -> Download:
        try:
            reply = await self._outbound.request("GET", url, headers=headers, seconds=60, limit=limit, follow=True)
        except HubError as e:
            raise ChannelError(f"The file cannot be fetched: {e}") from None
        if reply.status != 200:
            raise ChannelError(
                f"The file cannot be fetched: status {reply.status}.", permanent=reply.status in (403, 404, 410)
            )
        return Download(reply.body, reply.mime)


def _guarded(outbound: Outbound) -> Callable[[str], aiohttp.ClientSession]:
    def session(url: str) -> aiohttp.ClientSession:
        try:
            return outbound.session(url)
        except Invalid as e:
            raise ValueError(str(e)) from None

    return session


def _tracing(settings: Settings) -> Tracing:
    """Where no collector is set, nothing of OpenTelemetry's SDK is loaded."""
    if not settings.otel_endpoint:
        return OFF
    try:
        made: Tracing = importlib.import_module("hub.otel").Otel(
            settings.otel_endpoint, __version__, settings.otel_content
        )
    except ImportError:
        raise Setup("HUB_OTEL_ENDPOINT needs opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http.") from None
    return made


def open_keys(settings: Settings, sealer: Sealer) -> PersonalKeys | None:
    """Where people's words are sealed: the folder of their keys, whose copies lie beside the backups."""
    if not settings.personal_keys:
        return None
    return PersonalKeys(Path(settings.personal_keys), sealer, settings.backups_folder / COPIES)


def opened_db(settings: Settings, blobs: Objects | None, keys: PersonalKeys | None) -> AbstractAsyncContextManager[Db]:
    return open_db(settings.database_url.get_secret_value(), settings.pool_size, blobs=blobs, keys=keys)


def _elsewhere(outbound: Outbound, sealer: Sealer, meter: Meter) -> Elsewhere:
    async def spent(account: UUID, row: Json) -> None:
        await meter.add(account, [row])

    return Elsewhere(outbound, lambda id, sealed: sealer.open("embedders.secret", id, sealed), spent)


def _models(
    settings: Settings, outbound: Outbound, trusted: Outbound, tracing: Tracing, sealer: Sealer, embedder: Embedder,
) -> Models:
    return Models(
        outbound, load_catalogue(settings.catalogue, settings.model_keys.get_secret_value()), trusted=trusted,
        counted=Figures([n for n in (m.strip() for m in settings.metrics_models.split(",")) if n], tracing),
        secret=sealer.derived("provider.masking"), likeness=Likeness(embedder),
    )


@asynccontextmanager
async def _outcomes(db: Db, me: str, settings: Settings, reached: Reached) -> AsyncIterator[Outcomes]:
    one = Outcomes(db, me, on_the_wire(settings.wire_seconds), reached, db.few)
    try:
        yield one
    finally:
        await one.close()


@asynccontextmanager
async def open_hub(settings: Settings, reached: Reached = unwatched, closed: bool = False) -> AsyncIterator[Hub]:
    """Open all that a process needs; whatever was opened is closed, in reverse, on any way out.

    closed: nothing is reached but what HUB_OUTBOUND_ALLOW names, for a copy that is tried."""
    async with AsyncExitStack() as stack:
        blobs = open_objects(settings.files_url, settings.files_key, settings.files_secret.get_secret_value())
        sealer = Sealer(settings.sealing_key.get_secret_value())
        db = await stack.enter_async_context(opened_db(settings, blobs, open_keys(settings, sealer)))
        await personal.agreed(db)
        redis = connect(settings.redis_url.get_secret_value(), settings.queue)
        stack.push_async_callback(redis.aclose, close_connection_pool=True)
        outbound = await stack.enter_async_context(open_outbound(settings.outbound_allow, not closed, scope.whose))
        everywhere = settings.outbound_allow if closed else EVERYWHERE
        trusted = await stack.enter_async_context(open_outbound(everywhere, not closed, scope.whose))
        connector = aiohttp.TCPConnector(limit=200)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, trust_env=False))
        urls = Urls(settings.telegram_api_url, settings.zapi_api_url, settings.kapso_api_url, settings.meta_api_url)
        channels = build(http, _guarded(outbound), _Fetch(outbound), urls)
        for channel in channels.values():
            stack.push_async_callback(channel.close)
        meter = Meter(db)
        stack.push_async_callback(meter.close)
        leases = Leases()
        outcomes = await stack.enter_async_context(_outcomes(db, leases.me, settings, reached))
        elsewhere = _elsewhere(outbound, sealer, meter)
        embedder = Embedder(elsewhere)
        stack.push_async_callback(embedder.close)
        bulk = BulkEmbedder()
        stack.push_async_callback(bulk.close)
        events = Events(redis, settings.queue)
        stack.push_async_callback(events.close)
        tracing = _tracing(settings)
        stack.push_async_callback(tracing.close)
        flights = Flights()
        stack.push_async_callback(flights.close)
        yield Hub(
            settings=settings,
            db=db,
            redis=redis,
            sealer=sealer,
            outbound=outbound,
            trusted=trusted,
            channels=channels,
            models=_models(settings, outbound, trusted, tracing, sealer, embedder),
            embedder=embedder,
            bulk=bulk,
            elsewhere=elsewhere,
            queue=Queue(redis, settings.queue),
            events=events,
            limits=Limits(redis, settings.queue, settings.limits_unasked),
            leases=leases,
            cache=Cache(redis, settings.queue),
            flights=flights,
            meter=meter,
            outcomes=outcomes,
            children=Children(),
            room=Room(settings.home, settings.disk_reserve_mb << 20, settings.database_mb << 20),
            reached=reached,
            tracing=tracing,
        )
