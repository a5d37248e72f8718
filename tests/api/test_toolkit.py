"""Errors, headers, envelopes, streams: what is around every endpoint."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated
from uuid import UUID, uuid4

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import Field

from hub.api.http import app_keys, middleware, openapi, sse
from hub.api.http.endpoint import endpoint
from hub.api.http.errors import of_hub, problem
from hub.api.http.operation import Route
from hub.api.http.pagination import Page, read, write
from hub.errors import Invalid, Overloaded, TooMany
from hub.pydantic_base import Camel
from tests.api.conftest import Api


class Thing(Camel):
    whole_number: Annotated[int, Field(ge=1, le=9)]
    some_text: str = "x"


class Asked(Camel):
    how_many: int = 1


@endpoint(auth="none", tag="Test")
async def make(request: web.Request, id: UUID, query: Asked, body: Thing) -> list[Thing]:
    """Make things."""
    return [body] * query.how_many


@endpoint(auth="none", tag="Test")
async def breaks(request: web.Request) -> None:
    """Break."""
    raise RuntimeError("secret detail at 10.0.0.1")


@endpoint(auth="none", tag="Test")
async def busy(request: web.Request) -> None:
    """Be busy."""
    raise Overloaded


@endpoint(auth="none", tag="Test", limit=100, seconds=0.2)
async def small(request: web.Request, body: bytes) -> web.Response:
    """Take little."""
    return web.Response(body=body)


@endpoint(auth="none", tag="Test", produces="text/event-stream")
async def ticks(request: web.Request) -> web.StreamResponse:
    """Tick."""
    return await sse.stream(request, _ticks(request.app[CLOSED]), ping=0.05)


CLOSED = web.AppKey("closed", asyncio.Event)
ROUTES = [
    Route("POST", "/api/v1/things/{id}", make),
    Route("GET", "/api/v1/breaks", breaks),
    Route("GET", "/v1/breaks", breaks),
    Route("GET", "/api/v1/busy", busy),
    Route("POST", "/api/v1/small", small),
    Route("GET", "/api/v1/ticks", ticks),
]


async def _ticks(closed: asyncio.Event) -> AsyncIterator[sse.Event]:
    try:
        yield {"n": 1}
        yield "two\nlines"
        await asyncio.sleep(1.2)
        yield sse.DONE
    finally:
        closed.set()


@pytest.fixture
async def door(api: Api) -> AsyncIterator[Api]:
    """The toolkit around endpoints of this file."""
    app = web.Application(middlewares=[middleware.guard])
    app[app_keys.HUB], app[CLOSED] = api.hub, asyncio.Event()
    for route in ROUTES:
        app.router.add_route(route.method, route.path, route.handler)
    app.on_response_prepare.append(middleware.headers)
    async with TestServer(app) as server:
        yield replace(api, url=str(server.make_url("")).rstrip("/"))


async def test_body_query_and_path_are_typed(door: Api) -> None:
    path = f"/api/v1/things/{uuid4()}?howMany=2"
    assert await door.ok("POST", path, {"wholeNumber": 3}) == [{"wholeNumber": 3, "someText": "x"}] * 2
    assert (await door.ok("POST", path, {"whole_number": 3, "some_text": "a\0b"}))[0]["someText"] == "a\ufffdb"
    enveloped = await door.ok("POST", path, {"wholeNumber": 3}, headers={"X-Response-Envelope": "true"})
    assert enveloped == {"message": None, "data": [{"wholeNumber": 3, "someText": "x"}] * 2}
    assert (await door.call("POST", "/api/v1/things/7", {"wholeNumber": 3})).status == 404


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"{}", "wholeNumber is missing; send it."), (b'{"wholeNumber": "x"}', "wholeNumber must be a whole number."),
        (b'{"wholeNumber": 0}', "wholeNumber must be at least 1."),
        (b'{"wholeNumber": null}', "wholeNumber must be a whole number."),
        (b'{"wholeNumber": 2, "someText": 5}', "someText must be text."), (b"[]", "The body must be an object."),
        (b"", "The body is empty; send JSON."), (b'{"wholeNumber": NaN}', "The body is not valid JSON"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "The body is nested more than 64 levels deep."),
    ],
)
async def test_errors_name_the_field_and_the_mend(door: Api, sent: bytes, said: str) -> None:
    got = await door.call("POST", f"/api/v1/things/{uuid4()}", data=sent)
    assert got.status == 400
    assert got.body["error"].startswith(said), got.body
    assert set(got.body) == {"error", "details", "code"}


async def test_a_500_tells_nothing_and_is_found_in_the_log(door: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        got = await door.call("GET", "/api/v1/breaks")
    assert (got.status, got.body) == (500, {"error": "Internal error", "details": None, "code": "internal_error"})
    assert got.headers["X-Request-Id"] in caplog.text
    got = await door.call("GET", "/v1/breaks")
    assert got.headers["Content-Type"].startswith("application/problem+json")
    error = {"message": "Internal error", "type": "api_error", "param": None, "code": "internal_error"}
    assert got.body["error"] == error
    assert (got.body["status"], got.body["title"]) == (500, "Internal Server Error")


async def test_a_busy_hub_says_when_to_come_back(door: Api) -> None:
    got = await door.call("GET", "/api/v1/busy")
    assert (got.status, got.headers["Retry-After"]) == (503, "5")
    assert of_hub(TooMany(retry_after=0.2)).retry_after == 0.2
    assert problem(of_hub(Invalid("x is wrong.", field="x")), "/v1/x", "")["error"]["param"] == "x"


async def test_limits_of_a_body(door: Api) -> None:
    assert (await door.call("POST", "/api/v1/small", data=b"x" * 100)).status == 200
    got = await door.call("POST", "/api/v1/small", data=b"x" * 101)
    assert (got.status, got.body["code"]) == (413, "too_large")

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(1)
        yield b"x"

    got = await door.call("POST", "/api/v1/small", data=slow())
    assert (got.status, got.body["code"]) == (408, "timeout")


async def test_refusals_of_the_server_have_the_family_s_shape(api: Api) -> None:
    got = await api.call("GET", "/api/v1/nothing")
    assert (got.status, got.body["code"]) == (404, "not_found")
    got = await api.call("PATCH", "/api/v1/accounts")
    assert (got.status, got.headers["Allow"], got.body["code"]) == (405, "GET, HEAD, PUT", "method_not_allowed")
    got = await api.call("GET", "/v1/nothing")
    assert (got.status, got.body["error"]["type"]) == (404, "not_found_error")
    got = await api.call("GET", "/elsewhere")
    assert (got.status, got.headers["Content-Type"].split(";")[0]) == (404, "text/plain")


async def test_headers_of_every_answer(api: Api) -> None:
    for path, key in (("/api/v1/accounts", api.key), ("/api/v1/accounts", ""), ("/nothing", ""), ("/apidocs", "")):
        got = await api.call("GET", path, key=key)
        assert got.headers["Server"] == "hub"
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Referrer-Policy"] == "no-referrer"
        assert got.headers["Strict-Transport-Security"]
        assert "Access-Control-Allow-Origin" not in got.headers
    assert (await api.call("GET", "/api/v1/accounts")).headers["Cache-Control"] == "no-store"
    got = await api.call("GET", "/api/v1/accounts", headers={"X-Request-Id": "abc-1"})
    assert got.headers["X-Request-Id"] == "abc-1"
    got = await api.call("GET", "/api/v1/accounts", headers={"X-Request-Id": "<script>"})
    assert len(got.headers["X-Request-Id"]) == 32


async def test_cross_origin_only_for_the_public_chat(api: Api) -> None:
    path = "/api/v1/public/web-chat-client/x"
    for method in ("GET", "OPTIONS"):
        got = await api.call(method, path, key="", headers={"Origin": "https://shop.example"})
        assert got.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in got.headers
    assert got.status == 204
    assert (await api.call("OPTIONS", "/api/v1/accounts")).status == 405


async def test_keys_do_not_reach_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="hub"):
        await api.call("GET", f"/api/v1/accounts?api-key={api.key}", key="")
        await api.call("GET", "/api/v1/public/web-chat-client/wky_0123456789abcdef")
        await api.call("GET", f"/chat/wky_0123456789?x={api.key}")
    assert "api-key=***" in caplog.text
    assert api.key[7:] not in caplog.text
    assert "wky_0123" not in caplog.text


async def test_a_stream_pings_and_ends(door: Api) -> None:
    async with door.http.get(door.url + "/api/v1/ticks") as got:
        text = (await got.read()).decode()
        assert got.headers["Content-Type"].startswith("text/event-stream")
    assert text.startswith('data: {"n":1}\n\ndata: two\ndata: lines\n\n')
    assert ": ping\n\n" in text
    assert text.endswith("data: [DONE]\n\n")
    async with door.http.get(door.url + "/api/v1/ticks", headers={"Sse-Stream-Options": "no-ping"}) as got:
        assert ": ping" not in (await got.read()).decode()


async def test_a_stream_is_closed_when_its_reader_goes_away(api: Api) -> None:
    closed = asyncio.Event()
    app = web.Application(middlewares=[middleware.guard])
    app[app_keys.HUB], app[CLOSED] = api.hub, closed

    async def endless() -> AsyncIterator[sse.Event]:
        try:
            yield "1"
            await asyncio.sleep(60)
        finally:
            closed.set()

    async def handler(request: web.Request) -> web.StreamResponse:
        return await sse.stream(request, endless())

    app.router.add_get("/endless", handler)
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        async with http.get(server.make_url("/endless")) as got:
            await got.content.readline()
            got.close()
        async with asyncio.timeout(5):
            await closed.wait()


async def test_produced_hands_on_items_and_the_error() -> None:
    async def work(put: sse.Put[int]) -> None:
        for n in range(3):
            await put(n)
        raise ValueError("end")

    seen = []
    with pytest.raises(ValueError, match="end"):
        async for n in sse.produced(work):
            seen.append(n)  # noqa: PERF401
    assert seen == [0, 1, 2]


def test_cursors() -> None:
    id = uuid4()
    assert read(write(id)) == id
    for wrong in ("", "x", "!!!!", write(id)[:-3], "A" * 100):
        with pytest.raises(Invalid):
            read(wrong)
    assert Page.model_validate({"cursor": write(id)}).after == id


async def test_the_document_and_its_page(api: Api) -> None:
    document = await api.ok("GET", "/openapi.json", key="")
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "https://hub.example"}]
    page = await api.call("GET", "/apidocs", key="")
    assert page.status == 200
    assert "A-56" in page.body
    assert "parameters.<wbr>builtinFunctionsOptions.<wbr>webSearchMaxResults" in page.body
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    foreign = [part for part in page.body.split('"') if part.startswith("//") or part.startswith("http")]
    assert foreign == []


def test_a_handler_that_is_not_an_endpoint_stops_the_start() -> None:
    async def plain(_: web.Request) -> web.Response:
        return web.Response()

    with pytest.raises(LookupError, match="/x"):
        openapi.document([Route("GET", "/x", plain)], "")
