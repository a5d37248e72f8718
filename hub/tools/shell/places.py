"""Where workspaces are: a folder for each account and external user, named so that nothing can be guessed.

    home/workspaces/<account>/person-<id>/files             what commands and callers see
                                         /incoming         what is being uploaded or removed
    home/workspaces/<account>/<hash of the user>            of an external user, before people had ids
    home/workspaces/turns/<random>                         workspaces that end with their turn
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from hub.tools.shell.folders import FOLDER, clear, own

STALE = 3600.0  # seconds after which nobody works on an upload, a removal or a turn any more


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace that may not be there yet."""

    folder: Path

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def incoming(self) -> Path:
        return self.folder / "incoming"

    def make(self) -> None:
        """Make what is missing; clear what a process that died left behind."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (self.files, self.incoming):
            path.mkdir(mode=0o755, exist_ok=True)
        with self.open() as root:
            own(root)
        _stale(self.incoming)

    @contextmanager
    def open(self) -> Iterator[int]:
        """The root of the files. Raise FileNotFoundError when nothing was ever kept here."""
        with descriptor(self.files) as root:
            yield root


@contextmanager
def descriptor(folder: Path) -> Iterator[int]:
    found = os.open(folder, FOLDER)
    try:
        yield found
    finally:
        os.close(found)


def kept(home: Path, account: UUID, user: str) -> Place:
    """The workspace of an external user."""
    name = hashlib.sha256(user.strip().encode(errors="surrogatepass")).hexdigest()[:40]
    return Place(_root(home) / str(account) / name)


def of_person(home: Path, account: UUID, person: UUID) -> Place:
    """The workspace of a person; no external user's folder has such a name."""
    return Place(_root(home) / str(account) / f"person-{person}")


def passing(home: Path) -> Place:
    """A workspace of one turn."""
    turns = _root(home) / "turns"
    if turns.exists():
        _stale(turns)
    return Place(turns / uuid4().hex)


def discard(folder: Path) -> None:
    """Remove a folder with all that is in it; what resists is left to the next clearing."""
    with contextlib.suppress(OSError):
        with descriptor(folder) as found:
            clear(found)
        folder.rmdir()


def _root(home: Path) -> Path:
    return home.resolve() / "workspaces"


def _stale(folder: Path) -> None:
    before = time.time() - STALE
    for entry in list(os.scandir(folder)):
        with contextlib.suppress(OSError):
            if entry.stat(follow_symlinks=False).st_mtime < before:
                if entry.is_dir(follow_symlinks=False):
                    discard(Path(entry.path))
                else:
                    os.unlink(entry.path)
