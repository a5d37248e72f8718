"""What few tests need, and takes seconds to import: imported when one of them uses it, as every process of a run reads
every file of tests, and most of them run none of these."""

from importlib import import_module
from typing import Any


class Later:
    """Stands for a module, whose names it has when they are asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("__", "_mock")):
            raise AttributeError(name)  # whoever collects tests looks at everything, and wants none of it
        return getattr(import_module(self._name), name)


def later(name: str) -> Any:
    """A module that is imported when something of it is asked for."""
    return Later(name)
