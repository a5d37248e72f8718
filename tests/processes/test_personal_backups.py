"""Nobody who was erased can be read in any copy of the hub that there is: data, log, base, backup."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from pydantic import SecretStr

from hub.config import Settings
from hub.errors import Setup
from hub.personal_keys import COPIES, ERASED, PersonalKeys, identity
from hub.processes.backups.making import backup, listed
from hub.processes.backups.recovery import base, restore_at
from hub.processes.backups.restoring import keys_back, restore
from hub.processes.embedded import archiving, start_postgres, start_valkey
from hub.processes.home import locked, with_key
from hub.sealing import Sealer
from hub.store import wall
from hub.store.db import open_db
from tests.api.chatting import visiting
from tests.api.conftest import Api, keys_of, providing, serving
from tests.clusters import migrated
from tests.fakes.model import says

ANA, BEA = "ana-7@example.com", "bea-8@example.com"
HERS, THEIRS = "zebrafinchcanary", "swallowcanary"
TEXTS = "select content from messages union all select body from inbox"


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="pk-", dir="/tmp"))
    os.chmod(folder, 0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


async def _lived(settings: Settings) -> tuple[datetime, str, str]:
    """Both talk and something is remembered of both; a moment after it, the account's key."""
    async with providing() as provider, serving(settings, provider) as (hub, url), aiohttp.ClientSession() as http:
        api = Api(hub, url, *await keys_of(hub), http)
        for tag, word in ((ANA, HERS), (BEA, THEIRS)):
            async with visiting(api, session={"tag": tag}) as me:
                me.model.default = says(f"So you are {word}.")
                assert (await me.call("POST", "/prompt", {"prompt": f"I am {word}"})).status == 200
                remembered = {"externalUserId": tag, "content": f"Likes the {word}"}
                await api.ok("POST", "/api/v1/memories", remembered)
        con: Any = await asyncpg.connect(settings.database_url.get_secret_value().replace("hub_app", "postgres"))
        try:
            moment: datetime = await con.fetchval("select clock_timestamp() + interval '1 millisecond'")
            await con.execute("select pg_sleep(0.01)")
            await con.execute("select pg_switch_wal()")
        finally:
            await con.close()
        return moment, url, api.key


async def _erased(settings: Settings, key: str) -> None:
    async with providing() as provider, serving(settings, provider) as (hub, url), aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {key}"}
        async with http.delete(f"{url}/api/v1/contacts?externalUserId={ANA}", headers=headers) as got:
            assert got.status == 200, await got.text()


async def _texts(settings: Settings) -> str:
    """With every key that is left."""
    keys = PersonalKeys(Path(settings.personal_keys), Sealer(settings.sealing_key.get_secret_value()))
    async with open_db(wall.as_app(settings.database_url.get_secret_value()), size=2, keys=keys) as db:
        rows = [r["content"] for r in await db.fetch(TEXTS)]
        return str(rows + [keys.text(r["content"]) for r in await db.fetch("select content from memories")])


def holding(folder: Path, word: str) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and word.encode() in p.read_bytes()]


def test_who_was_erased_is_unreadable_in_every_copy(place: Path) -> None:
    archive, said = place / "log", list[str]()
    settings = with_key(Settings(
        home=place / "h", wal_archive=str(archive), personal_keys=str(place / "h" / "people"),
        backups=str(place / "kept"), outbound_allow="127.0.0.0/8",
    ))
    postgres = start_postgres(migrated(settings.home), fsync="off", **archiving(str(archive)))
    valkey = start_valkey(settings.home)
    served = settings.changed(database_url=SecretStr(postgres.url), redis_url=SecretStr(valkey.url))
    running = served.changed(database_url=SecretStr(wall.as_app(postgres.url)))
    try:
        with locked(settings.home):
            base(settings, said.append)
            moment, _, key = asyncio.run(_lived(running))
            made = backup(served, None, said.append)
            before = asyncio.run(_texts(served))
            assert HERS in before and THEIRS in before
            asyncio.run(_erased(running, key))
    finally:
        valkey.stop()
        postgres.stop()
    assert made is not None and [made] == listed(settings.backups_folder)
    # The names by which they are found do stand in the data; their words stand nowhere, and no key in a backup.
    assert holding(place / "h" / "postgres", ANA) and not holding(place, HERS) and not holding(place, THEIRS)
    keys = [p for p in (place / "h" / "people").rglob("*") if p.is_file()]
    assert keys and not any(p.name.encode() in made.read_bytes() and p.read_bytes() in made.read_bytes() for p in keys)
    copies = {p.name for p in (place / "kept" / COPIES).rglob("*") if p.is_file()}
    assert copies == {p.name for p in keys}, "the copies follow"
    # Whoever took the backup, without the list of erasures, but with all keys that are left.
    read: list[str] = []
    stolen = settings.changed(home=place / "other", wal_archive="", backups=str(place / "none"))
    restore(
        stolen, made, replace=False, erasures=None, say=said.append,
        then=lambda target, _: read.append(asyncio.run(_texts(target))),
    )
    away = settings.changed(backups=str(place / "none"))
    restore_at(away, moment.isoformat(), replace=True, erasures=None, say=said.append)
    again = start_postgres(settings.home, fsync="off")
    try:
        read.append(asyncio.run(_texts(settings.changed(database_url=SecretStr(again.url)))))
    finally:
        again.stop()
    for text in read:
        assert ERASED in text and THEIRS in text and HERS not in text
    _on_a_new_machine(settings, made, place, said)


def _on_a_new_machine(settings: Settings, made: Path, place: Path, said: list[str]) -> None:
    """The keys come back from their copies beside the backup."""
    shutil.rmtree(settings.personal_keys)
    fresh = settings.changed(personal_keys=str(place / "fresh" / "people"), backups=str(place / "none"))
    keys_back(fresh, made.parent, said.append)
    assert "taken from" in said[-1] and identity(Path(fresh.personal_keys), begin=False) is not None
    # A folder that is empty by mistake does not empty the copies.
    with pytest.raises(Setup, match="nothing was copied"):
        backup(settings, None, said.append)
