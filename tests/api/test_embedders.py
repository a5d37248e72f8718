"""An account's own embedder: filled in the background, used at once when it is whole, and nobody else's trouble."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.jobs import embedding
from hub.knowledge.embedders import step
from hub.knowledge.index import index_document
from hub.store import embedders, indexing
from tests.api.conftest import Api, Json

PATH = "/api/v1/embedder"
KEY = "sk-embedder-secret-1234"
# Only the other server's vectors bring these two together.
DOCUMENT, QUESTION = "Zubrowka quintel marvost.", "Where is the lighthouse keeper tonight?"


@dataclass
class Fake:
    """A server whose vectors are made of the words; `alike` are words that it takes for one another."""

    url: str = ""
    width: int = 24
    alike: dict[str, str] = field(default_factory=dict)
    trouble: Callable[[], int] = lambda: 0
    counts: bool = True
    hang: asyncio.Event | None = None
    raw: bytes | None = None
    keys: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.keys.append(request.headers.get("Authorization", ""))
        if self.hang is not None:
            await self.hang.wait()
        if status := self.trouble():
            return web.json_response({"error": {"message": "no"}}, status=status)
        if self.raw is not None:
            return web.Response(body=self.raw, content_type="application/json")
        self.asked += body["input"]
        width = body.get("dimensions") or self.width
        data = [{"index": n, "embedding": self.vector(t, width)} for n, t in enumerate(body["input"])]
        usage = {"usage": {"prompt_tokens": 7 * len(data), "total_tokens": 7 * len(data)}} if self.counts else {}
        return web.json_response({"data": data[::-1], "model": body["model"], **usage})

    def vector(self, text: str, width: int) -> list[float]:
        found = [0.001] * width
        for word in text.lower().replace(".", " ").replace("?", " ").split():
            found[zlib.crc32(self.alike.get(word, word).encode()) % width] += 1.0
        return found


@pytest.fixture
async def fakes() -> AsyncIterator[list[Fake]]:
    found = [Fake(alike={"lighthouse": "marvost", "keeper": "quintel"}), Fake(width=40)]
    servers = []
    for one in found:
        app = web.Application()
        app.router.add_post("/v1/embeddings", one.handle)
        servers.append(TestServer(app))
        await servers[-1].start_server()
        one.url = f"http://127.0.0.1:{servers[-1].port}/v1"
    yield found
    for one in found:
        if one.hang is not None:
            one.hang.set()
    for server in servers:
        await server.close()


async def shelf(api: Api, texts: Sequence[str], key: str | None = None) -> str:
    made = await api.ok("POST", "/api/v1/collections", {"collectionName": "Shelf"}, key=key)
    for n, text in enumerate(texts):
        path = f"/api/v1/collections/{made['collectionId']}/documents"
        await api.ok("PUT", path, {"name": f"d{n}", "contents": text}, key=key)
    while (id := await indexing.next_document(api.hub.db)) is not None:
        await index_document(api.hub.db, api.hub.bulk, id)
    return str(made["collectionId"])


async def found(api: Api, collection: str, key: str | None = None) -> list[str]:
    sent = {"term": QUESTION, "collections": [collection], "minScore": 0.0, "top": 3, "reranker": "none"}
    return [d["documentName"] for d in await api.ok("POST", "/api/v1/query", sent, key=key)]


async def shown(api: Api, key: str | None = None) -> list[Json]:
    body: Json = await api.ok("GET", PATH, key=key)
    assert (body["model"], body["dimension"]) == ("@hub/e5-small", 384)
    return list(body["embedders"])


async def id_of(api: Api, state: str = "filling") -> UUID:
    return UUID(next(e["id"] for e in await shown(api) if e["state"] == state))


async def whole(api: Api, id: UUID) -> None:
    while await step(api.hub.db, api.hub.elsewhere, id):
        pass


async def test_the_old_index_answers_until_the_new_one_is_whole(api: Api, fakes: list[Fake]) -> None:
    other = ["The keeper of the lighthouse is at home tonight.", "A tower with a light by the sea."]
    collection = await shelf(api, [DOCUMENT, *other])
    before = await found(api, collection)
    assert before[0] != "d0"
    await api.ok("PUT", PATH, {"address": fakes[0].url, "model": "words", "apiKey": KEY, "dimension": 24})
    one = await id_of(api)
    assert await step(api.hub.db, api.hub.elsewhere, one)
    assert await found(api, collection) == before
    assert QUESTION not in fakes[0].asked, "it is not asked before its index is whole"
    await whole(api, one)
    [view] = await shown(api)
    assert (view["state"], view["dimension"], view["pieces"], view["piecesDone"]) == ("active", 24, 3, 3)
    assert view["apiKey"] == "***1234" and KEY not in str(view)
    assert set(fakes[0].keys) == {f"Bearer {KEY}"}
    assert QUESTION not in fakes[0].asked
    assert "d0" in (await found(api, collection))[:2]
    assert QUESTION in fakes[0].asked


async def test_what_is_asked_of_it_is_metered(api: Api, fakes: list[Fake]) -> None:
    collection = await shelf(api, [DOCUMENT, "A tower with a light by the sea."])
    theirs = await shelf(api, [DOCUMENT], key=api.foreign)
    fakes[1].counts = False
    await api.ok("PUT", PATH, {"address": fakes[0].url, "model": "words"})
    await api.ok("PUT", PATH, {"address": fakes[1].url, "model": "uncounted"}, key=api.foreign)
    for id in await api.hub.db.fetch("select id from embedders"):
        await whole(api, id["id"])
    await found(api, collection)
    await found(api, collection)

    async def used(model: str, shelf: str) -> list[tuple[int, float]]:
        rows = await api.hub.db.fetch(
            "select quantity, amount from usage u where sku = 'inference.embeddings.in' and description = $1"
            " and account_id = (select account_id from collections where id = $2) order by u.id",
            f"Embeddings of '{model}'", UUID(shelf))
        return [(int(r["quantity"]), float(r["amount"])) for r in rows]

    pairs = 16  # texts by which its cosines are measured
    mine = await used("words", collection)
    assert mine == [(7 * pairs, 0.0), (7 * 2, 0.0), (7, 0.0)], "a question is remembered"
    others = await used("uncounted", theirs)
    assert len(others) == 2 and all(q > 0 for q, _ in others), "guessed where it does not count"
    fakes[0].trouble = lambda: 500
    sent = {"term": "another question", "collections": [collection], "minScore": 0.0, "top": 3}
    await api.ok("POST", "/api/v1/query", sent)
    assert await used("words", collection) == mine, "what it did not answer is not counted"


async def test_what_comes_later_is_found_before_and_after_it_has_a_vector(api: Api, fakes: list[Fake]) -> None:
    collection = await shelf(api, ["Bread and rolls."])
    await api.ok("PUT", PATH, {"address": fakes[0].url, "model": "words"})
    one = await id_of(api)
    await whole(api, one)
    path = f"/api/v1/collections/{collection}/documents"
    await api.ok("PUT", path, {"name": "new", "contents": "A tower with a lamp for ships, and who lives in it."})
    while (id := await indexing.next_document(api.hub.db)) is not None:
        await index_document(api.hub.db, api.hub.bulk, id)
    assert "new" in await found(api, collection)
    await whole(api, one)
    assert "new" in await found(api, collection)
    assert [e["piecesDone"] for e in await shown(api)] == [2]


async def test_a_step_that_ends_in_the_middle_is_gone_on_from(api: Api, fakes: list[Fake]) -> None:
    texts = [f"Text number {n} about nothing." for n in range(70)]
    await shelf(api, texts)
    await api.ok("PUT", PATH, {"address": fakes[0].url, "model": "words"})
    one = await id_of(api)
    assert await step(api.hub.db, api.hub.elsewhere, one) and await step(api.hub.db, api.hub.elsewhere, one)
    fakes[0].hang = asyncio.Event()
    cut = asyncio.create_task(step(api.hub.db, api.hub.elsewhere, one))
    while len(fakes[0].keys) < 3:
        await asyncio.sleep(0.01)
    cut.cancel()
    with suppress(asyncio.CancelledError):
        await cut
    fakes[0].hang.set()
    await whole(api, one)
    assert [e["state"] for e in await shown(api)] == ["active"]
    assert await api.hub.db.value("select count(*) from vectors where embedder_id = $1", one) == 70
    cost = [t for t in fakes[0].asked if t.startswith("Text number")]
    assert set(cost) == set(texts) and len(cost) <= 70 + 32, "what was committed is not asked for again"


async def test_one_that_fails_is_nobody_elses_trouble(api: Api, fakes: list[Fake]) -> None:
    mine, theirs = await shelf(api, [DOCUMENT]), await shelf(api, [DOCUMENT, "Bread."], key=api.foreign)
    bad, good = fakes
    good.alike = fakes[0].alike
    bad.hang = asyncio.Event()
    await api.ok("PUT", PATH, {"address": bad.url, "model": "hangs"})
    await api.ok("PUT", PATH, {"address": good.url, "model": "works"}, key=api.foreign)
    running = asyncio.create_task(embedding.work(api.hub))
    try:
        async with asyncio.timeout(60):
            while [e["state"] for e in await shown(api, api.foreign)] != ["active"]:
                await asyncio.sleep(0.05)
        assert len(bad.keys) == 1 and [e["state"] for e in await shown(api)] == ["filling"]
        bad.trouble = lambda: 500
        bad.hang.set()
        async with asyncio.timeout(60):
            while not (await shown(api))[0]["error"]:
                await asyncio.sleep(0.05)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert await found(api, mine) == ["d0"]
    assert (await found(api, theirs, api.foreign))[0] == "d0"
    bad.trouble = lambda: 0
    await api.ok("PUT", PATH, {"address": bad.url, "model": "hangs"})
    await whole(api, await id_of(api))
    assert [(e["state"], e["error"]) for e in await shown(api)] == [("active", None)]


async def test_those_that_failed_have_some_of_the_places_and_the_others_the_rest(api: Api) -> None:
    db = api.hub.db
    others = [r["id"] for r in await db.fetch("select id from embedders")]
    for n in range(40):
        account, failed = uuid4(), n < 30
        await db.run("insert into accounts (id, name, salt) values ($1, 'A', '')", account)
        await db.run(
            "insert into embedders (id, account_id, address, model, attempts, ring_at)"
            " values (gen_random_uuid(), $1, 'http://x', 'm', $2, now() - make_interval(mins => $3))",
            account, int(failed), 100 - n,
        )
    due = await embedders.due(db, others, embedding.TOGETHER, embedding.DOUBTFUL)
    assert [failed for _, failed in due] == [True] * embedding.DOUBTFUL + [False] * 10
    few = await embedders.due(db, [*others, *(id for id, _ in due)], embedding.TOGETHER, 0)
    await db.run("delete from embedders where address = 'http://x'")
    assert few == [], "no more of those that failed while others of them are at it"


async def test_one_that_is_used_and_fails_leaves_the_hubs_own(api: Api, fakes: list[Fake]) -> None:
    collection = await shelf(api, [DOCUMENT, "The keeper of the lighthouse is at home tonight."])
    own = await found(api, collection)
    await api.ok("PUT", PATH, {"address": fakes[0].url, "model": "words"})
    await whole(api, await id_of(api))
    for trouble in (lambda: 500, lambda: 200):
        api.hub.elsewhere._paused.clear()
        fakes[0].trouble = trouble
        assert await found(api, collection) == own
    fakes[0].trouble, fakes[0].width = lambda: 0, 30
    api.hub.elsewhere._paused.clear()
    assert await found(api, collection) == own, "vectors of another width are compared with nothing"


async def test_another_one_takes_its_place_at_once_when_it_is_whole(api: Api, fakes: list[Fake]) -> None:
    collection = await shelf(api, [DOCUMENT, "The keeper of the lighthouse is at home tonight."])
    await api.ok("PUT", PATH, {"address": fakes[0].url, "model": "one", "apiKey": KEY})
    first = await id_of(api)
    await whole(api, first)
    moved = {"address": fakes[1].url, "model": "two"}
    for key in ({}, {"apiKey": "***1234"}):
        got = await api.call("PUT", PATH, moved | key)
        assert got.status == 400 and "apiKey" in got.said, "a key never goes to another address"
    got = await api.call("PUT", PATH, {"address": fakes[0].url, "model": "two", "apiKey": "***9999"})
    assert got.status == 400
    await api.ok("PUT", PATH, moved | {"apiKey": "another-key-5678"})
    assert [e["state"] for e in await shown(api)] == ["active", "filling"]
    asked = len(fakes[1].asked)
    await found(api, collection)
    assert QUESTION in fakes[0].asked and len(fakes[1].asked) == asked
    second = await id_of(api)
    await whole(api, second)
    [view] = await shown(api)
    assert (view["id"], view["apiKey"], view["dimension"]) == (str(second), "***5678", 40)
    await found(api, collection)
    assert QUESTION in fakes[1].asked
    assert {*fakes[0].keys} == {f"Bearer {KEY}"} and {*fakes[1].keys} == {"Bearer another-key-5678"}
    await whole(api, first)
    assert await api.hub.db.value("select count(*) from embedders where id = $1", first) == 0
    assert await api.hub.db.value("select count(*) from vectors where embedder_id = $1", first) == 0
    await api.ok("PUT", PATH, {"address": fakes[1].url, "model": "two", "apiKey": "***5678"})
    assert [e["state"] for e in await shown(api)] == ["active"], "the same one is not filled again"


async def test_without_one_the_hubs_own_answers(api: Api, fakes: list[Fake]) -> None:
    collection = await shelf(api, [DOCUMENT, "The keeper of the lighthouse is at home tonight."])
    own = await found(api, collection)
    await api.ok("PUT", PATH, {"address": fakes[0].url, "model": "words"})
    one = await id_of(api)
    await whole(api, one)
    assert await shown(api, api.foreign) == [], "another account's is not shown"
    await api.ok("DELETE", PATH)
    assert await shown(api) == [] and await found(api, collection) == own
    await whole(api, one)
    assert await api.hub.db.value("select count(*) from vectors where account_id = $1", api.account) == 0


ODD = (
    b'{"data": [{"index": 1e400, "embedding": [1, 2]}]}', b'{"data": [{"index": 0, "embedding": [1e400, 2]}]}', b"[]",
    b'{"data": [{"embedding": [1, 2]}, {"embedding": [1]}]}', b'{"data": [{"embedding": "AAAA"}]}', b'{"data": 1}',
    b'{"data": [{"embedding": [NaN, 1]}]}', b'{"data": [' + b" " * (8 << 20) + b"]}",
)


async def test_what_is_no_vector_is_told_and_nothing_of_it_kept(api: Api, fakes: list[Fake]) -> None:
    """Nor is more of it read than vectors can be: whoever parses a long answer holds everybody up."""
    collection = await shelf(api, [DOCUMENT])
    await api.ok("PUT", PATH, {"address": fakes[0].url, "model": "words"})
    one = await id_of(api)
    for raw in ODD:
        fakes[0].raw = raw
        await api.hub.db.run("update embedders set ring_at = now(), leased_until = null, error = null")
        assert not await step(api.hub.db, api.hub.elsewhere, one)
        said = (await shown(api))[0]["error"]
        assert said and (len(raw) < 1000 or "larger" in said), raw[:60]
    fakes[0].raw = None
    await whole(api, one)
    for raw in ODD:
        api.hub.elsewhere._paused.clear()
        fakes[0].raw = raw
        assert await found(api, collection) == ["d0"]
    assert await api.hub.db.value("select count(*) from vectors where account_id = $1", api.account) == 1


REFUSED: list[tuple[Any, str]] = [
    ({"model": "m", "address": "ftp://x.example"}, "address"),
    ({"model": "m", "address": "http://10.0.0.1/v1"}, "address"),
    ({"model": "m", "address": "https://user:pass@x.example/v1"}, "address"),
    ({"model": "m", "address": "https://x.example/v1?key=abc"}, "address"),
    ({"model": "", "address": "https://x.example/v1"}, "model"),
    ({"model": "m", "address": "https://x.example/v1", "dimension": 1}, "dimension"),
    ({"model": "m", "address": "https://x.example/v1", "dimension": 5000}, "dimension"),
    ({"model": "m", "address": "https://x.example/v1", "apiKey": "***abcd"}, "apiKey"),
]


async def test_what_cannot_be_is_refused_by_its_field(api: Api) -> None:
    for sent, name in REFUSED:
        got = await api.call("PUT", PATH, sent)
        assert got.status == 400 and name in got.said, (sent, got.body)
    assert await shown(api) == []
    assert (await api.call("GET", PATH, key=api.public)).status in (401, 403)
