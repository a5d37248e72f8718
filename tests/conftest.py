"""Real PostgreSQL and Valkey for the tests: one of each per run, a database of its own for each test."""

import asyncio
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from hub.config import Settings, wait_without_spinning
from hub.processes.embedded import Server, start_postgres, start_valkey
from hub.processes.lifetime import COLLECT
from hub.sealing import new_key
from hub.store.db import Db, _pool, open_db
from tests.clusters import begin, migrated, quick
from tests.compiled import compile_share
from tests.connections import kept
from tests.databases import at, cloned, prepared
from tests.flows.forks import PLACE
from tests.savings import CHEAP, EARNEST, compile_pages_once, count_tries_here, passwords_cost, remember_types

__all__ = ["at", "cloned"]  # where tests look for them

# Files that take longest: begun first, so that none is begun when the others are done.
LONG = (
    "tests/contract/test_schemathesis.py", "tests/flows/test_crashes.py", "tests/browser/test_console.py",
    "tests/browser/test_team_inbox.py", "tests/clients/test_clients.py", "tests/processes/test_backups.py",
    "tests/channels/test_contract.py", "tests/channels/test_markup.py", "tests/flows/test_signs.py",
    "tests/security/test_reading_gives_nothing_away.py", "tests/flows/test_albums.py", "tests/flows/test_storm.py",
    "tests/api/test_providers.py", "tests/api/test_typed_clients.py", "tests/flows/test_twins.py",
    "tests/processes/test_up.py", "tests/security/test_erasure.py", "tests/flows/test_choices.py",
    "tests/processes/test_commands.py", "tests/browser/test_chat.py", "tests/contract/test_generated.py",
    "tests/flows/test_placeholders.py", "tests/browser/test_looks.py", "tests/api/test_forgotten.py",
    "tests/security/test_loop.py", "tests/api/test_readings.py", "tests/flows/test_patience.py",
    "tests/flows/test_refused_parts.py", "tests/llm/test_reading.py", "tests/chat/inbound/test_journal.py",
    "tests/processes/test_embedded.py", "tests/browser/test_signing.py", "tests/flows/test_drafts.py",
    "tests/flows/test_state_machine.py", "tests/browser/test_manual.py", "tests/security/test_texts.py",
    "tests/channels/test_telegram_receive.py", "tests/console/test_inbox.py", "tests/security/test_sign_in.py",
    "tests/security/test_absurd_bodies.py", "tests/knowledge/test_search.py", "tests/knowledge/test_embedder.py",
    "tests/knowledge/test_reading.py", "tests/security/test_small.py", "tests/security/test_oidc.py",
    "tests/browser/test_widget.py", "tests/house/test_shape.py", "tests/flows/test_schedulers.py",
    "tests/browser/test_markdown.py", "tests/browser/test_forms.py", "tests/flows/test_templates.py",
    "tests/processes/test_personal_backups.py", "tests/flows/test_handing_back.py", "tests/outreach/test_one_phone.py",
    "tests/tools/test_shell.py", "tests/security/test_webhooks.py", "tests/api/test_transports.py",
    "tests/flows/test_session_events.py",
    # Late in the alphabet: one begun last would keep one worker alone.
    "tests/store/test_owed_indexes.py", "tests/store/test_migrations_apart.py", "tests/tools/test_recurrence.py",
    "tests/store/test_failover.py", "tests/outreach/test_of_a_person.py", "tests/outreach/test_policy.py",
    "tests/store/test_ingest_groups.py", "tests/store/test_many_people.py",
)

# A test kills processes, never the machine: nothing has to reach the disk, and nobody copies the log. Tables that were
# never looked through count as large: processes would be started to read a hundred empty ones side by side.
UNSAFE = {
    "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off",
    "wal_level": "minimal", "max_wal_senders": "0", "max_parallel_workers_per_gather": "0",
}


def pytest_configure(config: pytest.Config) -> None:
    begin(config)
    wait_without_spinning()  # workers and their servers share the processors
    remember_types()
    compile_pages_once(Path(os.environ[PLACE]) / "pages")
    passwords_cost(CHEAP)


def pytest_sessionstart(session: pytest.Session) -> None:
    count_tries_here(session.config)
    compile_share(session.config)


def pytest_collection() -> None:
    gc.disable()  # what is imported stays


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {name: n for n, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.nodeid.split("::")[0], len(LONG)))


def pytest_collection_finish() -> None:
    # Thousands of tests are no garbage: what looks for some need not look through them each time, nor more often than
    # in a process of the hub.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    gc.enable()


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Server, Server]]:
    # The short path keeps the Unix socket's name within its limit.
    folder = Path(tempfile.mkdtemp(prefix="hub-test-", dir=quick()))
    os.chmod(folder, 0o755)
    started: list[Server] = []
    try:
        started.append(start_postgres(migrated(folder), **UNSAFE))
        started.append(start_valkey(folder))
        with kept(started[0].url.partition("?")[2]) as connections:
            yield asyncio.run(prepared(started[0], connections)), started[1]
    finally:
        for server in reversed(started):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def dsn(servers: tuple[Server, Server]) -> AsyncIterator[str]:
    async with cloned(servers[0]) as dsn:
        yield dsn


@asynccontextmanager
async def owning(dsn: str) -> AsyncIterator[Db]:
    """The database as its owner has it, who may change tables; no wall holds them."""
    async with _pool(dsn, None, 1, 2, 30.0) as pool:
        yield Db(pool, 30.0)


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[Db]:
    async with owning(dsn) as db:
        yield db


@pytest.fixture
async def db(dsn: str) -> AsyncIterator[Db]:
    async with open_db(dsn, size=8) as db:
        yield db


@pytest.fixture
def redis_url(servers: tuple[Server, Server]) -> str:
    return servers[1].url


@pytest.fixture(scope="session")
def sealing_key() -> str:
    return new_key()


@pytest.fixture
def earnest_passwords() -> Iterator[None]:
    """argon2 as it is outside of the tests."""
    passwords_cost(EARNEST)
    yield
    passwords_cost(CHEAP)


@cache
def _read() -> Settings:
    """What the environment says, read once: it costs more than to change it for each hub."""
    return Settings()


def small(dsn: str, redis_url: str, sealing_key: str, home: Path) -> Settings:
    """Settings of a hub on this database; its own queue, short waits."""
    return _read().changed(
        home=home,
        database_url=SecretStr(dsn),
        redis_url=SecretStr(redis_url),
        sealing_key=SecretStr(sealing_key),
        queue=f"t{uuid4().hex[:12]}",
        port=0,
        public_url="https://hub.example",
        outbound_allow="127.0.0.0/8",
        ares_registration=True,
        model_patience_seconds=0,
        late_answer_seconds=0,
        lease_seconds=3,
        turn_seconds=10,
        wire_seconds=2,
        reconcile_seconds=2,
        sweep_seconds=0.1,
    )


@pytest.fixture
def settings(dsn: str, redis_url: str, sealing_key: str, tmp_path: Path) -> Settings:
    return small(dsn, redis_url, sealing_key, tmp_path)
