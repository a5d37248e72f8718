"""A backup as a file: a tar of home files, the database's dump in pieces, and last the manifest with their checksums.

    home/...              files of the home folder
    database/000000 ...   what pg_dump wrote, cut into pieces: `cat database/* | pg_restore` reads it
    manifest.json         versions, the moment, rows and checksums; without it the archive was cut off

Nothing is held whole in memory: a piece is the most.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Self, cast

import orjson

from hub.errors import Setup
from hub.processes.backups.age import DAMAGED, FIRST, is_sealed, opened

PIECE = 4 << 20
MANIFEST, DATABASE, HOME = "manifest.json", "database/", "home/"
LARGEST = 64 << 20  # bytes of a manifest

Json = dict[str, Any]


class _Out:
    """Where an archive goes. What tarfile still holds when the rest has failed is not written, though it tries to."""

    def __init__(self, out: Any) -> None:
        self._out = out
        self.failed = False

    def write(self, data: bytes) -> int:
        return len(data) if self.failed else int(self._out.write(data))


class Writer:
    """Members one after another; `finish` writes the manifest."""

    def __init__(self, out: Any) -> None:
        self._out = _Out(out)
        self._tar = tarfile.open(fileobj=cast(Any, self._out), mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 18)  # noqa: SIM115
        self._files: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._out.failed = error is not None

    def data(self, name: str, data: bytes, mode: int = 0o600) -> None:
        self._files[name] = hashlib.sha256(data).hexdigest()
        self._tar.addfile(_info(name, len(data), mode), io.BytesIO(data))

    def file(self, name: str, file: BinaryIO, size: int, mode: int) -> None:
        """As long as it was when it was opened, whatever is done to it meanwhile."""
        read = _Measured(file, size)
        self._tar.addfile(_info(name, size, mode), read)
        self._files[name] = read.sha.hexdigest()

    def link(self, name: str, target: str) -> None:
        info = _info(name, 0, 0o777)
        info.type, info.linkname = tarfile.SYMTYPE, target
        self._files[name] = hashlib.sha256(target.encode(errors="surrogateescape")).hexdigest()
        self._tar.addfile(info)

    def database(self, pieces: Iterable[bytes]) -> Json:
        """The dump; what the manifest says of it."""
        sha, size, count = hashlib.sha256(), 0, 0
        for piece in pieces:
            sha.update(piece)
            size, count = size + len(piece), count + 1
            self._tar.addfile(_info(f"{DATABASE}{count - 1:06}", len(piece), 0o600), io.BytesIO(piece))
        return {"bytes": size, "pieces": count, "sha256": sha.hexdigest()}

    def finish(self, manifest: Json) -> None:
        data = orjson.dumps(manifest | {"files": self._files}, option=orjson.OPT_INDENT_2)
        self._tar.addfile(_info(MANIFEST, len(data), 0o600), io.BytesIO(data))
        self._tar.close()


class _Measured(io.RawIOBase):
    """Exactly `size` bytes of a file: what is missing is zeros, what is too much stays."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left = file, size
        self.sha = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted)
        data += bytes(wanted - len(data))
        self._left -= len(data)
        self.sha.update(data)
        return data


def _info(name: str, size: int, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode & 0o777
    return info


class _Stream(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._kept = pieces, b""

    def read(self, size: int = -1) -> bytes:
        while len(self._kept) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._kept += piece
        found, self._kept = self._kept[:size], self._kept[size:]
        return found


class Member:
    """One of them, to be read in pieces."""

    def __init__(self, info: tarfile.TarInfo, file: Any) -> None:
        self.name, self.mode, self.size = info.name, info.mode, info.size
        self.target = info.linkname if info.issym() else None
        self._file = file

    def pieces(self) -> Iterator[bytes]:
        if self._file is None:
            return
        try:
            while data := self._file.read(PIECE):
                yield data
        except (tarfile.TarError, EOFError):
            raise Setup(DAMAGED) from None


def members(file: BinaryIO, passphrase: str, identity: str) -> Iterator[Member]:
    """What an archive holds, sealed or not, in order. Raise Setup."""
    sealed = is_sealed(file.read(len(FIRST)))
    file.seek(0)
    source: Any = _Stream(opened(file, passphrase, identity)) if sealed else file
    try:
        with tarfile.open(fileobj=source, mode="r|", bufsize=1 << 18) as tar:
            for info in tar:
                _proper(info)
                yield Member(info, tar.extractfile(info) if info.isfile() else None)
    except (tarfile.TarError, EOFError) as e:
        raise Setup(DAMAGED if sealed else f"The file is no whole backup of a hub ({e}).") from None
    if sealed:
        while source.read(1 << 16):  # to its end, whose mark says that nothing is missing
            pass


def _proper(info: tarfile.TarInfo) -> None:
    """Only names within the archive, only files and links: it may come from anywhere."""
    path = PurePosixPath(info.name)
    if path.is_absolute() or ".." in path.parts or not (info.isfile() or info.issym()):
        raise Setup(f"The backup holds a name that it may not hold ({info.name[:100]!r}).")


class Checked:
    """Reads an archive once and says, at its end, whether everything in it is as its manifest says."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._database, self._pieces = hashlib.sha256(), 0
        self._manifest: Json | None = None

    def watch(self, all: Iterable[Member]) -> Iterator[tuple[Member, Iterator[bytes]]]:
        """Each member with its pieces; what nobody takes is read nevertheless."""
        for member in all:
            if self._manifest is not None:
                raise Setup(DAMAGED)
            if member.name == MANIFEST:
                self._manifest = _manifest(member)
                continue
            pieces = self._measured(member)
            yield member, pieces
            for _ in pieces:
                pass

    def _measured(self, member: Member) -> Iterator[bytes]:
        if member.name.startswith(DATABASE):
            if member.name != f"{DATABASE}{self._pieces:06}":
                raise Setup(DAMAGED)
            self._pieces += 1
            for data in member.pieces():
                self._database.update(data)
                yield data
            return
        sha = hashlib.sha256((member.target or "").encode(errors="surrogateescape"))
        for data in member.pieces():
            sha.update(data)
            yield data
        self._files[member.name] = sha.hexdigest()

    def manifest(self) -> Json:
        """Raise Setup when anything is missing, too much or changed."""
        found = self._manifest
        if found is None:
            raise Setup("The backup is damaged or was cut off: its last part, the manifest, is missing.")
        wanted = found["database"]
        if self._database.hexdigest() != wanted["sha256"] or self._pieces != wanted["pieces"]:
            raise Setup("The backup is damaged: the checksum of its database is another.")
        for name in sorted(set(self._files) | set(found["files"])):
            if self._files.get(name) != found["files"].get(name):
                raise Setup(f"The backup is damaged: the checksum of {name} is another.")
        return found


def _manifest(member: Member) -> Json:
    try:
        if member.size > LARGEST:
            raise ValueError
        found = orjson.loads(b"".join(member.pieces()))
        if found["format"] != 1:
            raise Setup("The backup was made by a newer hub; restore it with that.")
        if not isinstance(found["database"]["sha256"], str) or not isinstance(found["files"], dict):
            raise TypeError
    except (ValueError, KeyError, TypeError):
        raise Setup("The backup's manifest cannot be read.") from None
    return dict(found)


def check(file: BinaryIO, passphrase: str, identity: str) -> Json:
    """Read everything once; the manifest. Raise Setup."""
    seen = Checked()
    for _ in seen.watch(members(file, passphrase, identity)):
        pass
    file.seek(0)
    return seen.manifest()
