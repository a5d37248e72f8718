"""Files of a workspace, while somebody tries to lead us out of it."""

import os
import shutil
import stat
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hub.errors import HubError, Invalid, NotFound, TooLarge
from hub.ids import uuid7
from hub.tools.shell import files, folders, places
from hub.tools.shell.files import Quota
from hub.tools.shell.places import Place

MUCH = Quota(1 << 30, 10_000)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = places.kept(tmp_path, uuid7(), "ana")
    found.make()
    return found


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("secret")
    return folder


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def put(place: Place, *parts: str, content: bytes = b"x", quota: Quota = MUCH) -> None:
    await files.upload(place, parts, pieces(content), quota)


def content(place: Place, *parts: str) -> str:
    file, _ = files.open_file(place, parts)
    with os.fdopen(file) as opened:
        return opened.read()


def test_names_of_workspaces_tell_nothing_and_differ(tmp_path: Path) -> None:
    account = uuid7()
    users = ["ana", "Ana", "../../x", "ana@web", "a" * 256, "/"]
    found = {places.kept(tmp_path, account, u).folder for u in users}
    assert len(found) == len(users) and {f.parent for f in found} == {tmp_path / "workspaces" / str(account)}
    assert places.kept(tmp_path, account, " ana ") == places.kept(tmp_path, account, "ana")


async def test_files_and_folders_come_and_go(place: Place) -> None:
    await put(place, "a", "b", "c.txt", content=b"hello")
    await put(place, "a", "b", "c.txt", content="né".encode())
    assert content(place, "a", "b", "c.txt") == "né"
    [entry] = files.listing(place, ("a", "b"))
    assert (entry.name, entry.folder, entry.size) == ("c.txt", False, 3) and entry.created <= entry.modified
    files.make_folder(place, ("a", "d"), MUCH)
    files.make_folder(place, ("a", "d"), MUCH)
    assert [(e.name, e.folder, e.size) for e in files.listing(place, ("a",))] == [("b", True, None), ("d", True, None)]
    files.remove_folder(place, ("a",))
    assert files.listing(place, ()) == [] and os.listdir(place.incoming) == []


async def test_what_is_not_there_or_something_else(place: Place) -> None:
    await put(place, "f")
    files.make_folder(place, ("d",), MUCH)
    calls: list[Callable[[], object]] = [
        lambda: files.open_file(place, ("d",)), lambda: files.open_file(place, ("f", "x")),
        lambda: files.open_file(place, ()), lambda: files.open_file(place, ("x",)),
        lambda: files.listing(place, ("f",)),
        lambda: files.remove_file(place, ("d",)), lambda: files.remove_file(place, ()),
        lambda: files.remove_file(place, ("x",)), lambda: files.remove_folder(place, ("f",)),
        lambda: files.remove_folder(place, ("x", "y")),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call()
    with pytest.raises(Invalid, match="root folder cannot be deleted"):
        files.remove_folder(place, ())
    for parts in ((), ("d",), ("f", "x")):
        with pytest.raises(Invalid):
            await put(place, *parts)
    with pytest.raises(Invalid):
        files.make_folder(place, ("f", "x"), MUCH)


def test_an_unused_workspace_is_empty(tmp_path: Path) -> None:
    unused = places.kept(tmp_path, uuid7(), "bob")
    assert files.listing(unused, ()) == []
    for call in (files.listing, files.open_file, files.remove_file, files.remove_folder):
        with pytest.raises(NotFound):
            call(unused, ("x",))
    assert not unused.folder.exists()


async def test_links_are_shown_and_never_followed(place: Place, outside: Path) -> None:
    (place.files / "file").symlink_to(outside / "secret")
    (place.files / "folder").symlink_to(outside)
    assert [(e.folder, e.size) for e in files.listing(place, ())] == [(False, None), (False, None)]
    for call in (files.open_file, files.listing):
        for parts in (("file",), ("folder",), ("folder", "secret")):
            with pytest.raises(NotFound):
                call(place, parts)
    with pytest.raises(Invalid):
        await put(place, "folder", "new")
    with pytest.raises(NotFound):
        files.remove_folder(place, ("folder",))
    await put(place, "file", content=b"mine")
    assert content(place, "file") == "mine"
    files.remove_file(place, ("folder",))
    assert (outside / "secret").read_text() == "secret" and os.listdir(outside) == ["secret"]


def test_what_is_no_file_is_not_opened(place: Place) -> None:
    os.mkfifo(place.files / "pipe")
    with pytest.raises(NotFound):
        files.open_file(place, ("pipe",))
    files.remove_file(place, ("pipe",))


@pytest.fixture
def swapped(place: Place, outside: Path) -> Iterator[Path]:
    """`d` in the workspace is now a folder with a file, now a link to the outside, many times a second."""
    real, link, d = place.files / "real", place.files / "link", place.files / "d"
    real.mkdir()
    link.symlink_to(outside)
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            for one in (real, link):
                try:
                    os.rename(one, d)
                    os.rename(d, one)
                except OSError:  # an upload made a folder of that name
                    shutil.rmtree(d, ignore_errors=True)

    thread = threading.Thread(target=swap)
    thread.start()
    yield real
    over.set()
    thread.join()


async def test_a_swap_at_the_wrong_moment_leads_nowhere(place: Place, outside: Path, swapped: Path) -> None:
    read = 0
    for n in range(1500):
        try:
            found = files.listing(place, ("d",))
            assert "secret" not in [e.name for e in found]
            read += 1
        except HubError:
            pass
        for call in (files.open_file, files.remove_file):
            with pytest.raises(HubError):
                call(place, ("d", "secret"))
        if n % 30 == 0:
            with suppress(HubError):
                await put(place, "d", "new")
    assert read > 0 and os.listdir(outside) == ["secret"]


async def test_removing_a_swapped_folder_spares_the_outside(place: Place, outside: Path) -> None:
    deep = place.files / "d"
    for n in range(100):
        deep.mkdir()
        (deep / "in").symlink_to(outside) if n % 2 else (deep / "in").mkdir()
        files.remove_folder(place, ("d",))
    assert os.listdir(outside) == ["secret"] and files.listing(place, ()) == []


def test_deep_folders_go_too(place: Place) -> None:
    folder = os.open(place.files, folders.FOLDER)
    for _ in range(1100):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", folders.FOLDER, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    with place.open() as root:
        assert folders.usage(root, 10_000)[1] > 10_000
    files.remove_folder(place, ("d",))
    assert os.listdir(place.incoming) == [] and os.listdir(place.files) == []


async def test_an_upload_that_fails_leaves_nothing(place: Place) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        raise ConnectionResetError

    await put(place, "f", content=b"old")
    with pytest.raises(ConnectionResetError):
        await files.upload(place, ("f",), broken(), MUCH)
    assert content(place, "f") == "old" and os.listdir(place.incoming) == []


async def test_a_workspace_has_a_size(place: Place) -> None:
    small = Quota(100_000, 4)
    await put(place, "a", content=b"x" * 60_000, quota=small)
    with pytest.raises(TooLarge, match="The workspace is full"):
        await put(place, "b", content=b"x" * 60_000, quota=small)
    await put(place, "b", quota=small)
    files.make_folder(place, ("c",), small)
    with pytest.raises(TooLarge, match="at most 0 MB and 4 files and folders"):
        files.make_folder(place, ("d", "e"), small)
    assert sorted(os.listdir(place.files)) == ["a", "b", "c"] and os.listdir(place.incoming) == []


async def test_what_a_process_that_died_left_goes(tmp_path: Path, place: Place) -> None:
    old, new = place.incoming / "old", place.incoming / "new"
    turn = places.passing(tmp_path)
    turn.make()
    (turn.files / "x").touch()
    for path in (old, new):
        path.touch()
    for path in (old, turn.folder):
        os.utime(path, (0, 0))
    place.make()
    other = places.passing(tmp_path)
    other.make()
    assert os.listdir(place.incoming) == ["new"] and os.listdir(turn.folder.parent) == [other.folder.name]


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_what_its_owner_closed_to_himself_is_opened_again(tmp_path: Path) -> None:
    """A hub that is not root, and a command that took away its own rights."""
    os.chmod(tmp_path, 0o711)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 1234, 1234)
    for parent in tmp_path.parents:
        if os.stat(parent).st_uid == os.geteuid() and parent.parent != parent and "pytest" in str(parent):
            os.chmod(parent, 0o711)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgid(1234)
            os.setuid(1234)
            place = places.kept(home, uuid7(), "ana")
            place.make()
            (place.files / "d" / "e").mkdir(parents=True)
            (place.files / "d" / "f").write_text("x")
            os.chmod(place.files / "d" / "f", 0)
            os.chmod(place.files / "d" / "e", 0)
            os.chmod(place.files / "d", 0)
            names = [e.name for e in files.listing(place, ("d",))]
            text = content(place, "d", "f")
            os.chmod(place.files / "d", 0o500)
            files.remove_file(place, ("d", "f"))
            os.chmod(place.files / "d", 0)
            files.remove_folder(place, ("d",))
            empty = os.listdir(place.files) == os.listdir(place.incoming) == []
            code = 0 if names == ["e", "f"] and text == "x" and empty else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


async def test_commands_may_change_what_was_uploaded(place: Place) -> None:
    await put(place, "a", "f")
    expected = folders.SANDBOX if os.geteuid() == 0 else os.geteuid()
    for path in (place.files, place.files / "a", place.files / "a" / "f"):
        found = path.stat()
        assert found.st_uid == expected and found.st_mode & stat.S_IWUSR
