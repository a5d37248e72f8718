"""The offline answerer: finds, quotes, says when it found nothing."""

import time
from uuid import UUID

import pytest

from hub.domain import Passage
from hub.language import words
from hub.language.courtesies import courtesy
from hub.language.folding import fold
from hub.llm.blocks import cut
from hub.llm.extractive import Extractive, reply
from hub.llm.types import Prompt

SHOP = """# Loja Aurora

## Horário de atendimento

Atendemos de segunda a sexta, das 9h às 18h. Não abrimos aos domingos.

## Formas de pagamento

Aceitamos:

- Pix (5% de desconto)
- Cartão de crédito em até 6x

## Trocas e devoluções

Você pode trocar o produto em até 30 dias após o recebimento.

## Entrega

Entregamos em todo o Brasil. O prazo é de 3 a 7 dias úteis.
"""
MANUAL = """# Install

To install the command line tool, run:

```bash
pip install aurora

aurora login
```

Q: How do I reset my password?
A: Open Settings, choose Security and press Reset password.

**Can I cancel my plan?**
Yes. You can cancel at any time under Billing.
"""


def passage(name: str, content: str, score: float = 0.6) -> Passage:
    return Passage(UUID(int=1), UUID(int=2), name, content, score)


FOUND = (passage("Loja", SHOP), passage("manual.md", MANUAL, 0.5))


@pytest.mark.parametrize(
    ("question", "part", "source"),
    [
        ("que horas vocês abrem?", "das 9h às 18h", "Fonte: Loja"),
        ("quanto tempo demora a entrega", "3 a 7 dias", "Fonte: Loja"),
        ("Quais as formas de pagar?", "Aceitamos:\n\n- Pix", "Fonte: Loja"),
        ("posso devolver um produto?", "até 30 dias", "Fonte: Loja"),
        ("aceita pix?", "- Pix", "Fonte: Loja"),
        ("What are your opening hours?", "das 9h às 18h", "Source: Loja"),
        ("¿Cuáles son las formas de pago?", "- Pix", "Fuente: Loja"),
        ("how do I install it?", "```bash\npip install aurora\n\naurora login\n```", "Source: manual.md"),
        ("How can I reset my password", "press Reset password", "Source: manual.md"),
        ("¿Puedo cancelar mi plan?", "cancel at any time", "Fuente: manual.md"),
    ],
)
def test_answers(question: str, part: str, source: str) -> None:
    got = reply(question, FOUND)
    assert part in got and got.endswith(source)
    assert got == reply(question, FOUND) and len(got) < 400


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("Qual é a capital da França?", "Não encontrei"),
        ("Who is the president?", "I could not find"),
        ("¿Quién es el presidente?", "No encontré"),
    ],
)
def test_says_when_nothing_fits(question: str, start: str) -> None:
    far = [passage(p.name, p.content, 0.3) for p in FOUND]
    assert reply(question, far).startswith(start)
    assert reply(question, ()).startswith(start)


def test_what_is_only_close_in_meaning_is_no_answer() -> None:
    got = reply("Is the parcel insured?", [passage("A", "We compensate losses in transit.", 0.7)])
    assert got.startswith("I could not find")


@pytest.mark.parametrize(
    ("text", "kind", "start"),
    [
        ("oi", "hello", "Olá"), ("Bom dia, tudo bem?", "hello", "Olá"), ("Hello there!", "hello", "Hello"),
        ("¡Hola! ¿Qué tal?", "hello", "¡Hola"), ("muito obrigada", "thanks", "De nada"),
        ("Thank you so much", "thanks", "You"),
        ("muchas gracias", "thanks", "¡De nada"), ("tchau", "bye", "Até"), ("bye", "bye", "Goodbye"),
    ],
)
def test_courtesies(text: str, kind: str, start: str) -> None:
    assert courtesy(text) == kind and reply(text, FOUND).startswith(start)


@pytest.mark.parametrize("text", ["oi, qual o horário?", "bom, e a entrega?", "a", "", "dia", "hello world program"])
def test_a_question_is_no_courtesy(text: str) -> None:
    assert courtesy(text) is None


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("Qual é o prazo?", None, "pt"), ("What is the price?", None, "en"), ("¿Cuál es el precio?", None, "es"),
        ("pix?", "pt-BR", "pt"), ("pix?", None, "en"), ("What is pix?", "pt-BR", "en"), ("informações", None, "pt"),
    ],
)
def test_language(text: str, default: str | None, expected: str) -> None:
    assert words.language(text, default) == expected


@pytest.mark.parametrize(
    "same",
    [
        ("entrega", "entregas", "entregar", "entregam"), ("pagamento", "pagar", "pagamos"),
        ("cancelar", "cancelamento", "cancellation"), ("horário", "horarios"), ("deliver", "delivered", "delivering"),
        ("instalação", "instalar"),
    ],
)
def test_stems(same: tuple[str, ...]) -> None:
    assert len({words.stem(fold(w)) for w in same}) == 1


def test_long_text_is_shortened_to_the_sentences_that_matter() -> None:
    filler = " ".join(f"Sentence number {n} talks about something else entirely." for n in range(40))
    got = reply("What is the warranty period?", [passage("d", f"{filler} The warranty period is two years. {filler}")])
    assert "The warranty period is two years." in got and len(got) < 600


def test_code_is_never_cut() -> None:
    code = "```python\n" + "\n".join(f"print({n})  # deploy" for n in range(80)) + "\n```"
    assert code in reply("how to deploy with print", [passage("d", f"Text.\n\n{code}\n\nMore.")])


def test_two_documents_when_each_has_a_half() -> None:
    found = [passage("A", "Shipping takes five days."), passage("B", "A refund takes ten days.")]
    got = reply("shipping and refund", found)
    assert "five" in got and "ten" in got and got.endswith("Sources: A, B")


def test_related_passages_are_read_too() -> None:
    related = (passage("B", "The warehouse is in Porto."),)
    found = Passage(UUID(int=1), UUID(int=2), "A", "Nothing here.", 0.9, references=related)
    assert reply("where is the warehouse", [found]).endswith("Source: B")


@pytest.mark.parametrize(
    "content", ["", "\n\n", "```\nopen", "# Only a title", "?" * 500, "- \n- \n", "Q:\nA:", "a" * 100_000]
)
def test_strange_documents(content: str) -> None:
    cut(content)
    assert reply("what is open?", [passage("x", content)])


async def test_streams_a_few_pieces() -> None:
    model = Extractive()
    said = [{"role": "user", "content": "x"}]
    prompt = Prompt("@hub/extractive", said, question="formas de pagamento", passages=FOUND)
    got = [d async for d in model.stream(prompt, time.monotonic() + 1)]
    assert "".join(d.text for d in got) == reply("formas de pagamento", FOUND)
    assert 2 < len(got) < 8 and got[-1].finish == "stop" and got[-1].usage and got[-1].usage.completion > 10
