"""The `hub` command as a real process, and what it leaves behind."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from hub.__main__ import main
from tests.flows.processes import FORKS

HUB = [sys.executable, "-m", "hub"]
READY = 150.0  # seconds; a machine that is busy with other things is no failure


def env(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HUB_")}
    return kept | more


def begun(pid: int) -> str:
    """When a process began, so that a number used again is not taken for it; "" when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def parents() -> dict[int, int]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(path.parent.name)] = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
    return found


def family(pid: int) -> dict[int, str]:
    """A process and all that came from it."""
    of, found = parents(), {pid}
    while more := {p for p, parent in of.items() if parent in found} - found:
        found |= more
    return {p: begun(p) for p in found}


def left(seen: dict[int, str]) -> list[int]:
    return [p for p, at in seen.items() if at and begun(p) == at]


def until(condition: Callable[[], Any], seconds: float = 45.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "not reached in time"
        time.sleep(0.05)
    return found


def hub(*args: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """A command that ends by itself, in a process of its own. It is forked from one that has imported everything:
    what is about a cold start runs `HUB`."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        process: Any = FORKS.Process(target=_command, args=(args, env(**more), out, err))
        process.start()
        process.join(150)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(args, 150, stderr=err.read_bytes())
        return subprocess.CompletedProcess(args, process.exitcode, out.read_text(), err.read_text())


def _command(args: tuple[str, ...], variables: dict[str, str], out: Path, err: Path) -> None:
    for file, number in ((out, 1), (err, 2)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.environ.clear()
    os.environ.update(variables)
    logging.getLogger().handlers.clear()
    main(args)


@dataclass
class Up:
    """`hub up` in a home folder, started when needed and stopped for good at the end."""

    home: Path
    port: int
    args: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    took: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def out(self) -> str:
        return (self.home.parent / "out").read_text()

    @property
    def err(self) -> str:
        return (self.home.parent / "err").read_text()

    @property
    def bootstrap(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads((self.home / "bootstrap.json").read_bytes())
        return found

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> "Up":
        """A new start; returns when the block is printed."""
        command = [*HUB, "up", "--home", str(self.home), "--port", str(self.port), *self.args]
        began = time.monotonic()
        with (self.home.parent / "out").open("wb") as out, (self.home.parent / "err").open("ab") as err:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=err, env=env(**self.more), start_new_session=True
            )
        until(lambda: "Ctrl-C" in self.out or self.process is None or self.process.poll() is not None, READY)
        assert self.process.poll() is None, self.err
        self.took = time.monotonic() - began
        return self

    def running(self) -> "Up":
        return self if self.process is not None and self.process.poll() is None else self.start()

    def stop(self, how: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(40)

    def end(self) -> None:
        """Nothing may stay behind, however a test went."""
        if self.process is not None and self.process.poll() is None:
            seen = family(self.pid)
            self.process.kill()
            self.process.wait(5)
            until(lambda: not left(seen))

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return orjson.loads(answer.read())
