"""Files and folders reached through descriptors only.

Every step opens one name below an open folder and follows no symbolic link, so that nothing that
happens meanwhile in a workspace (a folder swapped for a link, a name that climbs) leads elsewhere.
All functions here block; call them in a thread.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

from hub.errors import NotFound, Overloaded
from hub.tools.shell.paths import DEEPEST, Parts

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EACCES, errno.ENAMETOOLONG,
        errno.EISDIR)
FULL = (errno.ENOSPC, errno.EDQUOT)
PASSES = 5
# Who commands run as when the hub itself is root: nobody else has this number.
SANDBOX = 59_357


@contextmanager
def room() -> Iterator[None]:
    """A full disk, as the error that is told to others."""
    try:
        yield
    except OSError as e:
        if e.errno in FULL:
            raise Overloaded("The disk of the hub is full; try again later.") from None
        raise


@contextmanager
def translated() -> Iterator[None]:
    """What the system refuses about a path, as the errors that are told to others."""
    try:
        with room():
            yield
    except OSError as e:
        if e.errno in GONE:
            raise NotFound("There is nothing at this path.") from None
        raise


@contextmanager
def opened(root: int, parts: Parts, *, make: bool = False) -> Iterator[int]:
    """A folder below an open one; `make` makes what is missing on the way. Raise NotFound."""
    with translated():
        folder = os.dup(root)
        try:
            for name in parts:
                inner = _inner(folder, name, make)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


def _inner(folder: int, name: str, make: bool) -> int:
    if make:
        try:
            os.mkdir(name, 0o755, dir_fd=folder)
        except FileExistsError:
            return enter(folder, name)
        inner = enter(folder, name)
        own(inner)
        return inner
    return enter(folder, name)


def enter(folder: int, name: str) -> int:
    """Open a folder in a folder; one that its owner closed to himself is opened again first."""
    try:
        return os.open(name, FOLDER, dir_fd=folder)
    except PermissionError:
        permit(folder, name)
        return os.open(name, FOLDER, dir_fd=folder)


def permit(folder: int, name: str) -> None:
    """Give the owner of a file or folder his rights on it back."""
    # Through the descriptor: by its name it could be a link by now.
    place = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not stat.S_ISLNK(os.fstat(place).st_mode):
            os.chmod(f"/proc/self/fd/{place}", 0o700)
    finally:
        os.close(place)


def writable(folder: int) -> None:
    """Let names be changed in a folder whose owner forbade it to himself."""
    found = os.fstat(folder)
    if found.st_uid == os.geteuid() and found.st_mode & 0o300 != 0o300:
        os.fchmod(folder, 0o700)


def own(place: int) -> None:
    """Give what root made to whom the commands run as."""
    if os.geteuid() == 0:
        os.fchown(place, SANDBOX, SANDBOX)


def file(folder: int, name: str) -> int:
    """Open a regular file to read it. Raise NotFound."""
    with translated():
        try:
            found = os.open(name, FILE, dir_fd=folder)
        except PermissionError:
            permit(folder, name)
            found = os.open(name, FILE, dir_fd=folder)
    if stat.S_ISREG(os.fstat(found).st_mode):
        return found
    os.close(found)
    raise NotFound("There is no file at this path.")


def status(folder: int, name: str) -> os.stat_result:
    """Of the name itself, link or not. Raise NotFound."""
    with translated():
        return os.stat(name, dir_fd=folder, follow_symlinks=False)


def usage(folder: int, most: int, depth: int = 0) -> tuple[int, int]:
    """Bytes on disk and number of all below a folder; counting ends above `most` entries, and what is
    nested too deep counts as too many."""
    size = count = 0
    if depth > DEEPEST:
        return 0, most + 1
    for entry in _entries(folder):
        try:
            found = entry.stat(follow_symlinks=False)
            size, count = size + found.st_blocks * 512, count + 1
            if stat.S_ISDIR(found.st_mode):
                inner = enter(folder, entry.name)
                try:
                    below = usage(inner, most - count, depth + 1)
                finally:
                    os.close(inner)
                size, count = size + below[0], count + below[1]
        except OSError:
            continue  # gone, or something else by now
        if count > most:
            break
    return size, count


def clear(folder: int) -> None:
    """Remove everything below a folder. Folders are lifted up before they are emptied: however deep
    they are nested, one is open at a time. Raise OSError when something is put back again and again."""
    writable(folder)
    for _ in range(PASSES):
        while inner := [e.name for e in _entries(folder) if _removed(folder, e)]:
            for name in inner:
                _emptied(folder, name)
        if not _entries(folder):
            return
    raise OSError(errno.ENOTEMPTY, "the folder does not get empty")


def _removed(folder: int, entry: os.DirEntry[str]) -> bool:
    """Remove what is no folder; return whether it is one."""
    if entry.is_dir(follow_symlinks=False):
        return True
    with suppress(FileNotFoundError):
        os.unlink(entry.name, dir_fd=folder)
    return False


def _emptied(folder: int, name: str) -> None:
    try:
        os.rmdir(name, dir_fd=folder)
        return
    except FileNotFoundError:
        return
    except OSError:
        permit(folder, name)
    inner = enter(folder, name)
    try:
        for entry in _entries(inner):
            if _removed(inner, entry):
                permit(inner, entry.name)
                os.rename(entry.name, uuid4().hex, src_dir_fd=inner, dst_dir_fd=folder)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=folder)


def _entries(folder: int) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return list(found)
