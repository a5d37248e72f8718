"""Every screen: whole, small, of its own account alone, and as cheap for many rows as for few."""

import gzip

import pytest

from tests.console.conftest import Desk

SCREENS = (
    "", "/inbox", "/inbox?show=waiting&q=ana", "/replies", "/bots", "/bots/new", "/channels", "/knowledge",
    "/schedules", "/schedules?view=month", "/schedules?view=list", "/campaigns", "/deliveries",
    "/deliveries?state=failed", "/quarantine", "/insights", "/keys", "/team", "/audit", "/settings", "/search?q=shop",
)


@pytest.mark.parametrize("screens", [SCREENS])
async def test_an_empty_account_sees_every_screen(desk: Desk, screens: tuple[str, ...]) -> None:
    for screen in screens:
        page = await desk.get(f"/console{screen}")
        assert page.status == 200, (screen, page.text[-3000:])
        assert len(gzip.compress(page.text.encode(), 9)) < 9000, screen
