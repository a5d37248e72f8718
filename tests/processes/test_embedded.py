"""The servers that come with the hub: started, stopped, brought back, and never left behind."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from hub.errors import Setup
from hub.processes.embedded import running_postgres, running_valkey, start_postgres, start_valkey
from tests.processes.command import begun, family, left, until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hub-embedded-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """A stopped cluster with a table in it, to copy from: initdb takes seconds."""
    folder = Path(tempfile.mkdtemp(prefix="hub-cluster-", dir="/tmp"))
    start_postgres(folder).stop()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def made(home: Path, cluster: Path) -> Path:
    subprocess.run(["cp", "-a", f"{cluster}/.", str(home)], check=True)
    shutil.rmtree(home / "run", ignore_errors=True)
    return home


def sentence(e: Setup) -> str:
    words = str(e)
    assert words.endswith(".") and "\n" not in words and "Traceback" not in words, words
    return words


async def ask(url: str, sql: str) -> Any:
    con: Any = await asyncpg.connect(url, timeout=5)
    try:
        return await con.fetchval(sql)
    finally:
        await con.close()


async def test_postgres_starts_keeps_what_it_was_given_and_stops(home: Path) -> None:
    server = start_postgres(home)
    assert running_postgres(home) == server.url
    await ask(server.url, "create extension vector")
    await ask(server.url, "create table kept as select 42 as n")
    assert (
        await ask(server.url, "show fsync") == "on"
        and await ask(server.url, "show listen_addresses") == ""
    )
    server.stop()
    assert server.process.poll() == 0
    with pytest.raises(Setup, match="No hub is running"):
        running_postgres(home)
    again = start_postgres(home)
    try:
        assert await ask(again.url, "select n from kept") == 42
    finally:
        again.stop()


async def test_what_was_committed_survives_a_kill(made: Path) -> None:
    server = start_postgres(made)
    await ask(server.url, "create table kept as select g as n from generate_series(1, 1000) g")
    server.process.send_signal(signal.SIGQUIT)
    server.process.wait(10)
    again = start_postgres(made)
    try:
        assert await ask(again.url, "select count(*) from kept") == 1000
    finally:
        again.stop()


async def test_valkey_needs_its_password_and_writes_no_data(home: Path) -> None:
    server = start_valkey(home)
    try:
        assert running_valkey(home) == server.url
        redis = Redis.from_url(server.url)
        assert await redis.set("a", "1") and await redis.config_get("maxmemory-policy") == {
            "maxmemory-policy": "noeviction"
        }
        await redis.aclose()
        bare = Redis.from_url("redis://" + server.url.split("@")[1])
        with pytest.raises(AuthenticationError):
            await bare.ping()
        await bare.aclose()
    finally:
        server.stop()
    assert {name: stat.S_IMODE(os.stat(home / name).st_mode) for name in os.listdir(home)} == {
        "valkey.conf": 0o600,
        "valkey.log": 0o644,
    }


async def test_two_starts_have_different_passwords_and_ports(home: Path) -> None:
    one, two = start_valkey(home / "a"), start_valkey(home / "b")
    try:
        assert one.url != two.url and one.url.split("@")[0] != two.url.split("@")[0]
    finally:
        one.stop()
        two.stop()


def test_stopping_twice_is_fine(home: Path) -> None:
    server = start_valkey(home)
    server.stop()
    server.stop()
    assert server.process.poll() is not None


@pytest.mark.parametrize(
    "name", ["my home", "a%20b", "it's", 'q"q', "semi;colon", "a,b", "ação", "back\\slash", "$HOME", "#1", "a&b=c?d"]
)
def test_a_home_may_have_any_name(home: Path, cluster: Path, name: str) -> None:
    folder = home / name
    folder.mkdir(mode=0o755)
    subprocess.run(["cp", "-a", f"{cluster}/.", str(folder)], check=True)
    shutil.rmtree(folder / "run", ignore_errors=True)
    postgres, valkey = start_postgres(folder), start_valkey(folder)
    try:
        assert running_postgres(folder) == postgres.url and running_valkey(folder) == valkey.url
        assert asyncio.run(ask(postgres.url, "select 1")) == 1
    finally:
        postgres.stop()
        valkey.stop()


def test_a_long_home_still_has_a_socket(made: Path) -> None:
    deep = made / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    (made / "postgres").rename(deep / "postgres")
    server = start_postgres(deep)
    try:
        place = Path(server.url.split("host=")[1])
        assert len(str(place)) < 80 and place.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
    shutil.rmtree(place)
    place.symlink_to(made)
    try:
        with pytest.raises(Setup, match="belongs to somebody else"):
            start_postgres(deep)
    finally:
        place.unlink()


@pytest.mark.parametrize("start", [start_postgres, start_valkey])
def test_a_folder_that_cannot_be_used_is_one_sentence(home: Path, start: Any) -> None:
    (home / "file").write_text("in the way")
    for place in (home / "file", home / "file" / "deeper", Path("/proc/nowhere")):
        with pytest.raises(Setup) as caught:
            start(place)
        assert str(place) in sentence(caught.value)


def test_a_damaged_cluster_is_one_sentence(made: Path) -> None:
    (made / "postgres/PG_VERSION").write_text("9.6\n")
    with pytest.raises(Setup, match="PostgreSQL did not start") as caught:
        start_postgres(made)
    assert str(made / "postgres.log") in sentence(caught.value)


def test_files_of_somebody_else_are_left_alone(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "thesis.txt").write_text("years of work")
    with pytest.raises(Setup) as caught:
        start_postgres(home)
    assert str(home / "postgres") in sentence(caught.value)
    assert (home / "postgres" / "thesis.txt").read_text() == "years of work"


def test_a_second_server_on_the_same_data_is_one_sentence(made: Path) -> None:
    first = start_postgres(made)
    try:
        with pytest.raises(Setup, match="PostgreSQL did not start") as caught:
            start_postgres(made)
        sentence(caught.value)
        assert first.process.poll() is None
    finally:
        first.stop()


@pytest.mark.parametrize("which", [running_postgres, running_valkey])
def test_where_nothing_runs_it_says_so(home: Path, which: Any) -> None:
    for place in (home, home / "nowhere"):
        with pytest.raises(Setup, match=f"^No hub is running in {place}.$"):
            which(place)


PARENT = """
import sys, time
from pathlib import Path
from hub.processes.embedded import start_postgres, start_valkey
servers = [start_postgres(Path(sys.argv[1])), start_valkey(Path(sys.argv[1]))]
print(*(s.process.pid for s in servers), flush=True)
time.sleep(60)
"""


def test_a_killed_parent_leaves_nothing_running(made: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(made)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    try:
        pids = [int(p) for p in parent.stdout.readline().split()]
        assert len(pids) == 2 and all(begun(p) for p in pids)
        everyone = family(parent.pid)
        assert len(everyone) > 5, "PostgreSQL has children of its own"
        os.kill(parent.pid, signal.SIGKILL)
        until(lambda: not left(everyone), 30.0)
    finally:
        parent.kill()
        parent.wait(5)
        parent.stdout.close()


def test_after_that_the_data_is_whole(made: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(made)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    parent.stdout.readline()
    asyncio.run(ask(running_postgres(made), "create table kept as select 7 as n"))
    everyone = family(parent.pid)
    parent.kill()
    parent.wait(5)
    parent.stdout.close()
    until(lambda: not left(everyone), 5.0)
    server = start_postgres(made)
    try:
        assert asyncio.run(ask(server.url, "select n from kept")) == 7
    finally:
        server.stop()
