"""Groups of letters in the order of what was found."""

from datetime import date

import pytest

from hub.knowledge.ordering import Candidate, ordered
from hub.language.validity import Validity

TODAY = date(2026, 6, 1)


def order(asked: str, *found: tuple[float, str]) -> list[int]:
    return ordered([asked], [Candidate(place, text, Validity()) for place, text in found], TODAY)


@pytest.mark.parametrize(("asked", "near", "said"), [
    ("qual é a multa do cancelamento?", "As regras da casa.", "A multa do cancelamento é de dez reais."),
    ("¿cuánto cuesta la lavandería?", "Las reglas de la casa.", "La lavandería cuesta diez."),
    ("multa cancelamento", "As regras da casa.", "Multa por cancelamento: dez reais."),
])
def test_rare_words_of_a_question_count_once_more(asked: str, near: str, said: str) -> None:
    assert order(asked, (0.55, near), (0.5, said)) == [1, 0]


@pytest.mark.parametrize(("asked", "near", "said"), [
    ("what is the fee of a cancellation?", "The rules of the house.", "The cancellation fee is ten."),
    ("who are the painters of the cards?", "A deck was made in 1909.", "Painters of cards like it."),
])
def test_words_of_an_english_question_that_were_found_are_not_counted_twice(asked: str, near: str, said: str) -> None:
    assert order(asked, (0.55, near), (0.5, said)) == [0, 1]


@pytest.mark.parametrize("asked", ["how much is the imersion?", "what of the brekfast?", "is there an elevtor?"])
def test_words_of_an_english_question_that_nothing_has_lead_to_what_is_spelt_nearly_so(asked: str) -> None:
    said = "Immersion, breakfast and elevators are paid for at the desk."
    assert order(asked, (0.51, "The rules of the house."), (0.5, said)) == [1, 0]
