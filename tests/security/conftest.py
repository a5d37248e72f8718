"""One hub for each file of checks of its doors."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from hub.processes.embedded import Server
from tests.console.alone import api, provider  # noqa: F401 - fixtures
from tests.console.conftest import desk  # noqa: F401 - a fixture
from tests.security.doors import Doors, served

Opening = Callable[..., AbstractContextManager[Doors]]


@pytest.fixture(scope="module")
def opening(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> Opening:
    """Opens a hub with other settings than usual."""

    def open_it(**changed: Any) -> AbstractContextManager[Doors]:
        home: Path = tmp_path_factory.mktemp("home")
        return served(servers, sealing_key, home, changed)

    return open_it


@pytest.fixture(scope="module")
def doors(opening: Opening) -> Iterator[Doors]:
    with opening() as found:
        yield found
