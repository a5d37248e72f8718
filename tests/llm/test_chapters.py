"""A chapter that is called as it is asked is told from its beginning, with all of its steps."""

import pytest

from hub.domain import Passage
from hub.llm.extractive import Answering
from tests.llm.test_surety import passage

STEPS = "\n".join(f"{n}. Do what stands at place {n}, and wait until the lamp is green." for n in range(1, 12))
OVEN = passage(f"The oven has a door.\n\n{STEPS}\n\nClean it on Sundays.", "How do I clean the oven?")
MENU = passage("Abra Cartas e escolha a carta. Depois escolha quem a recebe.", "Como envio uma carta?")
OTHER = passage("The oven was bought in 2019. Who cleans it wears gloves.", "About the oven")


@pytest.mark.parametrize(("question", "found", "right"), [
    ("How can I clean the oven?", (OTHER, OVEN), ("place 1,", "place 11,")),
    ("¿Cómo limpio el horno con la lámpara verde?", (OVEN, MENU), ()),
    ("Como mando uma carta?", (OTHER, MENU), ("Abra Cartas", "quem a recebe")),
    ("How do I clean the oven with gloves?", (OTHER, OVEN), ()),
])
def test_how_something_is_done(question: str, found: tuple[Passage, ...], right: tuple[str, ...]) -> None:
    got = Answering(question, found).reply()
    assert all(words in got for words in right)
    if not right:
        assert "place 11," not in got


def test_how_much_is_not_how() -> None:
    priced = passage("Prices: cleaning costs $40.\n\nIt is quick.", "How do I clean the oven?")
    assert Answering("How much is cleaning the oven?", [OVEN]).reply().count("place") == 0
    assert "$40" in Answering("How much does cleaning cost?", [priced]).reply()


@pytest.mark.parametrize("before", ["", "You need gloves:\n\n"])
def test_of_very_many_steps_the_first_are_told(before: str) -> None:
    steps = "\n".join(f"{n}. Do what stands at place {n}, and wait" for n in range(1, 5000))
    got = Answering("How do I clean the oven?", [passage(before + steps, "How do I clean the oven?")]).reply()
    assert before.strip() in got and "place 1," in got and "place 20," in got and "…" in got
    assert len(got) < 2600 and "place 4999" not in got


def test_a_chapter_of_one_endless_sentence_is_cut() -> None:
    endless = passage("wipe the oven and " * 2000, "How do I clean the oven?")
    assert len(Answering("How do I clean the oven?", [endless]).reply()) < 2600
