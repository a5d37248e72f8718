"""Compare the shape of JSON with a sample's: the same keys at every depth, not the same values."""

from typing import Any

import orjson

from tests.twins.rig import PAYLOADS

# Maps whose keys are data.
FREE = ("presences",)


def sample(network: str, name: str) -> Any:
    """A payload file."""
    return orjson.loads((PAYLOADS / network / f"{name}.json").read_bytes())


def keys(value: Any, path: str = "") -> set[str]:
    """Paths of all keys; list items are alike, so all of them count as one."""
    if isinstance(value, dict):
        if value and all(k.isdigit() for k in value):
            return {f"{path}.#"}  # bytes
        found = {f"{path}.{k}" for k in value}
        if not path.endswith(FREE):
            for k, v in value.items():
                found |= keys(v, f"{path}.{k}")
        return found
    if isinstance(value, list):
        return set().union(*(keys(v, f"{path}[]") for v in value)) if value else set()
    return set()
