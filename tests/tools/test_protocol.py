"""Protocol functions: the call, its proof, its failures, the sources and the search in a collection."""

import asyncio
import re
from typing import Any

import bcrypt
import pytest
from aiohttp import web

from hub.accounts import salts
from hub.accounts.accounts import create_account
from hub.accounts.functions import schema_of
from hub.errors import HubError, Invalid, Upstream
from hub.knowledge import collections, documents
from hub.knowledge.index import index_document
from hub.store import accounts
from hub.store.documents import Given
from hub.tools import protocol
from hub.tools.base import ToolFailed
from tests.tools.conftest import METADATA, Far, Place, named, use

Json = dict[str, Any]
SCHEMA: Json = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}


def function(url: str, **more: Any) -> Json:
    return {"name": "find_order", "description": "Finds an order.", "callbackUrl": url, "contentFormat": SCHEMA} | more


async def test_a_call_says_who_asks_and_proves_it(place: Place, far: Far) -> None:
    url = far.says("/call", "sent on Monday")
    given = function(url, headers={"X-Key": "k1", "content-type": "text/x", "x-request-nonce": "forged"})
    context = place.context(
        {"protocolFunctions": [given]}, external_user="ana@shop", metadata={"plan": "gold"},
        source="IntegrationBot", conversation="s-1",
    )
    [tool] = await protocol.offered(context)
    assert tool.function["function"] == {
        "name": "find_order", "description": "Finds an order.", "parameters": SCHEMA
    }, "neither address nor headers are shown"
    assert (await use(tool, context, id="7")).text == "sent on Monday"
    [asked] = far.asked
    assert (asked.method, asked.headers["X-Key"]) == ("POST", "k1")
    assert asked.headers.getall("Content-Type") == ["application/json"]
    account = await accounts.get(place.hub.db, place.account)
    assert account is not None
    [proof] = asked.headers.getall("X-Request-Nonce")
    assert bcrypt.checkpw(salts.opened(place.hub.sealer, account.id, account.salt).encode(), proof.encode())
    sent = asked.json
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", sent["context"].pop("moment"))
    assert sent == {
        "type": "tool_call",
        "function": {"name": "find_order", "content": {"id": "7"}},
        "context": {
            "externalUserId": "ana@shop", "metadata": {"plan": "gold"}, "callSource": "IntegrationBot",
            "conversationToken": "s-1",
        },
    }
    await use(tool, context, id="8")
    assert far.asked[1].headers["X-Request-Nonce"] != proof, "each call has a proof of its own"


async def test_without_a_salt_there_is_no_proof(place: Place, far: Far) -> None:
    await accounts.set_salt(place.hub.db, place.account, "")
    context = place.context({"protocolFunctions": [function(far.says("/call", "ok"))]})
    [tool] = await protocol.offered(context)
    await use(tool, context, id="7")
    assert "X-Request-Nonce" not in far.asked[0].headers


async def test_a_failure_says_nothing_of_the_customers_server(
    place: Place, far: Far, caplog: pytest.LogCaptureFixture
) -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response(text="late")

    far.answers["/slow"] = slow
    urls = [
        far.says("/broken", "stack trace with hunter2", status=500), far.redirects("/moved", METADATA, 307),
        far.says("/large", "x" * 1_000_001), METADATA, "http://127.0.0.1:1/", far.url + "/slow",
    ]
    for url in urls:
        context = place.context({"protocolFunctions": [function(url, headers={"X-Key": "hunter2"})]}, seconds=0.5)
        [tool] = await protocol.offered(context)
        with pytest.raises(ToolFailed) as e:
            await use(tool, context, id="7")
        assert str(e.value) == "The function failed and gave no result."
    assert len(far.asked) == 4, "the redirect is not followed, the private address never reached"
    assert "find_order" in caplog.text and "500" in caplog.text and "hunter2" not in caplog.text


async def test_a_text_is_given_as_it_is_and_bytes_are_named(place: Place, far: Far) -> None:
    urls = [
        far.says("/latin", "não".encode("latin-1"), mime="text/plain; charset=iso-8859-1"),
        far.says("/json", '{"a": 1}\n', mime="application/json"), far.says("/image", b"\x89PNG\0", mime="image/png"),
        far.says("/codec", b"abc", mime="text/plain; charset=base64"), far.says("/none", b"", status=204),
    ]
    told = []
    for url in urls:
        context = place.context({"protocolFunctions": [function(url)]})
        [tool] = await protocol.offered(context)
        told.append((await use(tool, context, id="7")).text)
    assert told == ["não", '{"a": 1}\n', "[image/png, 5 bytes: not text]", "abc", ""]


async def test_a_source_is_asked_once_in_ten_minutes(place: Place, far: Far) -> None:
    listed = {"functions": [function(far.says("/call", "ok"), headers={"X-Key": "planted"})]}
    url = far.says("/list", listed)
    context = place.context({"protocolFunctionSources": [url]})
    for _ in range(3):
        [tool] = await protocol.offered(context)
    assert [(a.method, a.path) for a in far.asked] == [("GET", "/list")]
    account = await accounts.get(place.hub.db, place.account)
    assert account
    salt = salts.opened(place.hub.sealer, account.id, account.salt)
    assert bcrypt.checkpw(salt.encode(), far.asked[0].headers["X-Request-Nonce"].encode())
    await use(tool, context, id="1")
    assert far.asked[1].headers["X-Key"] == "planted"
    for key in await place.hub.redis.keys("*"):
        kind = await place.hub.redis.type(key)
        assert kind != b"string" or b"planted" not in (await place.hub.redis.get(key) or b""), "kept sealed"
        if b":c:" in key and str(place.account).encode() in key:
            assert 590_000 < await place.hub.redis.pttl(key) <= 600_000
    other = Place(place.hub, (await create_account(place.hub.db, "Boreal")).id)
    await protocol.offered(other.context({"protocolFunctionSources": [url]}))
    assert [a.path for a in far.asked].count("/list") == 2, "another account asks for itself"


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        ("oops", 200, "not JSON"),
        ("{}", 503, "status 503"),
        ([], 200, "is not {"),
        ({"functions": [{"name": "abc"}]}, 200, "functions.0.description is missing"),
        ({"functions": [function("http://x.example/", name="a-b")]}, 200, "functions.0.name must be"),
        ({"functions": [function("http://x.example/", name="delete")]}, 200, "JavaScript keeps"),
        ({"functions": [function("http://x.example/", name="shell")]}, 200, "a tool of the hub"),
        ({"functions": [function("http://x.example/", name="taken_one")]}, 200, "another tool"),
        ({"functions": [function("http://x.example/", contentFormat={"type": "string"})]}, 200, "contentFormat"),
        ({"functions": [function("file:///etc/passwd")]}, 200, "callbackUrl must be an address"),
        ({"functions": [function("aivax://other")]}, 200, "callbackUrl must be aivax://query-collection"),
        ({"functions": [function("http://x.example/")] * 2}, 200, "another function"),
    ],
)
async def test_a_source_that_cannot_be_used_fails_the_request(
    place: Place, far: Far, content: Any, status: int, words: str
) -> None:
    url = far.says("/list", content, status) + "?token=hunter2"
    with pytest.raises(Upstream) as e:
        await protocol.offered(place.context({"protocolFunctionSources": [url]}), {"taken_one"})
    assert words in str(e.value) and "hunter2" not in str(e.value) and e.value.code == "source_failed"
    assert "protocolFunctionSources.0" in str(e.value)


async def test_a_source_may_not_lead_to_private_addresses(place: Place, far: Far) -> None:
    for url in (METADATA, far.redirects("/away", METADATA)):
        with pytest.raises(Upstream, match="cannot be reached"):
            await protocol.offered(place.context({"protocolFunctionSources": [url]}))
    assert [a.path for a in far.asked] == ["/away"]


async def test_names_are_unique_among_the_functions_of_all_sources(place: Place, far: Far) -> None:
    one, two = (far.says(path, {"functions": [function(far.url)]}) for path in ("/one", "/two"))
    with pytest.raises(Upstream, match=r"protocolFunctionSources\.1.*find_order"):
        await protocol.offered(place.context({"protocolFunctionSources": [one, two]}))
    with pytest.raises(Upstream, match="a function of the gateway"):
        await protocol.offered(
            place.context({"protocolFunctions": [function(far.url)], "protocolFunctionSources": [one]})
        )
    with pytest.raises(Invalid, match="another tool"):
        await protocol.offered(place.context({"protocolFunctions": [function(far.url)]}), {"find_order"})


@pytest.mark.parametrize(
    ("given", "schema"),
    [
        (None, {"type": "object", "properties": {}, "additionalProperties": False}),
        ({}, {"type": "object", "properties": {}}),
        ({"type": "object"}, {"type": "object"}),
        ({"properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {"a": {"type": "string"}}}),
        (
            {"type": "urgent", "n": 3, "on": True, "tags": ["x"], "none": None},
            {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "description": "For example: urgent"}, "n": {"type": "number"},
                    "on": {"type": "boolean"},
                    "tags": {"type": "array", "items": {"type": "string", "description": "For example: x"}},
                    "none": {},
                },
                "required": ["type", "n", "on", "tags", "none"],
            },
        ),
    ],
)
def test_arguments_come_from_a_schema_or_an_example(given: Any, schema: Json) -> None:
    assert schema_of(given) == schema


async def test_a_search_in_a_collection_is_a_function(place: Place) -> None:
    hub = place.hub
    id = await collections.create(hub.db, place.account, "Policies", None, None)
    saved = await documents.save(
        hub.db, place.account, id,
        [Given("Returns", "A bicycle can be returned within thirty days.", "r1"), Given("Form", "The form.", "r1")],
    )
    for one in saved:
        await index_document(hub.db, hub.embedder, one.id)
    wanted = [
        function(f"aivax://query-collection?collection-id={id}&top=1&min=0.3", name="find_policy", contentFormat=None),
        function(f"aivax://query-collection?collection-id={id}&top=1&refs", name="find_all"),
    ]
    context = place.context({"protocolFunctions": wanted})
    tools = named(await protocol.offered(context))
    assert tools["find_policy"].schema["required"] == tools["find_all"].schema["required"] == ["query"]
    found = await use(tools["find_policy"], context, query="How long can I return a bicycle?")
    assert found.text == "[1] Returns\nA bicycle can be returned within thirty days."
    assert "[1, related] Form" in (await use(tools["find_all"], context, query="return a bicycle in days")).text
    assert (await use(tools["find_policy"], context, query="zzzz qqqq")).text == "Nothing was found."
    stranger = Place(hub, (await create_account(hub.db, "Boreal")).id).context({"protocolFunctions": wanted})
    [tool, _] = await protocol.offered(stranger)
    with pytest.raises(HubError, match="no longer there"):
        await use(tool, stranger, query="bicycle")
