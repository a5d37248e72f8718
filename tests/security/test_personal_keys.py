"""What people said is sealed under a key of their own: once it is gone, no copy of the words can be read."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import orjson
import pytest

from hub.config import Settings
from hub.errors import Setup
from hub.personal_keys import ERASED, MARK, PersonalKeys, copied, identity, plain
from hub.runtime import open_hub
from hub.sealing import Sealer, new_key
from hub.store.memories import said
from tests.api.chatting import visiting
from tests.api.conftest import Api, Provider, house, keys_of, provider, serving
from tests.api.test_forgotten import CANARY, found, settle
from tests.fakes.model import says
from tests.outreach.street import ANA, Street, street
from tests.security.test_erasure import ANA_WEB, BASE, BEA, BEA_WEB, as_api, lives, of_kind

__all__ = ["house", "provider"]
OTHER = "swallowcanary"
# What deploy/SECURITY.md says is not sealed under personal keys.
OPEN = {"schedules", "webhook_events", "idempotency", "file", "Valkey", "activations", "campaigns", "contacts"}
COPY = "select {columns}::text as text from {table} where {columns}::text like '%sealed.1.%'"


@pytest.fixture
def sealed(settings: Settings, tmp_path: Path) -> Settings:
    return settings.changed(personal_keys=str(tmp_path / "people"), backups=str(tmp_path / "kept"))


@pytest.fixture
async def api(sealed: Settings, provider: Provider) -> AsyncIterator[Api]:
    async with serving(sealed, provider) as (hub, url), aiohttp.ClientSession() as http:
        yield Api(hub, url, *await keys_of(hub), http)


@pytest.fixture
async def s(sealed: Settings) -> AsyncIterator[Street]:
    async with street(sealed) as one:
        yield one


def keys_in(api: Api) -> PersonalKeys:
    assert api.hub.db.keys is not None
    return api.hub.db.keys


async def copy_of(dsn: str) -> dict[str, list[str]]:
    """All that is sealed, as whoever has a copy of the database sees it."""
    con: Any = await asyncpg.connect(dsn)
    try:
        columns = await con.fetch(
            "select table_name, column_name from information_schema.columns c where table_schema = 'public'"
            " and data_type in ('text', 'jsonb') and table_name in (select table_name from information_schema.tables"
            " where table_schema = 'public' and table_type = 'BASE TABLE')"
        )
        got = {
            f"{c['table_name']}.{c['column_name']}": [
                r["text"] for r in await con.fetch(COPY.format(table=c["table_name"], columns=f'"{c["column_name"]}"'))
            ] for c in columns
        }
    finally:
        await con.close()
    return {place: rows for place, rows in got.items() if rows}


def read(keys: PersonalKeys, rows: list[str]) -> str:
    """With all keys that there are."""
    return str([keys.loads(r) if r[:1] in "[{\"" else keys.text(r) for r in rows])


async def test_words_are_sealed_everywhere_and_one_who_is_erased_cannot_be_read_in_a_copy(api: Api) -> None:
    async with (
        visiting(api, session={"tag": ANA_WEB}, inputModes=["Image"]) as ana,
        visiting(api, session={"tag": BEA_WEB}, inputModes=["Image"]) as bea,
    ):
        await settle(api)
        await ana.set(enabledMultimodalFeatures=["Image"])
        await lives(ana, ANA_WEB, CANARY)
        await lives(bea, BEA_WEB, OTHER)
        assert {p.split(".")[0].split(" ")[0] for p in await found(api)} <= OPEN
        # Yet everybody who may read it reads it.
        assert CANARY in str(await ana.said()) and CANARY in str((await ana.info())["messages"])
        given = await of_kind(api, f"{BASE}/contacts/export?externalUserId={ANA_WEB}")
        for kind in ("message", "memory", "feedback", "log", "response"):
            assert CANARY in str(given[kind]), kind
        assert given["file"][0]["name"] == f"{CANARY}.png" and given["file"][0]["content"].startswith("iVBOR")
        copy = await copy_of(api.hub.settings.database_url.get_secret_value())
        wanted = {
            "messages.content", "inbox.body", "memories.content", "files.name", "happenings.detail", "responses.talk",
            "conversations.messages", "responses.input", "responses.answer",
        }
        assert wanted <= set(copy), wanted - set(copy)
        before = {place: read(keys_in(api), rows) for place, rows in copy.items()}
        assert all(CANARY in before[p] and OTHER in before[p] for p in wanted), before
        await api.ok("DELETE", f"{BASE}/contacts?externalUserId={ANA_WEB}")
        # Whoever has the copy, all keys that are left and the hub's own key.
        again = PersonalKeys(keys_in(api).folder, api.hub.sealer)
        for keys in (keys_in(api), again):
            after = {place: read(keys, rows) for place, rows in copy.items()}
            assert not [p for p, text in after.items() if CANARY in text]
            assert all(ERASED in after[p] and OTHER in after[p] for p in wanted), after
        assert OTHER in str(await bea.said())
        # Who comes back is somebody new, with a key of their own.
        assert (await bea.call("POST", "/prompt", {"prompt": "Hello again"})).status == 200


async def test_files_memories_and_the_search_of_memories_work_as_before(api: Api) -> None:
    async with visiting(api, session={"tag": ANA_WEB}, inputModes=["Image", "Document"]) as me:
        large = os.urandom(1_200_000)
        for name, content in (("small.txt", b"small " + CANARY.encode()), ("large.txt", CANARY.encode() + large)):
            kept = (await me.upload(content, "text/plain", name)).body
            row = await api.hub.db.row("select content, token from files where id = $1", UUID(kept["id"]))
            assert row and CANARY.encode() not in bytes(row["content"])
            address = f"{api.url}/media/{row['token']}"
            async with api.http.get(address) as got:
                assert await got.read() == content
            async with api.http.get(address, headers={"Range": "bytes=7-600007"}) as got:
                assert await got.read() == (content[7:600008] if got.status == 206 else content)
        pieces = await api.hub.db.fetch("select content from file_pieces")
        assert len(pieces) > 1 and not any(CANARY.encode() in bytes(p["content"]) for p in pieces)
    for words in ("Likes strawberries", "Plays the trombone in a band", "Lives in Porto Alegre"):
        await api.ok("POST", f"{BASE}/memories", {"externalUserId": "ana", "content": words})
    listed = await api.ok("GET", f"{BASE}/memories?filter=trombone")
    assert listed == [], "sealed words are not looked through"
    rows = await api.hub.db.fetch("select content, words::text as words, embedding::text as vector from memories")
    assert all(r["words"] == "" and set(r["vector"]) <= set("[0,]") for r in rows)
    assert {said(api.hub.db, r["content"]) for r in rows} >= {"Likes strawberries"}


async def test_on_whatsapp_and_in_a_group(s: Street) -> None:
    a = as_api(s)
    await s.db.run("update integrations set groups = 'all'")
    s.models(says(f"Hello {CANARY}."))
    await s.spoken(f"I am {CANARY}")
    s.models(says("Hello all."))
    for n, (phone, text) in enumerate(((ANA, f"In the group {CANARY}"), (BEA, f"I am {OTHER}"))):
        body = {
            "instanceId": "I1", "messageId": f"G{n}", "fromMe": False, "momment": 1767272401000, "status": "RECEIVED",
            "type": "ReceivedCallback", "text": {"message": text}, "participantPhone": phone, "waitingMessage": False,
            "isGroup": True, "phone": "120363-group", "chatName": "Class",
        }
        await s.rig.w.knock("zapi", body)
        await s.rig.w.settle()
    assert await found(a) == [] and await found(a, OTHER) == []
    copy = await copy_of(a.hub.settings.database_url.get_secret_value())
    keys = keys_in(a)
    assert {"messages.content", "inbox.body", "outbox.body", "attempts.request"} <= set(copy), set(copy)
    for place in ("messages.content", "inbox.body", "outbox.body"):
        assert CANARY in read(keys, copy[place])
    await s.ok("DELETE", f"{BASE}/contacts?phone={ANA}")
    after = {place: read(keys, rows) for place, rows in copy.items()}
    assert CANARY not in str(after) and OTHER in after["messages.content"] and OTHER in after["inbox.body"]
    # Who comes back is heard.
    s.models(says("Welcome back."))
    await s.spoken("It is me again")
    rows = await s.db.fetch("select content from messages where role = 'user' order by position desc limit 1")
    assert keys.opened(rows[0]["content"])["text"] == "It is me again"


async def test_what_only_looks_sealed_is_text(api: Api) -> None:
    """Whoever has a copy of somebody's sealed words cannot have the hub open them by saying them."""
    keys = keys_in(api)
    await keys.ready(api.account, ["session:x"])
    stolen = keys.seal(api.account, "session:x", f"secret {CANARY}")
    made = await api.ok("POST", f"{BASE}/web-chat-client", {"name": str(stolen), "description": str(stolen)})
    shown = await api.call("GET", f"{BASE}/web-chat-client/{made['id']}")
    assert CANARY not in str(shown.body)
    async with visiting(api) as me:
        await me.call("POST", "/prompt", {"prompt": str(stolen)})
        assert CANARY not in str(await me.said())
        await me.api.ok("PATCH", f"{BASE}/web-chat-client/{me.client}/sessions/{me.session}", {"title": str(stolen)})
        assert CANARY not in str(await me.info())
    assert plain({"a": [str(stolen)]}) != {"a": [str(stolen)]} and plain([stolen]) == [stolen]


async def test_the_folder_belongs_to_the_database(sealed: Settings, tmp_path: Path) -> None:
    async with open_hub(sealed):
        pass
    with pytest.raises(Setup, match="set HUB_PERSONAL_KEYS"):
        async with open_hub(sealed.changed(personal_keys="")):
            pass
    with pytest.raises(Setup, match="not the folder of keys"):
        async with open_hub(sealed.changed(personal_keys=str(tmp_path / "elsewhere"))):
            pass
    async with open_hub(sealed):
        pass


async def test_two_processes_forget_and_begin_anew(tmp_path: Path) -> None:
    sealer, account = Sealer(new_key()), uuid4()
    one, two = (PersonalKeys(tmp_path / "k", sealer, tmp_path / "c") for _ in range(2))
    for keys in (one, two):
        await keys.ready(account, ["person:a", "person:b"])
    old, other = one.seal(account, "person:a", "before"), one.seal(account, "person:b", "b")
    assert two.text(old) == "before" and str(old).startswith(MARK)
    assert identity(tmp_path / "k", begin=True) and copied(tmp_path / "k", tmp_path / "c") == 3
    assert await two.forget(account, ["person:a"]) == 1
    # In one's memory is the old key still: what is sealed next is not lost with it.
    await one.ready(account, ["person:a"])
    new = one.seal(account, "person:a", "after")
    assert (two.text(new), two.text(old), two.text(other)) == ("after", ERASED, "b")
    assert one.text(old) == ERASED
    assert not list((tmp_path / "c").rglob(one.named(account, "person:a")))
    assert copied(tmp_path / "k", tmp_path / "c") == 3
    # What a removal that was cut off has left goes with the next.
    await two.forget(account, ["person:b"])
    left = tmp_path / "k" / two.named(account, "person:b")[:2] / f"{two.named(account, 'person:b')}.0123.gone"
    left.write_bytes(b"key")
    assert copied(tmp_path / "k", tmp_path / "c") == 2
    await two.forget(account, ["person:b"])
    assert not left.exists() and not list((tmp_path / "c").rglob("*.gone"))
    # A folder that is not there, an empty disk for one, takes no copies along.
    with pytest.raises(Setup, match="nothing was copied"):
        copied(tmp_path / "empty", tmp_path / "c")
    # Nothing of the folder tells whose keys they are.
    names = [p for p in (tmp_path / "k").rglob("*") if p.is_file()]
    assert not any(b"person" in p.read_bytes() or "person" in p.name for p in names)
    assert orjson.loads(orjson.dumps({"x": new}))["x"] == new


async def test_a_file_is_opened_with_the_key_that_is_there_now(tmp_path: Path) -> None:
    """One process forgets a person who comes back; another, which knew the key of before, shows no bytes of chance."""
    sealer, account, id = Sealer(new_key()), uuid4(), uuid4()
    one, other = PersonalKeys(tmp_path, sealer), PersonalKeys(tmp_path, sealer)
    name = one.named(account, "name:ana")
    await one.ready(account, ["name:ana"])
    first = one.stream(name, id, b"a picture")
    assert other.stream(name, id, first) == b"a picture"
    await one.forget(account, ["name:ana"])
    assert other.stream(name, id, first) == one.stream(name, id, first) == b""
    await one.ready(account, ["name:ana"])
    second = one.stream(name, id, b"a picture")
    assert second != first and other.stream(name, id, second) == b"a picture"
    assert other.stream(name, id, first) != b"a picture"
