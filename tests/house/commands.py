"""The commands of `hub`, asked of itself."""

import io
import logging
import re
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from unittest.mock import patch

from hub.__main__ import main


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str


def hub(*arguments: str) -> Said:
    """Run a command in this process (a new one takes seconds to import) as if it stood alone."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    handlers, level = logging.getLogger().handlers, logging.getLogger().level
    with (
        patch.dict("os.environ", {"COLUMNS": "200"}, clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main(arguments)
        except SystemExit as e:
            code = e.code if isinstance(e.code, int) else int(e.code is not None)
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)
    return Said(code, out.getvalue(), err.getvalue())


@cache
def commands() -> frozenset[str]:
    """Names from the list that `hub --help` prints."""
    said = hub("--help")
    assert said.code == 0, said.err
    [listed] = re.findall(r"^\s*\{([a-z,]+)\}\s*$", said.out, re.MULTILINE)
    return frozenset(listed.split(","))
