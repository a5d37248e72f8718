"""The files of a kept workspace, as callers of the API see them. All functions but `upload` block."""

import asyncio
import mimetypes
import os
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from hub.errors import Invalid, NotFound, TooLarge
from hub.store.db import clean
from hub.tools.shell import folders
from hub.tools.shell.folders import NEW, opened, own, permit, room, status, translated, usage, writable
from hub.tools.shell.paths import Parts
from hub.tools.shell.places import Place, descriptor, discard

LARGEST = 100 * 1024 * 1024
SNIFFED = 8192


@dataclass(frozen=True, slots=True)
class Quota:
    """Most bytes and most files and folders of one workspace."""

    size: int
    files: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a folder. size: of regular files only."""

    name: str
    folder: bool
    size: int | None
    created: datetime
    modified: datetime


@dataclass(frozen=True, slots=True)
class Details:
    entry: Entry
    mime: str
    plain: bool


def listing(place: Place, parts: Parts) -> list[Entry]:
    """What is in a folder, by name; the root of an unused workspace is empty. Raise NotFound."""
    try:
        with place.open() as root, opened(root, parts) as folder, os.scandir(folder) as found:
            entries = [_entry(e.name, e.stat(follow_symlinks=False)) for e in found]
    except FileNotFoundError:
        if parts:
            raise NotFound("There is no folder at this path.") from None
        return []
    return sorted(entries, key=lambda e: e.name)


def open_file(place: Place, parts: Parts) -> tuple[int, Details]:
    """An open file, which the caller closes, and what it is. Raise NotFound."""
    if not parts:
        raise NotFound("There is no file at this path.")
    with _used(place) as root, opened(root, parts[:-1]) as folder:
        found = folders.file(folder, parts[-1])
    try:
        beginning = os.pread(found, SNIFFED, 0)
        plain = _plain(beginning)
        mime = mimetypes.MimeTypes().guess_type(parts[-1])[0]
        mime = mime or ("text/plain" if plain else "application/octet-stream")
        return found, Details(_entry(parts[-1], os.fstat(found)), mime, plain)
    except BaseException:
        os.close(found)
        raise


def details(place: Place, parts: Parts) -> Details:
    found, about = open_file(place, parts)
    os.close(found)
    return about


def remove_file(place: Place, parts: Parts) -> None:
    """Remove a file, or a link itself. Raise NotFound, for folders too."""
    if not parts:
        raise NotFound("There is no file at this path.")
    with _used(place) as root, opened(root, parts[:-1]) as folder:
        if stat.S_ISDIR(status(folder, parts[-1]).st_mode):
            raise NotFound("There is a folder at this path, no file.")
        with translated():
            writable(folder)
            os.unlink(parts[-1], dir_fd=folder)


def make_folder(place: Place, parts: Parts, quota: Quota) -> None:
    """Make a folder and those on the way; one that is there is fine. Raise Invalid where a file is."""
    with room():
        place.make()
    with place.open() as root:
        _room(root, 0, len(parts), quota)
        _made(root, parts)


def remove_folder(place: Place, parts: Parts) -> None:
    """Remove a folder with all that is in it. Raise Invalid for the root, NotFound."""
    if not parts:
        raise Invalid("The root folder cannot be deleted; delete what is in it.", field="path")
    with _used(place) as root, opened(root, parts[:-1]) as folder:
        if not stat.S_ISDIR(status(folder, parts[-1]).st_mode):
            raise NotFound("There is no folder at this path.")
        gone = uuid4().hex
        with descriptor(place.incoming) as incoming, translated():
            writable(folder)
            permit(folder, parts[-1])
            os.rename(parts[-1], gone, src_dir_fd=folder, dst_dir_fd=incoming)
    discard(place.incoming / gone)


async def upload(place: Place, parts: Parts, body: AsyncIterator[bytes], quota: Quota) -> None:
    """Write a file as it comes: beside the workspace first, then put in its place whole.

    Folders on the way are made. Raise Invalid where a folder is, TooLarge above 100 MB or the quota.
    """
    if not parts:
        raise Invalid("path is the root folder; name a file.", field="path")
    most = await asyncio.to_thread(_begun, place, quota)
    name = place.incoming / uuid4().hex
    written = await asyncio.to_thread(_open_new, name)
    try:
        size = 0
        async for piece in body:
            size += len(piece)
            if size > min(LARGEST, most):
                raise TooLarge(_too_large(quota) if most < LARGEST else "The file is larger than 100 MB.")
            await asyncio.to_thread(_write, written, piece)
        await asyncio.to_thread(_put, place, parts, name, written)
    finally:
        os.close(written)
        with suppress(FileNotFoundError):
            os.unlink(name)


def _begun(place: Place, quota: Quota) -> int:
    """Bytes that there is room for."""
    with room():
        place.make()
    with place.open() as root:
        return _room(root, 1, 1, quota)


def _open_new(name: Path) -> int:
    with room():
        return os.open(name, NEW, 0o644)


def _write(written: int, piece: bytes) -> None:
    with room():
        left = memoryview(piece)
        while left:
            left = left[os.write(written, left) :]


def _put(place: Place, parts: Parts, name: Path, written: int) -> None:
    own(written)
    with place.open() as root:
        _made(root, parts[:-1])
        with opened(root, parts[:-1]) as folder:
            try:
                if stat.S_ISDIR(status(folder, parts[-1]).st_mode):
                    raise Invalid("There is a folder at this path; choose another name.", field="path")
            except NotFound:
                pass
            with translated():
                writable(folder)
                os.rename(name, parts[-1], dst_dir_fd=folder)


def _made(root: int, parts: Parts) -> None:
    try:
        with opened(root, parts, make=True):
            pass
    except NotFound:
        raise Invalid("A part of the path is a file or a link, no folder.", field="path") from None


def _room(root: int, size: int, files: int, quota: Quota) -> int:
    """Bytes left. Raise TooLarge when there is no room for what is asked."""
    used, count = usage(root, quota.files)
    if used + size > quota.size or count + files > quota.files:
        raise TooLarge(_too_large(quota))
    return quota.size - used


def _too_large(quota: Quota) -> str:
    return (
        f"The workspace is full: it holds at most {quota.size >> 20:,} MB and {quota.files:,} files and folders. "
        "Delete some first."
    )


@contextmanager
def _used(place: Place) -> Iterator[int]:
    """The root of a workspace that has one. Raise NotFound."""
    with translated(), place.open() as root:
        yield root


def _entry(name: str, found: os.stat_result) -> Entry:
    modified = _at(found.st_mtime)
    # Linux tells when a file was born in no portable way: it was not after either of these.
    created = min(modified, _at(found.st_ctime))
    regular = stat.S_ISREG(found.st_mode)
    return Entry(clean(name), stat.S_ISDIR(found.st_mode), found.st_size if regular else None, created, modified)


def _at(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _plain(beginning: bytes) -> bool:
    """Whether it reads as text. The last character may be cut."""
    if b"\0" in beginning:
        return False
    for cut in range(4 if len(beginning) == SNIFFED else 1):
        try:
            beginning[: len(beginning) - cut].decode()
            return True
        except UnicodeDecodeError:
            continue
    return False
