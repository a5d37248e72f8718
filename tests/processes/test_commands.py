"""The commands over servers of one's own, and starts that cannot be: one sentence, nothing left."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hub import ids
from hub.__main__ import main
from hub.config import Settings
from hub.processes.embedded import free_port
from hub.runtime import open_hub
from tests.conftest import owning
from tests.processes.command import HUB, READY, env, family, hub, left, until
from tests.processes.test_up import refused


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cmd-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own(dsn: str, redis_url: str, sealing_key: str) -> dict[str, str]:
    """Variables that name servers of one's own."""
    return {
        "HUB_DATABASE_URL": dsn,
        "HUB_REDIS_URL": redis_url,
        "HUB_SEALING_KEY": sealing_key,
        "HUB_QUEUE": f"t{uuid4().hex[:8]}",
    }


def test_openapi_is_json() -> None:
    found = hub("openapi")
    assert found.returncode == 0
    assert json.loads(found.stdout)["openapi"].startswith("3.1")


async def newer(dsn: str) -> None:
    async with owning(dsn) as db:
        await db.run("insert into migrations (name, sha256) values ('9999_future.sql', 'x')")


async def test_starts_that_cannot_be(home: Path, own: dict[str, str], dsn: str) -> None:
    """Every one at the same time: they have little to share."""
    await newer(dsn)
    (home / "file").write_text("in the way")
    busy = socket.create_server(("127.0.0.1", 0))
    taken = busy.getsockname()[1]
    cases: list[tuple[list[str], dict[str, str], tuple[str, ...]]] = [
        (["up", "--home", str(home / "file" / "h")], {}, ("home folder", "--home")),
        (["up", "--home", str(home / "a"), "--port", str(free_port())], own, ("newer version", "9999_future.sql")),
        (["up", "--home", str(home / "b")], {"HUB_WORKERS": "many"}, ("HUB_WORKERS", "integer")),
        (["up", "--home", str(home / "c"), "--port", str(taken)], {}, (f"Port {taken}", "--port")),
        (["web"], {}, ("HUB_DATABASE_URL and HUB_REDIS_URL", "hub up")),
        (["migrate"], own | {"HUB_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, ("database",)),
        (["web", "--home", str(home / "d"), "--port", str(free_port())], own, ("newer version", "9999_future.sql")),
        (["worker", "--home", str(home / "d")], own, ("newer version", "9999_future.sql")),
        (["scheduler", "--home", str(home / "d")], own, ("newer version", "9999_future.sql")),
        (["worker", "--home", str(home / "file" / "h")], own | {"HUB_SEALING_KEY": ""}, ("sealing key", "--home")),
        (["web"], own | {"HUB_PUBLIC_URL": "https://"}, ("HUB_PUBLIC_URL", "https://hub.example.com")),
        (["web"], own | {"HUB_PUBLIK_URL": "https://a.example"}, ("HUB_PUBLIK_URL", "HUB_PUBLIC_URL?")),
    ]
    with ThreadPoolExecutor(2) as pool, busy:
        done = list(pool.map(lambda c: hub(*c[0], **c[1]), cases))
    for found, (_, _, words) in zip(done, cases, strict=True):
        refused(found, *words)
    assert not list(home.glob("*/postgres")), "a start that was refused has begun servers"


async def test_a_port_that_is_taken(home: Path, own: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        taken = busy.getsockname()[1]
        refused(hub("web", "--home", str(home / "d"), "--port", str(taken), **own), f"Port {taken}")


def test_words_alone_import_nothing_of_the_hub() -> None:
    """Help and mistakes are answered by the parser of the command line alone."""
    code = (
        "import sys\nfrom hub.__main__ import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(sorted(m for m in sys.modules if m.startswith(('hub.', 'channels', 'aiohttp', 'pydantic'))))"
    )
    for words in (["--help"], ["--version"], ["nonsense"], ["up", "--nonsense"], ["worker", "--help"], []):
        command = [sys.executable, "-c", code, *words]
        ran = subprocess.run(command, capture_output=True, text=True, env=env(), check=True)
        assert ran.stdout.splitlines()[-1] == "['hub.__main__']", words


def test_heavy_packages_wait_until_they_are_needed() -> None:
    """What only some hubs use costs none of them seconds and megabytes at the start."""
    heavy = {"aiogram", "telegram", "openai", "mcp", "mcp_types", "httpx2", "starlette", "plutoprint", "py_mini_racer"}
    code = (
        "import sys\nimport hub.processes.web, hub.processes.worker, hub.processes.scheduler\n"
        f"print(sorted({{m.split('.')[0] for m in sys.modules}} & {heavy}))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env(), check=True)
    assert ran.stdout == "[]\n"


def test_a_setting_that_is_wrong_is_told_without_importing_what_would_run() -> None:
    code = (
        "import sys\nfrom hub.__main__ import main\ntry:\n    main(['up'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'aiohttp', 'asyncpg', 'mcp', 'numpy', 'aiogram'}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env(HUB_PORT="many"), check=True
    )
    assert "HUB_PORT is not valid" in ran.stderr and ran.stdout == "[]\n"


def test_a_reader_that_has_read_enough_ends_it_without_a_word(home: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-u", "-m", "hub", "doctor", "--home", str(home / "none")]
    ran = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, env=env(), timeout=100, check=False)
    os.close(write)
    assert (ran.returncode, ran.stderr) == (1, "")


def test_a_child_that_keeps_dying(home: Path, own: dict[str, str]) -> None:
    """The worker's metrics port is taken: it ends at every start."""
    with taken() as port:
        command = [*HUB, "up", "--no-demo", "--home", str(home / "h"), "--port", str(free_port())]
        with (home / "err").open("wb") as err:
            process = subprocess.Popen(command, stderr=err, stdout=err, env=env(**own, HUB_METRICS_PORT=str(port)))
        seen: dict[int, str] = {}
        try:
            until(lambda: seen.update(family(process.pid)) or process.poll() is not None, 90)
        except AssertionError:
            raise AssertionError((home / "err").read_text()) from None
        finally:
            process.kill()
            process.wait()
    said = (home / "err").read_text()
    assert process.returncode == 1 and "Traceback" not in said, said
    assert "The worker process ended 5 times" in said.strip().splitlines()[-1], said
    until(lambda: not left(seen))


@contextmanager
def taken() -> Iterator[int]:
    """A port that is free, beside one that is not."""
    with ExitStack() as tried:
        for _ in range(100):
            busy, beside = (tried.enter_context(socket.socket()) for _ in range(2))
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            with suppress(OSError):
                beside.bind(("127.0.0.1", busy.getsockname()[1] - 1))
                beside.close()
                break
        yield int(busy.getsockname()[1]) - 1


def test_without_the_demo(home: Path, own: dict[str, str]) -> None:
    """Servers of one's own: migrate, init, web and worker as their own processes, doctor over them."""
    own |= {"HUB_HOME": str(home / "h")}
    port = free_port()
    assert hub("migrate", **own).stdout == "nothing to do\n"
    made = hub("init", "--no-demo", "--port", str(port), **own)
    assert made.returncode == 0, made.stderr
    first = json.loads((home / "h" / "bootstrap.json").read_text())
    assert first["webChatClientId"] is None and first["talkUrl"] is None
    assert first["apiKey"] in made.stdout
    refused(hub("init", **own), "bootstrap.json")
    refused(hub("login", "--email", "nobody@example.com", **own), "nobody@example.com")
    [link] = re.findall(r"http://\S+/console/link/\S+", hub("login", "--port", str(port), **own).stdout)
    with both(own, port) as children:
        until(lambda: listens(port), READY)
        with urllib.request.urlopen(link, timeout=10) as page:
            assert b"Welcome, Owner" in page.read()
        until(lambda: "1 worker" in hub("doctor", "--port", str(port), **own).stdout, 30)
    assert [c.returncode for c in children] == [0, 0]


@contextmanager
def both(own: dict[str, str], port: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
    children = [subprocess.Popen([*HUB, name, "--port", str(port)], env=env(**own)) for name in ("web", "worker")]
    try:
        yield children
        for child in children:
            child.send_signal(signal.SIGTERM)
        for child in children:
            child.wait(30)
    finally:
        for child in children:
            if child.poll() is None:
                os.kill(child.pid, signal.SIGKILL)
                child.wait()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


async def test_doctor_names_a_broken_integration(settings: Settings, home: Path, own: dict[str, str]) -> None:
    async with open_hub(settings) as one:
        await broken(one)
    # Nothing listens there: the network cannot be reached.
    found = hub(
        "doctor", **own, HUB_HOME=str(home / "h"), HUB_ZAPI_API_URL="http://127.0.0.1:9", HUB_OUTBOUND_ALLOW="127.0.0.1"
    )
    assert found.returncode == 1 and "Traceback" not in found.stderr
    assert "BAD  zapi of Shop: " in found.stdout and "PUT .../integrations" in found.stdout
    assert "No worker is running" in found.stdout and "T-secret" not in found.stdout


async def broken(one: Any) -> None:
    account, client, id = ids.uuid7(), ids.uuid7(), ids.uuid7()
    await one.db.run("insert into accounts (id, name, salt) values ($1, 'a', 's')", account)
    await one.db.run("insert into clients (id, account_id, name) values ($1, $2, 'Shop')", client, account)
    secrets = one.sealer.seal_map(
        "integrations.secrets", id, {"instanceId": "I1", "instanceToken": "T-secret", "webhookSecret": "w"}
    )
    await one.db.run(
        "insert into integrations (id, account_id, client_id, channel, secrets, secret_hash, mode, state)"
        " values ($1, $2, $3, 'zapi', $4, $5, 'reconcile', 'registered')",
        id,
        account,
        client,
        secrets,
        b"x" * 32,
    )


@pytest.mark.parametrize(
    ("name", "network"),
    [("cloud", "cloud"), ("WhatsAppCloud", "cloud"), ("whatsappcloud", "cloud"), ("EvolutionApi", "evolution"),
     ("Webhook", "webhook"), ("Zapi", "zapi")],
)
def test_a_twin_is_called_as_its_integration_is(name: str, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[list[str]] = []

    def instead(_: str, command: list[str]) -> None:
        begun.append(command)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", instead)
    with pytest.raises(SystemExit):
        main(["twin", name])
    assert begun[0][1:4] == ["-m", "channels.twins", network]
