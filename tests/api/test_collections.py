"""Collections, documents and search over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.accounts.accounts import create_account
from hub.accounts.keys import Keyring, grant
from hub.api.aivax import collections, documents, files, query, sources
from hub.api.http import app_keys, middleware
from hub.config import Settings
from hub.domain import Json
from hub.ids import uuid7
from hub.knowledge.index import index_document
from hub.processes.embedded import Server
from hub.runtime import Hub, open_hub
from tests.conftest import cloned, small

BASE = "/api/v1/collections"


@dataclass
class Door:
    """A running API with two accounts, seen by the one whose key it holds."""

    hub: Hub
    url: str
    key: str
    public: str
    foreign: str
    http: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, sent: Any = None, key: str | None = None, **more: Any
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key or self.key}", **more.pop("headers", {})}
        more |= {"json": sent} if sent is not None else {}
        async with self.http.request(method, self.url + path, headers=headers, **more) as response:
            body = await response.read()
            plain = response.content_type == "application/jsonl"
            return response.status, body if plain else orjson.loads(body)

    async def ok(self, method: str, path: str, sent: Any = None, **more: Any) -> Any:
        status, body = await self.call(method, path, sent, **more)
        assert status == 200, body
        return body

    async def collection(self, name: str = "Shop") -> str:
        return str((await self.ok("POST", BASE, {"collectionName": name, "tags": "a, b"}))["collectionId"])

    async def shown(self, collection: str) -> None:
        """Visitors of a chat client are answered from it."""
        gateway, parameters = uuid7(), {"knowledgeCollections": [collection]}
        await self.hub.db.run(
            "insert into gateways (id, account_id, name, slug, parameters)"
            " select $1, account_id, 'g', md5(random()::text), $3 from collections where id = $2",
            gateway, UUID(collection), parameters,
        )
        await self.hub.db.run(
            "insert into clients (id, account_id, name, gateway_id) select $1, account_id, 'c', id from gateways"
            " where id = $2", uuid7(), gateway,
        )

    async def put(self, collection: str, name: str, contents: str, **more: Any) -> Json:
        sent = {"name": name, "contents": contents, **more}
        saved: Json = await self.ok("PUT", f"{BASE}/{collection}/documents", sent)
        await index_document(self.hub.db, self.hub.embedder, UUID(saved["documentId"]))
        return saved


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Door]:
    async with open_hub(settings) as hub, aiohttp.ClientSession() as http:
        app = web.Application(middlewares=[middleware.guard])
        app[app_keys.HUB], app[app_keys.KEYRING] = hub, Keyring(hub.db)
        for route in (*collections.ROUTES, *documents.ROUTES, *files.ROUTES, *query.ROUTES, *sources.ROUTES):
            app.router.add_route(route.method, route.path, route.handler)
        app.on_response_prepare.append(middleware.headers)
        async with TestServer(app) as server:
            yield Door(hub, str(server.make_url("")).rstrip("/"), *await keys_of(hub), http)


async def keys_of(hub: Hub) -> tuple[str, str, str]:
    """The private and the public key of a new account, and a key of another."""
    mine, theirs = await create_account(hub.db, "Aurora"), await create_account(hub.db, "Boreal")
    private, public = [await grant(hub.db, mine.id, "test", None, kind) for kind in ("private", "public")]
    return private, public, await grant(hub.db, theirs.id, "test", None)


@asynccontextmanager
async def shelves(servers: tuple[Server, Server], key: str, home: Path) -> AsyncIterator[Door]:
    """One API for a file of tests."""
    async with cloned(servers[0]) as dsn, opened(small(dsn, servers[1].url, key, home)) as one:
        yield one


@asynccontextmanager
async def lent(one: Door) -> AsyncIterator[Door]:
    """The file's API as two new accounts see it; what was kept is gone afterwards, so that nobody works on it later."""
    private, public, foreign = await keys_of(one.hub)
    try:
        yield replace(one, key=private, public=public, foreign=foreign)
    finally:
        await one.hub.db.run("delete from collections")


@pytest.fixture
async def door(library: Door) -> AsyncIterator[Door]:
    async with lent(library) as one:
        yield one


async def test_a_collection_as_documented(door: Door) -> None:
    id = await door.collection()
    shown = await door.ok("GET", f"{BASE}/{id}")
    assert (shown["name"], shown["tags"]) == ("Shop", ["a", "b"])
    assert shown["state"] == {"total": 0, "indexed": 0, "queued": 0, "cancelled": 0, "failed": 0}
    assert shown["createdAt"].endswith("Z")
    saved = await door.ok("PUT", f"{BASE}/{id}", {"collectionName": "Store", "context": "All about it."})
    assert saved == {"message": "Collection saved successfully.", "data": None}
    assert [(c["id"], c["name"], c["context"]) for c in await door.ok("GET", BASE)] == [(id, "Store", "All about it.")]
    await door.put(id, "d", "Text.")
    assert (await door.ok("GET", f"{BASE}/{id}"))["state"]["indexed"] == 1
    assert "enqueued" in (await door.ok("DELETE", f"{BASE}/{id}/vectors-only"))["message"]
    assert (await door.ok("GET", f"{BASE}/{id}"))["state"]["queued"] == 1
    await door.ok("DELETE", f"{BASE}/{id}/reset-only")
    assert (await door.ok("GET", f"{BASE}/{id}"))["state"]["total"] == 0
    await door.ok("DELETE", f"{BASE}/{id}")
    assert (await door.call("GET", f"{BASE}/{id}"))[0] == 404


async def test_a_document_as_documented(door: Door) -> None:
    id = await door.collection()
    given: Json = {"reference": "ref", "tags": ["x"], "metadata": {"page": 1}}
    saved = await door.put(id, "faq", "We open at nine.", **given)
    assert saved["state"] == "Created"
    assert (await door.put(id, "faq", "We open at nine.", **given))["state"] == "Unchanged"
    assert (await door.put(id, "faq", "We open at ten.", **given))["state"] == "Modified"
    path = f"{BASE}/{id}/documents/{saved['documentId']}"
    shown = await door.ok("GET", path)
    expected = {
        "name": "faq", "state": "Indexed", "contents": "We open at ten.", **given,
        "characterCount": 15, "wordCount": 4, "approximateTokenCount": 4,
    }
    assert {k: shown[k] for k in expected} == expected
    listed = await door.ok("GET", f"{BASE}/{id}/documents?state=indexed&order_by=created_at_asce&filter=-t%20x")
    assert [(d["id"], d["contentsPreview"], d["indexState"]) for d in listed] == [
        (saved["documentId"], "We open at ten.", "Indexed")
    ]
    assert await door.ok("DELETE", path) == {"message": "Document removed.", "data": None}
    assert (await door.call("GET", path))[0] == (await door.call("DELETE", path))[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "sent", "field"),
    [
        ("POST", BASE, {"tags": "a"}, "collectionName"),
        ("POST", BASE, {"collectionName": " "}, "collectionName"),
        ("PUT", BASE + "/{id}/documents", {"name": "a"}, "contents"),
        ("PUT", BASE + "/{id}/documents", {"name": "", "contents": "x"}, "name"),
        ("GET", BASE + "/{id}/documents?order_by=size", None, "order_by"),
        ("GET", BASE + "/{id}/documents?state=new", None, "state"),
        ("GET", BASE + "/{id}/documents?filter=-t", None, "filter"),
        ("POST", "/api/v1/query", {"terms": ["x"]}, "collections"),
        ("POST", "/api/v1/query", {"terms": ["x"], "collections": ["{id}"], "top": 129}, "top"),
        ("POST", "/api/v1/query", {"terms": ["x"], "collections": ["{id}"], "minScore": 1.01}, "minScore"),
        ("POST", "/api/v1/query", {"terms": ["x"], "collections": ["{id}"], "reranker": "best"}, "reranker"),
        ("POST", "/api/v1/query", {"terms": [" "], "collections": ["{id}"]}, "terms"),
    ],
)
async def test_refusals_name_the_field(door: Door, method: str, path: str, sent: Json | None, field: str) -> None:
    id = await door.collection()
    if sent and "collections" in sent:
        sent = sent | {"collections": [id]}
    status, body = await door.call(method, path.replace("{id}", id), sent)
    assert status == 400
    assert field in body["error"]


async def test_nobody_sees_what_is_another_account_s(door: Door) -> None:
    id = await door.collection()
    document = (await door.put(id, "d", "Text."))["documentId"]
    name, text = {"collectionName": "x"}, {"name": "d", "contents": "x"}
    for method, path, sent in (
        ("GET", f"{BASE}/{id}", None), ("PUT", f"{BASE}/{id}", name), ("DELETE", f"{BASE}/{id}", None),
        ("DELETE", f"{BASE}/{id}/reset-only", None), ("DELETE", f"{BASE}/{id}/vectors-only", None),
        ("GET", f"{BASE}/{id}/export.jsonl", None), ("GET", f"{BASE}/{id}/documents", None),
        ("POST", f"{BASE}/{id}/documents", None), ("PUT", f"{BASE}/{id}/documents", text),
        ("GET", f"{BASE}/{id}/documents/{document}", None), ("DELETE", f"{BASE}/{id}/documents/{document}", None),
        ("POST", "/api/v1/query", {"terms": ["Text"], "collections": [id]}),
    ):
        assert (await door.call(method, path, sent, key=door.foreign))[0] == 404, path
    assert await door.ok("GET", BASE, key=door.foreign) == []
    assert (await door.ok("GET", f"{BASE}/{id}"))["state"]["indexed"] == 1


async def test_search_with_a_public_key(door: Door) -> None:
    id = await door.collection()
    await door.put(id, "pets", "Pets are welcome for 20 euros a night.", reference="hotel", metadata={"page": 3})
    other = await door.put(id, "pool", "The pool is open until ten.", reference="hotel")
    asked = {"terms": ["can I bring my dog?"], "collections": [id], "includeReferences": True, "top": 1}
    assert (await door.call("POST", "/api/v1/query", asked, key=door.public))[0] == 404
    await door.shown(id)
    [found] = await door.ok("POST", "/api/v1/query", asked, key=door.public)
    assert (found["documentName"], found["metadata"], found["collectionId"]) == ("pets", {"page": 3}, id)
    assert found["documentContent"] == "Pets are welcome for 20 euros a night."
    assert 0.4 <= found["score"] <= 1
    assert found["referencedDocuments"] == [
        {"documentId": other["documentId"], "documentContent": "The pool is open until ten."}
    ]
    one = {"term": "can I bring my dog?", "collections": [id], "terms": None}
    assert (await door.ok("POST", "/api/v1/query", one))[0]["documentName"] == "pets"
    assert (await door.call("GET", BASE, key=door.public))[0] == 403
    assert (await door.call("POST", "/api/v1/query", one | {"collections": [str(uuid7())]}))[0] == 404


async def test_import_export_and_sync(door: Door) -> None:
    id, copy = await door.collection(), await door.collection("Copy")
    lines = [{"docid": f"d{n}", "text": f"Hall {n} holds the ladders.", "__meta": {"n": n}} for n in range(12)]
    form = aiohttp.FormData()
    form.add_field("note", "ignored")
    form.add_field("documents", b"\n".join(orjson.dumps(x) for x in lines) + b"\nbad\n", filename="d.jsonl")
    done = await door.ok("POST", f"{BASE}/{id}/documents?insert-mode=sync", data=form)
    assert (done["enqueued"], done["skipped"], done["indexed"]) == (12, 1, 12)
    assert (done["reasons"], done["errors"]) == ({"json": 1}, [{"line": 13, "error": "The line is not valid JSON."}])
    assert (await door.ok("GET", f"{BASE}/{id}"))["state"]["indexed"] == 12
    exported = await door.ok("GET", f"{BASE}/{id}/export.jsonl")
    kind = {"Content-Type": "application/jsonl"}
    again = await door.ok("POST", f"{BASE}/{copy}/documents", data=exported, headers=kind)
    assert again == {"enqueued": 12, "skipped": 0, "indexed": 0, "reasons": {}, "errors": []}
    assert await door.ok("GET", f"{BASE}/{copy}/export.jsonl") == exported
    assert (await door.ok("GET", f"{BASE}/{copy}"))["state"]["queued"] == 12


async def test_an_import_is_an_event_stream_for_who_asks_for_one(door: Door) -> None:
    id, accept = await door.collection(), "text/event-stream"
    lines = b"\n".join(orjson.dumps({"docid": f"d{n}", "text": f"Hall {n}."}) for n in range(101))
    headers = {"Authorization": f"Bearer {door.key}", "Accept": accept}
    async with door.http.post(f"{door.url}{BASE}/{id}/documents", data=lines, headers=headers) as response:
        assert (response.status, response.content_type) == (200, accept)
        told = [orjson.loads(p.removeprefix(b"data: ")) for p in (await response.read()).split(b"\n") if p.strip()]
    assert [(t["state"], t["enqueued"]) for t in told] == [("reading", 100), ("done", 101)]


async def test_an_import_tells_how_far_it_has_come(door: Door) -> None:
    id, accept = await door.collection(), "application/x-ndjson"
    lines = [orjson.dumps({"docid": f"d{n}", "text": f"Hall {n}."}) for n in range(105)]
    headers = {"Authorization": f"Bearer {door.key}", "Accept": accept}
    path = f"{door.url}{BASE}/{id}/documents?insert-mode=sync"
    async with door.http.post(path, data=b"\n".join([*lines, b"bad"]), headers=headers) as response:
        assert (response.status, response.content_type) == (200, accept)
        told = [orjson.loads(line) for line in (await response.read()).splitlines()]
    assert told[0] == {"state": "reading", "lines": 100, "enqueued": 100, "skipped": 0, "indexed": 0}
    assert [t["indexed"] for t in told if t["state"] == "indexing"] == list(range(1, 106))
    assert told[-1] == {
        "state": "done", "lines": 106, "enqueued": 105, "skipped": 1, "indexed": 105, "reasons": {"json": 1},
        "errors": [{"line": 106, "error": "The line is not valid JSON."}],
    }


async def test_what_fails_on_the_way_is_told_on_the_way(door: Door) -> None:
    id = await door.collection()
    lines = b"\n".join(orjson.dumps({"docid": f"d{n}", "text": f"Hall {n}."}) for n in range(100)) + b"\n"

    async def body() -> AsyncIterator[bytes]:
        yield lines
        while not await door.hub.db.value("select count(*) from documents"):
            await asyncio.sleep(0.01)
        await door.hub.db.run("delete from collections")
        yield lines.replace(b"Hall", b"Room")

    headers = {"Authorization": f"Bearer {door.key}", "Accept": "application/x-ndjson"}
    async with door.http.post(f"{door.url}{BASE}/{id}/documents", data=body(), headers=headers) as response:
        told = [orjson.loads(line) for line in (await response.read()).splitlines()]
    assert [t["state"] for t in told] == ["reading", "failed"]
    assert (told[1]["code"], id in told[1]["error"]) == ("not_found", True)
    async with door.http.post(f"{door.url}{BASE}/{id}/documents", data=lines, headers=headers) as response:
        assert response.status == 404


async def test_an_import_without_its_field_is_explained(door: Door) -> None:
    id = await door.collection()
    form = aiohttp.FormData()
    form.add_field("file", b"{}", filename="d.jsonl")
    status, body = await door.call("POST", f"{BASE}/{id}/documents", data=form)
    assert (status, "documents" in body["error"]) == (400, True)
    status, _ = await door.call("POST", f"{BASE}/{id}/documents?insert-mode=later", data=b"")
    assert status == 400
