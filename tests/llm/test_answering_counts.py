"""Numbers and comparisons that the offline answerer once took for answers, and messages that are made to hold it up."""

import pytest

from hub.llm import asked
from hub.llm.extractive import TEXTS
from tests.llm.test_answering import said

REFUSED = tuple(TEXTS["nothing"].values())
SHOP = (
    "The laser takes sheets up to 60 by 90 cm. It costs $8 an hour for members. Those under 16 need an adult beside"
    " them. Members can pause for up to three months a year."
)
KENNEL = "O canil hospeda animais desde 2009. Ficamos na Rua das Acácias, 88. Todo animal precisa da vacina V10 em dia."


@pytest.mark.parametrize(("question", "text"), [
    ("How many members do you have?", SHOP), ("Quantos animais vocês têm?", KENNEL),
    ("¿Cuántos perros tienen?", "Los perros pasean en un campo de 40 metros. Los perros salen a las 10 am."),
    ("Quantas salas vocês têm?", "As salas ficam abertas das 8:00 às 20:00 e medem dez metros."),
])
def test_a_number_of_something_else_is_no_count(question: str, text: str) -> None:
    assert said(question, text).startswith(REFUSED)


@pytest.mark.parametrize(("question", "text", "right"), [
    ("How many members do you have?", "We have 340 members.", "340"),
    ("How many kilos can I bring on the plane?", "You can bring 23 kg on the plane.", "23 kg"),
    ("¿Cuántos litros carga el camión?", "El camión carga 900 litros.", "900"),
    ("Quantos animais vocês têm?", "Desde 2009 temos doze animais.", "doze"),
])
def test_a_number_of_it_is(question: str, text: str, right: str) -> None:
    assert right in said(question, text)


@pytest.mark.parametrize(("question", "text"), [
    ("Qual o salário do tosador?", "A tosa é feita às quartas-feiras por R$ 65."),
    ("What is the salary of a driver?", "A driver costs $90 a day."),
    ("¿Cuál es la planta más cara?", "Vendemos plantas. El cactus se riega cada tres semanas."),
    ("Qual é o pior quarto?", "O quarto é por aqui, por favor. Por noite são R$ 90."),
])
def test_a_price_is_no_salary_and_a_thing_not_the_dearest(question: str, text: str) -> None:
    assert said(question, text).startswith(REFUSED)


def test_a_salary_that_is_told() -> None:
    assert "2.000" in said("Qual o salário do recepcionista?", "O recepcionista recebe salário de R$ 2.000.")


@pytest.mark.parametrize(("question", "text", "right"), [
    ("Are you open on Saturday or Sunday in August?", "We are closed on weekends in August.", "closed"),
    ("Vocês abrem no domingo?", "Abrimos nos fins de semana das 9h às 12h.", "9h"),
    ("How long does a tour take?", "Tours last forty minutes.", "forty"),
    ("¿Cuánto dura la visita?", "La visita dura cincuenta minutos.", "cincuenta"),
])
def test_weekends_are_days_and_tens_are_numbers(question: str, text: str, right: str) -> None:
    assert right in said(question, text)


@pytest.mark.parametrize("text", ["a? " * 60_000, f"a{' ' * 200_000}b", "a, " * 60_000 + "?", "a\n" * 60_000])
def test_a_message_made_to_hold_it_up_is_read_within_the_time_of_a_test(text: str) -> None:
    """Each took from minutes to hours."""
    assert 1 <= len(asked.read(text, "pt")) <= 4


def test_a_long_message_is_still_several_questions() -> None:
    found = asked.read("Quanto custa a diária? Onde fica o hotel? " + "bla bla " * 2000, "pt")
    assert ["custa" in one.text for one in found][:2] == [True, False] and "hotel" in found[1].text
