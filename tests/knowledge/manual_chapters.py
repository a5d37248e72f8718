"""The manual's chapters that tell the same, one a language: they stand at the same place of the same file."""

import re

from hub.processes.init import MANUAL


def _headings(file: str) -> list[str]:
    return re.findall(r"(?m)^# (.+)$", (MANUAL / file).read_text("utf-8"))


def same() -> dict[str, frozenset[str]]:
    """By any of their names, all of them."""
    found: dict[str, frozenset[str]] = {}
    for name in sorted({f.name.split(".")[0] for f in MANUAL.glob("*.??.md")}):
        columns = [_headings(f.name) for f in sorted(MANUAL.glob(f"{name}.??.md"))]
        for one in zip(*columns, strict=True):
            found |= dict.fromkeys(one, frozenset(one))
    return found
