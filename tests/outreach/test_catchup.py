"""What an hour of downtime does under each policy, and what a tick costs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hub import ids
from hub.outreach import firing
from hub.outreach.catchup import MOST, settle
from hub.store import schedules
from hub.store.db import Db
from tests.store.rows import Bench

NOW = datetime(2026, 3, 18, 12, 3, tzinfo=UTC)
RARE = "0 0 29 2 *"  # no second occurrence falls due while a test runs
INSERT = """
    insert into schedules (id, account_id, client_id, kind, external_user, channel, address, names, instruction, cron,
        next_at, scheduled_at, catch_up, within_seconds, anchor)
    values ($1, $2, $3, $4, 'u', 'zapi', '5511', '{phone:5511}', 'x', $5, $6, $6, $7, $8, '2024-01-01')
"""


def row(
    policy: str, within: int | None, cron: str | None = "*/10 * * * *", since: datetime = NOW - timedelta(hours=1)
) -> dict[str, Any]:
    if cron and since == NOW - timedelta(hours=1):
        since = datetime(2026, 3, 18, 11, 10, tzinfo=UTC)
    return {
        "kind": "recurring" if cron else "once",
        "cron": cron,
        "zone": "UTC",
        "every": 1,
        "unit": "day",
        "anchor": date(2024, 1, 1),
        "catch_up": policy,
        "within_seconds": within,
        "next_at": since,
    }


@pytest.mark.parametrize(
    ("policy", "within", "fires", "missed"),
    [
        ("skip", 900, 0, True),
        ("once", 900, 1, True),
        ("once", 60, 0, True),
        ("once", None, 1, True),
        ("all", None, 6, False),
        ("all", 1500, 3, True),
    ],
)
def test_an_hour_without_a_scheduler(policy: str, within: int | None, fires: int, missed: bool) -> None:
    """Six times passed, 11:10 to 12:00; it is 12:03."""
    found = settle(row(policy, within), NOW)
    assert len(found.fires) == fires and (found.missed is not None) == missed
    assert found.next_at == datetime(2026, 3, 18, 12, 10, tzinfo=UTC)
    if fires:
        assert found.fires[-1] == datetime(2026, 3, 18, 12, 0, tzinfo=UTC)
    if missed:
        assert found.missed is not None and "no scheduler ran" in found.missed[1]


@pytest.mark.parametrize(
    ("policy", "late", "fires"), [("once", 14, 1), ("once", 16, 0), ("skip", 2, 0), ("all", 16, 1), ("skip", 0, 1)]
)
def test_a_one_time_schedule_that_was_missed(policy: str, late: int, fires: int) -> None:
    found = settle(row(policy, 900 if policy != "all" else None, None, NOW - timedelta(minutes=late)), NOW)
    assert (len(found.fires), found.next_at, found.missed is None) == (fires, None, fires == 1)


def test_weeks_of_downtime_fire_the_newest_thousand() -> None:
    found = settle(row("all", None, "* * * * *", NOW - timedelta(days=30)), NOW)
    assert len(found.fires) == MOST and found.fires[-1] == NOW and found.missed is not None
    assert "more than" not in found.missed[1] or found.missed[0] < found.fires[0]
    assert settle(row("once", 900, "* * * * *", NOW - timedelta(days=3000)), NOW).fires == [NOW]


@pytest.mark.parametrize(
    ("policy", "within", "due", "missed"), [("skip", 900, 0, 1), ("once", 900, 1, 1), ("all", None, 6, 0)]
)
async def test_downtime_in_the_database(db: Db, policy: str, within: int | None, due: int, missed: int) -> None:
    """The scheduler was away for an hour; the first tick settles it, the second finds nothing."""
    b = await Bench(db).make()
    id = ids.uuid7()
    now = datetime.now(UTC)
    cron = f"{(now.minute + 5) % 10}-59/10 * * * *"  # every ten minutes, the last five minutes ago
    first = (now - timedelta(minutes=55)).replace(second=0, microsecond=0)
    await db.run(INSERT, id, b.account, b.client, "recurring", cron, first, policy, within)
    ticked = await firing.group(db, 100)
    assert (ticked.fired, ticked.missed) == (due, missed)
    assert (await firing.group(db, 100)).rows == 0
    states = await db.fetch("select state, count(*)::int as n from activations group by state order by state")
    assert {r["state"]: r["n"] for r in states} == {k: v for k, v in (("due", due), ("missed", missed)) if v}
    assert await db.value("select next_at > now() from schedules")


async def test_an_occurrence_is_one_row_whoever_writes_it(db: Db) -> None:
    b = await Bench(db).make()
    id, at = ids.uuid7(), datetime.now(UTC) - timedelta(seconds=1)
    await db.run(INSERT, id, b.account, b.client, "recurring", RARE, at, "once", 900)
    for _ in range(3):
        await db.run("update schedules set next_at = $1", at)  # as if each scheduler had not seen the other
        await firing.group(db, 100)
    assert await db.value("select count(*) from activations") == 1


async def test_a_tick_reads_only_what_is_due(db: Db, owner: Db) -> None:
    b = await Bench(db).make()
    many = """
        insert into schedules (id, account_id, client_id, kind, external_user, channel, address, instruction, next_at)
        select gen_random_uuid(), $1, $2, 'once', 'u' || n, 'zapi', '5511', 'x', now() + interval '1 day' * n
        from generate_series(1, $3) n
    """
    await db.run(many, b.account, b.client, 20_000)
    await db.run("update schedules set next_at = now() - interval '1 second' where external_user in ('u1', 'u2', 'u3')")
    await owner.run("analyze schedules")
    [found] = await db.value("explain (analyze, format json) " + schedules.DUE.replace("$1", "500"))
    nodes, scans = [found["Plan"]], []
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        if "Scan" in node["Node Type"]:
            scans.append(node)
    [scan] = scans
    assert (scan["Node Type"], scan["Index Name"], scan["Actual Rows"]) == ("Index Scan", "schedules_due", 3)
    assert "next_at" in scan["Index Cond"] and scan.get("Rows Removed by Filter", 0) == 0
    assert (await firing.group(db, 500)).rows == 3
