"""Collections (A-43 to A-50)."""

from uuid import uuid4

import orjson
import pytest

from tests.contract.asking import Contract, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHOLE: Json = {"collectionName": "My Collection", "context": "All about it.", "tags": "tag1,tag2"}
DOCUMENT: Json = {
    "name": "faq", "contents": "We open at nine.", "reference": "ref", "tags": ["x"], "metadata": {"page": 1},
}


@pytest.mark.row("A-43", "A-44", "A-45", "A-46", "A-47")
async def test_a_collection(api: Contract) -> None:
    id = (await api.good("A-44", sent=WHOLE))["collectionId"]
    found = await api.both_ways("A-46", id)
    assert (found["name"], found["tags"], found["context"]) == ("My Collection", ["tag1", "tag2"], "All about it.")
    assert [c["id"] for c in await api.both_ways("A-43")] == [id]
    await api.both_ways("A-45", id, sent={"collectionName": "Renamed", "context": None, "tags": None})
    found = await api.both_ways("A-46", id)
    assert (found["name"], found["tags"], found["context"]) == ("Renamed", [], None)
    for row in ("A-45", "A-46", "A-47", "A-48", "A-49", "A-50"):
        more: Json = {"sent": WHOLE} if row == "A-45" else {}
        await api.refused(row, 404, id, key=api.foreign, **more)
        await api.refused(row, 404, uuid4(), **more)
    await api.good("A-47", id)
    await api.refused("A-46", 404, id)


async def test_what_a_collection_may_not_be(api: Contract) -> None:
    await api.refused("A-44", 400, sent={"context": "x"}, said="collectionName is missing")
    await api.refused("A-44", 400, sent={"collectionName": ""}, said="collectionName")
    await api.refused("A-44", 400, sent={"collectionName": "x", "tags": ["a"]}, said="tags")
    id = (await api.good("A-44", sent=WHOLE))["collectionId"]
    await api.refused("A-45", 400, id, sent={"collectionName": 5}, said="collectionName")


@pytest.mark.row("A-48", "A-49", "A-50")
async def test_what_is_in_a_collection(api: Contract) -> None:
    id = (await api.good("A-44", sent=WHOLE))["collectionId"]
    await api.good("A-53", id, sent=DOCUMENT)
    assert (await api.good("A-46", id))["state"] == {
        "total": 1, "indexed": 0, "queued": 1, "cancelled": 0, "failed": 0,
    }
    got = await api.row("A-50", id)
    assert got.status == 200 and got.headers["Content-Type"].startswith("application/jsonl")
    assert [orjson.loads(line) for line in got.body.splitlines()] == [
        {"docid": "faq", "text": "We open at nine.", "__ref": "ref", "__tags": ["x"], "__meta": {"page": 1}}
    ]
    await api.both_ways("A-49", id)
    await api.both_ways("A-48", id)
    assert (await api.good("A-46", id))["state"]["total"] == 0 and (await api.row("A-50", id)).body == ""


@pytest.mark.row("A-22", "A-23", "A-47", "A-58", "A-59")
async def test_what_is_deleted_leaves_the_gateways(api: Contract) -> None:
    stays, goes = [(await api.good("A-44", sent=WHOLE))["collectionId"] for _ in range(2)]
    slugs = ("one", "two", "three")
    one, two, three = [
        (await api.good("A-19", sent={"slug": slug, "instructions": "x"}))["data"]["id"] for slug in slugs
    ]
    first = await api.gateway(knowledgeCollections=[goes, stays], skills=[one, two, three])
    second = await api.gateway(knowledgeCollections=[goes], skills=[two])
    third = await api.gateway()

    async def named() -> list[tuple[list[str], list[str]]]:
        found = [(await api.good("A-59", id))["parameters"] for id in (first, second, third)]
        return [(p["knowledgeCollections"], p["skills"]) for p in found]

    await api.good("A-47", goes)
    assert await named() == [([stays], [one, two, three]), ([], [two]), ([], [])]
    await api.good("A-22", two)
    assert await named() == [([stays], [one, three]), ([], []), ([], [])]
    await api.good("A-23")
    assert await named() == [([stays], []), ([], []), ([], [])]
    whole = await api.good("A-59", first)
    await api.good("A-58", first, sent={"parameters": whole["parameters"] | {"temperature": 0.5}})
