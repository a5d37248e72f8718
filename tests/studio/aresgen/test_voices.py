"""Voices: what is measured of a sample, and phrases that are never said."""

import pytest

from hub.engine import brand
from hub.studio.aresgen import style_profile


def test_banned_phrases_are_found_as_words() -> None:
    assert brand.found("A CHEAP\nway", ["cheap way"]) == ["cheap way"]
    assert brand.found("classic", ["ass"]) == [] and brand.found("50% off!", ["50% off"]) == ["50% off"]
    assert brand.removed("Get cheap, cheap things.", ["cheap"]) == "Get, things."
    # What is left when one is cut out may be another: nothing of it stays.
    assert brand.found(brand.removed("a x b c", ["x", "a b"]), ["x", "a b"]) == []


@pytest.mark.parametrize(("text", "language", "person"), [
    ("Eu acho que o pão é muito bom e eu gosto dele. " * 30, "pt", "first_singular"),
    ("Nosotros hacemos el pan con cariño para nuestros clientes. " * 40, "es", "first_plural"),
])
def test_profiles(text: str, language: str, person: str) -> None:
    found = style_profile.measure(text)
    assert (found["language"], found["person"]["leading"]) == (language, person)
    assert found["sentences"]["average"] == len(style_profile.WORD.findall(text)) / found["sentences"]["count"]
    assert found == style_profile.measure(text)


def test_samples_of_other_kinds_can_be_measured() -> None:
    for sample in ("1 2 3 " * 100, "面包" * 150, "a" * 10_000, "!!! ... ---"):
        assert style_profile.measure(sample)["sentences"]["longest"] >= 0
    assert style_profile.count("面包很好" * 75) == 300 and style_profile.count("don't stop-gap 2024") == 3
