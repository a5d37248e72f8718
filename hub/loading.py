"""Packages that cost much to import, brought in when somebody first needs them."""

import asyncio
import sys
from importlib import import_module
from types import ModuleType
from typing import Any


async def loaded(name: str) -> ModuleType:
    """A module of ours that imports such a package; beside the loop, which goes on meanwhile."""
    there = sys.modules.get(name)
    if there is not None and not getattr(there.__spec__, "_initializing", False):
        return there
    return await asyncio.to_thread(import_module, name)


class _Later(ModuleType):
    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self.__name__), name)
        setattr(self, name, found)
        return found


def later(name: str) -> Any:
    """Stands for a package that is imported when something of it is first asked for, within less than 50 ms; one that
    takes longer is brought in with `loaded` before, where the loop would wait. For types, it is imported as usual:

        if TYPE_CHECKING:
            import yaml
        else:
            yaml = later("yaml")
    """
    return _Later(name)
