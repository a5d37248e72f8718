"""Somebody new costs the same however many there are, whatever was known of the tables when plans were made."""

from typing import Any

from hub import ids
from hub.store import inbox
from hub.store.db import Db, open_db
from tests.store.rows import Bench

ROUNDS, GROUP = 12, 32
# PostgreSQL tells of a backend what it has told the others of.
TOLD = "select pg_stat_force_next_flush()"
READ = """
    select coalesce(sum(idx_tup_read), 0)::bigint from pg_stat_user_indexes
    where relname in ('people', 'contacts', 'contact_ids', 'identities', 'sessions', 'session_order')
"""


def stranger(bench: Bench) -> dict[str, Any]:
    who = f"user:{ids.uuid7()}"
    new = {"id": str(ids.uuid7()), "name": "Ana", "chat": who, "said": [who]}
    return bench.item(ids=[who], chat=who, tag=who, who=new)


async def test_the_hundredth_stranger_reads_as_many_rows_as_the_first(owner: Db, dsn: str) -> None:
    async with open_db(dsn, size=1) as db:
        bench = await Bench(db).make()
        spent: list[int] = []
        for _ in range(ROUNDS):
            await db.value(TOLD)
            before = await owner.value(READ)
            stored = await inbox.ingest(db, [stranger(bench) for _ in range(GROUP)])
            assert {one.outcome for one in stored} == {"accepted"}
            await db.value(TOLD)
            spent.append(await owner.value(READ) - before)
    assert spent[-1] <= spent[1] + GROUP, spent
