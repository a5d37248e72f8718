"""Connections and uploads: who says nothing, half of something or too much is not waited for, and harms nobody."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from hub.api.http.app_keys import HUB
from hub.api.http.client_address import counted
from hub.chat.clients import sessions
from hub.chat.clients.sessions import Wanted
from hub.store import files
from tests.security.conftest import Opening
from tests.security.doors import Doors, multipart

GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def hasty(opening: Opening) -> Iterator[Doors]:
    """A hub that waits for nobody for long."""
    with opening(header_seconds=0.6, body_seconds=0.6, idle_seconds=1.5, guest_session_mb=2, guest_day_mb=5) as found:
        yield found


@asynccontextmanager
async def connected(doors: Doors) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    address = urlsplit(doors.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What still comes until the other side hangs up, which it does."""
    async with asyncio.timeout(15):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


SHAPES = {
    "nothing at all": b"",
    "half a request line": b"GET /hea",
    "half of the headers": b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-A: ",
    "a request, then half of one": GET + b"GET /hea",
    "a request, then nothing": GET,
}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_connection_that_goes_no_further_is_closed(hasty: Doors, shape: str) -> None:
    async with connected(hasty) as (reader, writer):
        writer.write(SHAPES[shape])
        said = await closed(reader)
    assert said.startswith(b"HTTP/1.1 200") if SHAPES[shape].startswith(GET) else said == b""


async def test_headers_that_drip_are_not_waited_for(hasty: Doors) -> None:
    async with connected(hasty) as (reader, writer):

        async def drip() -> None:
            writer.write(b"GET /health/live HTTP/1.1\r\nHost: x\r\n")
            while True:
                writer.write(b"X-A: 1\r\n")
                await asyncio.sleep(0.1)

        dripping = asyncio.create_task(drip())
        assert await closed(reader) == b""
        dripping.cancel()
        await asyncio.gather(dripping, return_exceptions=True)


def _bodies(d: Doors) -> dict[str, tuple[str, str]]:
    guest = f"/api/v1/public/chat-clients/{d.guest}"
    return {
        "a webhook": (d.hook("evolution"), "application/json"),
        "a sign-in": ("/console/login", "application/x-www-form-urlencoded"),
        "a guest's message": (f"{guest}/messages", "application/json"),
        "a guest's file": (f"{guest}/attachments", "multipart/form-data; boundary=b"),
        "a chat without scripts": (f"/chat/{d.guest}", "application/x-www-form-urlencoded"),
    }


BODIES = ("a webhook", "a sign-in", "a guest's message", "a guest's file", "a chat without scripts")


@pytest.mark.parametrize("what", BODIES)
async def test_a_body_that_does_not_come_is_not_waited_for(hasty: Doors, what: str) -> None:
    path, kind = _bodies(hasty)[what]
    async with connected(hasty) as (reader, writer):
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 5000\r\n\r\n--b"
        writer.write(head.encode())
        said = await closed(reader)
    assert b" 408 " in said.splitlines()[0]
    assert hasty.held == 0


async def test_a_slow_but_steady_upload_is_waited_for(hasty: Doors) -> None:
    body, kind = multipart(("file", "a.txt", b"a" * 100_000))

    async def slowly() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]
            await asyncio.sleep(0.1)

    path = f"/api/v1/public/chat-clients/{hasty.guest}/attachments"
    status, said = await hasty.send(path, slowly(), Content_Type=kind, Content_Length=str(len(body)))
    assert status in (200, 415), said


MALFORMED = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\xfc", "no method": b"NOT HTTP\r\n\r\n", "no version": b"GET / HTTP/9.9\r\n\r\n",
    "a blank in a name": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "less than nothing": b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=list(MALFORMED))
async def test_what_is_no_http_is_told_so_in_a_line(
    hasty: Doors, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(hasty) as (reader, writer):
        writer.write(sent)
        said = await closed(reader)
    assert b"400 Bad Request" in said and b"Traceback" not in said and len(said) < 500
    assert not any(r.exc_info for r in caplog.records)


def _session() -> Wanted:
    return Wanted(tag=None, extra_context=None, context_location=None, metadata=None, seconds=86400.0)


async def test_guests_may_upload_so_much_in_one_conversation_and_in_a_day(hasty: Doors) -> None:
    w = hasty.w
    await hasty.there(w.parameters(uploadUnsupportedFiles=True))

    async def uploads(count: int) -> list[int]:
        key = (await hasty.there(sessions.open(w.hub, w.account, w.client, _session()))).access_key
        body, kind = multipart(("file", "a.bin", b"\x00" * 900_000))
        path = f"/api/v1/public/chat-clients/{key}/attachments"
        return [(await hasty.send(path, io.BytesIO(body), Content_Type=kind))[0] for _ in range(count)]

    assert await uploads(3) == [200, 200, 429], "2 MB in a conversation"
    assert await uploads(2) == [200, 200]
    assert await uploads(2) == [200, 429], "5 MB a day"
    at_once = await asyncio.gather(*(uploads(1) for _ in range(5)))
    assert {s for one in at_once for s in one} == {429}
    other = await hasty.value("select id from accounts where name = 'Boreal'")
    assert await hasty.value("select guest_bytes from accounts where id = $1", other) == 0


async def test_uploads_side_by_side_do_not_pass_the_limit_together(hasty: Doors) -> None:
    add = "insert into accounts (id, name, salt) values (gen_random_uuid(), 'x', 's') returning id"
    account: UUID = await hasty.value(add)
    client = await hasty.value(
        "insert into clients (id, account_id, name) values (gen_random_uuid(), $1, 'c') returning id", account
    )
    made = await hasty.there(sessions.open(hasty.hub, account, client, _session()))
    takes = [files.take(hasty.hub.db, account, made.id, 300, 1000, 0) for _ in range(20)]
    found = await hasty.there(_all(takes))
    assert found.count(None) == 3 and set(found) == {None, "session"}


async def _all(work: list[Any]) -> list[Any]:
    return list(await asyncio.gather(*work))


@pytest.mark.parametrize(
    ("remote", "network"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"), ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"), ("::ffff:10.0.0.1", "10.0.0.1"), ("10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::/64"), ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one_address(remote: str, network: str) -> None:
    class Told:
        trusted_proxies = ""

    class Hub:
        settings = Told()

    app = web.Application()
    app[HUB] = cast(Any, Hub())  # as much of one as is asked
    request = make_mocked_request("GET", "/", app=app).clone(remote=remote)
    assert counted(request) == network


async def test_addresses_of_one_network_share_their_limits(opening: Opening) -> None:
    with opening(trusted_proxies="127.0.0.0/8", public_per_address=3, public_per_minute=0) as doors:
        path = f"/api/v1/public/chat-clients/{doors.guest}/messages"
        body = orjson.dumps({"content": "Hi"})

        async def ask(address: str) -> int:
            headers = {"Content-Type": "application/json", "X-Forwarded-For": address}
            async with aiohttp.ClientSession() as http, http.post(doors.url + path, data=body, headers=headers) as got:
                return got.status

        found = [await ask(f"2001:db8:0:1::{n:x}") for n in range(5)]
        assert found == [202, 202, 202, 429, 429]
        assert await ask("2001:db8:0:2::1") == 202, "another network's is another's"
