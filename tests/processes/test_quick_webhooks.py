"""Calls of a crowd are answered below the application, and nobody can tell by the answer."""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import orjson
import pytest
from aiohttp import web

from hub.api.app import build_app
from hub.api.http.app_keys import CROWD
from hub.chat.inbound.intake import Intake
from hub.config import Settings
from hub.processes.connections import serve
from hub.processes.embedded import free_port
from hub.runtime import open_hub
from tests.flows.net import Net
from tests.flows.test_answers import BODIES, Json
from tests.flows.world import SECRET, World, make

Serving = AbstractAsyncContextManager[asyncio.Server]
HEADERS = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
HELD = """
    insert into arrival_folders (integration_id, account_id, owner, epoch, until)
    select id, account_id, 'other', 0, now() + interval '1 hour' from integrations where client_id = $1
"""
FIRST = """
    insert into arrivals (account_id, integration_id, headers, body)
    select account_id, id, '{}', '{' from integrations where client_id = $1
"""


@dataclass
class Street:
    w: World
    app: web.Application
    http: aiohttp.ClientSession
    url: str

    async def call(self, channel: str, body: Any, secret: str = SECRET, **headers: str) -> tuple[int, dict[str, str]]:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        path = f"{self.url}/api/v1/webhooks/{channel}/{self.w.client}/{secret}"
        async with self.http.post(path, data=raw, headers=HEADERS | headers) as answer:
            told = {k: v for k, v in answer.headers.items() if k.lower() not in ("date", "x-request-id")}
            assert len(answer.headers["X-Request-Id"]) >= 10 or "X-Request-Id" in headers
            return answer.status, told

    async def kept(self) -> int:
        return int(await self.w.hub.db.value("select count(*) from arrivals where body <> '{'"))


@asynccontextmanager
async def opened(settings: Settings, last: float = 10.0, **modes: str) -> AsyncIterator[tuple[Street, Serving]]:
    """Its web server is served until the second of these is left. last: seconds for what is being answered then.
    modes: how each network's answers are sent."""
    port = free_port()
    async with open_hub(settings) as hub, aiohttp.ClientSession() as http:
        w = await make(hub, Net(url=settings.telegram_api_url), {"telegram": "reconcile", **modes})
        intake = Intake(hub.db, hub.queue)
        app = build_app(hub, intake)
        yield Street(w, app, http, f"http://127.0.0.1:{port}"), serve(app, "127.0.0.1", port, 10.0, 75.0, last)
        await intake.close()


@pytest.fixture
async def street(settings: Settings) -> AsyncIterator[Street]:
    async with opened(settings, 1.0) as (s, serving), serving:
        yield s


async def crowd(s: Street) -> None:
    """Calls of its integrations wait, and another process folds them: what comes goes behind."""
    await s.w.hub.db.run(HELD, s.w.client)
    await s.w.hub.db.run(FIRST, s.w.client)
    for channel in ("telegram", "kapso", "evolution", "zapi"):
        body = BODIES[channel]("to be known")
        assert (await s.call(channel, body, **signed(body, channel)))[0] == 200


def signed(body: Json, channel: str) -> dict[str, str]:
    signature = hmac.new(b"hook-secret", orjson.dumps(body), hashlib.sha256).hexdigest()
    return {"X-Webhook-Signature": signature} if channel == "kapso" else {}


@pytest.fixture
def application(caplog: pytest.LogCaptureFixture) -> Callable[[], int]:
    """How many calls the application has answered: it writes a line about each."""
    caplog.set_level(logging.DEBUG, "hub.access")
    return lambda: sum(r.name == "hub.access" for r in caplog.records)


async def test_a_call_of_a_crowd_is_answered_as_one_that_came_alone(
    street: Street, application: Callable[[], int]
) -> None:
    alone = await street.call("telegram", BODIES["telegram"]("alone"))
    assert await street.kept() == 0
    await crowd(street)
    before, asked = await street.kept(), application()
    assert before > 0 and asked > 0
    for channel in ("telegram", "evolution", "zapi", "kapso"):
        body = BODIES[channel]("hello")
        assert await street.call(channel, body, **signed(body, channel)) == alone, channel
    assert application() == asked, "it was not asked"
    assert await street.kept() == before + 4


async def test_what_is_not_plain_goes_to_the_application_with_its_whole_body(
    street: Street, application: Callable[[], int]
) -> None:
    await crowd(street)
    before, asked, body = await street.kept(), application(), BODIES["telegram"]("hello")
    body["message"]["padding"] = "x" * (80 << 10)
    assert (await street.call("telegram", body))[0] == 200 and await street.kept() == before + 1
    assert (await street.call("telegram", body, secret="wrong"))[0] == 401
    wrong = {"X-Telegram-Bot-Api-Secret-Token": "wrong"}
    assert (await street.call("telegram", b"{}", **wrong))[0] == 401
    assert (await street.call("zapi", b"{}", secret="wrong"))[0] == 200, "Z-API never sends again, and is told so"
    assert (await street.call("telegram", b"{}", **{"Expect": "100-continue"}))[0] == 200
    assert (await street.call("kapso", BODIES["kapso"]("x"), **{"X-Webhook-Signature": "0" * 64}))[0] == 401
    assert application() == asked + 6 and await street.kept() == before + 2
    async with street.http.post(f"{street.url}/api/v1/webhooks/nowhere/{street.w.client}/x", data=b"{}") as answer:
        assert answer.status == 404
    async with street.http.get(f"{street.url}/health/live") as answer:
        assert answer.status == 200


async def test_many_at_once_over_few_connections_leave_no_count_behind(street: Street) -> None:
    await crowd(street)
    before = await street.kept()
    bodies = [BODIES["telegram"](f"{n}") for n in range(150)]
    got = await asyncio.gather(*(street.call("telegram", body) for body in bodies))
    assert {status for status, _ in got} == {200}
    assert await street.kept() == before + 150
    line = street.app[CROWD]
    assert sum(line._coming) == 0 and not line._of[UUID(str(street.w.client))]


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize(("secret", "header"), [
    (b"%FF", SECRET.encode()), (SECRET.encode(), b"\xff"), (SECRET.encode(), "\u20ac".encode()),
])
async def test_bytes_that_are_no_text_are_a_wrong_secret(
    street: Street, waits: bool, secret: bytes, header: bytes
) -> None:
    if waits:
        await crowd(street)
    else:
        assert (await street.call("telegram", BODIES["telegram"]("to be known")))[0] == 200
    head = b"\r\n".join((
        b"POST /api/v1/webhooks/telegram/%b/%b HTTP/1.1" % (str(street.w.client).encode(), secret), b"Host: hub",
        b"X-Telegram-Bot-Api-Secret-Token: " + header, b"Connection: close", b"Content-Length: 2", b"", b"{}",
    ))
    reader, writer = await asyncio.open_connection("127.0.0.1", int(street.url.rsplit(":", 1)[1]))
    try:
        writer.write(head)
        told = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    assert told.split(b" ", 2)[1] == b"401" and b"Server: hub" in told
