"""A database without anything in it, and a folder of migrations with room for more."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from hub.processes.embedded import Server
from hub.store.migrate import files
from tests.conftest import at


@pytest.fixture
async def empty(servers: tuple[Server, Server]) -> AsyncIterator[str]:
    """A database with nothing in it."""
    name = f"e{uuid4().hex}"
    admin: Any = await asyncpg.connect(servers[0].url)
    try:
        await admin.execute(f"create database {name}")
        yield at(servers[0].url, name)
        await admin.execute(f"drop database {name} with (force)")
    finally:
        await admin.close()


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the migrations are, with room for more of them."""
    for file in files():
        (tmp_path / file.name).write_text(file.read_text())
    monkeypatch.setattr("hub.store.migrate.FOLDER", tmp_path)
    return tmp_path
