"""One JSON call: what comes back, and what a failure says about the work asked for."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from channels.base import ChannelError
from channels.http import AMBIGUOUS, Answer, call, seconds

SECRET = "s3cr3t-token"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def ask(http: aiohttp.ClientSession, handler: Handler, **options: object) -> Answer:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    async with TestServer(app) as server:
        address = str(server.make_url(f"/{SECRET}"))
        return await call(http, "POST", address, headers={"X-Key": SECRET}, **options)  # type: ignore[arg-type]  # options by name


async def error_of(made: Awaitable[Answer]) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await made
    printed = "".join(traceback.format_exception(caught.value))
    assert SECRET not in printed.replace("SECRET", "")
    assert "127.0.0.1" not in printed
    return caught.value


async def test_json_goes_and_comes(http: aiohttp.ClientSession) -> None:
    async def echo(request: web.Request) -> web.Response:
        assert request.headers["X-Key"] == SECRET
        assert request.content_type == "application/json"
        said = {"got": await request.json()}
        return web.json_response(said, status=201, headers={"Retry-After": "3"})

    answer = await ask(http, echo, json={"olá": [1, None]})
    assert (answer.status, answer.ok, answer.retry_after) == (201, True, 3.0)
    assert answer.body == {"got": {"olá": [1, None]}}
    assert answer.headers["content-type"].startswith("application/json")


async def test_forms_and_answers_that_are_no_json(http: aiohttp.ClientSession) -> None:
    async def echo(request: web.Request) -> web.Response:
        said = str((await request.post())["a"])
        return web.Response(status=400, body=f"a={said}".encode() + b"\xff")

    answer = await ask(http, echo, form={"a": "b"})
    assert (answer.status, answer.ok, answer.body, answer.text) == (400, False, None, "a=b\ufffd")


async def test_redirects_are_not_followed(http: aiohttp.ClientSession) -> None:
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "http://other.invalid/"})

    assert (await ask(http, away)).status == 307


@pytest.mark.parametrize("status", sorted(AMBIGUOUS))
@pytest.mark.parametrize("safe", [True, False])
async def test_gateways_leave_it_open(http: aiohttp.ClientSession, status: int, safe: bool) -> None:
    async def gateway(request: web.Request) -> web.Response:
        return web.Response(status=status)

    error = await error_of(ask(http, gateway, retry_safe=safe))
    assert (error.ambiguous, error.permanent, error.code) == (not safe, False, str(status))


async def test_silence_and_resets_leave_it_open(http: aiohttp.ClientSession) -> None:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.5)
        return web.Response()

    async def reset(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    for handler, code in ((slow, "timeout"), (reset, "reset"), (half, "reset")):
        error = await error_of(ask(http, handler, timeout=0.2))
        assert (error.ambiguous, error.permanent, error.code) == (True, False, code)


async def test_what_never_left_may_be_sent_again(http: aiohttp.ClientSession) -> None:
    closed = await error_of(call(http, "POST", f"http://127.0.0.1:{unused_port()}/{SECRET}"))
    unknown = await error_of(call(http, "POST", f"http://no-such-host.invalid/{SECRET}"))
    for error, code in ((closed, "unreachable"), (unknown, "dns")):
        assert (error.ambiguous, error.permanent, error.code) == (False, False, code)


async def test_a_false_certificate_is_no_connection(http: aiohttp.ClientSession) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        error = await error_of(call(http, "POST", f"https://127.0.0.1:{port}/{SECRET}"))
    assert (error.ambiguous, error.permanent, error.code) == (False, False, "tls")


async def test_a_guard_that_refuses_the_address_is_before_the_wire() -> None:
    def guard(_: object) -> object:
        raise OSError("address not allowed")

    connector = aiohttp.TCPConnector(socket_factory=guard)  # type: ignore[arg-type]  # options by name
    async with aiohttp.ClientSession(connector=connector) as http:
        error = await error_of(call(http, "POST", f"http://127.0.0.1:{unused_port()}/{SECRET}"))
    assert (error.ambiguous, error.code) == (False, "unreachable")


@pytest.mark.parametrize("address", ["", "x", "ftp://x.io", f"http://[::1/{SECRET}", "http:///x"])
async def test_addresses_that_cannot_be_called(http: aiohttp.ClientSession, address: str) -> None:
    error = await error_of(call(http, "POST", address))
    assert (error.permanent, error.code) == (True, "bad_settings")


async def test_keys_and_texts_that_cannot_be_sent(http: aiohttp.ClientSession) -> None:
    address = f"http://127.0.0.1:{unused_port()}/"
    key = await error_of(call(http, "POST", address, headers={"X-Key": f"{SECRET}\r\nX: y"}))
    text = await error_of(call(http, "POST", address, json={"text": "\ud800"}))
    assert not key.ambiguous
    assert text.permanent


async def test_a_huge_answer_is_refused(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def huge(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 100)

    monkeypatch.setattr("channels.http.LARGEST", 99)
    error = await error_of(ask(http, huge))
    assert (error.code, error.ambiguous, error.permanent) == ("too_large", True, False), "it may have been done"
    error = await error_of(ask(http, huge, retry_safe=True))
    assert (error.code, error.ambiguous, error.permanent) == ("too_large", False, True)


@pytest.mark.parametrize("status", [400, 404, 429, 500])
async def test_a_refusal_that_never_ends_is_a_refusal(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse(status=status)
        await out.prepare(request)
        while request.transport is not None:
            await out.write(b"no " * 100)
        return out

    monkeypatch.setattr("channels.http.REFUSAL", 1000)
    answer = await ask(http, endless)
    assert answer.status == status and len(answer.text) == 1000


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, None), ("", None), ("7", 7.0), ("-1", None), ("x", None), ("nan", None), ("1e9", None)],
)
def test_retry_after(header: str | None, expected: float | None) -> None:
    assert seconds(header) == expected
