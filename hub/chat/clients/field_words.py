"""What a field of a contact holds, in words."""

from typing import Any


def shown(value: Any) -> str:
    """Nothing where nothing is kept. Pure."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
