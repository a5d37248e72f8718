"""What a message that arrives costs PostgreSQL, one by one and in groups. Processor, WAL and HOT scatter little."""

from typing import Any

from hub import ids
from hub.store.db import Db, open_db
from hub.store.inbox import INGEST
from tests.bench import machine
from tests.bench.place import Place
from tests.bench.report import Pace, say, title
from tests.store.rows import Bench

LOOP = "select n, outcome, session_id, seq, message_id, due_in from ingest($1)"
PEOPLE, AT_ONCE = 500, 25
SIZES = (1, 8, 64)
ITEMS = 1280
STRANGERS = 0
HOT = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'sessions'"


async def measure(place: Place, pace: Pace) -> None:
    title("14. Messages of 500 known people, and of strangers, stored by one connection")
    async with open_db(place.settings.database_url.get_secret_value(), size=1) as db:
        bench = await Bench(db).make()
        try:
            for at in range(0, PEOPLE, AT_ONCE):
                await db.fetch(LOOP, [_message(bench, n) for n in range(at, at + AT_ONCE)])
            for size in SIZES:
                for name, sql in (("one by one", LOOP), ("as the hub does", INGEST)):
                    await _measured(bench, f"{size} at once, {name}", sql, size, pace, PEOPLE)
            for name, sql in (("one by one", LOOP), ("as the hub does", INGEST)):
                await _measured(bench, f"{SIZES[-1]} strangers at once, {name}", sql, SIZES[-1], pace, STRANGERS)
            updated, hot = tuple(await db.row(HOT) or (1, 0))
            say("updates of conversations that stay in their page", f"{100 * hot / max(1, updated):.0f} %")
        finally:
            await db.run("delete from accounts where id = $1", bench.account)


def _message(bench: Bench, n: int, people: int = PEOPLE) -> dict[str, Any]:
    who = f"phone:{n % people}" if people else f"phone:{ids.uuid7()}"
    known = {"id": str(ids.uuid7()), "name": "Ana Souza", "chat": who, "said": [who]}
    text = "When do you open? " * 30
    return bench.item(text, ids=[who], chat=who, tag=who, who=known, per_hour=0, max_messages=0)


async def _measured(bench: Bench, name: str, sql: str, size: int, pace: Pace, people: int) -> None:
    db, count = bench.db, (max(40, ITEMS // size) if people else 10) * pace.runs
    none: tuple[Any, ...] = ([],) if sql is INGEST else ()  # of no integration anything waits in the journal
    groups = [[_message(bench, g * size + n, people) for n in range(size)] for g in range(count)]
    for at in range(10 if people else 4):
        await db.fetch(sql, [_message(bench, at * size + n, people) for n in range(size)], *none)
    begun, wal = await _state(db)
    for group in groups:
        await db.fetch(sql, group, *none)
    ended, after = await _state(db)
    items = count * size
    say(name, f"{1e6 * (ended - begun) / items:,.0f} µs CPU, {(after - wal) / items:,.0f} B of WAL each")


async def _state(db: Db) -> tuple[float, int]:
    """Seconds of CPU that the connection's backend has used, and how far the log is."""
    pid, wal = tuple(await db.row("select pg_backend_pid(), (pg_current_wal_insert_lsn() - '0/0')::bigint") or ())
    return machine.cpu(pid), wal
