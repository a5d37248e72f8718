"""Where the parts of a file stand in its text: pages of a PDF, rows of a table, slides.

Kept with the document as {"unit": "page", "starts": [[offset in the text, number], ...]}.
"""

from bisect import bisect_right
from collections.abc import Sequence

from hub.domain import Json


def locate(places: Json | None, start: int, end: int) -> str | None:
    """The pages or rows the text from `start` to `end` stands on: "page 3", "rows 2-9"; None where none is known."""
    if not places:
        return None
    starts: Sequence[tuple[int, int]] = places["starts"]
    offsets = [offset for offset, _ in starts]
    first, last = bisect_right(offsets, start) - 1, bisect_right(offsets, max(start, end - 1)) - 1
    if last < 0:
        return None
    one, two = starts[max(0, first)][1], starts[last][1]
    # The rows of the next sheet are counted anew.
    return f"{places['unit']} {one}" if one >= two else f"{places['unit']}s {one}-{two}"
