"""Backups: made while a hub works, put back whole or not at all, and tried before they are needed."""

import asyncio
import dataclasses
import io
import os
import resource
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import orjson
import pytest
from aiohttp import web
from pydantic import SecretStr

from channels.twins.app import build
from channels.twins.options import Options
from hub import SCHEMA
from hub.accounts import audit
from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.api.app import build_app
from hub.chat.inbound.intake import Intake
from hub.chat.operators import erasure, ledger
from hub.config import Settings
from hub.errors import Setup
from hub.jobs.runner import Runner
from hub.processes import audit as audit_command
from hub.processes.backups import archive, database, nightly
from hub.processes.backups.age import new_identity
from hub.processes.backups.making import backup, listed
from hub.processes.backups.rehearsing import rehearse
from hub.processes.backups.replay import NAMED
from hub.processes.backups.restoring import restore
from hub.processes.doctor import _report
from hub.processes.embedded import Server, free_port, start_postgres, start_valkey
from hub.processes.home import demand_whole, with_key, write_bootstrap
from hub.processes.worker import background
from hub.runtime import Hub, open_hub
from hub.store import drills, replays, snapshots, wall
from hub.store.migrate import FOLDER, migrate
from hub.task_groups import end
from tests.clusters import migrated
from tests.conftest import at, owning
from tests.processes.command import HUB, env, until

Json = dict[str, Any]
TOKEN = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
WORD = "canarybird"
NETWORKS: dict[str, tuple[str, str, Json]] = {
    "zapi": ("Zapi", "zapiIntegration", {"instanceId": "I1", "instanceToken": "T1"}),
    "evolution": ("EvolutionApi", "evolutionIntegration", {"instanceName": "hub", "apiKey": "ev-key"}),
    "kapso": ("Kapso", "kapsoIntegration", {"apiKey": "k", "phoneNumberId": "100", "webhookSecretKey": "hook-secret"}),
}
WHO = "select s.person_id from sessions s join messages m on m.session_id = s.id where m.content::text like $1 limit 1"


@dataclass
class Town:
    """A business whose hub has answered people; its servers run on, its processes are stopped."""

    settings: Settings
    account: UUID = field(default_factory=uuid4)
    said: list[str] = field(default_factory=list)

    def say(self, words: str) -> None:
        self.said.append(words)

    def into(self, home: Path, **more: Any) -> Settings:
        """Settings of another home."""
        none = dict.fromkeys(("database_url", "redis_url", "sealing_key"), SecretStr(""))
        return self.settings.changed(**{"home": home, **none, **more})


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    folder = Path(tempfile.mkdtemp(prefix="bk-", dir="/tmp"))
    os.chmod(folder, 0o755)
    home = folder / "home"
    servers: list[Server] = []
    try:
        servers += [start_postgres(migrated(home), fsync="off"), start_valkey(home)]
        settings = with_key(Settings(home=home, outbound_allow="127.0.0.0/8", backup_passphrase=SecretStr("")))
        one = Town(settings)
        running = settings.changed(
            database_url=SecretStr(wall.as_app(servers[0].url)), redis_url=SecretStr(servers[1].url)
        )
        asyncio.run(_peopled(one, running))
        write_bootstrap(home, {"accountId": str(one.account), "apiKey": "first-key-canary", "baseUrl": "http://x"})
        (home / "workspaces" / "a").mkdir(parents=True)
        (home / "workspaces" / "a" / "note.txt").write_text("kept")
        os.symlink("/etc/passwd", home / "workspaces" / "a" / "link")
        (home / "spool").mkdir()
        (home / "spool" / "1.calls").write_bytes(b"a call")
        # Running: whoever backs up reaches its server, and starts none.
        one.settings = running.changed(database_url=SecretStr(servers[0].url))
        yield one
    finally:
        for server in reversed(servers):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _peopled(one: Town, settings: Settings) -> None:
    """Three people write on Telegram and one on each other network, and are answered; one leaves a memory too."""
    port, twins = free_port(), free_port()
    base = f"http://127.0.0.1:{twins}"
    changed = settings.changed(
        public_url=f"http://127.0.0.1:{port}", telegram_api_url=f"{base}/telegram", zapi_api_url=f"{base}/zapi",
        kapso_api_url=f"{base}/kapso",
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_listening(build(Options(speed=0.01)), twins))
        hub = await stack.enter_async_context(open_hub(changed))
        intake = Intake(hub.db, hub.queue)
        stack.push_async_callback(intake.close)
        await stack.enter_async_context(_listening(build_app(hub, intake), port))
        runner = Runner(hub)
        tasks = [asyncio.create_task(t) for t in background(hub, runner)]
        stack.push_async_callback(end, tasks)
        account = await create_account(hub.db, "Aurora")
        one.account = account.id
        http = await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}"))
        await _furnished(http, await grant(hub.db, account.id, "test", None), base)
        control = await stack.enter_async_context(aiohttp.ClientSession(base))
        for person, text in ((700000001, "Good morning"), (700000002, f"I am the {WORD}"), (700000003, "And you?")):
            await control.post("/control/telegram/message", json={"person": str(person), "text": text})
        for network in NETWORKS:
            said = {"person": "5511999990000", "text": f"Good morning, {network}"}
            await control.post(f"/control/{network}/message", json=said)
        await _all_answered(hub, 6)


async def _furnished(http: aiohttp.ClientSession, key: str, twins: str) -> None:
    async def ask(method: str, path: str, sent: Json) -> Json:
        async with http.request(method, path, json=sent, headers={"Authorization": f"Bearer {key}"}) as got:
            found: Json = orjson.loads(await got.read() or b"{}")
            assert got.status in (200, 201), found
            return found

    parameters = {"baseAddress": "@integrated", "modelName": "@hub/extractive"}
    made = await ask("POST", "/api/v1/ai-gateways", {"name": "Shop", "parameters": parameters})
    sent = {
        "name": "Shop", "aiGatewayId": made["aiGatewayId"], "clientParameters": {"messageDebounceInterval": 0},
        "limitingParameters": {"messagesPerHour": 0, "maxMessages": 0},
    }
    client = (await ask("POST", "/api/v1/web-chat-client", sent))["id"]
    sent = {"integrationType": "Telegram", "integrations": {"telegramIntegration": {"botToken": TOKEN}}}
    await ask("PUT", f"/api/v1/web-chat-client/{client}/integrations", sent)
    for kind, field_, given in NETWORKS.values():
        given = given | ({"endpointUrl": f"{twins}/evolution"} if "instanceName" in given else {})
        sent = {"integrationType": kind, "integrations": {field_: given}}
        await ask("PUT", f"/api/v1/web-chat-client/{client}/integrations", sent)
    await ask("POST", "/api/v1/memories", {"externalUserId": "bird@example.com", "content": f"Feeds the {WORD}"})


ANSWERED = """
    select count(distinct i.session_id) from inbox i join outbox o on o.session_id = i.session_id
    where i.state = 'answered' and o.state = 'sent'
"""


async def _all_answered(hub: Hub, count: int) -> None:
    for _ in range(600):
        if await hub.db.value(ANSWERED) >= count:
            return
        await asyncio.sleep(0.05)
    raise AssertionError([dict(r) for r in await hub.db.fetch("select state, error from outbox")])


@asynccontextmanager
async def _listening(app: web.Application, port: int) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bk-", dir="/tmp"))
    os.chmod(folder, 0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def with_hub(settings: Settings, work: "Callable[[Hub], Any]") -> Any:
    async def run() -> Any:
        async with open_hub(settings) as hub:
            return await work(hub)

    return asyncio.run(run())


async def everything(dsn: str) -> str:
    """All that a database holds, as text."""
    async with owning(dsn) as db:
        tables = [r["name"] for r in await db.fetch(snapshots.TABLES)]
        found = [str([tuple(r.values()) for r in await db.fetch(f'select * from "{t}"')]) for t in tables]
    return "\n".join(found)


def in_order(target: Settings, say: Callable[[str], None]) -> None:
    """The audit log is whole, the wall is up; doctor misses nothing but a running hub and the networks."""
    inside = target.changed(database_url=SecretStr(wall.as_app(target.database_url.get_secret_value())))
    assert asyncio.run(audit_command.verify(inside, say))
    told: list[str] = []
    asyncio.run(_report(inside, told.append))
    assert any("the database keeps them apart" in line for line in told), told
    away = ("No worker", "telegram", *NETWORKS)
    assert [t for t in told if t.startswith("BAD") and not any(a in t for a in away)] == []


def test_what_was_backed_up_comes_back_without_who_was_erased_since(town: Town, place: Path) -> None:
    """Sealed for a key, while the hub's server runs; the ledger beside the backups is heeded."""
    secret, public = new_identity()
    sealed = town.settings.changed(backup_recipient=public, backups=str(place / "backups"))
    file = backup(sealed, None, town.say)
    assert file is not None and file.stat().st_mode & 0o777 == 0o600 and file.name.endswith(".tar.age")
    raw = file.read_bytes()
    assert WORD.encode() not in raw and b"first-key-canary" not in raw

    async def forget(hub: Hub) -> None:
        person = await hub.db.value(WHO, f"%{WORD}%")
        await erasure.erase(hub, town.account, audit.HUB, await erasure.by_id(hub, town.account, person))
        found = await erasure.by_name(hub, town.account, user="bird@example.com")
        await erasure.erase(hub, town.account, audit.HUB, found)

    app = sealed.changed(database_url=SecretStr(wall.as_app(sealed.database_url.get_secret_value())))
    with_hub(app, forget)
    noted = (place / "backups" / ledger.FILE).read_text()
    assert len(noted.splitlines()) == 2
    assert not any(word in noted for word in (WORD, "700000002", "bird", "example.com")), "ids and hashes alone"
    assert WORD not in asyncio.run(everything(sealed.database_url.get_secret_value()))

    seen: list[tuple[str, Json]] = []
    other = town.into(place / "other", backup_identity=SecretStr(secret), backups=str(place / "backups"))

    def look(target: Settings, manifest: Json) -> None:
        seen.append((asyncio.run(everything(target.database_url.get_secret_value())), manifest))
        in_order(target, town.say)

    restore(other, file, replace=False, erasures=None, say=town.say, then=look)
    [(text, manifest)] = seen
    assert "Good morning" in text and WORD not in text and "700000002" not in text and "bird@example" not in text
    assert any("2 were in the backup and are erased again" in line for line in town.said)
    assert manifest["rows"]["inbox"] == 6 and manifest["schema"] == SCHEMA
    home = place / "other"
    assert (home / "workspaces/a/note.txt").read_text() == "kept" and (home / "spool/1.calls").read_bytes() == b"a call"
    assert os.readlink(home / "workspaces/a/link") == "/etc/passwd"
    assert (home / "sealing.key").read_text().strip() == town.settings.sealing_key.get_secret_value()
    assert b"first-key-canary" in (home / "bootstrap.json").read_bytes()
    with pytest.raises(Setup, match="not empty"):
        restore(other, file, replace=False, erasures=None, say=town.say)
    demand_whole(home)


def test_a_rehearsal_says_go_or_no(town: Town, place: Path) -> None:
    """The newest backup answers again what was asked last, and reaches nobody; what is wrong with it is said."""
    settings = town.settings.changed(backups=str(place / "backups"))
    file = backup(settings, None, town.say)
    assert file is not None
    assert rehearse(settings, None, 10, town.say), town.said
    # Of every network there is: each message arrived, was answered, and the answer reached the phone.
    app = settings.changed(database_url=SecretStr(wall.as_app(settings.database_url.get_secret_value())))
    asked = with_hub(app, lambda hub: replays.recent(hub.db, 10, list(NAMED)))
    assert {one.channel for one in asked} == {"telegram", *NETWORKS}
    assert town.said[-1].startswith(f"go: {file.name}") and f"{len(asked)} replayed" in town.said[-1], town.said[-1]
    assert sorted(p.name for p in (place / "backups").iterdir()) == [file.name], "nothing stays behind"
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file.write_bytes(damaged)
    assert not rehearse(settings, file, 5, town.say)
    assert town.said[-1].startswith("no: ") and "damaged" in town.said[-1]

    async def noted(hub: Hub) -> Any:
        return await drills.latest(hub.db)

    found = with_hub(app, noted)
    assert found["backup"].ok and not found["rehearsal"].ok and "damaged" in found["rehearsal"].words


def test_the_scheduler_does_it_every_night_and_once(
    town: Town, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup and its rehearsal, as commands beside it; another scheduler does not do it too; what fails is told."""
    kept = place / "nights"
    settings = town.settings.changed(backups=str(kept), backup_at="00:00")
    monkeypatch.setenv("HUB_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("HUB_REDIS_URL", settings.redis_url.get_secret_value())
    monkeypatch.setenv("HUB_SEALING_KEY", settings.sealing_key.get_secret_value())
    monkeypatch.setenv("HUB_BACKUPS", str(kept))
    app = settings.changed(database_url=SecretStr(wall.as_app(settings.database_url.get_secret_value())))

    async def night(hub: Hub) -> Any:
        await hub.db.run("delete from drills")
        await hub.db.run("delete from leader where name = 'nightly'")
        other = dataclasses.replace(hub, leases=type(hub.leases)())
        await asyncio.gather(nightly.run(hub), nightly.run(other))
        await nightly.run(hub)  # later in the same night
        rows = await hub.db.fetch("select kind, ok, words from drills order by id")
        # The next night the folder cannot be written.
        await hub.db.run("delete from drills")
        await hub.db.run("delete from leader where name = 'nightly'")
        monkeypatch.setenv("HUB_BACKUPS", "/proc/none")
        await nightly.run(hub)
        return [tuple(r) for r in rows], await drills.latest(hub.db)

    rows, failed = with_hub(app, night)
    assert [(kind, ok) for kind, ok, _ in rows] == [("backup", True), ("rehearsal", True)], rows
    assert "replayed" in rows[1][2] and len(listed(kept)) == 1
    assert not failed["backup"].ok and not failed["rehearsal"].ok
    assert failed["rehearsal"].words == "no: there was no new backup to rehearse"


def plain(town: Town, place: Path) -> Path:
    file = place / "one.tar"
    backup(town.settings, str(file), town.say)
    return file


def test_an_open_backup_holds_no_secret_and_needs_its_key(town: Town, place: Path) -> None:
    file = plain(town, place)
    assert any("not sealed" in line for line in town.said)
    raw = file.read_bytes()
    assert b"first-key-canary" not in raw and town.settings.sealing_key.get_secret_value().encode() not in raw
    with pytest.raises(Setup, match="made without its sealing key"):
        restore(town.into(place / "a"), file, replace=False, erasures=None, say=town.say)
    other = SecretStr("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    with pytest.raises(Setup, match="not the one of the backup"):
        restore(town.into(place / "a", sealing_key=other), file, replace=False, erasures=None, say=town.say)
    assert not (place / "a" / "postgres").exists(), "refused before anything was begun"


def rewritten(file: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """The same archive with other members."""
    out = io.BytesIO()
    with tarfile.open(file) as old, tarfile.open(fileobj=out, mode="w") as new:
        for info in old:
            held = old.extractfile(info) if info.isfile() else None
            data = change(info.name, held.read() if held else b"")
            if data is not None:
                info.size = len(data) if info.isfile() else 0
                new.addfile(info, io.BytesIO(data))
    other = file.with_name("other.tar")
    other.write_bytes(out.getvalue())
    return other


def manifest_with(**values: Any) -> Callable[[str, bytes], bytes]:
    def change(name: str, data: bytes) -> bytes:
        return orjson.dumps(orjson.loads(data) | values) if name == archive.MANIFEST else data

    return change


NOTE = "home/workspaces/a/note.txt"
CASES: dict[str, tuple[Callable[[str, bytes], bytes | None], str]] = {
    "newer": (manifest_with(schema=SCHEMA + 1), "of a newer hub"),
    "newer format": (manifest_with(format=2), "newer hub"),
    "no manifest": (lambda n, d: None if n == archive.MANIFEST else d, "cut off"),
    "no piece": (lambda n, d: None if n.startswith(archive.DATABASE) else d, "damaged"),
    "another file": (lambda n, d: b"x" * len(d) if n.endswith("note.txt") else d, f"checksum of {NOTE}"),
    "a file less": (lambda n, d: None if n.endswith("note.txt") else d, f"checksum of {NOTE}"),
}


def test_what_is_not_whole_or_too_new_is_refused(town: Town, place: Path) -> None:
    file = plain(town, place)
    target = town.into(place / "a", sealing_key=town.settings.sealing_key)
    for name, (change, words) in CASES.items():
        with pytest.raises(Setup, match=words):
            restore(target, rewritten(file, change), replace=False, erasures=None, say=town.say)
        assert not (place / "a" / "postgres").exists(), name
    for cut in (0, 100, 5000, file.stat().st_size - 12_000):
        short = place / "short.tar"
        short.write_bytes(file.read_bytes()[:cut])
        with pytest.raises(Setup):
            restore(target, short, replace=False, erasures=None, say=town.say)
    with pytest.raises(Setup, match="There is no file"):
        restore(target, place / "none", replace=False, erasures=None, say=town.say)


@pytest.mark.parametrize("name", ["/etc/x", "home/../../x", "home/a/../../../x"])
def test_names_outside_are_refused(town: Town, place: Path, name: str) -> None:
    evil = place / "evil.tar"
    with tarfile.open(evil, "w") as out:
        info = tarfile.TarInfo(name)
        info.size = 1
        out.addfile(info, io.BytesIO(b"x"))
    with pytest.raises(Setup, match="may not hold"):
        restore(town.into(place / "a"), evil, replace=False, erasures=None, say=town.say)


def test_an_older_backup_is_brought_up_to_date_in_a_database_of_ones_own(
    town: Town, place: Path, servers: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over PostgreSQL servers of one's own: from an older schema into an empty database, then in the place of that."""
    names = [f"o{uuid4().hex}", f"o{uuid4().hex}"]
    asyncio.run(run_all(servers[0].url, [f"create database {n}" for n in names]))
    try:
        (place / "older").mkdir()
        for old in sorted(FOLDER.glob("[0-9]*.sql")):
            if old.name < "0046":
                shutil.copy(old, place / "older")
        with monkeypatch.context() as patched:
            patched.setattr("hub.store.migrate.FOLDER", place / "older")
            asyncio.run(migrate(at(servers[0].url, names[0])))
        own = town.settings.changed(
            home=place / "h", database_url=SecretStr(at(servers[0].url, names[0])), redis_url=SecretStr(servers[1].url)
        )
        file = place / "old.tar"
        backup(own, str(file), town.say)
        target = own.changed(database_url=SecretStr(at(servers[0].url, names[1])))
        restore(target, file, replace=False, erasures=None, say=town.say)
        assert any("applied 0046" in line for line in town.said[-2:])
        asyncio.run(run_all(at(servers[0].url, names[1]), ["insert into leader values ('x', 1, 'y', now())"]))
        with pytest.raises(Setup, match="not empty"):
            restore(target, file, replace=False, erasures=None, say=town.say)
        # What fails leaves everything as it was; what holds takes its place.
        with pytest.raises(Setup, match="did not take the backup, and is as it was"):
            with monkeypatch.context() as patched:
                patched.setattr(snapshots, "REPLACES", (*snapshots.REPLACES, "select 1/0"))
                restore(target, file, replace=True, erasures=None, say=town.say)
        assert asyncio.run(snapshots.counts(at(servers[0].url, names[1])))["leader"] == 1
        with pytest.raises(Setup, match="was cut off"):
            demand_whole(target.home)
        restore(target, file, replace=True, erasures=None, say=town.say)
        assert asyncio.run(snapshots.counts(at(servers[0].url, names[1])))["leader"] == 0
        demand_whole(target.home)
    finally:
        asyncio.run(run_all(servers[0].url, [f"drop database {n} with (force)" for n in names]))


async def run_all(dsn: str, statements: list[str]) -> None:
    con: Any = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await con.execute(statement)
    finally:
        await con.close()


def test_nothing_is_half_written(town: Town, place: Path) -> None:
    """A backup that is killed leaves no file of the final name; to standard output only the backup goes."""
    home = town.settings.home
    own = {n: getattr(town.settings, n).get_secret_value() for n in ("database_url", "redis_url")}
    more = {"HUB_DATABASE_URL": own["database_url"], "HUB_REDIS_URL": own["redis_url"], "HUB_BACKUPS": str(place / "b")}
    more["HUB_SEALING_KEY"] = town.settings.sealing_key.get_secret_value()
    command = [*HUB, "backup", "--home", str(home)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env(**more))
    until(lambda: list((place / "b").glob("*.part")) or process.poll() is not None)
    process.kill()
    process.communicate()
    assert process.returncode != 0 and listed(place / "b") == []
    done = subprocess.run([*command, "-"], capture_output=True, env=env(**more), check=True)
    assert b"not sealed" in done.stderr
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        assert archive.MANIFEST in tar.getnames()


def test_a_disk_that_fills_meanwhile_costs_no_older_backup_and_leaves_no_half_one(town: Town, place: Path) -> None:
    """Files may grow to so much, as on a full disk; to standard output it is the disk itself."""
    own = {n: getattr(town.settings, n).get_secret_value() for n in ("database_url", "redis_url")}
    more = {"HUB_DATABASE_URL": own["database_url"], "HUB_REDIS_URL": own["redis_url"], "HUB_BACKUPS": str(place / "b")}
    more |= {"HUB_SEALING_KEY": town.settings.sealing_key.get_secret_value(), "HUB_BACKUPS_KEEP": "1"}
    (place / "b").mkdir()
    older = place / "b" / "hub-20260101T000000Z.tar"
    older.write_bytes(b"the only one there is")
    assert listed(place / "b") == [older]
    command = [*HUB, "backup", "--home", str(town.settings.home)]
    failed = subprocess.run(
        command, capture_output=True, env=env(**more), check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    words = failed.stderr.decode()
    assert failed.returncode == 1 and "cannot be written" in words and "Traceback" not in words, words
    assert list((place / "b").iterdir()) == [older]
    with open("/dev/full", "wb") as full:
        failed = subprocess.run([*command, "-"], stdout=full, stderr=subprocess.PIPE, env=env(**more), check=False)
    words = failed.stderr.decode()
    assert failed.returncode == 1 and "Traceback" not in words and "No space left" in words, words


def test_a_server_newer_than_the_tools_is_said() -> None:
    found = database.Tools(Path("x"), "18.6")
    found.suits(150_002)
    found.suits(180_009)
    with pytest.raises(Setup, match="PostgreSQL 19, newer than the pg_dump 18.6"):
        found.suits(190_000)


def test_a_password_is_not_seen_by_others() -> None:
    url = "postgresql://u%40x:p%2Fw@db.example:5433/hub?sslmode=require"
    assert database._without_password(url) == "postgresql://u%40x@db.example:5433/hub?sslmode=require"
    assert database._given(url)["env"]["PGPASSWORD"] == "p/w"


def test_only_the_newest_stay(town: Town, place: Path) -> None:
    folder = place / "b"
    folder.mkdir()
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for n in range(4):
        (folder / f"hub-{began + timedelta(days=n):%Y%m%dT%H%M%SZ}.tar").write_bytes(b"")
    (folder / "hub-mine.txt").write_bytes(b"")
    backup(town.settings.changed(backups=str(folder), backups_keep=2), None, town.say)
    assert [p.name[:12] for p in listed(folder)][0] == "hub-20260104" and len(listed(folder)) == 2
    assert (folder / "hub-mine.txt").exists()


