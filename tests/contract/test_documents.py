"""Documents of a collection (A-51 to A-55)."""

import io
from uuid import UUID, uuid4

import aiohttp
import pytest

from hub.knowledge.index import index_document
from tests.contract.asking import Contract, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHOLE: Json = {
    "name": "faq", "contents": "We open at nine.", "reference": "ref", "tags": ["x"], "metadata": {"page": 1},
}
LINES = (
    b'{"docid": "a", "text": "One.", "__ref": "r", "__tags": ["t"], "__meta": {"k": 1}}\n'
    b'{"docid": "b", "text": "Two."}\n{"docid": "c"}\n'
)


async def collection(api: Contract) -> str:
    return str((await api.good("A-44", sent={"collectionName": "Shop"}))["collectionId"])


def form(content: bytes, name: str = "documents") -> aiohttp.FormData:
    found = aiohttp.FormData()
    found.add_field(name, io.BytesIO(content), filename="documents.jsonl", content_type="application/jsonl")
    return found


@pytest.mark.row("A-53", "A-54", "A-55", "A-51")
async def test_a_document(api: Contract) -> None:
    id = await collection(api)
    saved = await api.good("A-53", id, sent=WHOLE)
    assert saved["state"] == "Created"
    one = saved["documentId"]
    found = await api.both_ways("A-54", id, one)
    assert {name: found[name] for name in WHOLE} == WHOLE
    assert (found["id"], found["state"], found["indexedAt"]) == (one, "Queued", None)
    assert (found["characterCount"], found["wordCount"]) == (16, 4) and found["approximateTokenCount"] > 0
    await index_document(api.hub.db, api.hub.embedder, UUID(one))
    found = await api.both_ways("A-54", id, one)
    assert found["state"] == "Indexed" and found["indexedAt"]
    assert await api.both_ways("A-53", id, sent=WHOLE) == {"documentId": one, "state": "Unchanged"}
    assert (await api.good("A-53", id, sent={**WHOLE, "contents": "We open at ten."}))["state"] == "Modified"
    [line] = await api.both_ways("A-51", id)
    said: Json = {
        "id": one, "name": "faq", "reference": "ref", "tags": ["x"], "contentsPreview": "We open at ten.",
        "indexState": "Queued",
    }
    assert {name: line[name] for name in said} == said
    for row in ("A-54", "A-55"):
        await api.refused(row, 404, id, one, key=api.foreign)
        await api.refused(row, 404, await collection(api), one)
    await api.good("A-55", id, one)
    await api.refused("A-55", 404, id, one)


@pytest.mark.row("A-53", "A-51", "A-54")
async def test_a_document_of_text_alone(api: Contract) -> None:
    id = await collection(api)
    one = (await api.good("A-53", id, sent={"name": "a", "contents": "b"}))["documentId"]
    found = await api.both_ways("A-54", id, one)
    assert (found["reference"], found["tags"], found["metadata"]) == (None, [], {})
    assert (await api.both_ways("A-51", id))[0]["reference"] is None


@pytest.mark.row("A-51")
async def test_the_list_is_narrowed_and_ordered(api: Contract) -> None:
    id = await collection(api)
    first = (await api.good("A-53", id, sent=WHOLE))["documentId"]
    second = (await api.good("A-53", id, sent={"name": "prices", "contents": "Ten."}))["documentId"]
    await index_document(api.hub.db, api.hub.embedder, UUID(second))
    for query, expected in (
        ({"filter": "-t x"}, [first]), ({"filter": '-n "prices"'}, [second]), ({"filter": "-r ref"}, [first]),
        ({"filter": "-c nine"}, [first]), ({"filter": f"-i {second}"}, [second]), ({"state": "queued"}, [first]),
        ({"state": "indexed"}, [second]), ({"order_by": "created_at_asce"}, [first, second]),
        ({"order_by": "created_at_asc"}, [first, second]), ({"order_by": "created_at_desc"}, [second, first]),
        ({"order_by": "updated_at_asce"}, [first, second]), ({"order_by": "updated_at_desc"}, [second, first]),
        ({"order_by": "indexed_at_desc", "state": "indexed"}, [second]),
    ):
        assert [d["id"] for d in await api.good("A-51", id, query=query)] == expected, query
    await api.refused("A-51", 400, id, query={"state": "lost"}, said="state")
    await api.refused("A-51", 400, id, query={"order_by": "size_desc"}, said="order_by")
    await api.refused("A-51", 404, uuid4())


@pytest.mark.row("A-52")
async def test_lines_of_documents(api: Contract) -> None:
    id = await collection(api)
    done = await api.good("A-52", id, data=form(LINES))
    assert (done["enqueued"], done["skipped"]) == (2, 1)
    done = await api.good("A-52", id, data=form(LINES), query={"insert-mode": "sync"})
    assert (done["enqueued"], done["skipped"]) == (0, 3)
    assert {d["name"] for d in await api.good("A-51", id)} == {"a", "b"}
    await api.refused("A-52", 400, id, data=form(LINES, "file"), said="documents is missing")
    await api.refused("A-52", 404, uuid4(), data=form(LINES))


async def test_what_a_document_may_not_be(api: Contract) -> None:
    id = await collection(api)
    wrong: Json = {"name": "x" * 257, "reference": "x" * 65, "metadata": [], "contents": None}
    for field, value in wrong.items():
        await api.refused("A-53", 400, id, sent={**WHOLE, field: value}, said=field)
    await api.refused("A-53", 400, id, sent={"name": "x"}, said="contents is missing")
    await api.refused("A-53", 404, uuid4(), sent=WHOLE)
