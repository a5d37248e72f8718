"""What people type as commands, and what the hub says by itself."""

import string

import pytest

from hub.chat import texts
from hub.chat.inbound.commands import parse


@pytest.mark.parametrize(
    ("text", "debug", "command"),
    [
        ("/reset", False, "reset"),
        ("/RESET", False, "reset"),
        ("  /reset \n", False, "reset"),
        ("/reset@my_bot", False, "reset"),
        ("/usage", True, "usage"),
        ("/usage", False, None),
        ("/Usage@bot", True, "usage"),
        ("/reset now", False, None),
        ("please /reset", False, None),
        ("/resets", False, None),
        ("reset", False, None),
        ("/", False, None),
        ("", False, None),
        ("\u200b/reset", False, "reset"),
        ("/reset\u00a0", False, "reset"),
        ("//reset", True, None),
        ("/start", True, None),
    ],
)
def test_commands(text: str, debug: bool, command: str | None) -> None:
    assert parse(text, debug) == command


def test_every_text_is_there_in_every_language_with_the_same_places() -> None:
    languages = set(texts.TEXTS["fallback"])
    for name, versions in texts.TEXTS.items():
        assert set(versions) == languages, name
        places = {
            lang: {f for _, f, _, _ in string.Formatter().parse(text) if f}
            for lang, text in versions.items()
        }
        assert len({frozenset(p) for p in places.values()}) == 1, name
        assert all(text.strip() == text and text for text in versions.values())


@pytest.mark.parametrize(
    ("codes", "lang"),
    [
        (("pt-BR",), "pt"),
        (("PT_br",), "pt"),
        (("es-419",), "es"),
        (("en",), "en"),
        (("fr", "es"), "es"),
        (("ja", None, ""), "en"),
        ((), "en"),
        ((None, "pt"), "pt"),
        (("en-US", "pt"), "en"),
    ],
)
def test_the_first_language_we_speak(codes: tuple[str | None, ...], lang: str) -> None:
    assert texts.language(*codes) == lang


@pytest.mark.parametrize(
    ("phone", "lang"),
    [
        ("5511999990000", "pt"),
        ("351912345678", "pt"),
        ("34600111222", "es"),
        ("5215512345678", "es"),
        ("59899123456", "es"),
        ("14155550123", None),
        ("4915112345678", None),
        ("", None),
        (None, None),
    ],
)
def test_a_guess_by_the_country_of_the_phone(phone: str | None, lang: str | None) -> None:
    assert texts.by_phone(phone) == lang


def test_saying_fills_in_and_falls_back() -> None:
    assert "12" in texts.say("usage", "pt", messages=12, tokens=3)
    assert texts.say("reset", "xx") == texts.say("reset", "en")
