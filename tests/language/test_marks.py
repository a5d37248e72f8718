"""Letters with their marks: one form of them, and no text takes longer than its length."""

import unicodedata

import pytest

from hub.accounts import emails, passwords
from hub.errors import Invalid
from hub.knowledge import extract
from hub.language.folding import fold
from hub.language.marks import composed, fewer
from hub.store.chunks import words
from hub.studio.ares.rules import learned

# Each of them once held up the whole process, for half an hour and more.
PILED = [
    "a" + "\u0300\u0316" * 200_000, "\u0f73" * 300_000, "\uff9e\u0300" * 200_000, "\U0001d165\U0001d16d" * 200_000,
    "x " + "\u0345\u0327\u0301" * 100_000,
]


@pytest.mark.parametrize("text", PILED)
def test_piles_of_marks(text: str) -> None:
    assert len(fewer(text)) <= 32 and len(composed(text)) <= 62
    assert isinstance(fold(text), str) and isinstance(fold(text, accents=True), str)
    assert len(words(text)) <= 40 and learned(f"My name is {text}.") is not None
    assert len(extract._plain("a.txt", f"one {text} two".encode(), extract.LIMITS)) < 100
    assert passwords.guessed(text) in (True, False)
    with pytest.raises(Invalid):
        emails.email_address(text)


@pytest.mark.parametrize("text", [
    "", "plain", "Ação à vista", unicodedata.normalize("NFD", "Ação à vista\nàs três, coração\r\n"), "שָׁלוֹם עֲלֵיכֶם",
    "Tiếng Việt", "e" + "\u0301" * 30, "漢字" * 50, "ди́кий " * 20,
])
def test_what_people_write_stays(text: str) -> None:
    assert fewer(text) == text and composed(text) == unicodedata.normalize("NFC", text)


def test_all_marks_are_looked_for() -> None:
    every = map(chr, [*range(0xD800), *range(0xE000, 0x110000)])
    marks = [c for c in every if unicodedata.combining(unicodedata.normalize("NFKD", c)[0])]
    assert len(marks) > 900 and [hex(ord(c)) for c in marks if len(fewer(f"a{c * 40}")) != 31] == []
