"""What the guarded client does reach, and with which limits."""

import asyncio
import socket
import ssl
import threading
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hub.errors import Upstream
from hub.guarded_http import LOOKUPS, MOST, Outbound, Shared, open_outbound
from hub.processes.embedded import free_port
from tests.core.certificates import certificate
from tests.core.places import Names, Place, place, resolve_by


@pytest.fixture
async def there() -> AsyncIterator[Place]:
    async with place() as one:
        yield one


@pytest.fixture
async def out() -> AsyncIterator[Outbound]:
    async with open_outbound("127.0.0.0/8") as one:
        yield one


@pytest.mark.parametrize(
    ("allow", "reached"),
    [
        ("", set()),
        ("127.0.0.0/8", {"127.0.0.1", "localhost", "named.example"}),
        ("127.0.0.1", {"127.0.0.1", "localhost", "named.example"}),
        ("10.0.0.0/8, fd00::/8", set()),
        ("named.example", {"named.example"}),
        ("NAMED.example:P", {"named.example"}),
        ("named.example:1", set()),
        (" , localhost:P,, ", {"localhost"}),
    ],
)
async def test_an_allow_list_lets_exactly_that_through(
    there: Place, allow: str, reached: set[str]
) -> None:
    async with open_outbound(allow.replace(":P", f":{there.port}")) as out:
        resolve_by(out, Names("127.0.0.1"))
        got = set()
        for host in ("127.0.0.1", "localhost", "named.example"):
            try:
                reply = await out.request("GET", f"http://{host}:{there.port}/", seconds=5)
            except Upstream:
                continue
            assert reply.body == b"reached"
            got.add(host)
    assert got == reached
    assert len(there.came) == len(reached)


async def test_a_call_goes_as_given_and_comes_back_whole(out: Outbound, there: Place) -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.json_response(
            {"got": (await request.read()).decode(), "x": request.headers["X-A"]}, status=201
        )

    there.answers["/e"] = echo
    reply = await out.request(
        "POST", f"http://127.0.0.1:{there.port}/e", headers={"X-A": "1"}, body="olá".encode()
    )
    assert (reply.status, reply.mime) == (201, "application/json") and b'"x": "1"' in reply.body


async def test_redirects_are_followed_only_when_asked_and_not_for_ever(
    out: Outbound, there: Place
) -> None:
    base = f"http://127.0.0.1:{there.port}"
    there.redirects("/1", "/2")
    there.redirects("/2", f"{base}/3", 307)
    there.redirects("/loop", "/loop")
    assert (await out.request("GET", f"{base}/1")).status == 302
    assert (await out.request("GET", f"{base}/1", follow=True)).body == b"reached"
    with pytest.raises(Upstream, match="redirects too often"):
        await out.request("GET", f"{base}/loop", follow=True)
    assert len([r for r in there.came if r.path == "/loop"]) == 4


async def test_the_hanging_addresses_of_one_account_leave_the_others_their_connections(there: Place) -> None:
    whose, over = ContextVar[str | None]("whose", default=None), asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        await over.wait()
        return web.Response()

    async def call(one: Outbound, account: str | None, path: str) -> int:
        whose.set(account)
        return (await one.request("GET", f"http://127.0.0.1:{there.port}{path}", seconds=30)).status

    there.answers["/hang"] = hang
    async with open_outbound("127.0.0.0/8", whose=whose.get) as out:
        shared = out.public.connector
        assert isinstance(shared, Shared)
        hanging = [asyncio.create_task(call(out, "a", "/hang")) for _ in range(MOST + 20)]
        try:
            while shared._held["a"] < MOST * 9 // 10:
                await asyncio.sleep(0.01)
            for other in ("b", "c", None):
                assert await call(out, other, "/") == 200
            assert shared._held["a"] == MOST * 9 // 10
            gone = hanging[-1]  # who waits no longer takes nobody's place
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        finally:
            over.set()
        # Those that waited may have waited too long by now.
        ends = await asyncio.gather(*hanging[:-1], return_exceptions=True)
        assert ends.count(200) >= MOST * 9 // 10
        assert not shared._held and not shared._lines


async def test_names_that_nobody_answers_for_keep_nothing_else_from_its_threads(
    there: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, asked = threading.Event(), set[str]()

    def hang(host: str, *args: Any, **more: Any) -> Any:
        if host.endswith(".hangs.example"):
            asked.add(host)
            over.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return found(host, *args, **more)

    found = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    async with open_outbound("127.0.0.0/8") as out:
        calls = [
            asyncio.create_task(out.request("GET", f"http://{n}.hangs.example/", seconds=30))
            for n in range(LOOKUPS + 20)
        ]
        try:
            while len(asked) < LOOKUPS:
                await asyncio.sleep(0.01)
            assert await asyncio.gather(*(asyncio.to_thread(len, "abc") for _ in range(50))) == [3] * 50
        finally:
            over.set()
            ends = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(e) for e in ends} == {Upstream}
        assert (await out.request("GET", f"http://localhost:{there.port}/")).body == b"reached"


async def test_whoever_fails_gives_its_place_back(there: Place) -> None:
    async with open_outbound("127.0.0.0/8", whose=lambda: "a") as out:
        shared = out.public.connector
        assert isinstance(shared, Shared)
        for url in (f"http://127.0.0.1:{free_port()}/", "http://10.0.0.1/", f"http://127.0.0.1:{there.port}/"):
            with suppress(Upstream):
                await out.request("GET", url, seconds=5)
            assert not shared._held, url


async def test_headers_stay_behind_when_a_redirect_changes_the_host(
    out: Outbound, there: Place
) -> None:
    there.redirects("/same", "/end")
    secret = {"Authorization": "Bearer planted", "Cookie": "a=planted", "X-Key": "planted"}
    async with place() as other:
        there.redirects("/other", f"http://127.0.0.1:{other.port}/end")
        base = f"http://127.0.0.1:{there.port}"
        await out.request("GET", f"{base}/same", headers=secret, follow=True)
        await out.request("GET", f"{base}/other", headers=secret, follow=True)
        assert there.came[1].headers["X-Key"] == "planted"
        assert "planted" not in str(other.came[0].headers)


async def test_a_redirect_from_https_to_http_is_refused(
    out: Outbound, there: Place, tmp_path: Path
) -> None:
    server, client = certificate(tmp_path, "127.0.0.1")
    async with place(server) as safe:
        connector = out.public.connector
        assert isinstance(connector, aiohttp.TCPConnector)
        connector._ssl = client
        safe.redirects("/down", f"http://127.0.0.1:{there.port}/")
        assert (await out.request("GET", f"https://127.0.0.1:{safe.port}/")).body == b"reached"
        with pytest.raises(Upstream, match="from https to http"):
            await out.request("GET", f"https://127.0.0.1:{safe.port}/down", follow=True)
    assert there.came == []


async def test_a_certificate_nobody_knows_is_refused(out: Outbound, tmp_path: Path) -> None:
    server: ssl.SSLContext = certificate(tmp_path, "127.0.0.1")[0]
    async with place(server) as safe:
        asyncio.get_running_loop().set_exception_handler(
            lambda *_: None
        )  # the server's side of the failed handshake
        with pytest.raises(Upstream, match="cannot be reached"):
            await out.request("GET", f"https://127.0.0.1:{safe.port}/")
        assert safe.came == []


async def _endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    with pytest.raises(ConnectionError):
        while True:
            await answer.write(b"x" * 10_000)
    return answer


async def _bomb(request: web.Request) -> web.Response:
    return web.Response(
        body=zlib.compress(b"\0" * 50_000_000, wbits=31), headers={"Content-Encoding": "gzip"}
    )


@pytest.mark.parametrize("answer", [_endless, _bomb], ids=["endless", "inflated"])
async def test_what_is_larger_than_asked_for_is_not_read(
    out: Outbound, there: Place, answer: object
) -> None:
    there.answers["/large"] = answer  # type: ignore[assignment]  # an answer made by hand
    with pytest.raises(Upstream, match=r"larger than 100,000 bytes"):
        await out.request("GET", f"http://127.0.0.1:{there.port}/large", limit=100_000)


async def test_exactly_the_limit_is_read(out: Outbound, there: Place) -> None:
    there.answers["/fits"] = lambda _: web.Response(body=b"x" * 1000)
    assert (
        len((await out.request("GET", f"http://127.0.0.1:{there.port}/fits", limit=1000)).body)
        == 1000
    )


async def _silent(_: web.Request) -> web.Response:
    await asyncio.sleep(5)
    return web.Response()


async def _drip(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(100):
        await answer.write(b".")
        await asyncio.sleep(0.05)
    return answer


@pytest.mark.parametrize("answer", [_silent, _drip], ids=["silent", "drip"])
async def test_the_time_limit_is_for_the_whole_call(
    out: Outbound, there: Place, answer: object
) -> None:
    there.answers["/slow"] = answer  # type: ignore[assignment]  # an answer made by hand
    began = time.monotonic()
    with pytest.raises(Upstream, match="did not answer in time"):
        await out.request("GET", f"http://127.0.0.1:{there.port}/slow", seconds=0.3)
    assert 0.25 < time.monotonic() - began < 4.5, "both would take five seconds"


async def test_proxy_variables_change_nothing(
    there: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{proxy.port}")
        async with open_outbound(f"127.0.0.1:{there.port}") as out:
            assert (await out.request("GET", f"http://127.0.0.1:{there.port}/")).body == b"reached"
            with pytest.raises(Upstream):
                await out.request("GET", "http://10.0.0.1/")
        assert proxy.came == []


async def test_cookies_are_not_kept(out: Outbound, there: Place) -> None:
    there.answers["/set"] = lambda _: web.Response(headers={"Set-Cookie": "a=1; Path=/"})
    for path in ("/set", "/again"):
        await out.request("GET", f"http://127.0.0.1:{there.port}{path}")
    assert "Cookie" not in there.came[1].headers


@pytest.mark.parametrize(
    "raw",
    [b"", b"not http\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx"],
    ids=["closed", "noise", "short"],
)
async def test_a_broken_answer_is_an_upstream_failure(out: Outbound, raw: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Upstream, match="^The address cannot be reached.$"):
            await out.request("GET", f"http://127.0.0.1:{port}/")
