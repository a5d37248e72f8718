"""Identifiers: order and version of row ids, keys that show a mistyped character."""

import time
from uuid import RFC_4122

import pytest

from hub import ids


def test_row_ids_are_version_7_and_carry_the_time() -> None:
    before = time.time_ns() // 1_000_000
    made = [ids.uuid7() for _ in range(2000)]
    after = time.time_ns() // 1_000_000
    assert {(i.version, i.variant) for i in made} == {(7, RFC_4122)}
    assert all(before <= i.int >> 80 <= after for i in made)
    assert len(set(made)) == len(made)


def test_row_ids_of_later_milliseconds_sort_later() -> None:
    made = []
    for _ in range(20):
        made.append(ids.uuid7())
        time.sleep(0.002)
    assert made == sorted(made)
    assert [str(i) for i in made] == sorted(str(i) for i in made)


@pytest.mark.parametrize(("kind", "prefix"), [("private", "sk-hub-"), ("public", "pk-hub-")])
def test_a_key_is_plausible(kind: str, prefix: str) -> None:
    key = ids.api_key(kind)
    assert key.startswith(prefix) and len(key) == 45 and ids.plausible_key(key)


def test_any_changed_character_of_a_key_is_refused() -> None:
    key = ids.api_key("private")
    for place, old in enumerate(key):
        for new in ids.ALPHABET + "-é":
            wrong = key[:place] + new + key[place + 1 :]
            assert new == old or not ids.plausible_key(wrong), (place, new)


def test_two_swapped_neighbours_are_refused() -> None:
    key = ids.api_key("private")
    for place in range(len(key) - 1):
        swapped = key[:place] + key[place + 1] + key[place] + key[place + 2 :]
        assert swapped == key or not ids.plausible_key(swapped), place


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sk-hub-",
        "sk-" + "a" * 45,
        "sk-hub-" + "é" * 38,
        "sk-hub-" + "\ud800" * 38,
        "x" * 10_000,
    ],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    assert not ids.plausible_key(key)


def test_secrets_of_sessions_and_webhooks_do_not_repeat() -> None:
    assert len({ids.access_key() for _ in range(1000)}) == 1000
    assert len({ids.path_secret() for _ in range(1000)}) == 1000
    key, secret = ids.access_key(), ids.path_secret()
    assert key.startswith("wky_") and len(key) == 59 and key[4:].isalnum() and key.islower()
    assert len(secret) == 48 and set(secret) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("My Bot", "my-bot"),
        ("  --A/B--  ", "a-b"),
        ("Olá Ação", "ol-a-o"),
        ("日本", "gateway"),
        ("x" * 90, "x" * 40),
    ],
)
def test_a_slug_is_words_and_four_characters(name: str, words: str) -> None:
    head, tail = ids.slug(name).split(":")
    assert head == words and len(tail) == 4 and set(tail) <= set(ids.LOWER)
