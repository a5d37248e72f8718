"""The whole application for one test alone: for what changes the hub, or looks at all of its database."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from hub.config import Settings
from tests.api.conftest import Api, Provider, keys_of, providing, serving


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with providing() as found:
        yield found


@pytest.fixture
async def api(settings: Settings, provider: Provider) -> AsyncIterator[Api]:
    async with serving(settings, provider) as (hub, url), aiohttp.ClientSession() as http:
        yield Api(hub, url, *await keys_of(hub), http)
