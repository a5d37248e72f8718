"""How many words of real PDFs are read, and in which order: `python -m tests.bench.reading FOLDER`.

The yardstick is `pdftotext` of poppler-utils, with -layout and without it, the better of the two for each file. The
files are those that Debian packages ship: fetch some (`apt-get download developers-reference maint-guide
installation-guide-amd64 texlive-humanities-doc texlive-lang-portuguese texlive-lang-spanish`) and unpack them
(`dpkg-deb -x`) into the folder.
"""

import asyncio
import re
import statistics
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hub.child_processes import Children
from hub.errors import Unreadable
from hub.knowledge.extract import LIMITS, text_of
from tests.bench.report import say, title

WORD = re.compile(r"[^\W_]+")
HYPHEN = re.compile("([^\\W\\d_])[-\u2010\x02\ufffe]\\s*\\n\\s*(?=[^\\W\\d_])")
FEW = 50  # words of a file that says something


def words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", text).replace("\u00ad", "")
    return [w.lower() for w in WORD.findall(HYPHEN.sub(r"\1", plain))]


def share(wanted: Sequence[Any], found: Sequence[Any]) -> float:
    a, b = Counter(wanted), Counter(found)
    return sum((a & b).values()) / max(1, sum(a.values()))


async def measured(path: Path) -> tuple[float, float, bool] | None:
    """Recall of words, of neighbouring pairs, and whether a warning came with them."""
    asked = [["pdftotext", *how, str(path), "-"] for how in (["-layout"], [])]
    ran = [await asyncio.to_thread(subprocess.run, a, capture_output=True, check=False) for a in asked]
    refs = [words(r.stdout.decode(errors="replace")) for r in ran]
    if len(refs[0]) < FEW:
        return None
    try:
        read = await text_of(Children(), path.name, "", path.read_bytes(), replace(LIMITS, longest=5_000_000))
    except Unreadable:
        return 0.0, 0.0, True
    got = words(read.text)
    pairs = list(zip(got, got[1:], strict=False))
    order = max(share(list(zip(r, r[1:], strict=False)), pairs) for r in refs)
    return max(share(r, got) for r in refs), order, bool(read.notes)


async def main(folder: Path) -> None:
    title("PDFs as text, against pdftotext")
    found = []
    for path in sorted(folder.rglob("*.pdf")):
        one = await measured(path)
        if one is not None:
            found.append(one)
            if one[0] < 0.9:
                say(path.name, f"recall {one[0]:.3f}, order {one[1]:.3f}{', warned' if one[2] else ''}")
    for name, place in (("recall", 0), ("order", 1)):
        values = [f[place] for f in found]
        say(f"{name} of {len(values)} files", f"median {statistics.median(values):.3f}, worst {min(values):.3f}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
