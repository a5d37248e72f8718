"""Turns a HEIC or HEIF picture, as phones take them, into a JPEG that every browser and model reads.

Input: the picture. Output: the JPEG, turned upright, without what the camera noted. Ends with another code than 0 when
it is none, or too large.
"""

import io
import resource
import sys

import pillow_heif
from PIL import Image, ImageOps

MEMORY, SECONDS = 2 << 30, 10
LARGEST, EDGE = 60_000_000, 4096  # pixels it may have; longest side of what is made


def main() -> None:
    limits = {
        resource.RLIMIT_CPU: SECONDS + 1,
        resource.RLIMIT_AS: MEMORY,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.register_heif_opener()
    picture = Image.open(io.BytesIO(sys.stdin.buffer.read()))
    if picture.width * picture.height > LARGEST:
        sys.exit(3)
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((EDGE, EDGE))
    made = io.BytesIO()
    upright.convert("RGB").save(made, "JPEG", quality=88)
    sys.stdout.buffer.write(made.getvalue())


main()
