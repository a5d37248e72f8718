"""Tables for spreadsheets: CSV in which no cell is taken for a formula. Pure."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

# By this mark they know UTF-8.
MARK = b"\xef\xbb\xbf"
# What a spreadsheet would take for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Where another cell begins in a spreadsheet of a country whose cells are parted by ; and not by commas: no quote that
# stands behind a comma holds one together there.
WITHIN = re.compile(r"([;\t\r\n][ \u00a0]*)(?=[=@\uff1d\uff20]|[+-](?:\S|[^|;\t\r\n]*\|))")


def of(rows: Iterable[Iterable[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([cell(value) for value in row] for row in rows)
    return out.getvalue()


def cell(value: Any) -> Any:
    """A value that is taken for what it is. A list is written a line each."""
    if isinstance(value, list):
        value = "\n".join(map(str, value))
    if not isinstance(value, str):
        return value
    text = value[:1] + WITHIN.sub(r"\1'", value[1:])
    return f"'{text}" if text.lstrip(" \u00a0").startswith(FORMULA) else text
