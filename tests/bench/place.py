"""Servers, rows and processes that are measured; all of them end with the block that opened them."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import orjson
from pydantic import SecretStr

from hub.accounts.keys import grant
from hub.config import Settings
from hub.processes.embedded import Server, die_with_parent, free_port, start_postgres, start_valkey
from hub.runtime import Hub, open_hub
from hub.sealing import new_key
from hub.store.migrate import migrate
from tests.bench import machine
from tests.bench.load import Job
from tests.conftest import owning
from tests.flows.net import Net
from tests.flows.world import SECRET, make

ROOT = Path(__file__).parents[2]
MODES = ("reconcile", "placeholder_edit")
EMPTY = "truncate sessions, inbox, inbox_dedupe, contacts, contact_ids, messages, turns, outbox, happenings cascade"
UPDATE = (
    '{"update_id":%(n)d,"message":{"message_id":%(n)d,"from":{"id":%(chat)d,"is_bot":false,"first_name":"Ana",'
    '"last_name":"Souza","username":"ana_%(chat)d","language_code":"en"},"chat":{"id":%(chat)d,"first_name":"Ana",'
    '"last_name":"Souza","username":"ana_%(chat)d","type":"private"},"date":1767272501,"text":"'
    + "When do you open? " * 30 + '"}}'
)


@dataclass
class Place:
    """Everything that runs, and how to call it."""

    folder: Path
    servers: dict[str, Server]
    settings: Settings
    hub: Hub
    upstream: int
    clients: dict[str, UUID] = field(default_factory=dict)
    key: str = ""
    gateway: str = ""
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU by process."""
        pids = {name: process.pid for name, process in self.running.items()}
        pids |= {name: server.process.pid for name, server in self.servers.items()}
        return {name: machine.cpu(pid) for name, pid in pids.items()}

    async def empty(self) -> None:
        """Forget all conversations and bells."""
        async with owning(self.hub.settings.database_url.get_secret_value()) as owner:
            await owner.run(EMPTY)
        await self.hub.redis.flushall()

    async def folded(self) -> float:
        """When everything that was acknowledged is in its conversation."""
        while await self.hub.db.value("select exists (select 1 from arrivals)"):
            await asyncio.sleep(0.02)
        return time.monotonic()

    @contextmanager
    def child(self, name: str, *command: str, core: int | None = None, **settings: str) -> Iterator[int]:
        """A process of ours; gives its id. settings: of the environment, beside the usual ones."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=ROOT, env={**os.environ, **self._environment(), **settings},
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent(signal.SIGKILL),
            )
        if core is not None and (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(process.pid, {core})
        self.running[name] = process
        try:
            yield process.pid
        finally:
            del self.running[name]
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def _environment(self) -> dict[str, str]:
        s = self.settings
        return {
            "HUB_HOME": str(self.folder), "HUB_DATABASE_URL": s.database_url.get_secret_value(),
            "HUB_REDIS_URL": s.redis_url.get_secret_value(), "HUB_SEALING_KEY": s.sealing_key.get_secret_value(),
            "HUB_TELEGRAM_API_URL": s.telegram_api_url, "HUB_OUTBOUND_ALLOW": s.outbound_allow,
            "HUB_PUBLIC_URL": s.public_url, "HUB_ARESGEN_PER_MINUTE": "0",
        }

    @asynccontextmanager
    async def web(self, core: int | None = None, **settings: str) -> AsyncIterator[tuple[int, int]]:
        """The real web process: (process id, port)."""
        port = free_port()
        with self.child("web", "hub", "web", "--port", str(port), core=core, **settings) as pid:
            await reachable(port)
            yield pid, port

    def webhook(self, port: int, mode: str = MODES[0], **more: Any) -> Job:
        """Telegram's calls for the business whose answers go out in this mode."""
        path = f"/api/v1/webhooks/telegram/{self.clients[mode]}/{SECRET}"
        return Job(port=port, head=head(path, f"X-Telegram-Bot-Api-Secret-Token: {SECRET}\r\n"), body=UPDATE, **more)

    async def ask(self, path: str) -> Any:
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{self.upstream}{path}") as answer:
            return orjson.loads(await answer.read())


def head(path: str, more: str = "") -> str:
    return f"POST {path} HTTP/1.1\r\nHost: hub.example\r\nContent-Type: application/json\r\n{more}"


async def load(job: Job, ours: bool = True) -> dict[str, Any]:
    """Run a load generator in a process of its own; every request of ours must have been answered with 200,
    of others only those that were count."""
    given = {**job.__dict__, "core": job.core if (os.cpu_count() or 1) > 1 else None}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.load", cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    out, _ = await process.communicate(orjson.dumps(given))
    assert process.returncode == 0, "the load generator failed"
    result: dict[str, Any] = orjson.loads(out)
    bad = result["bad"]
    assert not (ours and bad), f"{bad} of {result['answered']} requests were not answered with 200"
    return {**result, "rate": (result["answered"] - bad) / max(result["seconds"], 1e-9)}


async def reachable(port: int, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


@asynccontextmanager
async def opened() -> AsyncIterator[Place]:
    """Fresh servers with two businesses on Telegram, one a send mode, and a model of no delay."""
    folder = Path(tempfile.mkdtemp(prefix="hub-bench-", dir="/tmp"))  # short: sockets allow 107 bytes of path
    os.chmod(folder, 0o755)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        servers = {}
        for name, start in (("PostgreSQL", start_postgres), ("Valkey", start_valkey)):
            servers[name] = start(folder)
            stack.callback(servers[name].stop)
        await migrate(servers["PostgreSQL"].url)
        upstream = free_port()
        settings = Settings(
            home=folder, database_url=SecretStr(servers["PostgreSQL"].url), redis_url=SecretStr(servers["Valkey"].url),
            sealing_key=SecretStr(new_key()),
            public_url="https://hub.example", outbound_allow="127.0.0.0/8", telegram_api_url=f"http://127.0.0.1:{upstream}",
        )
        hub = await stack.enter_async_context(open_hub(settings))
        place = Place(folder, servers, settings, hub, upstream)
        stack.enter_context(place.child("upstream", "tests.bench.upstream", str(upstream), core=1))
        await reachable(upstream)
        await _fill(place)
        yield place


async def _fill(place: Place) -> None:
    db = place.hub.db
    for mode in MODES:
        w = await make(place.hub, Net(url=place.settings.telegram_api_url), {"telegram": mode})
        place.clients[mode], place.gateway = w.client, str(w.gateway)
        place.key = await grant(db, w.account, "bench", None)
    address = f"{place.settings.telegram_api_url}/v1"
    await db.run("update gateways set parameters = $1", {"baseAddress": address, "modelName": "fake-1"})
    await db.run("update clients set limits = $1", {"messagesPerHour": 0, "maxMessages": 0})
