"""Files into collections, and the second look of a search, with a helper model and without one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from hub.config import Settings
from tests.api.test_collections import BASE, Door, lent, opened
from tests.fakes.model import FakeModel, refuses, says, serve
from tests.knowledge import papers

NAME = "@fake/helper"
CATALOGUE = """
[providers.fake]
address = "{url}/v1"
[models."{id}"]
provider = "fake"
name = "helper-1"
in = 2.0
out = 8.0
"""
PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
async def door(library: Door) -> AsyncIterator[Door]:
    async with lent(library) as one:
        yield one


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    async with serve() as one:
        yield one


@pytest.fixture
async def helped(settings: Settings, model: FakeModel, tmp_path: Path) -> AsyncIterator[Door]:
    path = tmp_path / "models.toml"
    path.write_text(CATALOGUE.format(url=model.url, id=NAME))
    more = {"catalogue": str(path), "model_keys": SecretStr("fake=sk-operator"), "helper_model": NAME}
    async with opened(settings.changed(**more)) as one:
        yield one


async def send(door: Door, collection: str, *files: tuple[str, bytes], **fields: str) -> tuple[int, Any]:
    form = aiohttp.FormData()
    for name, content in fields.items():
        form.add_field(name, content)
    for name, raw in files:
        form.add_field("file", raw, filename=name)
    return await door.call("POST", f"{BASE}/{collection}/documents/files", data=form)


async def test_files_become_documents_of_their_names(door: Door) -> None:
    id = await door.collection()
    fields = {"reference": "house", "tags": "rules, pool", "metadata": '{"by": "Ana"}'}
    status, body = await send(
        door, id, ("pool.pdf", papers.pdf("The pool closes at ten.")), ("rooms\\a.csv", b"room,price\nsea,90\n"),
        ("broken.pdf", b"%PDF-1.7"), **fields,
    )
    assert status == 200, body
    assert [(f["name"], f["state"], f["error"]) for f in body["files"]] == [
        ("pool.pdf", "Created", None), ("a.csv", "Created", None),
        ("broken.pdf", None, "broken.pdf is damaged, or is no PDF."),
    ]
    path = f"{BASE}/{id}/documents/{body['files'][1]['documentId']}"
    shown = await door.ok("GET", path)
    assert (shown["contents"], shown["characterCount"]) == ("room: sea\nprice: 90", body["files"][1]["characterCount"])
    assert (shown["reference"], shown["tags"], shown["metadata"]) == ("house", ["rules", "pool"], {"by": "Ana"})
    status, body = await send(door, id, ("a.csv", b"room,price\nsea,95\n"), **fields)
    assert [f["state"] for f in body["files"]] == ["Modified"]
    assert (await door.ok("GET", path))["contents"].endswith("95")
    assert (await send(door, id, ("a.csv", b"room,price\nsea,95\n"), **fields))[1]["files"][0]["state"] == "Unchanged"


@pytest.mark.parametrize(
    ("files", "fields", "status", "words"),
    [
        ([("a.pdf", papers.locked_pdf("x"))], {}, 422, "a.pdf is protected by a password."),
        ([("a.exe", b"x")], {}, 415, "a.exe is of a kind that is not read"),
        ([("a.txt", b"x")] * 21, {}, 413, "At most 20 files"),
        ([("a.txt", b"x")], {"metadata": "[]"}, 400, "metadata must be a JSON object."),
        ([("a.txt", b"x")], {"tags": "t" * 65}, 400, "tags takes at most"),
    ],
)
async def test_refusals_say_why(
    door: Door, files: list[tuple[str, bytes]], fields: dict[str, str], status: int, words: str
) -> None:
    id = await door.collection()
    got, body = await send(door, id, *files, **fields)
    assert (got, words in body["error"]) == (status, True), body
    assert (await door.ok("GET", f"{BASE}/{id}"))["state"]["total"] == 0


async def test_files_of_others_and_without_a_form(door: Door) -> None:
    id = await door.collection()
    form = aiohttp.FormData()
    form.add_field("file", b"x", filename="a.txt")
    assert (await door.call("POST", f"{BASE}/{id}/documents/files", data=form, key=door.foreign))[0] == 404
    status, body = await door.call("POST", f"{BASE}/{id}/documents/files", {"a": 1})
    assert (status, "multipart" in body["error"]) == (400, True)
    with aiohttp.MultipartWriter("form-data") as empty:
        empty.append("a", {"Content-Disposition": 'form-data; name="tags"'})
    status, body = await door.call("POST", f"{BASE}/{id}/documents/files", data=empty)
    assert (status, "There is no file" in body["error"]) == (400, True)


async def test_the_helper_model_describes_pictures(helped: Door, model: FakeModel) -> None:
    id = await helped.collection()
    model.plan.append(says("A sign: closed on Sundays."))
    status, body = await send(helped, id, ("sign.png", PNG))
    assert (status, body["files"][0]["state"]) == (200, "Created")
    shown = await helped.ok("GET", f"{BASE}/{id}/documents/{body['files'][0]['documentId']}")
    assert shown["contents"] == "A sign: closed on Sundays."
    [call] = model.calls
    assert call.body["messages"][0]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    rows = await helped.hub.db.fetch("select sku, quantity::int as n from usage order by id")
    assert [(r["sku"], r["n"]) for r in rows] == [
        ("rag.extraction.picture.in", 8), ("rag.extraction.picture.out", 5), ("rag.extraction.picture.in.cached", 4),
    ]
    model.plan.append(refuses(400, "cannot see"))
    status, body = await send(helped, id, ("other.png", PNG))
    assert status == 422 and body["error"].startswith("other.png could not be described by the helper model")


async def halls(door: Door) -> str:
    id = await door.collection()
    await door.shown(id)
    texts = ("The ladder hangs in hall one.", "The ladder hangs in hall two.", "The ladder hangs in hall three.")
    for n, text in enumerate(texts, 1):
        await door.put(id, f"h{n}", text)
    return id


async def names(door: Door, asked: dict[str, Any], key: str | None = None) -> list[str]:
    return [f["documentName"] for f in await door.ok("POST", "/api/v1/query", asked, key=key)]


async def test_the_helper_model_orders_what_was_found(helped: Door, model: FakeModel) -> None:
    asked = {"term": "where is the ladder?", "collections": [await halls(helped)], "minScore": 0.01, "top": 2}
    before = await names(helped, asked | {"top": 3})
    assert model.calls == []
    model.plan.append(says("[3, 99, 1]"))
    assert await names(helped, asked | {"reranker": "smart"}) == [before[2], before[0]]
    sent = model.calls[0].body["messages"][0]["content"]
    assert "where is the ladder?" in sent and "[3] The ladder" in sent
    rows = await helped.hub.db.fetch("select sku, amount::float as amount from usage order by id")
    assert [r["sku"] for r in rows] == [f"rag.reranking.smart.{part}" for part in ("in", "out", "in.cached")]
    assert rows[0]["amount"] == pytest.approx(8 * 2 / 1e6)
    for bad in (says("I cannot."), refuses(400)):
        model.plan.append(bad)
        assert sorted(await names(helped, asked | {"reranker": "smart", "top": 3})) == sorted(before)
    count = len(model.calls)
    assert len(await names(helped, asked | {"reranker": "smart"}, helped.public)) == 2
    assert len(model.calls) == count


async def test_a_public_key_takes_few_second_looks(door: Door) -> None:
    id = await door.collection()
    await door.shown(id)
    asked = {"term": "ladder", "collections": [id], "reranker": "smart"}
    calls = (door.call("POST", "/api/v1/query", asked, key=door.public) for _ in range(40))
    statuses = [status for status, _ in await asyncio.gather(*calls)]
    # A slow machine gives some time for more: one comes back every three seconds.
    assert set(statuses) == {200, 429} and 20 <= statuses.count(200) <= 30
    assert await names(door, asked) == []


async def test_without_credit_nothing_is_asked_of_a_model(settings: Settings, helped: Door, model: FakeModel) -> None:
    asked = {"term": "x", "collections": [await helped.collection()], "reranker": "smart"}
    object.__setattr__(helped.hub, "settings", helped.hub.settings.changed(billing=True))
    await helped.hub.db.run("update accounts set balance = 0")
    assert (await helped.call("POST", "/api/v1/query", asked))[0] == 402
    assert model.calls == []
