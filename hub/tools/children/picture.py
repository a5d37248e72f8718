"""Turns a picture into a PNG, which every network shows; of one that moves the first image.

Input: the picture. Output: the PNG. Ends with another code than 0 when it is none, or too large.
"""

import io
import resource
import sys

from PIL import Image

MEMORY, SECONDS = 1 << 30, 10
LARGEST, EDGE = 40_000_000, 4096  # pixels it may have; longest side of what is made


def main() -> None:
    limits = {
        resource.RLIMIT_CPU: SECONDS + 1,
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    picture = Image.open(io.BytesIO(sys.stdin.buffer.read()))
    if picture.width * picture.height > LARGEST:
        sys.exit(3)
    picture.thumbnail((EDGE, EDGE))
    made = io.BytesIO()
    picture.convert("RGBA").save(made, "PNG")
    sys.stdout.buffer.write(made.getvalue())


main()
