"""A hub that runs in a home folder: how another command reaches its servers, and its twins of the networks."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from pydantic import SecretStr

from hub.config import Settings
from hub.processes.embedded import running_postgres, running_valkey
from hub.processes.home import write_private
from hub.store.wall import as_app

TWINS = "twins.json"
SECONDS = 1.0


def with_running(settings: Settings) -> Settings:
    """Settings that reach the embedded servers and the twins of a running hub in this home. Raise Setup."""
    own_database, own_redis = settings.embedded
    changes: dict[str, Any] = {}
    if own_database:
        changes["database_url"] = SecretStr(as_app(running_postgres(settings.home.resolve())))
    if own_redis:
        changes["redis_url"] = SecretStr(running_valkey(settings.home.resolve()))
    found = settings.changed(**changes)
    where = twins_of(settings.home)
    return with_twins(found, *where) if where else found


def with_twins(settings: Settings, host: str, port: int) -> Settings:
    """Settings that talk to the local twins instead of the providers."""
    base = f"http://{host}:{port}"
    allowed = ",".join(x for x in (settings.outbound_allow, f"{host}:{port}") if x)
    return settings.changed(
        telegram_api_url=f"{base}/telegram",
        zapi_api_url=f"{base}/zapi",
        kapso_api_url=f"{base}/kapso",
        meta_api_url=f"{base}/cloud/v24.0",
        outbound_allow=allowed,
    )


@contextmanager
def twins_noted(home: Path, host: str, port: int) -> Iterator[None]:
    """While it lasts, other commands over this home know where the twins are."""
    path = home / TWINS
    write_private(path, orjson.dumps({"host": host, "port": port}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def twins_of(home: Path) -> tuple[str, int] | None:
    """Where the twins of a running hub listen; a note that a killed hub left is not believed."""
    try:
        found = orjson.loads((home / TWINS).read_bytes())
        where = str(found["host"]), int(found["port"])
        socket.create_connection(where, SECONDS).close()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return where
