"""One street for each test."""

from collections.abc import AsyncIterator

import pytest

from hub.config import Settings
from tests.outreach.street import Street, street


@pytest.fixture
async def s(settings: Settings) -> AsyncIterator[Street]:
    async with street(settings) as one:
        yield one
