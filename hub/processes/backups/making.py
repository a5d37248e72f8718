"""`hub backup`: one moment of the database with the files of the home folder, while the hub runs.

Home files are read before the database's moment is taken: a webhook that waits on disk is in one of both, and what is
in both is known by its network's id. The sealing key and other secrets of the home go along only into a sealed backup.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from hub import SCHEMA, __version__
from hub.config import Settings
from hub.errors import Setup
from hub.personal_keys import COPIES, copied
from hub.processes.backups.age import Encrypting, public
from hub.processes.backups.archive import HOME, Json, Writer
from hub.processes.backups.database import dump, tools
from hub.processes.backups.sources import noted, owner_of, serving
from hub.processes.home import BOOTSTRAP, RESTORING, SEALING_KEY, read_bootstrap, with_key
from hub.sealing import Sealer
from hub.store import snapshots

Say = Callable[[str], None]

# Of the home: servers' own, what a start makes anew, and secrets.
LEFT_OUT = frozenset({
    "postgres", "run", "lock", "twins.json", "valkey.conf", "valkey.log", "postgres.log", "backups", SEALING_KEY,
    BOOTSTRAP, RESTORING,
})
# Of bootstrap.json, what opens nothing.
OPEN = ("baseUrl", "accountId", "consoleUrl")
PURPOSE = "fingerprint in backups"
NAME, STAMP = "hub-", "%Y%m%dT%H%M%SZ"
STALE = 86_400.0  # seconds after which nobody writes a part any more


def backup(settings: Settings, to: str | None, say: Say) -> Path | None:
    """Make one: to a file, to standard output (`-`), or into the folder of backups. Raise Setup."""
    settings = with_key(settings)
    began = datetime.now(UTC)
    if to == "-":
        if sys.stdout.isatty():
            raise Setup("A backup is no text: send it to a file or another program.")
        try:
            _written(settings, sys.stdout.buffer, began, say)
            sys.stdout.buffer.flush()
        except OSError as e:
            # What is still held back would be tried once more at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise Setup(f"The backup cannot be written ({e.strerror}).") from None
        return None
    path = Path(to) if to is not None else settings.backups_folder / _name(settings, began)
    with whole(path) as out:
        _written(settings, out, began, say)
    words = f"{path.name}, {path.stat().st_size >> 10} kB"
    noted(settings, "backup", True, words, {"file": path.name, "bytes": path.stat().st_size}, began, say)
    say(f"backup {path}: {words}")
    if to is None:
        for old in listed(settings.backups_folder)[: -settings.backups_keep]:
            old.unlink(missing_ok=True)
            say(f"removed {old}")
    return path


def listed(folder: Path) -> list[Path]:
    """Backups in a folder, the newest last."""
    return sorted(p for p in folder.glob(f"{NAME}*") if p.name.endswith((".tar", ".tar.age")))


def newest(settings: Settings) -> Path:
    """Raise Setup when there is none."""
    found = listed(settings.backups_folder)
    if not found:
        raise Setup(f"There is no backup in {settings.backups_folder}; make one with `hub backup`.")
    return found[-1]


def _name(settings: Settings, at: datetime) -> str:
    return f"{NAME}{at.strftime(STAMP)}.tar" + (".age" if sealed(settings) else "")


def sealed(settings: Settings) -> bool:
    return bool(settings.backup_recipient or settings.backup_passphrase.get_secret_value())


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file that has its name only when it is whole and on disk; for its owner alone. Raise Setup."""
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in path.parent.glob(f"{NAME}*.part"):
            if datetime.now(UTC).timestamp() - left.stat().st_mtime > STALE:
                left.unlink(missing_ok=True)
        with open(part, "wb", opener=lambda p, f: os.open(p, f, 0o600)) as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    except OSError as e:
        part.unlink(missing_ok=True)
        raise Setup(f"The backup {path} cannot be written ({e.strerror}).") from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _written(settings: Settings, out: BinaryIO, began: datetime, say: Say) -> None:
    found = tools()
    if settings.backup_recipient:
        public(settings.backup_recipient)
    if settings.personal_keys:
        copies = settings.backups_folder / COPIES
        say(f"personal keys: {copied(Path(settings.personal_keys), copies)} are in {copies}, and not in the backup")
    with serving(settings) as served:
        url = owner_of(served)
        found.suits(asyncio.run(snapshots.server(url)))
        seal = _sealing(settings, out)
        with Writer(seal or out) as writer:
            _home(settings, writer, seal is not None)
            with asyncio.Runner() as runner:
                moment = runner.run(snapshots.take(url))
                try:
                    rows = runner.run(moment.rows())
                    database = writer.database(dump(found, url, moment.id))
                finally:
                    runner.run(moment.close())
            writer.finish(_manifest(settings, began, moment, found.version) | {"rows": rows, "database": database})
        if seal is not None:
            seal.finish()
    if seal is None:
        say("not sealed: the sealing key, the first API key and the salt are not in it; keep HUB_SEALING_KEY "
            f"({settings.home / SEALING_KEY}) apart, for without it no stored secret opens")


def _sealing(settings: Settings, out: BinaryIO) -> Encrypting | None:
    if not sealed(settings):
        return None
    return Encrypting(out, settings.backup_passphrase.get_secret_value(), settings.backup_recipient)


def _manifest(settings: Settings, began: datetime, moment: Any, version: str) -> Json:
    return {
        "format": 1, "hub": __version__, "schema": SCHEMA, "migration": moment.migration, "began": began.isoformat(),
        "postgres": moment.server, "pgDump": version, "embedded": settings.embedded[0],
        "key": {"fingerprint": fingerprint(settings), "inside": sealed(settings)},
    }


def fingerprint(settings: Settings) -> str:
    """Of the sealing key: says which it is, and nothing of it."""
    return Sealer(settings.sealing_key.get_secret_value()).derived(PURPOSE).hex()[:32]


def _home(settings: Settings, writer: Writer, secret: bool) -> None:
    first = read_bootstrap(settings.home)
    if secret:
        writer.data(HOME + SEALING_KEY, settings.sealing_key.get_secret_value().encode() + b"\n")
    if first is not None:
        kept = first if secret else {k: first[k] for k in OPEN if k in first}
        writer.data(HOME + BOOTSTRAP, orjson.dumps(kept, option=orjson.OPT_INDENT_2) + b"\n")
    # Nor people's keys: a copy that is kept would bring the words of who is erased back.
    apart = (settings.backups_folder, *(Path(p) for p in (settings.wal_archive, settings.personal_keys) if p))
    own = {p.resolve() for p in apart}
    for path in _files(settings.home, settings.home, own):
        with suppress(FileNotFoundError):
            _add(writer, HOME + str(path.relative_to(settings.home)), path)


def _files(home: Path, folder: Path, own: set[Path]) -> Iterator[Path]:
    """Files and links, in order; what goes away meanwhile is left out, and so is what passes with a turn."""
    try:
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except (FileNotFoundError, PermissionError):
        return
    for entry in entries:
        path = Path(entry.path)
        if folder == home and (entry.name in LEFT_OUT or entry.name.startswith(("before-", ".restoring"))):
            continue
        if entry.name.endswith(".part") or path == home / "workspaces" / "turns":
            continue
        if entry.is_dir(follow_symlinks=False):
            if path.resolve() not in own:
                yield from _files(home, path, own)
        elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
            yield path


def _add(writer: Writer, name: str, path: Path) -> None:
    if path.is_symlink():
        writer.link(name, os.readlink(path))
        return
    with open(path, "rb", opener=lambda p, f: os.open(p, f | os.O_NOFOLLOW)) as file:
        found = os.fstat(file.fileno())
        writer.file(name, file, found.st_size, found.st_mode)
