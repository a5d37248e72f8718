"""`hub up` as a person starts, stops and breaks it: a real process over embedded servers."""

import asyncio
import os
import re
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError

import aiohttp
import pytest

from hub.processes.embedded import free_port
from tests.fakes.model import says, serve
from tests.processes.command import Up, begun, family, hub, left, until

KEYS = {"baseUrl", "accountId", "apiKey", "salt", "webChatClientId", "talkUrl", "consoleUrl", "signInUrl"}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    folder = Path(tempfile.mkdtemp(prefix="up-", dir="/tmp"))
    one = Up(folder / "h", free_port(), more={"HUB_OUTBOUND_ALLOW": "127.0.0.0/8"})
    yield one
    one.end()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def running(up: Up) -> Up:
    return up.running()


def test_first_start(up: Up) -> None:
    up.start()
    first = up.bootstrap
    assert set(first) == KEYS and all(first.values())
    assert stat.S_IMODE((up.home / "bootstrap.json").stat().st_mode) == 0o600
    for part in (up.url, first["talkUrl"], first["consoleUrl"], f"{up.url}/apidocs", "bootstrap.json", "Ctrl-C"):
        assert part in up.out
    assert first["signInUrl"] in up.out, "the way into the console, once"
    assert first["apiKey"] not in up.out + up.err
    assert up.get("/health/live") == {"status": "ok"}
    assert up.get("/health/ready")["checks"] == {"database": "ok", "migrations": "ok", "redis": "ok"}


async def test_demo_answers(running: Up) -> None:
    async with aiohttp.ClientSession() as http:
        answer = await ask(http, running, "How do I connect Telegram?")
    said = answer["completionText"]
    assert "BotFather" in said and "HUB_PUBLIC_URL" in said and "Save the token" in said, "all steps, as README shows"


async def ask(http: aiohttp.ClientSession, running: Up, text: str) -> Json:
    path = f"{running.url}/api/v1/public/chat-clients/{key_of(running)}/prompt"
    async with http.post(path, json={"prompt": text}) as got:
        found: Json = await got.json()
        assert got.status == 200, found
        return found


def key_of(running: Up) -> str:
    return str(running.bootstrap["talkUrl"]).rsplit("/", 1)[1]


def test_doctor_of_a_running_hub(running: Up) -> None:
    found = hub("doctor", "--home", str(running.home), "--port", str(running.port))
    assert found.returncode == 0, found.stdout + found.stderr
    assert re.search(r"ok +Database: PostgreSQL .* schema current", found.stdout)
    assert "1 scheduler, 1 web, 1 worker" in found.stdout and "Networks: none connected yet" in found.stdout
    assert "warn Public address" in found.stdout and "HUB_PUBLIC_URL" in found.stdout


def test_a_second_hub_is_refused(running: Up) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as other:
        refused(hub("up", "--home", other + "/h", "--port", str(running.port)), f"Port {running.port}", "--port")
    refused(hub("up", "--home", str(running.home), "--port", str(free_port())), "Another hub is running", "--home")
    assert running.get("/health/ready")["status"] == "ok"


def refused(found: Any, *words: str) -> None:
    assert found.returncode == 1, found.stdout + found.stderr
    lines = found.stderr.strip().splitlines()
    assert lines[-1].startswith("hub: ") and "Traceback" not in found.stderr, found.stderr
    for word in words:
        assert word in lines[-1]


def test_a_killed_child_is_replaced(running: Up) -> None:
    children = {p for p, parent in parents_of(running).items() if parent == running.pid}
    hubs = sorted(p for p in children if b"postgres" not in cmdline(p) and b"valkey" not in cmdline(p))
    assert len(hubs) == 3
    for pid in hubs:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(begun(p) for p in hubs))
    until(lambda: ready(running), 20)
    until(lambda: len([p for p, parent in parents_of(running).items() if parent == running.pid]) == len(children), 20)


def parents_of(running: Up) -> dict[int, int]:
    from_stat = {}
    for pid in family(running.pid):
        # Any of them may end while it is looked at.
        with suppress(FileNotFoundError, ProcessLookupError):
            text = Path(f"/proc/{pid}/stat").read_text()
            from_stat[pid] = int(text.rsplit(")", 1)[1].split()[1])
    return from_stat


def cmdline(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def ready(running: Up) -> bool:
    try:
        return bool(running.get("/health/ready")["status"] == "ok")
    except (URLError, OSError):
        return False


async def test_stopped_while_it_answers(running: Up) -> None:
    """What was being answered is finished, or answered after the next start: once."""
    kept = (running.home / "bootstrap.json").read_bytes()
    seen = family(running.pid)
    async with serve() as model, aiohttp.ClientSession() as http:
        model.default = says(*(f"piece{n} " for n in range(10)), delay=0.15)
        headers = {"Authorization": f"Bearer {running.bootstrap['apiKey']}"}
        async with http.get(f"{running.url}/api/v1/ai-gateways", headers=headers) as got:
            [gateway] = (await got.json())["data"] if isinstance(await got.json(), dict) else await got.json()
        change = {"parameters": {"baseAddress": f"{model.url}/v1", "modelName": "fake-1", "apiKey": "k"}}
        async with http.patch(f"{running.url}/api/v1/ai-gateways/{gateway['id']}", headers=headers, json=change) as got:
            assert got.status == 200, await got.text()
        asking = asyncio.create_task(streamed(http, running, "Tell me something long"))
        while not model.calls:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        assert await asyncio.to_thread(running.stop, signal.SIGTERM) == 0
        assert not left(seen)
        await asking
        await asyncio.to_thread(running.start)
        print(f"second start: {running.took:.1f} s")
        said = await answered(running, "Tell me something long")
        assert said == ["".join(f"piece{n} " for n in range(10)).strip()], said
    assert (running.home / "bootstrap.json").read_bytes() == kept


async def streamed(http: aiohttp.ClientSession, running: Up, text: str) -> bytes:
    path = f"{running.url}/api/v1/public/chat-clients/{key_of(running)}/stream"
    got = b""
    try:
        async with http.post(path, json={"prompt": text}) as answer:
            async for piece in answer.content.iter_any():
                got += piece
    except aiohttp.ClientError:
        pass
    return got


async def answered(running: Up, question: str, seconds: float = 100.0) -> list[str]:
    """What was said after a question, waiting for it."""
    end = time.monotonic() + seconds
    while True:
        found = await asyncio.to_thread(running.get, f"/api/v1/public/chat-clients/{key_of(running)}")
        messages = found["messages"]
        place = max(n for n, m in enumerate(messages) if m["role"] == "user" and m["content"] == question)
        said = [m["content"].strip() for m in messages[place + 1 :]]
        if said:
            return said
        assert time.monotonic() < end, messages
        await asyncio.sleep(0.2)


def test_killed_hard(running: Up) -> None:
    """Nothing outlives the parent, and the next start has the data."""
    seen = family(running.pid)
    before = running.get(f"/api/v1/public/chat-clients/{key_of(running)}")["messages"]
    os.kill(running.pid, signal.SIGKILL)
    assert running.process is not None
    running.process.wait(5)
    until(lambda: not left(seen), 5)
    running.start()
    assert running.get(f"/api/v1/public/chat-clients/{key_of(running)}")["messages"] == before


def test_ctrl_c(running: Up) -> None:
    seen = family(running.pid)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal sends it: to the whole foreground group
    assert running.process is not None and running.process.wait(40) == 0
    assert not left(seen)
    assert "Traceback" not in running.err, running.err
    found = hub("doctor", "--home", str(running.home))
    assert found.returncode == 1 and "BAD  No hub is running" in found.stdout and "hub up" in found.stdout
