"""Paths of workspaces: wherever they are given, nothing leads out."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Invalid
from hub.tools.shell.paths import DEEPEST, parts

NAMES = st.one_of(st.sampled_from(["", ".", "..", "...", "a", "b c", "ü", "-rf", "a\\..\\b", "~", "%2e%2e"]), st.text())
PATHS = st.lists(NAMES, max_size=12).map("/".join)


@given(PATHS)
def test_a_path_stays_inside_or_is_refused(path: str) -> None:
    try:
        found = parts(path)
    except Invalid as e:
        assert e.field == "path"
        return
    assert all(name not in ("", ".", "..") and "/" not in name and "\0" not in name for name in found)
    # What we make of it is what everybody makes of it, and made again it is the same.
    assert "/" + "/".join(found) == posixpath.normpath("//" + path).replace("//", "/", 1)
    assert parts("/".join(found)) == parts("/" + "/".join(found)) == found


@given(st.lists(st.sampled_from(["a", "..", ".", ""]), max_size=20))
def test_a_path_is_refused_exactly_when_it_climbs_out(names: list[str]) -> None:
    depth, out = 0, False
    for name in names:
        depth += {"a": 1, "..": -1}.get(name, 0)
        out = out or depth < 0
    if out:
        with pytest.raises(Invalid, match="leads out of the workspace"):
            parts("/".join(names))
    else:
        assert parts("/".join(names)) == ("a",) * depth


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("/..", "leads out"),
        ("a\0b", "NUL"),
        ("x" * 256, "255 bytes"),
        ("é" * 128, "255 bytes"),
        ("a/" * 513, "1,024 bytes"),
        ("a/" * (DEEPEST + 1), "levels"),
        ("a\ud800", "not valid"),
    ],
)
def test_what_is_refused_says_why(path: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        parts(path)
