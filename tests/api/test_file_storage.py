"""Large files in an S3-compatible storage: given in parts, gone with their rows, and nothing is left behind."""

import os
from collections.abc import AsyncIterator

import aiohttp
import pytest
from pydantic import SecretStr

from hub.accounts import audit
from hub.chat.operators import erasure
from hub.config import Settings
from hub.errors import Overloaded, Setup
from hub.jobs import sweeps
from hub.objects import open_objects
from hub.store import files
from hub.store.files import LARGE, PIECE
from tests.api.chatting import visiting
from tests.api.conftest import Api, Provider, keys_of, serving
from tests.api.test_large_files import RANGES, got, kept, pieces
from tests.fakes.s3 import Storage, storing

COUNT = "select count(*) from file_leftovers"


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    async with storing() as found:
        yield found


@pytest.fixture
async def api(settings: Settings, provider: Provider, storage: Storage) -> AsyncIterator[Api]:
    changed = settings.changed(
        files_url=f"s3://shop/hub/files?endpoint={storage.url}", files_key="AK1", files_secret=SecretStr("s3cret")
    )
    async with serving(changed, provider) as (hub, url), aiohttp.ClientSession() as http:
        yield Api(hub, url, *await keys_of(hub), http)


async def test_a_large_file_is_kept_there_and_given_in_parts(api: Api, storage: Storage) -> None:
    small, large = os.urandom(1000), os.urandom(11 << 20)
    await kept(api, small)
    assert storage.objects == {}, "small ones stay in their rows"
    id, token = await kept(api, large)
    [name] = storage.objects
    assert name.startswith(f"shop/hub/files/{api.account}/{id}-") and storage.objects[name] == large
    assert storage.keys == {"AK1"} and await pieces(api.hub.db, id) == 0
    assert await api.hub.db.value("select length(content) from files where id = $1", id) == 0
    assert await api.hub.db.value(COUNT) == 0
    status, body, _ = await got(api, token)
    assert (status, body) == (200, large) and storage.largest <= PIECE, "never whole in memory"
    for wanted, (start, end) in RANGES.items():
        status, body, _ = await got(api, token, Range=wanted)
        assert (status, body) == (206, large[start:end]), wanted
    whole = await files.content(api.hub.db, api.account, id)
    assert whole is not None and whole["content"] == large


async def test_what_is_deleted_or_erased_is_gone_there_too(api: Api, storage: Storage) -> None:
    one, _ = await kept(api, os.urandom(LARGE + 1))
    other, _ = await kept(api, os.urandom(LARGE + 2))
    assert await files.remove(api.hub.db, api.account, one)
    assert await files.sweep(api.hub.db) == 1 and [str(other) in n for n in storage.objects] == [True]
    async with visiting(api, inputModes=["Document"]) as me:
        raw = b"%PDF-1.7 " + os.urandom(LARGE)
        sent = await me.upload(raw, "application/pdf", "big.pdf")
        assert sent.status == 200 and len(storage.objects) == 2
        await api.hub.db.run("update sessions set tag = 'ana-1' from files f where f.session_id = sessions.id")
        who = await erasure.by_name(api.hub, api.account, user="ana-1")
        lines = b"".join([line async for line in erasure.export(api.hub, api.account, who)])
        assert len(lines) > 4 * len(raw) // 3, "given out with its content"
        await erasure.erase(api.hub, api.account, audit.HUB, who)
    await sweeps.housekeeping(api.hub)
    assert [str(other) in n for n in storage.objects] == [True] and await api.hub.db.value(COUNT) == 0


async def test_nothing_is_left_of_a_write_that_was_cut_off(api: Api, storage: Storage) -> None:
    """Between the object and its row, and while the storage is away."""
    blobs, db = api.hub.db.blobs, api.hub.db
    assert blobs is not None
    await db.run(files.BEGUN, f"{api.account}/half", api.account)
    await blobs.put(f"{api.account}/half", b"x")
    assert await files.sweep(db) == 0, "it may still be written"
    await db.run("update file_leftovers set due_at = now() - interval '1 second'")
    assert await files.sweep(db) == 1 and storage.objects == {}
    storage.failing = True
    with pytest.raises(Overloaded):
        await kept(api, os.urandom(LARGE + 1))
    assert await db.value("select count(*) from files") == 0
    await db.run("update file_leftovers set due_at = now() - interval '1 second'")
    with pytest.raises(Overloaded):
        await files.sweep(db)
    storage.failing = False
    assert await files.sweep(db) == 1 and await db.value(COUNT) == 0


async def test_the_same_file_again_changes_nothing_and_leaves_nothing(api: Api, storage: Storage) -> None:
    raw = os.urandom(LARGE + 1)
    id, token = await kept(api, raw)
    given = {"token": "x", "name": "n", "mime": "m", "kind": "document", "sha256": b"", "seconds": None}
    await files.add(api.hub.db, id, api.account, None, None, content=os.urandom(LARGE + 1), **given)  # type: ignore[arg-type]  # one dict of several types
    assert (await got(api, token))[1] == raw and len(storage.objects) == 2
    await api.hub.db.run("update file_leftovers set due_at = now() - interval '1 second'")
    assert await files.sweep(api.hub.db) == 1 and len(storage.objects) == 1


@pytest.mark.parametrize("url", ["http://a/b", "s3:///x", "s3://b?bucket=c", "b"])
def test_an_address_that_is_none_is_one_sentence(url: str) -> None:
    with pytest.raises(Setup, match="HUB_FILES_URL must be"):
        open_objects(url, "", "")
