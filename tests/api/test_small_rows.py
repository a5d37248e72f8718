"""Small things that hold for every row: HEAD, fields nobody reads, values at the edges, what is left out stays."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import FormData

from hub.api.app import ROUTES
from hub.api.http.operation import operation_of
from hub.api.http.unknown import unknown
from tests.api.chatting import PNG, visiting
from tests.api.conftest import Api, Json

COLLECTION = "/api/v1/collections"


async def collection(api: Api) -> str:
    sent = {"collectionName": "Shop", "context": "What we sell", "tags": "a, b"}
    return str((await api.ok("POST", COLLECTION, sent))["collectionId"])


async def head(api: Api, path: str, **more: Any) -> None:
    """HEAD says what GET says, without a body."""
    asked, told = await api.call("GET", path, **more), await api.call("HEAD", path, **more)
    assert (told.status, told.body) == (asked.status, ""), path
    assert told.headers.get("Content-Type") == asked.headers.get("Content-Type"), path


async def test_head_works_wherever_get_does(api: Api) -> None:
    async with visiting(api, inputModes=["Image"]) as me:
        id = await collection(api)
        await api.ok("PUT", f"{COLLECTION}/{id}/documents", {"name": "faq", "contents": "We open at nine."})
        file = (await me.upload(PNG, "image/png", "a.png")).body["publicUrl"]
        shell = {"X-Shell-User-Id": "ana"}
        await api.ok("POST", "/api/v1/shell/io/file?path=a.txt", data=b"hello", headers=shell)
        address = "/api/v1/shell/io/file/public-address?path=a.txt"
        shared = (await api.ok("GET", address, headers=shell))["data"]["publicUrl"]
        for path in (
            "/v1/models",
            "/api/v1/accounts",
            COLLECTION,
            f"{COLLECTION}/{id}",
            f"{COLLECTION}/{id}/export.jsonl",
            f"{COLLECTION}/{uuid4()}",
            "/health",
            "/openapi.json",
            "/api/v1/skills/management/export.jsonl",
        ):
            await head(api, path)
        await head(api, "/api/v1/shell/io/file?path=a.txt", headers=shell)
        for path in (me.base, f"{me.base}/transcript.json", f"/chat/{me.key}"):
            await head(api, path, key="")
        for address in (file, shared):
            path = address.removeprefix(api.hub.settings.address)
            await head(api, path, key="")
            told = await api.call("HEAD", path, key="")
            assert int(told.headers["Content-Length"]) == (5 if address == shared else len(PNG))
        # What would never end ends with its headers.
        told = await api.call("HEAD", f"{me.base}/events", key="")
        assert told.status == 200 and told.headers["Content-Type"].startswith("text/event-stream")
        assert (await api.call("HEAD", "/api/v1/accounts", key="")).status == 401


async def test_every_get_row_has_a_head(api: Api) -> None:
    for route in ROUTES:
        if route.method == "GET" and "live" not in route.path:
            path = route.path.replace("{name:[^/]+}", "x")
            for name in operation_of(route).params:
                path = path.replace("{" + name + "}", str(uuid4()))
            assert (await api.call("HEAD", path)).status != 405, route.path


async def test_a_field_that_nobody_reads_is_named(api: Api) -> None:
    id = await api.client()
    sent: Json = {
        "integrationType": "Telegram",
        "sendMode": "at_most_once",
        "integrations": {"telegramIntegration": {"botToken": "1:2", "speed": 5}},
    }
    got = await api.call("PUT", f"/api/v1/web-chat-client/{id}/integrations", sent)
    assert got.status == 200
    assert [w.split(" ")[0] for w in got.body["warnings"]] == ["sendMode", "integrations.telegramIntegration.speed"]
    assert got.headers["X-Unknown-Fields"] == "sendMode, integrations.telegramIntegration.speed"
    # Also deep inside, in parts of which only what changes is sent, and in the other families.
    got = await api.call(
        "PUT", f"/api/v1/web-chat-client/{id}", {"clientParameters": {"pageTitle": "A", "pageTitel": "B"}}
    )
    assert [w.split(" ")[0] for w in got.body["warnings"]] == ["clientParameters.pageTitel"]
    got = await api.call("POST", "/v1/documents", {"title": "T", "content": "x", "colour": "red"})
    assert got.status == 201 and got.body["warnings"][0].startswith("colour ")
    made = await api.call("POST", "/api/v1/agents", {"name": "Bo", "hair": "red"})
    assert made.status == 201 and made.body["warnings"][0].startswith("hair ")
    # What is known is not named, in either spelling; what is free is free.
    sent = {"name": "Shop", "ai_gateway_id": None, "clientParameters": {"page_title": "A"}, "limitingParameters": {}}
    got = await api.call("POST", "/api/v1/web-chat-client", sent)
    assert "warnings" not in got.body and "X-Unknown-Fields" not in got.headers
    parameters = {
        "baseAddress": "@integrated",
        "modelName": "extractive",
        "additionalSettings": {"anything": {"at": "all"}},
    }
    got = await api.call("POST", "/api/v1/ai-gateways", {"name": "x", "parameters": parameters})
    assert "warnings" not in got.body
    got = await api.call("POST", "/api/v1/ai-gateways", {"name": "x", "parameters": parameters | {"temprature": 1}})
    assert got.body["warnings"][0].startswith("parameters.temprature ")


async def test_a_part_of_the_query_that_nobody_reads_is_named(api: Api) -> None:
    """A filter in another spelling would list everything, and a list has no place for warnings."""
    id = await api.client()
    for path, names in (
        (f"/api/v1/web-chat-clients/{id}/hook-schedules?external_user=ana", "external_user"),
        ("/api/v1/memories?user=ana&filter=x&limit=5", "user"),
        ("/api/v1/skills?filter=x&filter=y&api-key=" + api.key, "filter"),
        ("/v1/voices?page=2&limit=5", "page"),
        ("/api/v1/images?page=2&limit=5", "limit"),
        ("/api/v1/ai-gateways?" + "n" * 500, "n" * 100),
        ("/api/v1/ai-gateways?a%0D%0Ab=1", "a%0D%0Ab"),
    ):
        got = await api.call("GET", path)
        assert (got.status, got.headers.get("X-Unknown-Fields")) == (200, names), path
    got = await api.call("PUT", "/api/v1/accounts?dry=1", {"colour": "red"})
    assert got.headers["X-Unknown-Fields"] == "dry, colour" and len(got.body["warnings"]) == 1
    for path in (f"/api/v1/web-chat-clients/{id}/hook-schedules?external-user-id=ana", "/api/v1/memories?limit=1"):
        got = await api.call("GET", path)
        assert got.status == 200 and "X-Unknown-Fields" not in got.headers, path


async def test_many_long_names_that_nobody_reads_leave_a_header_that_clients_and_proxies_take(api: Api) -> None:
    """4 kB is what a proxy has for all headers of an answer; the names stand in the answer as well."""
    long = {f"{n}" + "色" * 90: 1 for n in range(15)}
    got = await api.call("PUT", "/api/v1/accounts?" + "&".join(f"q{n}" * 60 for n in range(15)), long)
    assert got.status == 200 and len(got.body["warnings"]) == 15
    assert 0 < len(got.headers["X-Unknown-Fields"]) <= 2000 and got.headers["X-Unknown-Fields"].endswith(", ...")


def test_a_field_of_any_form_of_a_value_is_known() -> None:
    assert unknown(dict[str, int] | None, {"a": 1}) == []
    assert unknown(Any, {"a": [{"b": 1}]}) == []
    assert unknown(list[str], ["a", {"b": 1}]) == []


async def test_what_is_left_out_of_a_collection_stays(api: Api) -> None:
    id = await collection(api)
    await api.ok("PUT", f"{COLLECTION}/{id}", {"collectionName": "Store"})
    found = await api.ok("GET", f"{COLLECTION}/{id}")
    assert (found["name"], found["context"], found["tags"]) == ("Store", "What we sell", ["a", "b"])
    await api.ok("PUT", f"{COLLECTION}/{id}", {"tags": "c"})
    await api.ok("PUT", f"{COLLECTION}/{id}", {"context": None})
    found = await api.ok("GET", f"{COLLECTION}/{id}")
    assert (found["name"], found["context"], found["tags"]) == ("Store", None, ["c"])


async def test_an_import_takes_the_names_of_a_document(api: Api) -> None:
    id = await collection(api)
    lines = (
        b'{"name": "faq", "contents": "We open at nine.", "reference": "r", "tags": ["x"], "metadata": {"page": 1}}\n'
        b'{"docid": "b", "text": "We close at ten.", "__ref": "s", "__tags": "y,z"}\n'
        b'{"name": "c"}\n'
    )
    form = FormData()
    form.add_field("documents", io.BytesIO(lines), filename="a.jsonl")
    got = await api.ok("POST", f"{COLLECTION}/{id}/documents", data=form)
    assert (got["enqueued"], got["skipped"], got["reasons"]) == (2, 1, {"text": 1})
    found = {d["name"]: d for d in await api.ok("GET", f"{COLLECTION}/{id}/documents")}
    assert (found["faq"]["reference"], found["faq"]["tags"]) == ("r", ["x"])
    assert (found["b"]["reference"], found["b"]["tags"]) == ("s", ["y", "z"])
    whole = await api.ok("GET", f"{COLLECTION}/{id}/documents/{found['faq']['id']}")
    assert (whole["metadata"], whole["contents"]) == ({"page": 1}, "We open at nine.")


async def test_values_at_the_edges_are_taken(api: Api) -> None:
    id = await collection(api)
    for n in range(8):
        said = {"name": f"d{n}", "contents": f"Opening hours of shop {n}."}
        await api.ok(
            "POST",
            f"{COLLECTION}/{id}/documents?insert-mode=sync",
            data=(f'{{"docid": "{said["name"]}", "text": "{said["contents"]}"}}'.encode()),
        )
    asked = {"terms": ["opening hours"], "collections": [id]}
    assert len(await api.ok("POST", "/api/v1/query", asked | {"minScore": 0, "top": 0})) == 8
    assert len(await api.ok("POST", "/api/v1/query", asked | {"minScore": 0, "top": 3})) == 3
    assert isinstance(await api.ok("POST", "/api/v1/query", asked | {"minScore": 1}), list)
    for bad in ({"minScore": -0.1}, {"minScore": 1.1}, {"top": -1}, {"top": 129}):
        assert (await api.call("POST", "/api/v1/query", asked | bad)).status == 400
    client = await api.client()
    for seconds in (600, 3600.5, 30 * 86400, 90 * 86400):
        opened = await api.ok("POST", f"/api/v1/web-chat-client/{client}/sessions", {"expires": seconds})
        seen = await api.ok("GET", f"/api/v1/web-chat-client/{client}/sessions/{opened['sessionId']}")
        left = datetime.fromisoformat(seen["expiresAt"]) - datetime.now(UTC)
        assert abs(left - timedelta(seconds=seconds)) < timedelta(seconds=20)
    for bad_seconds in (0, -5, "soon"):
        sent: Json = {"expires": bad_seconds}
        assert (await api.call("POST", f"/api/v1/web-chat-client/{client}/sessions", sent)).status == 400
    for days in (1, 36_500, 2_147_483_647, -1, -2_147_483_648):
        await api.ok("POST", "/api/v1/accounts/api-key", {"label": f"k{days}", "duration": days})
    keys = {k["label"]: k["expiresAt"] for k in (await api.ok("GET", "/api/v1/accounts/api-key"))["apiKeys"]}
    assert keys["k2147483647"] is None and keys["k-1"] is None and keys["k1"] and keys["k36500"]


@pytest.mark.parametrize(("name", "taken"), [("go", True), ("ab", True), ("a", False), ("if", False), ("do", False)])
async def test_short_names_of_functions(api: Api, name: str, taken: bool) -> None:
    function = {"name": name, "description": "Does it", "callbackUrl": "https://example.com/f", "contentFormat": None}
    parameters = {"baseAddress": "@integrated", "modelName": "extractive", "protocolFunctions": [function]}
    got = await api.call("POST", "/api/v1/ai-gateways", {"name": "x", "parameters": parameters})
    assert got.status == (200 if taken else 400), got.body


async def test_a_chat_without_a_gateway_is_not_available(api: Api) -> None:
    async with visiting(api) as me:
        await me.prompt("Hi")
        await api.ok("PUT", f"/api/v1/web-chat-client/{me.client}", {"aiGatewayId": None})
        assert (await me.call("GET")).status == 422
        assert (await me.call("POST", "/retry")).status == 422
        # A person may still answer.
        await api.ok("PUT", f"/api/v1/web-chat-client/{me.client}/sessions/{me.session}/handoff", {"active": True})
        assert (await me.call("GET")).status == 200
