"""When a person is wanted, and what is asked for, by rules."""

import pytest

from hub.studio.aresgen import intents

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
    assert intents.wants_human(text) and intents.by_rules(text) == intents.HUMAN


@pytest.mark.parametrize("text", NOT)
def test_no_person_is_wanted(text: str) -> None:
    assert not intents.wants_human(text)


@pytest.mark.parametrize(("text", "intent"), [
    ("Where is my order?", "order_status"), ("Onde está meu pedido?", "order_status"),
    ("Quero meu dinheiro de volta", "refund"), ("¿Cuánto cuesta el plan?", "pricing"), ("Bom dia!", "greeting"),
    ("A que horas vocês abrem? Qual o horário?", "opening_hours"), ("quero cancelar", "cancellation"),
    ("the history of whales", "other"), ("", "other"),
])
def test_intents_by_rules(text: str, intent: str) -> None:
    assert intents.by_rules(text) == intent
