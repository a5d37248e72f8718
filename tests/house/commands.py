"""The commands of `hub`, asked of itself."""

import re
import subprocess
import sys
from functools import cache

from tests.house.sources import ROOT


def hub(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "hub", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env={"COLUMNS": "200"}
    )


@cache
def commands() -> frozenset[str]:
    """Names from the list that `hub --help` prints."""
    said = hub("--help")
    assert said.returncode == 0, said.stderr
    [listed] = re.findall(r"^\s*\{([a-z,]+)\}\s*$", said.stdout, re.MULTILINE)
    return frozenset(listed.split(","))
