"""Damaged payloads: one value of a real body replaced, removed or buried."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from hypothesis import strategies as st

from channels.inbound import Inbound

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["", "\x00", "9" * 25, "@lid", "@", "1@g.us", ":", "١٢٣٤٥٦", "²²²²²²"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        | st.fixed_dictionaries({"low": inner, "high": inner})
        | st.fixed_dictionaries({"message": inner})
    ),
    max_leaves=6,
)


def damaged(bodies: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """Bodies with up to four values replaced or removed."""
    return st.sampled_from(list(bodies)).flatmap(_damage)


def _damage(body: Any) -> st.SearchStrategy[bytes]:
    paths = list(_paths(body))
    change = st.tuples(st.sampled_from(paths), VALUES, st.booleans())
    return st.lists(change, min_size=1, max_size=4).map(lambda changes: _apply(body, changes))


def _apply(body: Any, changes: list[tuple[tuple[Any, ...], Any, bool]]) -> bytes:
    body = copy.deepcopy(body)
    for path, value, remove in changes:
        target = body
        try:
            for step in path[:-1]:
                target = target[step]
            if remove:
                del target[path[-1]]
            else:
                target[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)


def _paths(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps: Any = ()
    if isinstance(value, dict):
        # Byte objects have hundreds of keys that nobody reads.
        steps = [] if "0" in value else value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    for step, inner in steps:
        yield (*at, step)
        yield from _paths(inner, (*at, step))


def check_item(item: Inbound) -> None:
    """What the hub relies on, whatever came."""
    assert item.ext
    assert len(item.ext) <= 200
    assert "\\u0000" not in orjson.dumps(item).decode()
    assert item.at is None or item.at.tzinfo is not None
    assert (item.fate is not None) == (item.kind == "status")
    assert (item.event is not None) == (item.kind == "event")
    if item.kind == "message":
        assert item.chat
        assert item.text or item.attachments or item.button
