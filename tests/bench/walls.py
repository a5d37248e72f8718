"""What row level security costs: the same questions without the wall and behind it."""

import random
import statistics
import time
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

from hub.store import scope
from hub.store.db import Db, open_db
from tests.bench.place import Place
from tests.bench.report import Pace, say, title
from tests.conftest import owning

ACCOUNTS, ASKED = 200, 300
FILL = (
    "insert into accounts (id, name, salt) select gen_random_uuid(), 'walled', '' from generate_series(1, 200)",
    "insert into clients (id, account_id, name) select gen_random_uuid(), id, 'c' from accounts where name = 'walled'",
    "insert into sessions (id, account_id, client_id, kind) select gen_random_uuid(), c.account_id, c.id, 'web'"
    " from clients c join accounts a on a.id = c.account_id and a.name = 'walled' cross join generate_series(1, 10)",
    "insert into messages (id, account_id, session_id, role, source, content)"
    " select gen_random_uuid(), s.account_id, s.id, 'user', 'user', '{\"text\": \"When do you open?\"}'"
    " from sessions s join accounts a on a.id = s.account_id and a.name = 'walled' cross join generate_series(1, 50)",
    "analyze accounts, clients, sessions, messages",
)
DROP = "delete from accounts where name = 'walled'"
SESSIONS = """
    select account_id, min(id::text)::uuid as session from sessions where account_id in (
        select id from accounts where name = 'walled') group by account_id
"""
QUESTIONS = {
    "one session": "select * from sessions where account_id = $1 and id = $2",
    "its newest 50 messages":
        "select * from messages where account_id = $1 and session_id = $2 order by position desc limit 50",
    "its title changed": "update sessions set title = 'x' where account_id = $1 and id = $2",
}


async def measure(place: Place, pace: Pace) -> None:
    title("10. The database's wall: the same questions without it (1.00) and behind it")
    dsn = place.settings.database_url.get_secret_value()
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(owning(dsn))
        db = await stack.enter_async_context(open_db(dsn, size=2))
        for sql in FILL:
            await owner.run(sql)
        known = [(r["account_id"], r["session"]) for r in await owner.fetch(SESSIONS)]
        try:
            for name, sql in QUESTIONS.items():
                await _compared(name, sql, owner, db, known, pace)
        finally:
            await owner.run(DROP)


async def _compared(name: str, sql: str, owner: Db, db: Db, known: list[tuple[UUID, UUID]], pace: Pace) -> None:
    """Contestants take turns; each asks for the same rows."""
    one = known[:1] * ASKED
    many = [random.choice(known) for _ in range(ASKED)]
    ways: dict[str, tuple[Db, bool, list[tuple[UUID, UUID]]]] = {
        "without": (owner, False, one), "the hub itself": (db, False, one), "one account": (db, True, one),
        "an account after another": (db, True, many),
    }
    took: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(pace.runs * 5 + 1):
        for way, (asked, as_account, rows) in ways.items():
            took[way].append(await _took(asked, as_account, sql, rows))
    base = statistics.median(took["without"][1:])
    ratios = ", ".join(f"{way} {statistics.median(t[1:]) / base:.2f}" for way, t in took.items() if way != "without")
    say(name, f"{base / ASKED * 1e6:.0f} us without; {ratios}")


async def _took(db: Db, as_account: bool, sql: str, rows: list[tuple[UUID, UUID]]) -> float:
    begun = time.perf_counter()
    for account, session in rows:
        if as_account:
            with scope.request(itself=False):
                scope.enter(account)
                await _ask(db, sql, account, session)
        else:
            await _ask(db, sql, account, session)
    return time.perf_counter() - begun


async def _ask(db: Db, sql: str, account: UUID, session: UUID) -> Any:
    return await (db.run if sql.startswith("update") else db.fetch)(sql, account, session)
