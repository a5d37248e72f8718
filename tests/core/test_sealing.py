"""Sealed secrets open in their own place under their own key, and nowhere else."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Setup
from hub.sealing import Sealer, digest, same, sign

# Fixed, so that every run has the same tests.
KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(range(1, 33))).decode()
PLACE, ROW = "integrations.secrets", "018f-row"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_a_round_trip(value: str) -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(PLACE, ROW, value)
    assert sealer.open(PLACE, ROW, sealed) == value
    assert sealed != sealer.seal(PLACE, ROW, value), "a nonce of its own each time"


@given(st.dictionaries(TEXTS, TEXTS, max_size=5))
def test_a_round_trip_of_names_and_values(values: dict[str, str]) -> None:
    sealer = Sealer(KEY)
    assert sealer.open_map(PLACE, ROW, sealer.seal_map(PLACE, ROW, values)) == values


def test_the_value_is_not_readable() -> None:
    assert b"bot-token" not in Sealer(KEY).seal(PLACE, ROW, "bot-token")


@pytest.mark.parametrize(
    ("place", "row", "key"),
    [("gateways.secrets", ROW, KEY), (PLACE, "other", KEY), (PLACE, ROW, OTHER_KEY)],
)
def test_elsewhere_it_stays_closed(place: str, row: str, key: str) -> None:
    sealed = Sealer(KEY).seal(PLACE, ROW, "bot-token")
    with pytest.raises(Setup, match="HUB_SEALING_KEY") as caught:
        Sealer(key).open(place, row, sealed)
    assert "bot-token" not in str(caught.value)


def test_every_flipped_byte_and_every_cut_is_noticed() -> None:
    sealer = Sealer(KEY)
    sealed = sealer.seal(PLACE, ROW, "bot-token")
    damaged = [sealed[:n] + bytes([sealed[n] ^ 1]) + sealed[n + 1 :] for n in range(len(sealed))]
    damaged += [sealed[:n] for n in range(len(sealed))] + [sealed + b"\0"]
    for wrong in damaged:
        with pytest.raises(Setup):
            sealer.open(PLACE, ROW, wrong)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "short",
        "é" * 44,
        base64.b64encode(b"x" * 31).decode(),
        base64.b64encode(b"x" * 33).decode(),
        "\n" + KEY,
    ],
)
def test_a_bad_key_says_how_to_make_a_good_one(key: str) -> None:
    with pytest.raises(Setup, match="HUB_SEALING_KEY must be 32 bytes in base64; make one with"):
        Sealer(key)


def test_digests_and_signatures_are_the_standard_ones() -> None:
    assert digest("abc") == hashlib.sha256(b"abc").digest()
    assert sign("k", "text") == hmac.new(b"k", b"text", hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("a", "b"),
    [("x", "x"), ("x", "y"), ("", ""), ("é", "é"), ("é", "e"), ("\udcff", "x"), ("x" * 9, "x")],
)
def test_comparison_takes_any_text(a: str, b: str) -> None:
    assert same(a, b) is (a == b)
