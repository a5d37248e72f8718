"""Two servers and one address: the replica that is promoted is found, and nothing that was accepted is lost."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from hub.errors import Overloaded, Setup
from hub.processes.embedded import Server, binaries, owned, start_postgres
from hub.store import hosts, wall
from hub.store.db import Db, open_db
from tests.clusters import migrated
from tests.processes.command import until


@dataclass
class Pair:
    """A primary, its replica, and an address that names both."""

    primary: Server
    replica: Server

    @property
    def dsn(self) -> str:
        places = [s.url.partition("host=")[2] for s in (self.primary, self.replica)]
        return f"postgresql://{wall.LOGIN}@/hub?host={','.join(places)}"


@pytest.fixture
def pair() -> Iterator[Pair]:
    folder = Path(tempfile.mkdtemp(prefix="fo-", dir="/tmp"))
    os.chmod(folder, 0o755)
    servers: list[Server] = []
    try:
        servers.append(start_postgres(migrated(folder / "a")))
        copy = folder / "b" / "postgres"
        copy.parent.mkdir()
        place = servers[0].url.partition("host=")[2]
        command = ["pg_basebackup", "-h", place, "-U", "postgres", "-D", str(copy), "-R", "--checkpoint=fast"]
        subprocess.run([str(binaries() / command[0]), *command[1:]], check=True, capture_output=True)
        copy.chmod(0o700)
        owned(copy)
        servers.append(start_postgres(folder / "b", hot_standby="on"))
        # From here on nothing is committed that the replica has not.
        asyncio.run(run(servers[0].url, "alter system set synchronous_standby_names = '*'", "select pg_reload_conf()"))
        until(lambda: asyncio.run(in_step(servers[0].url)))
        yield Pair(*servers)
    finally:
        for server in reversed(servers):
            for one in (server.process.pid, *_children(server.process.pid)):
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGCONT)
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def run(url: str, *statements: str) -> None:
    con: Any = await asyncpg.connect(url)
    try:
        for sql in statements:
            await con.execute(sql)
    finally:
        await con.close()


async def in_step(url: str) -> bool:
    con: Any = await asyncpg.connect(url)
    try:
        return bool(await con.fetchval("select exists (select 1 from pg_stat_replication where sync_state = 'sync')"))
    finally:
        await con.close()


WRITE = "insert into leader values ($1, 1, 'x', now())"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_promoted_replica_is_found_and_has_all_that_was_accepted(pair: Pair, how: signal.Signals) -> None:
    """The primary dies, or says nothing any more, in the middle of writes."""
    accepted: list[str] = []
    await _is_no_server_to_write_to(pair.replica)
    async with open_db(pair.dsn, size=4, limit=2.0) as db:
        writing = asyncio.create_task(_write(db, accepted))
        while len(accepted) < 20:
            assert not writing.done()
            await asyncio.sleep(0.01)
        if how == signal.SIGKILL:
            pair.primary.process.send_signal(signal.SIGQUIT)
            pair.primary.process.wait(60)
            with pytest.raises(Overloaded):
                await db.run(WRITE, "while there is a replica alone")
        else:
            os.killpg(pair.primary.process.pid, how)
            for child in _children(pair.primary.process.pid):
                os.kill(child, how)
        await run(pair.replica.url, "select pg_promote()")
        promoted, before = time.monotonic(), len(accepted)
        while len(accepted) < before + 20:
            await asyncio.sleep(0.01)
            assert not writing.done() and time.monotonic() - promoted < 120
        print(f"writing again {time.monotonic() - promoted:.1f} s after the promotion")
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        rows = {r["name"] for r in await db.fetch("select name from leader")}
    assert set(accepted) <= rows


async def _is_no_server_to_write_to(replica: Server) -> None:
    place = replica.url.partition("host=")[2]
    for hosts_of in (f"{place},{place}", f"{place}&target_session_attrs=primary"):
        dsn = f"postgresql://{wall.LOGIN}@/hub?host={hosts_of}"
        with pytest.raises(OSError, match="replica"):
            await hosts.connect(dsn)
        with pytest.raises(Setup, match="no PostgreSQL answers there"):
            async with open_db(dsn):
                pass


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


async def _write(db: Db, accepted: list[str]) -> None:
    n = 0
    while True:
        n += 1
        try:
            await db.run(WRITE, f"row{n}")
            accepted.append(f"row{n}")
        except (Overloaded, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await asyncio.sleep(0.05)


def test_an_address_of_several_servers_asks_each_for_the_primary() -> None:
    one = "postgresql://u:p@db:5432/hub?sslmode=require"
    assert hosts.each(one) == [one] and hosts.each("postgresql://u@/hub?host=/run") == ["postgresql://u@/hub?host=/run"]
    assert hosts.each("postgresql://u:p%2Cw@a:1,b:2/hub?sslmode=require") == [
        f"postgresql://u:p%2Cw@{h}/hub?sslmode=require&target_session_attrs=primary" for h in ("a:1", "b:2")
    ]
    assert hosts.each("postgresql://u@/hub?host=/a,/b&port=1,2") == [
        f"postgresql://u@/hub?target_session_attrs=primary&host=%2F{h}&port={p}" for h, p in (("a", 1), ("b", 2))
    ]
