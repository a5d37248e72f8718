"""Real processes die at every named point of the pipeline (C1 to C15); whoever comes next finishes the work.

G1 and G2 are around the commit of what turns say, G3 and G4 around that of what was sent, G5 and G6 around that of
placeholders, which others may share.

C7, a tool with an effect, is in test_tool_crashes.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from hub.chat.inbound.webhooks import Verdict
from hub.chat.outbound import deliveries
from hub.config import Settings
from hub.processes.embedded import Server, start_postgres, start_valkey
from hub.store import arrivals, strays
from hub.store.arrivals import Kept
from tests.clusters import migrated
from tests.fakes.model import says
from tests.flows.processes import Child, Dies
from tests.flows.rig import Rig, echo, rig
from tests.flows.test_answers import BODIES, say
from tests.flows.world import SECRET

# A worker of the customer's that does not let a message through: whoever wrote hears nothing.
STOPPED = "update gateways set parameters = parameters || $1"
# Another process folds the calls that wait in the journal, and does not end.
HELD = """
    insert into arrival_folders (integration_id, account_id, owner, epoch, until)
    values ($1, $2, 'other', 0, now() + interval '1 hour')
"""
MODES = ["placeholder_edit", "reconcile", "at_least_once", "at_most_once"]


@pytest.fixture
def quick(settings: Settings) -> Settings:
    return settings.changed(lease_seconds=1, wire_seconds=1, reconcile_seconds=1)


@pytest.fixture
async def r(quick: Settings) -> AsyncIterator[Rig]:
    async with rig(quick) as one:
        yield one


async def post(child: Child, r: Rig, channel: str, body: Any) -> int:
    """A webhook call to a web process; 0 when it died."""
    headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
    url = f"http://127.0.0.1:{child.port}/api/v1/webhooks/{channel}/{r.w.client}/{SECRET}"
    try:
        async with aiohttp.ClientSession() as http, http.post(url, data=orjson.dumps(body), headers=headers) as answer:
            return answer.status
    except aiohttp.ClientError:
        return 0


@pytest.mark.parametrize(("point", "stored"), [("C1", 0), ("C2", 1)])
async def test_c1_c2_the_receiver_dies_before_it_has_answered(r: Rig, point: str, stored: int) -> None:
    body = BODIES["telegram"]("hello #a1-1")
    dying = r.start("web", reached=Dies(point, r.settings.home / point))
    await dying.serving()
    assert await post(dying, r, "telegram", body) == 0
    assert await dying.ended() == 9
    assert await r.count("select count(*) from inbox") == stored
    r.start()
    healthy = r.start("web")
    await healthy.serving()
    assert await post(healthy, r, "telegram", body) == 200, "the network tries again"
    await r.w.settle()
    await r.one_answer()
    assert r.net.final() == ["You said #a1-1"]


@pytest.mark.parametrize(("point", "role"), [
    ("J1", "web"), ("J2", "web"), ("J3", "web"), ("J4", "web"), ("J3", "worker"), ("J4", "worker"),
])
async def test_j1_to_j4_a_process_dies_around_both_commits_of_the_journal(r: Rig, point: str, role: str) -> None:
    """Calls of a crowd: kept (J1, J2), then folded (J3, J4). Each is there once, in order, and answered."""
    integration = await r.count("select id from integrations where channel = 'telegram'")
    account, bodies = r.w.account, [BODIES["telegram"](f"hello #a1-{n}") for n in range(4)]
    # So many wait already that what comes now goes behind them, too.
    await arrivals.keep(r.db, [Kept(integration, {}, None, orjson.dumps(body)) for body in bodies[:2]])
    if point in ("J1", "J2"):
        await r.db.run(HELD, integration, account)
    else:
        await r.db.run("update arrivals set at = at - interval '1 minute'")
    dying = r.start(role, reached=Dies(point, r.settings.home / point))
    if point in ("J1", "J2"):
        await dying.serving()
        assert await post(dying, r, "telegram", bodies[2]) == 0
    assert await dying.ended() == 9
    kept = {"J1": 2, "J2": 3, "J3": 2, "J4": 0}[point]
    assert await r.count("select count(*) from arrivals") == kept
    assert await r.count("select count(*) from inbox") == (2 if point == "J4" else 0)
    await r.db.run("update arrival_folders set until = now()")
    r.start()
    healthy = r.start("web")
    await healthy.serving()
    for body in bodies[2:]:
        assert await post(healthy, r, "telegram", body) == 200, "the network tries again"
    await r.w.settle()
    stored = await r.db.fetch("select body->>'text' as text from inbox order by seq")
    assert [s["text"] for s in stored] == [f"hello #a1-{n}" for n in range(4)]
    assert await r.count("select count(*) from inbox where state <> 'answered'") == 0
    told = " ".join(r.net.final())
    assert [told.count(f"#a1-{n}") for n in range(4)] == [1, 1, 1, 1]


@pytest.mark.parametrize("point", ["J5", "J6"])
async def test_j5_j6_a_process_dies_over_what_it_has_acknowledged_and_folds_itself(r: Rig, point: str) -> None:
    """Calls that came alone: each that was told 200 is there once, in order, and answered."""
    dying = r.start("web", reached=Dies(point, r.settings.home / point))
    await dying.serving()
    told: list[str] = []
    async with asyncio.timeout(60):
        while (text := f"hello #a1-{len(told)}") and await post(dying, r, "telegram", BODIES["telegram"](text)) == 200:
            told.append(text)
    assert await dying.ended() == 9
    assert await r.count("select count(*) from arrivals") >= (point == "J5")
    r.start()
    await r.start("web").serving()
    async with asyncio.timeout(60):
        while await r.count("select count(*) from arrivals"):
            await asyncio.sleep(0.02)
    await r.w.settle()
    stored = [s["text"] for s in await r.db.fetch("select body->>'text' as text from inbox order by seq")]
    assert stored[: len(told)] == told, "the last one may be there though nobody heard of it"
    assert len(stored) <= len(told) + 1
    assert await r.count("select count(*) from inbox where state <> 'answered'") == 0


async def test_c3_the_receiver_dies_before_the_bell(r: Rig) -> None:
    dying = r.start("web", redis_url="redis://127.0.0.1:1/0")
    await dying.serving()
    assert await post(dying, r, "telegram", BODIES["telegram"]("hello #a1-1")) == 200
    dying.kill()
    r.start()
    await r.w.settle()
    await r.one_answer()
    assert r.net.final() == ["You said #a1-1"]


async def test_c4_everything_dies_while_more_words_are_waited_for(r: Rig) -> None:
    await r.w.parameters(messageDebounceInterval="00:00:02")
    dying = r.start()
    await say(r.w, "zapi", "one #a1-1")
    await say(r.w, "zapi", "two #a1-2")
    due = await r.count("select due_at from sessions")
    await asyncio.sleep(0.5)
    dying.kill()
    await r.w.hub.redis.flushdb()
    assert await r.count("select due_at from sessions") == due, "it is not waited once more"
    r.start()
    await r.w.settle()
    assert await r.count("select created_at from turns") >= due, "on time"
    await r.one_answer()
    assert r.net.final() == ["You said #a1-1 #a1-2"]


@pytest.mark.parametrize("channel", ["telegram", "zapi"])
@pytest.mark.parametrize("point", ["C5", "C6", "C8", "G1"])
async def test_c5_c6_c8_the_worker_dies_before_the_answer_is_committed(r: Rig, point: str, channel: str) -> None:
    await say(r.w, channel, "hello #a1-1")
    await r.dies_at(point)
    assert await r.count("select count(*) from turns") == 0
    assert r.net.final() == []
    r.start()  # the lease of one second runs out by itself
    await r.w.settle()
    await r.one_answer()
    assert r.net.final() == ["You said #a1-1"]
    assert await r.count("select crash_count from sessions") == 0, "an answer forgives the crash"


@pytest.mark.parametrize(("point", "kept"), [("G5", False), ("G6", True)])
async def test_the_worker_dies_around_the_commit_of_its_placeholder(quick: Settings, point: str, kept: bool) -> None:
    async with rig(quick, mode={"telegram": "placeholder_edit"}) as r:
        await say(r.w, "telegram", "hello #a1-1")
        await r.dies_at(point)
        assert [s.text for s in r.net.shown] == ["…"]
        assert (await r.count("select placeholder from sessions") is not None) == kept
        await r.hurry()
        r.start()
        await r.w.settle()
        await r.one_answer()
        assert r.net.final().count("You said #a1-1") == 1
        if kept:
            assert r.net.final() == ["You said #a1-1"], "it is filled in by who comes next"


async def test_the_worker_dies_between_a_turn_that_says_nothing_and_its_placeholder(r: Rig) -> None:
    await r.db.run(STOPPED, {"workerScriptSource": "http://127.0.0.1:9/worker"})
    await say(r.w, "telegram", "hello")
    await r.dies_at("SILENT")
    assert [s.text for s in r.net.shown] == ["…"], "it stands, and nothing will fill it in"
    assert await r.count("select count(*) from outbox") == 0 and await r.count("select count(*) from turns") == 1
    await r.hurry()
    await r.db.run("update left_placeholders set at = at - interval '1 hour'")
    r.start()
    await r.w.until(lambda: r.net.shown == [])
    await r.w.until(lambda: r.count("select count(*) = 0 from left_placeholders"))
    # And what was noted before the turn was stored, of one that is made again, is not taken from under it.
    await r.db.run(STOPPED, {"workerScriptSource": None})
    r.model.default = says("Hello")
    await say(r.w, "telegram", "hello again")
    await r.w.until(lambda: r.net.final() == ["Hello"])
    session = await r.count("select id from sessions")
    [shown] = r.net.shown
    await strays.leave(r.db, session, shown.id)
    await r.db.run("update left_placeholders set at = at - interval '1 hour'")
    await r.w.until(lambda: r.count("select count(*) = 0 from left_placeholders"))
    assert r.net.final() == ["Hello"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("point", "delivered"), [("G2", 0), ("C9", 0), ("C10", 1), ("C11", 1), ("G3", 1)])
async def test_c9_c10_c11_the_worker_dies_around_the_wire(
    quick: Settings, point: str, delivered: int, mode: str
) -> None:
    channel = "telegram" if mode == "placeholder_edit" else "zapi"
    async with rig(quick, mode={channel: mode}) as r:
        await say(r.w, channel, "hello #a1-1")
        await r.dies_at(point)
        assert len(r.net.final()) == delivered
        assert await r.count("select state from outbox") == "sending"
        await r.hurry()
        r.start()
        if mode == "at_most_once":
            await _stays_unknown(r, delivered)
            return
        if mode == "reconcile":
            # Z-API cannot be asked: people decide, and nothing is there twice.
            await _stays_unknown(r, delivered, "unconfirmed")
            return
        # A delivered part that is sent again is a duplicate: the price this mode names.
        expected = 1 + delivered if mode == "at_least_once" else 1
        await r.w.until(lambda: len(r.net.final()) == expected)
        await r.w.settle()
        assert r.net.final() == ["You said #a1-1"] * expected
        await r.one_answer()
        row = await r.db.row("select state, attempt, resolution from outbox")
        assert tuple(row) == ("sent", 2, None)


@pytest.mark.parametrize("channel", ["evolution", "kapso"])
@pytest.mark.parametrize(("point", "delivered"), [("C9", 0), ("C11", 1)])
async def test_c9_c11_the_network_is_asked_before_anything_is_sent_again(
    r: Rig, point: str, delivered: int, channel: str
) -> None:
    await say(r.w, channel, "hello #a1-1")
    await r.dies_at(point)
    assert len(r.net.final()) == delivered
    await r.hurry()
    r.start()
    await r.w.until(lambda: _is(r, "select state = 'sent' from outbox"))
    await r.w.settle()
    await r.one_answer()
    assert r.net.final() == ["You said #a1-1"]
    row = await r.db.row("select attempt, resolution, network_id from outbox")
    assert tuple(row) == (2 - delivered, "asked" if delivered else "resent", r.net.shown[-1].id)


async def _stays_unknown(r: Rig, delivered: int, code: str = "sender_lost") -> None:
    await r.w.until(lambda: _is(r, "select state = 'unknown' and closed_at is not null from outbox"))
    if code == "sender_lost":
        await asyncio.sleep(1.5)
    assert len(r.net.final()) == delivered, "never sent again"
    [seen] = (await deliveries.page(r.w.hub, r.w.account, ["unknown"], None, None, 10))["deliveries"]
    assert (seen["state"], seen["code"], seen["attempt"]) == ("unknown", code, 1)
    assert seen["error"].startswith("The sender stopped before the network had answered.")
    await say(r.w, "zapi", "again #a1-2")
    await r.w.until(lambda: "You said #a1-2" in r.net.final())


async def _is(r: Rig, what: str) -> bool:
    return bool(await r.count(what))


@pytest.mark.parametrize("point", ["C10", "C11"])
async def test_c10_c11_an_echo_settles_what_the_dead_worker_sent(r: Rig, point: str) -> None:
    await say(r.w, "zapi", "hello #a1-1")
    await r.dies_at(point)
    [shown] = r.net.shown
    body = BODIES["zapi"](shown.text) | {"messageId": shown.id, "fromMe": True, "fromApi": True}
    assert await say(r.w, "zapi", "", body) == Verdict.STORED
    await r.hurry()
    r.start()
    await r.w.settle()
    await asyncio.sleep(1.5)
    assert r.net.final() == ["You said #a1-1"], "never sent again"
    row = await r.db.row("select state, network_id, attempt from outbox")
    assert tuple(row) == ("sent", shown.id, 1)


@pytest.mark.parametrize("point", ["C12", "G4"])
@pytest.mark.parametrize("channel", ["telegram", "zapi"])
async def test_c12_the_worker_dies_between_the_parts(r: Rig, channel: str, point: str) -> None:
    await r.w.parameters(splitAnswerIntoMessageChunks=True)
    # Whether the second part went out cannot be known: this customer would rather read it twice than not at all.
    await r.db.run("update integrations set when_unknown = 'again'")
    r.model.default = says("one\n\ntwo\n\nthree")
    await say(r.w, channel, "hello")
    await r.dies_at(point)
    assert r.net.final() == ["one"]
    await r.hurry()
    r.start()
    await r.w.until(lambda: len(r.net.final()) == 3)
    await r.w.settle()
    assert r.net.final() == ["one", "two", "three"]
    await r.one_answer()


@pytest.mark.parametrize("channel", ["telegram", "zapi"])
async def test_c13_a_worker_sleeps_longer_than_its_lease(r: Rig, channel: str) -> None:
    r.model.default = echo(1.0)
    slow = r.start()
    await say(r.w, channel, "hello #a1-1")
    await r.w.until(lambda: bool(r.model.calls))
    slow.signal(signal.SIGSTOP)
    r.start()
    await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
    slow.signal(signal.SIGCONT)
    await asyncio.sleep(1.5)
    assert slow.alive
    assert r.net.final() == ["You said #a1-1"], "the late answer was thrown away"
    assert await r.count("select epoch from turns") == 2
    await r.one_answer()


async def test_c13_a_worker_sleeps_while_its_placeholder_is_on_the_way(r: Rig) -> None:
    """Whoever takes a part over makes its own placeholder; the sleeper must not fill in the old one."""
    await say(r.w, "telegram", "hello #a1-1")
    await r.dies_at("C9")
    await r.db.run("update outbox set state = 'queued', placeholder = null")
    sleeper: list[Child] = []

    def stop(_: Any) -> None:
        if len(r.net.shown) == 2:
            sleeper[0].signal(signal.SIGSTOP)

    r.net.heard = stop
    sleeper.append(r.start())
    await r.w.until(lambda: len(r.net.shown) == 2)
    await r.hurry()
    r.start()
    await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
    sleeper[0].signal(signal.SIGCONT)
    await asyncio.sleep(1.0)
    assert r.net.final() == ["You said #a1-1"]


async def test_c13_a_sleepers_placeholder_is_not_filled_with_a_later_answer(quick: Settings) -> None:
    """It stands above what others have answered meanwhile: it goes, and the later answer comes below."""
    # However long it sleeps on a busy machine, the network's answer is still waited for when it wakes.
    async with rig(quick.changed(wire_seconds=60)) as r:
        slow = r.start()
        r.net.heard = lambda shown: slow.signal(signal.SIGSTOP)
        await say(r.w, "telegram", "hello #a1-1")
        await r.w.until(lambda: len(r.net.shown) == 1)
        r.net.heard = None
        await r.hurry()
        other = r.start()
        await r.w.until(lambda: r.net.final() == ["You said #a1-1"])
        await r.w.until(lambda: r.count("select count(*) = 0 from sessions where lease_until is not null"))
        # Killed before it has written down what the network said, it would leave the chat in doubt for two minutes.
        await r.w.until(lambda: r.count("select count(*) = 1 from outbox where state = 'sent'"))
        other.kill()
        await say(r.w, "telegram", "hello #a1-2")
        slow.signal(signal.SIGCONT)
        await r.w.until(lambda: len(r.net.final()) == 2)
        await r.w.until(lambda: [s.text for s in r.net.shown] == ["You said #a1-1", "You said #a1-2"])


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Path, list[Server]]]:
    """A folder and a list for servers that the test may kill."""
    folder = Path(tempfile.mkdtemp(prefix="hub-own-", dir="/tmp"))
    os.chmod(folder, 0o755)
    servers: list[Server] = []
    try:
        yield folder, servers
    finally:
        for server in servers:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def again(server: Server) -> Server:
    """The same server at the same address, after it was killed."""
    with server.log.open("ab") as out:
        args: Any = server.process.args
        process = subprocess.Popen(args, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    return Server(server.name, server.url, process, server.log, server.quit_signal)


@pytest.mark.parametrize("moment", ["before", "debounce", "model", "sending"])
async def test_c14_the_bell_is_emptied_or_killed(quick: Settings, own: tuple[Path, list[Server]], moment: str) -> None:
    folder, servers = own
    servers.append(start_valkey(folder))
    async with rig(quick.changed(redis_url=servers[0].url)) as r:
        r.model.default = echo(0.4)
        r.start()
        await asyncio.sleep(0.3)
        if moment == "debounce":
            await r.w.parameters(messageDebounceInterval="00:00:01")
        if moment == "before":
            _kill(servers)
        await say(r.w, "zapi", "hello #a1-1")
        if moment == "debounce":
            await r.w.hub.redis.flushall()
        elif moment == "model":
            await r.w.until(lambda: bool(r.model.calls))
            _kill(servers)
            servers.append(again(servers[0]))
        elif moment == "sending":
            r.net.heard = lambda _: _kill(servers)
        await r.w.settle()
        await r.one_answer()
        assert r.net.final() == ["You said #a1-1"]
        if moment != "model":
            _kill(servers)
            servers.append(again(servers[0]))
        await say(r.w, "zapi", "hello #a1-2")
        await r.w.settle()
        assert r.net.final() == ["You said #a1-1", "You said #a1-2"], "and on it goes"


def _kill(servers: list[Server]) -> None:
    servers[-1].process.kill()
    servers[-1].process.wait(5)


async def test_c15_the_database_crashes(quick: Settings, own: tuple[Path, list[Server]]) -> None:
    folder, servers = own
    servers.append(start_postgres(migrated(folder)))
    async with rig(quick.changed(database_url=servers[0].url)) as r:
        r.model.default = echo(0.6)
        worker, web = r.start(), r.start("web")
        await web.serving()
        assert await post(web, r, "telegram", BODIES["telegram"]("hello #a1-1")) == 200
        await r.w.until(lambda: bool(r.model.calls))
        servers[0].process.send_signal(signal.SIGQUIT)
        servers[0].process.wait(10)
        away = BODIES["telegram"]("hello #a1-2")
        assert await post(web, r, "telegram", away) == 503, "not accepted, so the network will bring it again"
        await asyncio.sleep(1)
        servers.append(start_postgres(folder))
        await r.w.until(lambda: _accepted(web, r, away))
        await r.w.settle()
        assert worker.alive and web.alive
        assert r.net.final() == ["You said #a1-1", "You said #a1-2"] or r.net.final() == ["You said #a1-1 #a1-2"]
        assert await r.count("select count(*) from inbox where state = 'answered'") == 2


async def _accepted(web: Child, r: Rig, body: Any) -> bool:
    return await post(web, r, "telegram", body) == 200
