"""Readers of files within the tests' own process: a Python for each page costs more than reading it.

For tests of what is read. That strangers' files are read in a process of their own, with its limits, is shown in
`test_extract.py` and `test_reading.py`.
"""

import io
import resource
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

from hub.child_processes import Children, Ended
from hub.knowledge.extract import Read, text_of


class Here(Children):
    """Programs as modules; what they import stays loaded, they limit nothing, and a fault of theirs fails the test."""

    async def run(self, program: Path, given: bytes, *, seconds: float, longest: int) -> Ended:
        asked, told = SimpleNamespace(buffer=io.BytesIO(given)), SimpleNamespace(buffer=io.BytesIO())
        deep = sys.getrecursionlimit()
        try:
            with (
                patch.object(resource, "setrlimit"), patch.object(sys, "stdin", asked),
                patch.object(sys, "stdout", told),
            ):
                runpy.run_path(str(program), run_name="__main__")
        finally:
            sys.setrecursionlimit(deep)
        return Ended(told.buffer.getvalue(), 0)


async def read(name: str, raw: bytes | str) -> Read:
    return await text_of(Here(), name, "", raw if isinstance(raw, bytes) else raw.encode())
