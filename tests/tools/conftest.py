"""An open hub for the tests of tools."""

from collections.abc import AsyncIterator

import pytest

from hub.config import Settings
from hub.runtime import Hub, open_hub


@pytest.fixture
async def hub(settings: Settings) -> AsyncIterator[Hub]:
    async with open_hub(settings) as hub:
        yield hub
