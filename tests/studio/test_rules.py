"""What is decided by words alone: what to remember, whom to ask, who is under age."""

import pytest

from hub.studio.ares import orchestra, routing
from hub.studio.ares.learning import parsed
from hub.studio.ares.rules import learned
from hub.studio.characters.ages import minor, stated, young
from hub.studio.characters.drawing import placeholder

AGENTS = {"router": "", "orchestrator": "", "product": "", "sales": "", "hr": "", "garden": "Plants, soil and seeds."}


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("My name is Ana Souza and I work at Aurora.", {"name": "Ana Souza", "company": "Aurora"}),
        ("Oi, me chamo João da Silva, moro em Recife.", {"name": "João da Silva", "location": "Recife"}),
        ("Me llamo José y trabajo como contador.", {"name": "José", "role": "contador"}),
        ("I'm 41 years old. I really like green tea, but no sugar.", {"age": "41", "likes": "green tea"}),
        ("Tenho 30 anos e prefiro e-mail", {"age": "30", "likes": "e-mail"}),
        ("No me gusta el teléfono.", {"dislikes": "el teléfono"}),
        ("Please answer me in Spanish from now on, short answers.", {"language": "Spanish", "length": "short"}),
        ("Responda sempre em português, seja formal", {"language": "Portuguese", "tone": "formal"}),
        ("Respóndeme en inglés con respuestas detalladas en viñetas",
         {"language": "English", "length": "detailed", "format": "lists"}),
        ("My name is Ana. No: my name is Bia.", {"name": "Bia"}),
        ("What is your name? Is it in English?", {}),
        ("my name is " + "x" * 200, {}),
        ("", {}),
    ],
)  # fmt: skip
def test_what_a_message_says_of_its_author(message: str, found: dict[str, str]) -> None:
    assert {one.key: one.value for one in learned(message)} == found


@pytest.mark.parametrize("told", ["", "no", "[1]", '{"facts": 7}', '{"facts": [{"key": "a"}]}', "[[" * 500])
def test_what_a_model_may_say_instead_of_what_to_remember(told: str) -> None:
    assert parsed(told) == []


@pytest.mark.parametrize(
    ("said", "agent"),
    [
        ("sales", "sales"), (" `HR`.\n", "hr"), ("It is for product, not for sales", "product"),
        ("salesperson", "sales"), ("I cannot say", "orchestrator"), ("", "orchestrator"),
    ],
)
def test_the_agent_that_a_model_names(said: str, agent: str) -> None:
    assert routing.named(said, {k: v for k, v in AGENTS.items() if k != "router"}) == agent


@pytest.mark.parametrize(
    ("message", "agent"),
    [
        ("How much is the Pro plan, and which features has it?", "product"), ("Quero comprar com desconto", "sales"),
        ("¿Cuántos días de vacaciones tengo?", "hr"), ("When do I put seeds into the soil?", "garden"), ("Ok!", None),
    ],
)
def test_the_agent_that_words_speak_for(message: str, agent: str | None) -> None:
    assert routing.by_words(message, AGENTS) == agent


def test_plans() -> None:
    known = {"product": "", "hr": ""}
    assert orchestra.tasks_of('{"tasks": [{"agent": "HR", "task": "x"}]}', known) == [orchestra.Task("hr", "x")]
    many = '[{"agent": "hr", "task": "x"}' + ',{"agent": "product", "task": "y"}' * 9 + "]"
    assert len(orchestra.tasks_of(many, known)) == orchestra.MOST
    for told in ("", "none", "[]", '[{"agent": "router", "task": "x"}]', '[{"agent": "hr"}]', "7"):
        assert orchestra.tasks_of(told, known) == []
    shared = orchestra.by_words("Hello. Which plans? My vacation? Thanks.", known)
    assert shared == [orchestra.Task("product", "Hello. Which plans?"), orchestra.Task("hr", "My vacation? Thanks.")]


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("35 years old, tall", 35), ("a 17-year-old", 17), ("twelve years old", 12), ("dezesseis anos de idade", 16),
        ("10 anos de experiência", None), ("hace 12 años", None), ("tiene 12 años", 12), ("12 anos atrás", None),
        ("aged 9", 9), ("16 y.o.", 16),
        ("edad: 15", 15), ("6 months old", 0), ("1990 years old", None), ("size 12, aged wood", None), ("", None),
        ("21 years old, mother of a 5 year old", 5),
    ],
)
def test_ages_in_words(text: str, age: int | None) -> None:
    assert stated(text) == age


def test_who_is_under_age() -> None:
    assert all(minor(t) for t in ("17 years old", "a teenager", "schoolgirl", "uma criança", "niña", "underage"))
    assert not any(minor(t) for t in ("18 years old", "Professional", "childish smile", "10 years of experience"))
    assert all(young(t) for t in ("15 years old.", "She is 15 years old", "Nice. Tem 14 anos."))
    assert not any(young(t) for t in ("Teaches children aged 6 to 10", "Works with 12 year olds", "Is 30 years old"))


def test_a_placeholder_is_the_same_for_the_same_prompt() -> None:
    long = "A very detailed picture of everything there is " * 20
    for prompt in ("Tree", long, "W" * 300, "日本 \ud800", ""):
        made = placeholder(prompt)
        assert made.startswith(b"\x89PNG") and made == placeholder(prompt)
    assert placeholder("Tree") != placeholder("Sea")
