"""Letters with their marks in one form. Pure.

To order the marks of one letter takes as long as the square of how many there are: a text of nothing but marks would
hold up a whole process for an hour.
"""

import re
import unicodedata
from functools import cache

MOST = 30  # marks on one letter: the Unicode standard's "stream-safe" texts have no more
BLOCKS = (0x300, 0x1E950)
# Runs that may be of marks: neither Latin letters nor those of China, Japan and Korea, nor emoji.
_LONG = re.compile(
    "[\u0300-\u2fff\u302a-\u302f\u3099\u309a\ua000-\uabff\ufb1e\ufe20-\ufe2f\uff9e\uff9f\U000101fd-\U0001e94f]"
    f"{{{MOST + 1}}}"
)


def composed(text: str) -> str:
    """As people type them (NFC), a line at a time: what else runs is not held up."""
    if text.isascii():
        return text
    return "".join(unicodedata.normalize("NFC", line) for line in fewer(text).splitlines(keepends=True))


def fewer(text: str) -> str:
    """Without the marks on a letter that are beyond those of any writing."""
    return _piled().sub(r"\1", text) if _LONG.search(text) else text


@cache
def _piled() -> re.Pattern[str]:
    marks = "".join(c for c in map(chr, range(*BLOCKS)) if unicodedata.combining(unicodedata.normalize("NFKD", c)[0]))
    runs = "".join(f"{run[0]}-{run[-1]}" for run in _runs(marks))
    return re.compile(f"([{runs}]{{{MOST}}})[{runs}]+")


def _runs(marks: str) -> list[str]:
    found: list[str] = []
    for c in marks:
        if found and ord(found[-1][-1]) + 1 == ord(c):
            found[-1] += c
        else:
            found.append(c)
    return found
