"""The browser of the tests leaves nothing behind."""

from pathlib import Path

import pytest

from tests.browser.chromium import running, started
from tests.browser.conftest import ARGS
from tests.browser.install import found


def test_it_ends_with_all_that_it_started(tmp_path: Path) -> None:
    path = found()
    if path is None:
        pytest.skip("NO CHROMIUM: the browser tests did not run")
    with started([path, *ARGS], tmp_path) as (_, group):
        assert len(running(group)) > 1, "a browser is several processes"
    assert running(group) == []
