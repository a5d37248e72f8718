"""The copy of a text that is compared with lists, and everything that compares."""

import unicodedata

import pytest

from hub.chat.inbound import commands, consent
from hub.engine import brand
from hub.language.folding import copies, fold, plain

CURLY, SHY, HARD, WIDE = "we\u2019re", "be\u00adst", "best\u2011in\u2011class", "ｂｅｓｔ ｉｎ ｃｌａｓｓ"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ÇÃO", "cao"), (unicodedata.normalize("NFD", "Não"), "nao"), (CURLY, "we're"), (SHY, "best"),
        ("a\u2011b\u2013c\u2014d", "a-b-c-d"), ("ｆｕｌｌ", "full"), ("\U0001d401est", "best"), ("a\u00a0b\u3000c", "a b c"),
        ("“x” «y»", '"x" "y"'), ("z\u200ber\ufeffo", "zero"), ("straße", "strasse"), ("", ""),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(fold(text)) == folded


def test_accents_may_stay() -> None:
    assert fold("AVÓ", accents=True) == fold(unicodedata.normalize("NFD", "avó"), accents=True) != fold("avô", accents=True)


@pytest.mark.parametrize("text", ["", "a", "**b** [c](d) `e`", "ﬁn ½ が", "x" * 50])
def test_a_place_in_a_copy_is_one_of_the_text(text: str) -> None:
    for one in copies(text):
        assert len(one.text) == len(one.places) and list(one.places) == sorted(one.places)
        assert all(0 <= p < len(text) for p in one.places)


BANNED = ["best in class", "we're the best", "Não perca", "unbelievable", "最高"]


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("It is best in class.", "best in class"), ("BEST  in\nclass", "best in class"), (f"It is {HARD}!", "best in class"),
        ("best-in-class", "best in class"), ("**best** in class", "best in class"), ("_best_ in *class*", "best in class"),
        (f"{SHY} in class", "best in class"), (WIDE, "best in class"), ("best\u00a0in\u202fclass", "best in class"),
        ("[best](https://x.example) in class", "best in class"), ("<b>best</b> in class", "best in class"),
        ("best\\-in\\-class", "best in class"), ("b\u200best in class", "best in class"), ("`best in class`", "best in class"),
        (f"{CURLY} the best", "we're the best"), ("We‘re the best", "we're the best"),
        (unicodedata.normalize("NFD", "não perca"), "Não perca"), ("NÃO PERCA!", "Não perca"),
        ("un**believ**able", "unbelievable"), ("これは最高です", "最高"),
    ],
)  # fmt: skip
def test_banned_phrases_in_ordinary_typography(text: str, phrase: str) -> None:
    assert brand.found(text, BANNED) == [phrase]
    left = brand.removed(f"Before {text} behind.", BANNED)
    assert brand.found(left, BANNED) == []
    assert left.startswith("Before") and left.endswith("behind.")


@pytest.mark.parametrize(
    "text",
    ["a classy best", "the best inner class", "nao perca", "bestinclass", "we are the best", "unbelievably", "avó", "best, in class"],
)
def test_what_is_not_banned(text: str) -> None:
    assert brand.found(text, [*BANNED, "avô"]) == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("We are **best in class** today.", "We are today."), ("We are **best** in class today.", "We are today."),
        ("It is best\u2011in\u2011class, really.", "It is, really."),
    ],
)
def test_nothing_is_left_of_the_marks(text: str, left: str) -> None:
    assert brand.removed(text, BANNED) == left


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("STOP", consent.OUT), ("ｓｔｏｐ", consent.OUT), ("*stop*", consent.OUT), ("“Parar!”", consent.OUT),
        ("don\u2019t message me", consent.OUT), ("opt\u2011out", consent.OUT), ("s\u00adtop", consent.OUT),
        (unicodedata.normalize("NFD", "não quero receber"), consent.OUT), ("Descadastre\u2010me", consent.OUT), ("stop 🛑", consent.OUT),
        ("chega\u00a0de avisos!", consent.OUT), ("Ｓtart", consent.IN), ("opt\u2013in", consent.IN), ("voltar…", consent.IN),
        ("do not stop", None), ("🛑", None), ("", None), ("bus stop", None), ("pare aqui", None),
    ],
)
def test_opt_out_words(text: str, meaning: str | None) -> None:
    assert consent.parse(text, {"optOutWords": ["Chega de Avisos", "🛑"]}) == meaning


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/reset", "reset"), (" /RESET ", "reset"), ("／reset", "reset"), ("/re\u200bset", "reset"), ("/reset\u00a0", "reset"),
        ("/reset@my_bot", "reset"), ("/usage", "usage"), ("/reset now", None), ("reset", None),
    ],
)
def test_commands(text: str, command: str | None) -> None:
    assert commands.parse(text, True) == command


def test_plain_words() -> None:
    assert plain("  «Stop»,  please! ") == "stop please"
