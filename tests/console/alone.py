"""The console's application for one test alone: for what changes the hub, or looks at all of its database."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from hub.config import Settings
from tests.api.alone import provider
from tests.api.conftest import Api, Provider, keys_of, serving

__all__ = ["provider"]


@pytest.fixture
async def api(settings: Settings, provider: Provider) -> AsyncIterator[Api]:
    plain = settings.changed(public_url="http://127.0.0.1:9")
    async with serving(plain, provider) as (hub, url), aiohttp.ClientSession() as http:
        yield Api(hub, url, *await keys_of(hub), http)
