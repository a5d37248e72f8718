"""What few tests need, and takes seconds to import: imported when one of them uses it, as every process of a run reads
every file of tests, and most of them run none of these."""

import sys
from importlib import import_module
from typing import Any

from pydantic import BaseModel


class Later:
    """Stands for a module, whose names it has when they are asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("__", "_mock")):
            raise AttributeError(name)  # whoever collects tests looks at everything, and wants none of it
        return getattr(imported(self._name), name)


def later(name: str) -> Any:
    """A module that is imported when something of it is asked for."""
    return Later(name)


def imported(name: str) -> Any:
    """The module."""
    if name.partition(".")[0] == "aiogram" and "aiogram" not in sys.modules:
        _aiogram()
    return import_module(name)


def _aiogram() -> None:
    """aiogram has some 500 models built while it is imported, for five seconds. A model of pydantic's can build itself
    when it is used first: here they all do, with the names that they would have been built with."""
    base: Any = BaseModel
    now = base.__dict__["model_rebuild"]
    names: dict[str, Any] = {}

    def put_off(cls: Any, /, *, _types_namespace: Any = None, **_: Any) -> None:
        names.update(_types_namespace or {})

    def build(cls: Any, /, *, _types_namespace: Any = None, **given: Any) -> Any:
        return now.__func__(cls, _types_namespace=names if _types_namespace is None else _types_namespace, **given)

    base.model_rebuild = classmethod(put_off)
    try:
        types: Any = import_module("aiogram.types.base")
        methods: Any = import_module("aiogram.methods.base")
    finally:
        base.model_rebuild = now
    for model in (types.TelegramObject, methods.TelegramMethod, methods.Response):
        model.model_rebuild = classmethod(build)
