"""Packages that are imported when something of them is first asked for."""

from importlib import import_module
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self.__name__), name)
        setattr(self, name, found)
        return found


def later(name: str) -> Any:
    """Stands for a package. One whose import holds the loop for more than 50 ms is brought in with
    `hub.loading.loaded` first. For types, it is imported as usual:

        if TYPE_CHECKING:
            import yaml
        else:
            yaml = later("yaml")
    """
    return _Later(name)
