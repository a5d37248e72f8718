"""Contract tests of adapters, for packages that add a network:

    pytest -p channels.contract --channel NAME --pyargs channels.contract.cases

NAME is that of an entry point of the group `hub.channels`, whose class has a static method `sample()` that gives a
`channels.contract.sample.Sample`; without it, or with the name of a network of ours, ours are tried.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from channels.contract.ours import OURS
from channels.contract.sample import Sample
from channels.contract.server import Bench, bench
from channels.registry import plugs

pytest.register_assert_rewrite("channels.contract.cases")


def pytest_addoption(parser: pytest.Parser) -> None:
    """--channel NAME, as often as wanted."""
    parser.addoption("--channel", action="append", default=[], help="the network whose adapter is tried")


def samples(names: list[str]) -> list[Sample]:
    """The networks that are tried. Raise UsageError for one that is not there."""
    found = dict(OURS)
    for one in plugs():
        make = getattr(one, "sample", None)
        if make is not None:
            found[one.name] = make()
    if missing := [n for n in names if n not in found]:
        raise pytest.UsageError(f"no network {missing[0]} with a sample; there are {', '.join(found)}")
    return [found[n] for n in names or found]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each case for each network."""
    if "sample" in metafunc.fixturenames:
        wanted = samples(metafunc.config.getoption("--channel", default=[]))
        metafunc.parametrize("sample", wanted, ids=[one.name for one in wanted])


@pytest_asyncio.fixture
async def at(sample: Sample) -> AsyncIterator[Bench]:
    """The adapter with a network that does as it is told."""
    async with bench(sample) as one:
        yield one
