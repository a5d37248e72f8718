"""What is too old goes, piece by piece, and one repair that fails keeps no other from its work."""

from collections.abc import Awaitable, Callable
from types import MappingProxyType

import pytest

from hub import ids
from hub.accounts.accounts import create_account
from hub.config import Settings
from hub.errors import Overloaded
from hub.jobs import sweeps
from hub.runtime import open_hub
from hub.store.api_request_log import RequestLog
from hub.store.db import Db


async def _away(db: Db) -> int:
    raise Overloaded("The database is away.")


async def test_one_that_fails_holds_up_no_other(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    repairs: dict[str, Callable[[Db], Awaitable[int]]] = {"first": _away, **sweeps.REPAIRS}
    monkeypatch.setattr(sweeps, "REPAIRS", MappingProxyType(repairs))
    async with open_hub(settings) as hub:
        account = (await create_account(hub.db, "Aurora")).id
        await hub.db.run(
            "insert into requests (account_id, key_id, at, ip, user_agent, method, path, status, ms)"
            " select $1, $1, now() - interval '31 days' + interval '1 day' * (n % 2) * 2, '', '', 'GET', '/', 200, 1"
            " from generate_series(1, 10) n", account,
        )
        await sweeps.housekeeping(hub)
        assert await hub.db.value("select count(*) from requests") == 5


async def test_a_line_that_cannot_be_written_stops_no_other(db: Db) -> None:
    account = (await create_account(db, "Aurora")).id
    log = RequestLog(db)
    row = {"account": str(account), "key": str(ids.uuid7()), "at": "2026-01-01T00:00:00Z", "ip": "", "agent": "",
           "method": "GET", "path": "/", "status": 200, "ms": 1}
    log.add(row | {"status": "not a number"})
    await log.flush()
    log.add(row)
    await log.flush()
    assert (log.lost, await db.value("select count(*) from requests")) == (1, 1)
