"""Other gateways, installed into a folder of the bench's own and started over the same model server."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.processes.embedded import die_with_parent, free_port
from tests.bench.place import ROOT, Place, reachable
from tests.bench.report import say

INSTALL_SECONDS = 900
LITELLM, PORTKEY = "litellm[proxy]==1.109.*", "@portkey-ai/gateway@1.15"


@dataclass(frozen=True)
class Rival:
    """A gateway that runs. headers: lines its requests need. pid: of the process whose memory counts."""

    name: str
    port: int
    headers: str
    pid: int


@contextmanager
def running(name: str, command: list[str], port: int, headers: str, env: dict[str, str], log: Path) -> Iterator[Rival]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **env}, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent(signal.SIGKILL),
        )
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(process.pid, {0})
    try:
        yield Rival(name, port, headers, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@contextmanager
def bare(place: Place) -> Iterator[Rival]:
    """aiohttp and orjson, nothing else."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.proxy", str(port), _upstream(place)]
    with running("bare aiohttp proxy", command, port, "", {}, place.folder / "bare.log") as one:
        yield one


@contextmanager
def litellm(place: Place) -> Iterator[Rival | None]:
    """LiteLLM's proxy with one worker; None where it cannot be installed."""
    home = place.folder / "litellm"
    if not _installed([sys.executable, "-m", "venv", str(home)]) or not _installed(
        [str(home / "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", LITELLM]
    ):
        yield None
        return
    port, config = free_port(), home / "config.yaml"
    config.write_text(
        "model_list:\n  - model_name: fake-1\n    litellm_params:\n      model: openai/fake-1\n"
        f"      api_base: http://127.0.0.1:{place.upstream}/v1\n      api_key: none\n"
        "litellm_settings:\n  telemetry: false\n"
    )
    command = [str(home / "bin/litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"}
    with running("LiteLLM", command, port, "", env, place.folder / "litellm.log") as one:
        yield one


@contextmanager
def portkey(place: Place) -> Iterator[Rival | None]:
    """Portkey's gateway; None where it cannot be installed."""
    home, npm = place.folder / "portkey", shutil.which("npm")
    home.mkdir()
    if npm is None or not _installed([npm, "install", "--silent", "--no-audit", "--no-fund", PORTKEY], home):
        yield None
        return
    port = free_port()
    script = home / "node_modules/@portkey-ai/gateway/build/start-server.js"
    command = ["node", str(script), f"--port={port}", "--headless"]
    headers = (
        f"x-portkey-provider: openai\r\nx-portkey-custom-host: http://127.0.0.1:{place.upstream}/v1\r\n"
        "Authorization: Bearer none\r\n"
    )
    env = {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost", "NODE_ENV": "production"}
    with running("Portkey", command, port, headers, env, place.folder / "portkey.log") as one:
        yield one


async def ready(place: Place, one: Rival) -> bool:
    """Whether it listens within two minutes; a rival that does not is left out, and said so."""
    try:
        await reachable(one.port, 120.0)
    except TimeoutError:
        say(one.name, "did not start; left out")
        return False
    return True


def _upstream(place: Place) -> str:
    return f"http://127.0.0.1:{place.upstream}/v1/chat/completions"


def _installed(command: list[str], folder: Path | None = None) -> bool:
    ran = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, stdin=subprocess.DEVNULL,
        check=False,
    )
    if ran.returncode:
        say("installing " + Path(command[0]).name, f"failed: {ran.stderr.strip()[-200:]}")
    return ran.returncode == 0
