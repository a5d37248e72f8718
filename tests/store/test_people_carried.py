"""Who was known before an upgrade is somebody after it, with what was theirs, as far as that is certain."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from hub import ids
from hub.processes.embedded import Server
from hub.store import contacts, memories, people
from hub.store.db import Db, open_db
from hub.store.migrate import files, migrate
from tests.conftest import at, owning

BEFORE = "0010_console.sql"
WITH, WITHOUT, OTHER = "5531990000123", "553190000123", "5521988880000"


@pytest.fixture
async def old(servers: tuple[Server, Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """A database of the version before."""
    name = f"o{uuid4().hex}"
    admin: Any = await asyncpg.connect(servers[0].url)
    for file in files():
        if file.name <= BEFORE:
            shutil.copy(file, tmp_path / file.name)
    await admin.execute(f"create database {name}")
    dsn = at(servers[0].url, name)
    try:
        with monkeypatch.context() as m:
            m.setattr("hub.store.migrate.FOLDER", tmp_path)
            await migrate(dsn)
        yield dsn
        await admin.execute(f"drop database {name} with (force)")
    finally:
        await admin.close()


class Past:
    """What an account had in the old tables."""

    def __init__(self, db: Db) -> None:
        self.db, self.account, self.client = db, ids.uuid7(), ids.uuid7()
        self.links: dict[str, UUID] = {}

    async def make(self) -> "Past":
        await self.db.run("insert into accounts (id, name, salt) values ($1, 'a', 's')", self.account)
        await self.db.run("insert into clients (id, account_id, name) values ($1, $2, 'c')", self.client, self.account)
        for channel in ("zapi", "evolution"):
            self.links[channel] = ids.uuid7()
            await self.db.run(
                "insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode)"
                " values ($1, $2, $3, $4, '\\x00', '\\x00', 'reconcile')",
                self.links[channel], self.account, self.client, channel,
            )
        return self

    async def contact(self, channel: str, tag: str, *names: str) -> UUID:
        id, session = ids.uuid7(), ids.uuid7()
        phone = next((n[6:] for n in names if n.startswith("phone:")), None)
        await self.db.run(
            "insert into contacts (id, account_id, integration_id, name, phone) values ($1, $2, $3, 'N', $4)",
            id, self.account, self.links[channel], phone,
        )
        for name in names:
            await self.db.run("insert into contact_ids values ($1, $2, $3)", self.links[channel], name, id)
        await self.db.run(
            "insert into sessions (id, account_id, client_id, integration_id, contact_id, kind, tag, chat)"
            " values ($1, $2, $3, $4, $5, 'channel', $6, $7)",
            session, self.account, self.client, self.links[channel], id, tag, phone,
        )
        return session

    async def web(self, tag: str) -> None:
        await self.db.run(
            "insert into sessions (id, account_id, client_id, kind, tag) values ($1, $2, $3, 'web', $4)",
            ids.uuid7(), self.account, self.client, tag,
        )

    async def memory(self, user: str, text: str) -> None:
        await self.db.run(
            "insert into memories (id, account_id, external_user, format, content, embedding, words, expires_at)"
            " values ($1, $2, $3, 'Text', $4, $5::text::vector, '', now() + interval '1 day')",
            ids.uuid7(), self.account, user, text, "[" + ",".join(["0"] * 383 + ["1"]) + "]",
        )

    async def person(self, name: str, out: bool = False, zone: str | None = None) -> None:
        await self.db.run(
            "insert into people (account_id, person, zone, opted_out_at, opted_out_by) values ($1, $2, $3,"
            " case when $4 then now() end, case when $4 then 'contact' end)", self.account, name, zone, out,
        )

    async def facts(self, *names: str) -> list[str]:
        found = await people.find(self.db, self.account, names)
        kept = await memories.newest(self.db, self.account, found, "Text", 9) if found else []
        return sorted(m.content for m in kept)


async def test_everybody_has_what_was_theirs(old: str) -> None:
    async with owning(old) as db:
        one, two = await Past(db).make(), await Past(db).make()
        for p in (one, two):
            await p.contact("zapi", f"zp_whatsapp:{WITH}@c", f"phone:{WITH}")
            younger = await p.contact("zapi", f"zp_whatsapp:{WITHOUT}@c", f"phone:{WITHOUT}")
            await p.contact("evolution", f"zp_whatsapp:{WITHOUT}@c", "lid:9", f"phone:{WITHOUT}")
            await p.contact("zapi", "zp_whatsapp:moved@c", f"phone:{OTHER}")
            await p.contact("evolution", "zp_whatsapp:moved@c", "lid:10")
            await p.web("ana@one.example")
            for user, text in (
                (f"zp_whatsapp:{WITHOUT}@c", "of the phone"), ("ana@one.example", "of ana"),
                ("bare", "of an API user"), ("zp_whatsapp:moved@c", "whose?"),
            ):
                await p.memory(user, text)
        await one.person(f"phone:{WITHOUT}", out=True)
        await one.person(f"phone:{WITH}", zone="Asia/Kathmandu")
        await one.person(f"web:{one.client}:ana@one.example", out=True)
        await one.person("tg:7", out=True)
        await db.run(
            "insert into activations (id, account_id, client_id, fire_at, channel, address, person, state, admitted_at)"
            " values ($1, $2, $3, now(), 'zapi', 'x', $4, 'done', now())",
            ids.uuid7(), one.account, one.client, f"phone:{WITHOUT}",
        )
    await migrate(old)
    async with open_db(old, size=2) as db:
        one.db = two.db = db
        who = await people.find(db, one.account, [f"phone:{WITH}"])
        assert who and who == await people.find(db, one.account, ["lid:9"]) == await people.user(
            db, one.account, f"zp_whatsapp:{WITHOUT}@c"
        )
        known = await people.get(db, one.account, who)
        assert known and known["opted_out_at"]
        assert (known["opted_out_by"], known["zone"]) == ("contact", "Asia/Kathmandu")
        assert (await people.lock(db, [who]))[who]["day"] == 1
        for p in (one, two):
            assert await p.facts(f"phone:{WITH}") == await p.facts("lid:9") == ["of the phone"]
            assert await p.facts("user:ana@one.example") == ["of ana"]
            assert await p.facts("user:bare") == ["of an API user"]
            # Two had this name: nobody is shown what was kept under it, and the business still finds it.
            assert await p.facts(f"phone:{OTHER}") == await p.facts("lid:10") == []
            kept = "select count(*) from memories where account_id = $1"
            assert await db.value(kept, p.account) == 4
        # One conversation at the number, with the younger one as its context.
        live = "select count(*) from sessions where account_id = $1 and integration_id = $2 and closed_at is null"
        assert await db.value(live, one.account, one.links["zapi"]) == 2
        assert await db.value("select joined_into is not null from sessions where id = $1", younger)
        for name, out in (("user:ana@one.example", True), ("tg:7", True), (f"phone:{OTHER}", False), ("lid:10", False)):
            person = await people.find(db, one.account, [name])
            assert person and bool((await people.get(db, one.account, person) or {})["opted_out_at"]) == out, name
        same = await people.find(db, two.account, [f"phone:{WITH}"])
        assert same and same != who and (await people.get(db, two.account, same) or {})["opted_out_at"] is None
        assert await contacts.count(db, one.account, "", []) == 6
