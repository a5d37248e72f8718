"""The rig as a fixture."""

from collections.abc import AsyncIterator

import pytest

from tests.twins.rig import Rig, rig


@pytest.fixture
async def twins() -> AsyncIterator[Rig]:
    """Twins with fast waits and a receiver."""
    async with rig() as started:
        yield started
