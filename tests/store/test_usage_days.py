"""Usage that is summed up by day says what its detail said, however it was put together and whoever reads meanwhile."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from hub.accounts.accounts import create_account
from hub.accounts.keys import grant
from hub.domain import Usage
from hub.ids import uuid7
from hub.jobs.sweeps import KEPT
from hub.llm.prices import Price, bill
from hub.store import key_limits, usage, workflow_runs
from hub.store.db import Db

ROW = """
    insert into usage (account_id, key_id, gateway_id, session_id, sku, quantity, unit_price, amount, at)
    values ($1, $2, $3, $4, $5, $6, 0.5, $7, date_trunc('day', now(), 'UTC') - make_interval(days => $8, mins => $9))
"""
KEYS = "select id from api_keys where account_id = $1 order by id"
CLIENT = "insert into clients (id, account_id, name) values ($1, $2, $3)"
SESSION = "insert into sessions (id, account_id, client_id, kind) values ($1, $2, $3, 'web')"
CHAT = "inference.chat_completions"
SKUS = (f"{CHAT}.in", f"{CHAT}.in.cached", f"{CHAT}.in.written", f"{CHAT}.out", "tools.search")
KEPT_DAYS = 40


async def an_account(db: Db, chance: random.Random, rows: int) -> tuple[UUID, list[UUID]]:
    """One with keys, chat clients and usage of three months; a key and a conversation are gone since."""
    account = (await create_account(db, "Aurora")).id
    for label in ("a", "b", "c"):
        await grant(db, account, label, None)
    keys = [r["id"] for r in await db.fetch(KEYS, account)]
    sessions: list[UUID | None] = [None]
    for name in ("shop", "desk"):
        client, session = uuid7(), uuid7()
        await db.run(CLIENT, client, account, name)
        await db.run(SESSION, session, account, client)
        sessions.append(session)
    gateways = [None, uuid7()]
    for _ in range(rows):
        await db.run(
            ROW, account, chance.choice([*keys, None]), chance.choice(gateways), chance.choice(sessions),
            chance.choice(SKUS), chance.randint(1, 900), chance.randint(1, 99) / 100, chance.randint(0, 90),
            chance.randint(0, 1439),
        )
    await db.run("delete from api_keys where id = $1", keys[-1])
    return account, keys[:-1]


async def told(db: Db, account: UUID) -> dict[str, list[Any]]:
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    spans = [(now - timedelta(days=200), now + timedelta(days=1)), (now - timedelta(days=60), now - timedelta(days=20))]
    return {
        f"{by} {n}": sorted((
            {k: round(v, 6) if isinstance(v, float) else v for k, v in line.items()}
            for line in await key_limits.spend(db, account, by, since, until)), key=str)
        for by in key_limits.GROUPS for n, (since, until) in enumerate(spans)
    }


async def test_sums_say_what_the_detail_said(db: Db) -> None:
    chance = random.Random(7)
    account, _ = await an_account(db, chance, 400)
    other, _ = await an_account(db, chance, 60)
    before = await told(db, account), await told(db, other)
    done = await usage.fold(db, KEPT_DAYS)
    assert done > 100 and await usage.fold(db, KEPT_DAYS) == 0
    assert (await told(db, account), await told(db, other)) == before
    old = "select count(*) from usage where at < date_trunc('day', now(), 'UTC') - make_interval(days => $1)"
    assert await db.value(old, KEPT_DAYS) == 0 and await db.value("select count(*) from usage") > 0


async def test_all_that_was_read_counts_whether_it_is_remembered_from_now_on_or_not(db: Db) -> None:
    account = (await create_account(db, "Aurora")).id
    rows = bill("m", Usage(100, 7, 20, written=30), Price(1.0, 1.0, 1.0, 1.0))
    for row in rows:
        await db.run(ROW, account, None, None, None, row["sku"], row["quantity"], row["amount"], 50, 0)
    for _ in ("detail", "sums"):
        line = (await told(db, account))["day 0"][0]
        assert (line["tokens_in"], line["tokens_cached"], line["tokens_out"]) == (80.0, 20.0, 7.0)
        assert await usage.fold(db, KEPT_DAYS) in (len(rows), 0)


async def test_only_what_is_old_is_read_for_the_sums(db: Db, owner: Db) -> None:
    """However often pages were used again: by account and time, never the table."""
    account = (await create_account(db, "Aurora")).id
    many = """
        insert into usage (account_id, sku, quantity, unit_price, amount, at)
        select $1, 's', 1, 1, 1, now() - make_interval(mins => n) from generate_series(1, 5000) n
    """
    await db.run(many, account)
    async with owner.transaction() as tx:
        await tx.run("analyze usage")
        asked = usage.FOLD.replace("$1", str(KEPT_DAYS)).replace("$2", str(usage.FOLDED))
        plan = "\n".join(r[0] for r in await tx.fetch(f"explain {asked}"))
    assert "Seq Scan on usage" not in plan, plan


async def test_whoever_reads_while_it_is_summed_up_sees_each_row_once(db: Db, monkeypatch: pytest.MonkeyPatch) -> None:
    account, _ = await an_account(db, random.Random(8), 300)
    before, seen = await told(db, account), list[dict[str, list[Any]]]()
    monkeypatch.setattr(usage, "FOLDED", 20)
    over = asyncio.Event()

    async def read() -> None:
        while not over.is_set():
            seen.append(await told(db, account))

    async def sum_up() -> None:
        while await usage.fold(db, KEPT_DAYS):
            pass

    reading = asyncio.create_task(read())
    try:
        await asyncio.gather(sum_up(), sum_up())
    finally:
        over.set()
        await reading
    assert seen and all(one == before for one in [*seen, await told(db, account)])


async def test_a_budget_for_the_whole_counts_what_was_summed_up(db: Db) -> None:
    account, keys = await an_account(db, random.Random(9), 200)
    spent = "select sum(amount) from usage where key_id = $1"
    wanted = [float(await db.value(spent, key)) for key in keys]
    await usage.fold(db, KEPT_DAYS)
    for key, amount in zip(keys, wanted, strict=True):
        async with db.transaction() as tx:
            await key_limits.set_limits(tx, account, key, {"budget": {"total": 1000.0, "month": 1000.0}})
        found = {line["period"]: line["spent"] for line in await key_limits.spent(db, account, key)}
        assert found["total"] == pytest.approx(amount) and found["month"] <= found["total"]


async def test_runs_of_workflows_go_by_the_time_they_ended(db: Db) -> None:
    account = (await create_account(db, "Aurora")).id
    flow = uuid7()
    await db.run("insert into workflows (id, account_id, name) values ($1, $2, 'w')", flow, account)
    add = """
        insert into workflow_runs (id, account_id, workflow_id, version, input, status, created_at, finished_at)
        values ($1, $2, $3, 1, '{}', $4, now() - interval '99 days', now() - make_interval(days => $5))
    """
    old, fresh, open_ = uuid7(), uuid7(), uuid7()
    for id, status, days in ((old, "success", 11), (fresh, "failed", 9), (open_, "running", None)):
        await db.run(add, id, account, flow, status, days)
    step = "insert into workflow_steps (run_id, account_id, name, place, type) values ($1, $2, 's', 0, 'model')"
    await db.run(step, old, account)
    assert await workflow_runs.forget(db, 10) == 1
    assert {r["id"] for r in await db.fetch("select id from workflow_runs")} == {fresh, open_}
    assert await db.value("select count(*) from workflow_steps") == 0
    assert {"usage_days", "workflow_run_days"} == set(KEPT)
