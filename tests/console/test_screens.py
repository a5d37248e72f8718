"""Every screen: whole, small, and as cheap for many rows as for few."""

import base64
import gzip
import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hub.store.db import Db
from tests.api.conftest import Api
from tests.console.conftest import Desk, Page
from tests.console.town import fill

ROOT = Path(__file__).parents[2]
SCREENS = (
    "",
    "/inbox",
    "/inbox?show=waiting&q=ana",
    "/inbox?show=unassigned&sort=priority",
    "/inbox/more",
    "/replies",
    "/bots",
    "/bots/new",
    "/channels",
    "/knowledge",
    "/knowledge/embedder",
    "/schedules",
    "/schedules?view=month",
    "/schedules?view=list",
    "/campaigns",
    "/deliveries",
    "/deliveries?state=failed",
    "/quarantine",
    "/insights",
    "/insights/actions",
    "/conversations",
    "/conversations?event=asked&network=telegram",
    "/samples",
    "/start",
    "/keys",
    "/webhooks",
    "/spend",
    "/spend?by=tag&days=7",
    "/team",
    "/audit",
    "/settings",
    "/settings/inbox",
    "/settings/sign-in",
    "/settings/notices",
    "/search?q=shop",
)
FIRST_LOAD, REQUESTS = 30_000, 6


async def named(api: Api, town: dict[str, Any]) -> list[str]:
    """Screens of one thing."""
    message = await api.hub.db.value("select id from messages where account_id = $1 limit 1", api.account)
    schedule = await api.hub.db.value("select id from schedules where account_id = $1 limit 1", api.account)
    return [
        f"/inbox/{town['sessions'][2]}",
        f"/inbox/{town['sessions'][2]}/desk",
        f"/bots/{town['gateway']}",
        f"/channels/{town['client']}",
        f"/deliveries/{town['failed']}",
        f"/why/{message}",
        f"/schedules/{schedule}",
    ]


async def weight(desk: Desk, page: Page, sizes: dict[str, int]) -> int:
    """Bytes of a page with its style and its scripts, compressed. sizes: of those that were asked for before."""
    files = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text))
    assert 1 + len(files) + page.text.count("hx-sse:connect") <= REQUESTS, page.path
    for file in files - sizes.keys():
        async with desk.http.get(desk.api.url + file, headers={"Accept-Encoding": "gzip"}) as got:
            assert got.status == 200 and "immutable" in got.headers["Cache-Control"]
            sizes[file] = int(got.headers["Content-Length"])
    return len(gzip.compress(page.text.encode(), 9)) + sum(sizes[f] for f in files)


async def test_an_empty_account_sees_every_screen(desk: Desk) -> None:
    for screen in SCREENS:
        page = await desk.get(f"/console{screen}")
        assert page.status == 200 and page.text.count("<h1") == 1, screen


async def test_a_first_load_is_small(desk: Desk, api: Api) -> None:
    """The page, its style and its scripts, compressed; with the stream they are six requests at most."""
    town = await fill(api.hub, api.account, 60, by=desk.who.id)
    sizes: dict[str, int] = {}
    for screen in [*SCREENS, *await named(api, town)]:
        page = await desk.get(f"/console{screen}", **{"Accept-Encoding": "gzip"})
        assert page.headers["Content-Encoding"] == "gzip"
        assert await weight(desk, page, sizes) <= FIRST_LOAD, screen
    assert next(n for f, n in sizes.items() if "console" in f and f.endswith(".css")) <= 6000
    assert next(n for f, n in sizes.items() if "console" in f and f.endswith(".js")) <= 4000


async def test_more_rows_cost_no_more_queries(desk: Desk, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    real = Db._guard

    async def counting(self: Db, method: str, sql: str, args: Any) -> Any:
        # Once a minute, and once a second, whatever is looked at.
        if "update operator_sessions" not in sql and "left_arrivals" not in sql:
            counted.append(sql)
        return await real(self, method, sql, args)

    async def costs(screens: list[str]) -> list[int]:
        found = []
        for screen in screens:
            counted.clear()
            assert (await desk.get(f"/console{screen}")).status == 200
            found.append(len(counted))
        return found

    monkeypatch.setattr(Db, "_guard", counting)
    few = await fill(api.hub, api.account, 3, by=desk.who.id)
    screens = [*SCREENS, *await named(api, few)]
    before = await costs(screens)
    await fill(api.hub, api.account, 70, by=desk.who.id, seed=8)
    after = await costs(screens)
    assert [s for s, a, b in zip(screens, after, before, strict=True) if a > b] == []
    assert max(before) <= 12, dict(zip(screens, before, strict=True))


def test_vendored_files_are_what_they_were() -> None:
    folder = ROOT / "widget" / "vendor"
    listed = tomllib.loads((folder / "VENDOR.toml").read_text())["file"]
    assert {f["path"] for f in listed} == {p.name for p in folder.glob("*.js")}
    for file in listed:
        digest = base64.b64encode(hashlib.sha512((folder / file["path"]).read_bytes()).digest()).decode()
        assert file["integrity"] == f"sha512-{digest}", file["path"]
        assert file["version"] in file["source"] and file["licence"] in ("0BSD", "MIT")
