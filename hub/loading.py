"""Packages that cost seconds to import, brought in when somebody first needs them."""

import asyncio
from importlib import import_module
from types import ModuleType


async def loaded(name: str) -> ModuleType:
    """A module of ours that imports such a package; beside the loop, which goes on meanwhile."""
    return await asyncio.to_thread(import_module, name)
