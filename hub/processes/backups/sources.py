"""Which database is meant, as its owner: one's own, that of a hub that runs, or the embedded one, started for this."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from pydantic import SecretStr

from hub.config import Settings
from hub.domain import Json
from hub.errors import HubError, Setup
from hub.processes.embedded import archiving, running_postgres, start_postgres
from hub.processes.home import locked
from hub.store import drills
from hub.store.db import open_db


def owner_of(settings: Settings) -> str:
    """The address that owns the tables: it alone sees and may change everything."""
    return settings.owner_url.get_secret_value() or settings.database_url.get_secret_value()


@contextmanager
def serving(settings: Settings) -> Iterator[Settings]:
    """Settings whose database answers meanwhile. Raise Setup."""
    if not settings.embedded[0]:
        yield settings
        return
    home = settings.home.resolve()
    if not (home / "postgres" / "PG_VERSION").exists():
        raise Setup(f"There is no database in {home}; set HUB_DATABASE_URL, or name the home of a hub with --home.")
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(home))
        except Setup:
            url = running_postgres(home)
        else:
            server = start_postgres(home, **archiving(settings.wal_archive))
            stack.callback(server.stop)
            url = server.url
        yield settings.changed(database_url=SecretStr(url))


def noted(
    settings: Settings, kind: str, ok: bool, words: str, detail: Json, began: datetime, say: Callable[[str], None]
) -> None:
    """Write a drill down where the console and the metrics find it; a database that is away is no reason to fail."""
    try:
        with serving(settings) as served:
            asyncio.run(_note(owner_of(served), kind, ok, words, detail, began))
    except (Setup, HubError) as e:
        say(f"it could not be noted in the database: {e}")


async def _note(url: str, kind: str, ok: bool, words: str, detail: Json, began: datetime) -> None:
    async with open_db(url, size=2) as db:
        await drills.note(db, kind, ok, words, detail, began)
