"""The webhook receivers over HTTP: what each network is told, and what is kept."""

import asyncio
import gzip
import hashlib
import hmac
import io
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import pytest
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from hub.api.app import build_app
from hub.config import Settings
from hub.processes.embedded import start_postgres
from tests.clusters import migrated
from tests.flows.net import net
from tests.flows.test_answers import BODIES
from tests.flows.world import SECRET, World, world

Json = dict[str, Any]
NETWORKS = ("telegram", "zapi", "evolution", "kapso")


@dataclass
class Door:
    w: World
    url: str
    http: aiohttp.ClientSession

    def path(self, channel: str, client: Any = None, secret: str = SECRET) -> str:
        return f"{self.url}/api/v1/webhooks/{channel}/{client or self.w.client}/{secret}"

    async def post(
        self, channel: str, raw: bytes | None = None, path: str | None = None, **headers: Any
    ) -> tuple[int, Any]:
        raw = orjson.dumps(BODIES[channel]("Hello")) if raw is None else raw
        async with self.http.post(
            path or self.path(channel), data=io.BytesIO(raw), headers=signed(channel, raw) | headers
        ) as got:
            await got.read()
            return got.status, got.headers

    async def stored(self) -> int:
        return int(await self.w.hub.db.value("select count(*) from inbox"))

    async def quarantined(self) -> int:
        return int(await self.w.hub.db.value("select count(*) from quarantine"))


def signed(channel: str, raw: bytes) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if channel == "telegram":
        headers["X-Telegram-Bot-Api-Secret-Token"] = SECRET
    if channel == "kapso":
        headers["X-Webhook-Event"] = "whatsapp.message.received"
        headers["X-Webhook-Signature"] = hmac.new(b"hook-secret", raw, hashlib.sha256).hexdigest()
    return headers


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Door]:
    async with net() as provider, world(settings, provider, work=False) as w, aiohttp.ClientSession() as http:
        async with TestServer(build_app(w.hub, w.intake)) as server:
            yield Door(w, str(server.make_url("")).rstrip("/"), http)


@pytest.fixture
async def door(settings: Settings) -> AsyncIterator[Door]:
    async with opened(settings) as one:
        yield one


async def test_stored_once(door: Door) -> None:
    for channel in NETWORKS:
        raw = orjson.dumps(BODIES[channel]("Hello"))
        assert [(await door.post(channel, raw))[0] for _ in range(3)] == [200, 200, 200]
    assert await door.stored() == 4 and await door.quarantined() == 0


async def test_wrong_path_secret(door: Door) -> None:
    found = {c: (await door.post(c, path=door.path(c, secret="x" * 48)))[0] for c in NETWORKS}
    assert found == {"telegram": 401, "zapi": 200, "evolution": 401, "kapso": 401}
    assert await door.stored() == 0 and await door.quarantined() == 1
    assert await door.w.hub.db.value("select length(raw) from quarantine") <= 1024


async def test_wrong_header_or_signature(door: Door) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "telegram": {"X-Telegram-Bot-Api-Secret-Token": "wrong"},
        "kapso": {"X-Webhook-Signature": "0" * 64},
    }
    for channel, headers in wrong.items():
        assert (await door.post(channel, **headers))[0] == 401, channel
    assert await door.stored() == 0


async def test_unknown_client(door: Door) -> None:
    found = {c: (await door.post(c, path=door.path(c, client=uuid4())))[0] for c in NETWORKS}
    assert found == {"telegram": 404, "zapi": 200, "evolution": 404, "kapso": 404}
    for path in ("/api/v1/webhooks/telegram/no-uuid/s", f"/api/v1/webhooks/signal/{door.w.client}/{SECRET}"):
        async with door.http.post(door.url + path, data=b"{}") as got:
            assert got.status == 404


async def test_changed_a_moment_ago(door: Door) -> None:
    """Evolution never sends again what was answered with 404: it is asked to."""
    await door.w.hub.db.run("delete from integrations")
    await door.w.hub.db.run("update clients set updated_at = now()")
    found = {c: await door.post(c) for c in NETWORKS}
    assert {c: status for c, (status, _) in found.items()} == {
        "telegram": 404,
        "zapi": 200,
        "evolution": 503,
        "kapso": 404,
    }
    assert found["evolution"][1]["Retry-After"] == "5"


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a": 1e999}', b"[" * 5000])
async def test_unreadable_is_kept_aside(door: Door, raw: bytes) -> None:
    for channel in NETWORKS:
        assert (await door.post(channel, raw))[0] == 200, channel
    assert await door.stored() == 0


async def test_other_methods(door: Door) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        async with door.http.request(method, door.path("telegram")) as got:
            assert got.status == 405, method


async def test_compressed_body(door: Door) -> None:
    raw = orjson.dumps(BODIES["evolution"]("Hello"))
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with door.http.post(door.path("evolution"), data=gzip.compress(raw), headers=headers) as got:
        assert got.status == 200
    assert await door.stored() == 1


async def test_size_limits(door: Door) -> None:
    big = b'{"x": "' + b"a" * ((1 << 20) + 10) + b'"}'
    for channel in ("telegram", "kapso"):
        assert (await door.post(channel, big))[0] == 413, channel
    for channel in ("zapi", "evolution"):
        assert (await door.post(channel, big))[0] == 200, channel


async def test_upgrade_to_http2(door: Door) -> None:
    """Some Java clients ask for it; it is declined by answering as usual."""
    headers: dict[str, Any] = {
        "Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAEAAEAAAAIAAAAB",
    }
    for channel in NETWORKS:
        assert (await door.post(channel, **headers))[0] == 200, channel
    assert await door.stored() == 4


async def test_name_of_the_event_in_the_path(door: Door) -> None:
    assert (await door.post("evolution", path=door.path("evolution") + "/messages-upsert"))[0] == 200
    assert await door.stored() == 1


async def test_database_away(settings: Settings) -> None:
    """Those that send again are told when; Z-API never does: its calls wait on disk."""
    folder = Path(tempfile.mkdtemp(prefix="away-", dir="/tmp"))
    server = start_postgres(migrated(folder))
    try:
        async with opened(settings.changed(database_url=SecretStr(server.url))) as door:
            assert (await door.post("zapi"))[0] == 200
            server.stop()
            found = {c: await door.post(c) for c in NETWORKS}
            again = orjson.dumps(BODIES["zapi"]("Hello again"))
            assert [(await door.post("zapi", again))[0] for _ in range(2)] == [200, 200]
            async with door.http.get(door.url + "/health/ready") as got:
                assert got.status == 503 and (await got.json())["checks"]["database"] == "cannot be reached"
            server = start_postgres(folder)
            assert (await door.post("zapi", orjson.dumps(BODIES["zapi"]("Back"))))[0] == 200
            async with asyncio.timeout(30):
                while await door.stored() < 4:
                    await asyncio.sleep(0.05)
            rows = await door.w.hub.db.fetch("select body->>'text' as text from inbox order by seq")
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    assert {c: status for c, (status, _) in found.items()} == {
        "telegram": 503,
        "zapi": 200,
        "evolution": 503,
        "kapso": 503,
    }
    assert all(int(found[c][1]["Retry-After"]) >= 1 for c in ("telegram", "evolution", "kapso"))
    assert [r["text"] for r in rows] == ["Hello", "Hello", "Hello again", "Back"]
