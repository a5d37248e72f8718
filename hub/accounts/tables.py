"""Tables for spreadsheets: CSV in which no cell is taken for a formula. Pure."""

import csv
import io
from collections.abc import Iterable
from typing import Any

# By this mark they know UTF-8.
MARK = b"\xef\xbb\xbf"
# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def of(rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def cell(value: Any) -> Any:
    """A value that is taken for what it is. A list is written a line each."""
    if isinstance(value, list):
        value = "\n".join(map(str, value))
    return f"'{value}" if isinstance(value, str) and value.lstrip(" \u00a0").startswith(FORMULA) else value
