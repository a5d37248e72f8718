"""What personal keys cost: the same messages stored and read open and sealed."""

import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID, uuid4

from hub.personal_keys import PersonalKeys
from hub.sealing import Sealer
from hub.store import messages
from hub.store.db import Db, open_db
from tests.bench.place import Place
from tests.bench.report import Pace, say, title

STORED, READ, PEOPLE = 100, 100, 200
WORDS = "When do you open on Saturdays, and is there a place for a bicycle near the door? " * 3
BEGIN = (
    "insert into accounts (id, name, salt) values ($1, 'sealed', '')",
    "insert into clients (id, account_id, name) values ($1, $1, 'c')",
)
SESSION = "insert into sessions (id, account_id, client_id, kind) values ($1, $2, $2, 'web')"


async def measure(place: Place, pace: Pace) -> None:
    title("15. Personal keys (HUB_PERSONAL_KEYS): messages open (1.00) and sealed")
    dsn = place.settings.database_url.get_secret_value()
    sealer = Sealer(place.settings.sealing_key.get_secret_value())
    account, session = uuid4(), uuid4()
    with tempfile.TemporaryDirectory() as folder:
        keys = PersonalKeys(Path(folder), sealer)
        async with AsyncExitStack() as stack:
            ways = {
                "open": await stack.enter_async_context(open_db(dsn, size=2)),
                "sealed": await stack.enter_async_context(open_db(dsn, size=2, keys=keys)),
            }
            try:
                for sql in BEGIN:
                    await ways["open"].run(sql, account)
                await ways["open"].run(SESSION, session, account)
                for name, work in (("a message stored", _stored), ("the newest 50 read", _read)):
                    await _compared(name, work, ways, account, session, pace)
                begun = time.perf_counter()
                for n in range(PEOPLE):
                    await keys.ready(account, [f"person:{n}"])
                each = (time.perf_counter() - begun) / PEOPLE
                say("a key for somebody new", f"{each * 1e3:.2f} ms, once for each person, conversation and name")
            finally:
                await ways["open"].run("delete from accounts where id = $1", account)


async def _compared(name: str, work: object, ways: dict[str, Db], account: UUID, session: UUID, pace: Pace) -> None:
    assert callable(work)
    took: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(pace.runs * 3 + 1):
        for way, db in ways.items():
            begun = time.perf_counter()
            count: int = await work(db, account, session)
            took[way].append((time.perf_counter() - begun) / count)
    base, sealed = (statistics.median(took[way][1:]) for way in ways)
    say(name, f"{base * 1e6:.0f} us open, {sealed * 1e6:.0f} us sealed: {sealed / base:.2f}")


async def _stored(db: Db, account: UUID, session: UUID) -> int:
    for _ in range(STORED):
        await messages.add(db, account, session, uuid4(), "user", "contact", {"text": WORDS})
    return STORED


async def _read(db: Db, account: UUID, session: UUID) -> int:
    for _ in range(READ):
        assert len(await messages.newest(db, account, session, 50)) == 50
    return READ
