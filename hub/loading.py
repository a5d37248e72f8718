"""Packages that cost seconds to import, brought in when somebody first needs them."""

import asyncio
import sys
from importlib import import_module
from types import ModuleType


async def loaded(name: str) -> ModuleType:
    """Such a package, or a module of ours that imports one; beside the loop, which goes on meanwhile."""
    there = sys.modules.get(name)
    if there is not None and not getattr(there.__spec__, "_initializing", False):
        return there
    return await asyncio.to_thread(import_module, name)
