"""Semantic search (A-34)."""

from uuid import UUID, uuid4

import pytest

from hub.knowledge.index import index_document
from tests.contract.asking import Contract, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def shop(api: Contract) -> str:
    id = str((await api.good("A-44", sent={"collectionName": "Shop"}))["collectionId"])
    for name, contents in (
        ("capital", "Paris is the capital of France."), ("rivers", "The Seine flows through France and its capital."),
    ):
        sent = {"name": name, "contents": contents, "reference": "france", "metadata": {"page": 1}}
        saved = await api.good("A-53", id, sent=sent)
        await index_document(api.hub.db, api.hub.embedder, UUID(saved["documentId"]))
    return id


@pytest.mark.row("A-34")
async def test_a_search_with_every_field(api: Contract) -> None:
    first, second = await shop(api), str((await api.good("A-44", sent={"collectionName": "Empty"}))["collectionId"])
    sent: Json = {
        "terms": ["What is the capital of France?"], "collections": [first, second], "top": 1, "minScore": 0.05,
        "includeReferences": True, "reranker": "rrf",
    }
    [found] = await api.both_ways("A-34", sent=sent)
    assert (found["documentName"], found["metadata"], found["collectionId"]) == ("capital", {"page": 1}, first)
    assert found["documentContent"] == "Paris is the capital of France." and 0 < found["score"] <= 1
    [other] = found["referencedDocuments"]
    assert other["documentContent"].startswith("The Seine")
    [bare] = await api.good("A-34", sent={"term": "capital of France", "collections": [first], "top": 1})
    assert bare["referencedDocuments"] == []


async def test_what_a_search_may_not_be(api: Contract) -> None:
    id = (await api.good("A-44", sent={"collectionName": "Shop"}))["collectionId"]
    good: Json = {"terms": ["x"], "collections": [id]}
    for field, value in {
        "terms": [], "collections": [], "top": 129, "minScore": 1.01, "includeReferences": "maybe", "reranker": "best",
    }.items():
        await api.refused("A-34", 400, sent={**good, field: value}, said=field)
    await api.refused("A-34", 400, sent={"terms": ["x"]}, said="collections is missing")
    await api.refused("A-34", 404, sent={**good, "collections": [str(uuid4())]})
    await api.refused("A-34", 404, sent=good, key=api.foreign)
