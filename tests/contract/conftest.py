"""The whole application once a module; an account of its own for every test."""

from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio

from hub.config import Settings
from hub.processes.embedded import Server
from hub.runtime import Hub
from tests.api.conftest import Provider, keys_of, providing, serving
from tests.conftest import cloned, small
from tests.contract.asking import Contract
from tests.fakes.model import FakeModel, serve


@dataclass
class Place:
    hub: Hub
    url: str
    http: aiohttp.ClientSession
    model: FakeModel
    provider: Provider


def changed(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """A module may say how its hub is set: SETTINGS."""
    return settings.changed(**getattr(request.module, "SETTINGS", {}))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(
    request: pytest.FixtureRequest, servers: tuple[Server, Server], sealing_key: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Place]:
    home = tmp_path_factory.mktemp("hub")
    async with cloned(servers[0]) as dsn, providing() as provider, serve() as model, aiohttp.ClientSession() as http:
        settings = changed(small(dsn, servers[1].url, sealing_key, home), request)
        async with serving(settings, provider) as (hub, url):
            yield Place(hub, url, http, model, provider)


@pytest_asyncio.fixture(loop_scope="module")
async def api(request: pytest.FixtureRequest, place: Place) -> AsyncIterator[Contract]:
    """A test says with `row` which rows it proves; it must have asked for them with a printed success."""
    place.model.default = None
    place.model.plan.clear()
    place.provider.refusal = None
    contract = Contract(
        place.hub, place.url, *await keys_of(place.hub), place.http, model=place.model, provider=place.provider
    )
    yield contract
    if request.node.rep_passed:
        proved = {name for mark in request.node.iter_markers("row") for name in mark.args}
        assert proved - {row for row, status in contract.asked if status < 300} == set(), "not asked for"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.rep_passed = report.passed  # type: ignore[attr-defined]  # pytest's own way to keep it
    return report
