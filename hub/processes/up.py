"""`hub up`: everything at once over the embedded servers, supervised."""

import asyncio
import http.client
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

from pydantic import SecretStr

from hub.config import Settings
from hub.errors import HubError, Setup
from hub.processes import scheduler, web, worker
from hub.processes.embedded import archiving, die_with_parent, start_postgres, start_valkey
from hub.processes.home import demand_whole, locked, read_bootstrap, with_key
from hub.processes.init import first_start
from hub.processes.lifetime import listening, run
from hub.processes.logs import set_up
from hub.processes.running import twins_noted, with_twins
from hub.store import wall
from hub.store.migrate import migrate

GRACE = 7.0  # seconds beyond those in which turns may end
DEATHS, SHORT_LIFE = 5, 30.0
READY_SECONDS = 60.0
_FORK: Any = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
_MAINS = {"web": web.main, "worker": worker.main, "scheduler": scheduler.main}


@dataclass
class Child:
    """A supervised process; `deaths`: how often in a row it ended soon after its start."""

    name: str
    main: Callable[[], None]
    process: Any = None
    began: float = 0.0
    deaths: int = 0

    def start(self) -> None:
        # Forked, not started anew: importing everything takes longer than all the rest of a start.
        tie = die_with_parent(signal.SIGKILL)
        self.process = _FORK.Process(target=_begin, args=(tie, self.main), name=self.name, daemon=True)
        self.began = time.monotonic()
        self.process.start()

    def died(self) -> bool:
        return self.process is not None and self.process.exitcode is not None

    def ask(self) -> None:
        if self.process is not None and self.process.is_alive():
            self.process.terminate()

    def stop(self, until: float) -> None:
        if self.process is None:
            return
        self.process.join(max(0.1, until - time.monotonic()))
        if self.process.is_alive():
            self.process.kill()
            self.process.join(5)


class Stop(BaseException):
    """A signal asked us to stop."""


def up(settings: Settings, demo: bool = True, twins: bool = False) -> None:
    """Run until a signal. Raise Setup when it cannot start or a child keeps dying."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    with ExitStack() as stack:
        stack.enter_context(locked(settings.home))
        demand_whole(settings.home)
        _port_free(settings.host, settings.port, "--port")
        if twins:
            _port_free(settings.host, settings.twins_port, "HUB_TWINS_PORT")
            stack.enter_context(twins_noted(settings.home, settings.host, settings.twins_port))
            settings = with_twins(settings, settings.host, settings.twins_port)
        settings = with_key(settings)
        try:
            settings = _servers(settings, stack)
            settings = _migrated(settings)
            fresh = read_bootstrap(settings.home) is None
            if fresh:
                asyncio.run(first_start(settings, demo))
            _supervise(settings, twins, stack, fresh)
        except Stop:
            return


def _migrated(settings: Settings) -> Settings:
    """The database brought up to date by its owner; everything else signs in as somebody who owns nothing."""
    url, owner = settings.database_url.get_secret_value(), settings.owner_url.get_secret_value()
    app = wall.as_app(url)
    user, password = wall.user_of(app) if owner or app != url else (None, None)
    asyncio.run(migrate(owner or url, user, password))
    return settings.changed(database_url=SecretStr(app))


def _servers(settings: Settings, stack: ExitStack) -> Settings:
    own_database, own_redis = settings.embedded
    if own_database:
        server = start_postgres(settings.home.resolve(), **archiving(settings.wal_archive))
        stack.callback(server.stop)
        settings = settings.changed(database_url=SecretStr(server.url))
    if own_redis:
        server = start_valkey(settings.home.resolve())
        stack.callback(server.stop)
        settings = settings.changed(redis_url=SecretStr(server.url))
    return settings


def _supervise(settings: Settings, twins: bool, stack: ExitStack, fresh: bool) -> None:
    children = _children(settings, twins)
    stack.callback(_stop_all, children, settings.drain_seconds + GRACE)
    for child in children:
        child.start()
    _wait_ready(settings, children)
    print(block(settings, twins, fresh), flush=True)  # noqa: T201 - what the person who typed the command reads
    while True:
        time.sleep(0.2)
        for child in children:
            if child.died():
                _again(child)


def _children(settings: Settings, twins: bool) -> list[Child]:
    found = []
    for n, name in enumerate(["web", *["worker"] * settings.workers, "scheduler"]):
        # One metrics port a process: the first is the web's.
        port = settings.metrics_port + n if settings.metrics_port and name != "scheduler" else 0
        found.append(Child(name, partial(_work, name, settings.changed(metrics_port=port))))
    if twins:
        command = [sys.executable, "-m", "channels.twins", "--host", settings.host, "--port", str(settings.twins_port)]
        found.append(Child("twins", partial(os.execv, sys.executable, command)))
    return found


def _begin(tie: Callable[[], None] | None, main: Callable[[], None]) -> None:
    """The first steps of a child. Killed with its parent: what it does may be cut off at any point."""
    if tie is not None:
        tie()
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, signal.SIG_DFL)
    try:
        main()
    except (Setup, HubError) as e:
        print(f"hub: {e}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _work(name: str, settings: Settings) -> None:
    set_up(name, settings.log_level, settings.log_json)
    run(_MAINS[name](settings))


def _again(child: Child) -> None:
    assert child.process is not None
    lived = time.monotonic() - child.began
    child.deaths = child.deaths + 1 if lived < SHORT_LIFE else 1
    if child.deaths >= DEATHS:
        raise Setup(
            f"The {child.name} process ended {DEATHS} times shortly after its start"
            f" (exit code {child.process.exitcode});"
            " its log is above, and `hub doctor` checks the set-up."
        )
    time.sleep(min(2.0, 0.1 * 2**child.deaths))
    child.start()


def _wait_ready(settings: Settings, children: Sequence[Child]) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        for child in children:
            if child.died():
                _again(child)
        if _answers(settings):
            return
        time.sleep(0.05)
    raise Setup(f"The hub was not ready within {READY_SECONDS:.0f} s; the log above says why.")


def _answers(settings: Settings) -> bool:
    asked = http.client.HTTPConnection(_reach(settings.host), settings.port, timeout=2)
    try:
        asked.request("GET", "/health/ready")
        return asked.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _stop_all(children: Sequence[Child], seconds: float) -> None:
    end = time.monotonic() + seconds
    for child in children:
        child.ask()
    for child in children:
        child.stop(end)


def _port_free(host: str, port: int, how: str) -> None:
    with listening(host, port, how), socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, port))


def _reach(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::") else host


def block(settings: Settings, twins: bool, fresh: bool = False) -> str:
    """What a newcomer needs, in one place. fresh: this is the first start."""
    known = read_bootstrap(settings.home) or {}
    lines = [
        "",
        f"  The hub is running at     {settings.address}",
        f"  Console                   {known.get('consoleUrl', settings.address + '/console')}",
    ]
    if fresh and known.get("signInUrl"):
        lines.append(f"  Sign in (once, today)     {known['signInUrl']}")
    else:
        lines.append("  Sign in                   with your password, or by the link of `hub login`")
    if known.get("talkUrl"):
        lines.append(f"  Demo chat                 {known['talkUrl']}")
    if twins:
        lines.append(f"  Twins and their phone     http://{settings.host}:{settings.twins_port}/phone")
    lines += [
        f"  API key                   in {settings.home / 'bootstrap.json'}",
        f"  Manual                    {settings.address}/manual",
        f"  API documentation         {settings.address}/apidocs",
        "  Stop                      Ctrl-C",
        "",
    ]
    return "\n".join(lines)


def _stop(_: int, __: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, _die)
    signal.signal(signal.SIGINT, _die)
    raise Stop


def _die(_: int, __: FrameType | None) -> None:
    os._exit(1)  # children and servers are killed with us
