"""Files of tests are compiled once a run, not by each of its processes: each begins with a share of them, while the
others compile theirs, and finds the rest done. On a clean checkout that is half a minute of a run's processors."""

import sys
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import PYC_TAIL, _read_pyc, _rewrite_test, _write_pyc, assertstate_key, get_cache_dir

TESTS = Path(__file__).parent


def compile_share(config: pytest.Config) -> None:
    """What this process of several compiles; as pytest does it, with its own words about what is asserted."""
    here = getattr(config, "workerinput", None)
    if here is None or sys.dont_write_bytecode:
        return
    number, count = int(here["workerid"].removeprefix("gw")), here["workercount"]
    longest_first = sorted(TESTS.rglob("test_*.py"), key=lambda file: -file.stat().st_size)
    for file in longest_first[number % count :: count]:
        folder = get_cache_dir(file)
        folder.mkdir(exist_ok=True)
        kept = folder / f"{file.stem}{PYC_TAIL}"
        if _read_pyc(file, kept) is None:
            digest, code = _rewrite_test(file, config)
            _write_pyc(config.stash[assertstate_key], code, digest, kept)
