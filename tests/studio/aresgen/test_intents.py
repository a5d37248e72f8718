"""When a person is wanted, and what is asked for, by rules."""

import pytest

from hub.language.human_requests import wants_human
from hub.language.intents import HUMAN
from hub.studio.aresgen import intents
from tests.language.human_requests import part

WANTED = [
    "Can I speak to a human?", "I want to talk to a real person please", "Connect me with an agent",
    "get me a representative", "I need someone from your team", "human support please",
    "Quero falar com um atendente", "preciso de falar com uma pessoa", "me transfere para um humano",
    "Quero conversar com o gerente", "atendimento humano", "chama alguém aí",
    "Quiero hablar con una persona", "Necesito un agente", "páseme con un asesor", "atención humana por favor",
]
NOT = [
    "What is a human being?", "Do you have gifts for a person of 40?", "I do not want to talk to a human",
    "não quero falar com atendente", "no quiero hablar con una persona", "Where is my order?", "Obrigado!",
    "How many people fit in the room?", "gente, que pão bom",
]


@pytest.mark.parametrize("text", WANTED)
def test_a_person_is_wanted(text: str) -> None:
    assert wants_human(text) and intents.by_rules(text) == HUMAN


@pytest.mark.parametrize("text", NOT)
def test_no_person_is_wanted(text: str) -> None:
    assert not wants_human(text)


@pytest.mark.parametrize(("text", "intent"), [
    ("Where is my order?", "order_status"), ("Onde está meu pedido?", "order_status"),
    ("Quero meu dinheiro de volta", "refund"), ("¿Cuánto cuesta el plan?", "pricing"), ("Bom dia!", "greeting"),
    ("A que horas vocês abrem? Qual o horário?", "opening_hours"), ("quero cancelar", "cancellation"),
    ("the history of whales", "other"), ("", "other"),
])
def test_intents_by_rules(text: str, intent: str) -> None:
    assert intents.by_rules(text) == intent


@pytest.mark.parametrize("judged", [False, True])
def test_wishes_for_a_human_by_labels(judged: bool) -> None:
    """Whoever misses a tenth, or takes a tenth falsely, does not pass."""
    rows = part(judged)
    asked = [text for text, wanted in rows if wanted]
    found = {text for text, _ in rows if wants_human(text)}
    right = len(found & set(asked))
    assert len(rows) >= 80 and right / len(asked) >= 0.95 and right / len(found) >= 0.95, (
        sorted(found ^ set(asked)) if not judged else "a judged one"
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("I don\u2019t want to talk to a bot", True), ("**Agent** please", True), ("ａｇｅｎｔ", True),
        ("não quero um robô, humano!", True), ("Is there a manual? No human needed", False),
        ("A human told me so, and it was wrong.", False), ("", False), ("?", False),
    ],
)
def test_wishes_in_ordinary_typography(text: str, wanted: bool) -> None:
    assert wants_human(text) is wanted
