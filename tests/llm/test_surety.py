"""Where rules leave it open whether a sentence answers, it is told by how near both are."""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from hub.domain import Passage
from hub.llm.embedder import Embedder, Vector
from hub.llm.extractive import TEXTS, Answering, Extractive
from hub.llm.likeness import Likeness
from hub.llm.types import Prompt

REFUSED = TEXTS["nothing"]["pt"]
HOUSE = uuid4()


class Placed(Embedder):
    """Vectors that are given; counted: how many texts were asked for."""

    def __init__(self, near: dict[str, Vector]) -> None:
        super().__init__()
        self._near, self.counted = near, 0

    async def queries(self, texts: Sequence[str], account: UUID | None = None) -> list[Vector]:
        return await self.passages(texts)

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        self.counted += len(texts)
        return [next((v for part, v in self._near.items() if part in t), [0.0, 1.0]) for t in texts]


def passage(text: str, name: str = "regras", score: float = 0.5) -> Passage:
    return Passage(uuid4(), HOUSE, name, text, score)


RULES = passage("Os cães ficam presos. Objetos deixados na sede são guardados por 60 dias e depois doados.")


TABLE = passage("A deposit of $40 holds the table and is returned if you call us by Friday. We close at noon.")


async def told(question: str, embedder: Placed, found: Passage = RULES) -> tuple[str, str]:
    """By the rules alone, and with the vectors."""
    one = Answering(question, [found])
    first = one.reply()
    return first, one.reply(await Likeness(embedder).of(one.wanted, [found])) if one.wanted else first


async def test_a_sentence_in_other_words_answers_where_it_is_near() -> None:
    question = "Do I get my deposit back if we can't come?"
    near = Placed({"get my": [1.0, 0.0], "holds the table": [1.0, 0.0]})
    first, then = await told(question, near, TABLE)
    assert first == TEXTS["nothing"]["en"] and "returned if you call" in then
    first, then = await told(question, Placed({"get my": [1.0, 0.0], "holds the table": [-1.0, 0.0]}), TABLE)
    assert first == then == TEXTS["nothing"]["en"]


async def test_what_is_plain_asks_for_no_vectors() -> None:
    near = Placed({})
    assert "60 dias" in (await told("por quanto tempo objetos deixados são guardados?", near))[1]
    assert (await told("qual a senha do cofre?", near))[1] == REFUSED
    assert near.counted == 0


async def test_quotes_are_remembered_for_their_collection_alone() -> None:
    near = Placed({})
    likeness = Likeness(near)
    for _ in range(2):
        await likeness.of([("a?", "b")], [RULES])
    assert near.counted == 3  # the question twice: the embedder itself remembers those
    other = Passage(uuid4(), uuid4(), "x", "y", 0.5)
    await likeness.of([("a?", "b")], [other])
    assert near.counted == 5


class Ailing(Placed):
    """An embedder whose model is not there, or one that is never done."""

    def __init__(self, stuck: bool) -> None:
        super().__init__({})
        self.stuck = stuck

    async def passages(self, texts: Sequence[str]) -> list[Vector]:
        self.counted += 1
        if self.stuck:
            await asyncio.Event().wait()
        raise OSError("the model's file is missing")


@pytest.mark.parametrize("stuck", [False, True])
async def test_an_ailing_embedder_costs_no_answer(stuck: bool) -> None:
    question, ailing = "Do I get my deposit back if we can't come?", Ailing(stuck)
    asking = Prompt("x", [{"role": "user", "content": question}], question=question, passages=(TABLE,), language="en")
    ailing.rest.patience = 0.05 if stuck else 60
    model = Extractive(Likeness(ailing))
    for _ in range(3):
        made = [d async for d in model.stream(asking, time.monotonic() + 60)]
        assert "".join(d.text for d in made) == Answering(question, [TABLE], "en").reply()
        assert made[-1].passing  # nobody remembers what would be said otherwise with vectors
    assert ailing.counted == 1  # what ails is not asked again at once


def test_is_is_no_and() -> None:
    texts = [passage("A diária custa R$ 80."), passage("O estacionamento é grátis.", "b")]
    got = Answering("A diária é grátis?", texts, "pt").reply()
    assert "estacionamento" not in got


def test_other_amounts_of_other_things_do_not_disagree() -> None:
    texts = [passage("Quem cancela antes do fim paga 20% de multa.", "a"),
             passage("Você perde R$ 30 de sinal se cancela o passeio depois das 18h.", "b")]
    assert TEXTS["differ"]["pt"] not in Answering("como cancela?", texts, "pt").reply()


@pytest.mark.parametrize("question", ["¿Quién da el taller?", "¿Cómo se llama quien da el taller?"])
def test_who_somebody_is_is_told_by_a_name(question: str) -> None:
    course = "El taller dura ocho sábados. Cuesta 900 pesos."
    assert "Irma Sosa" in Answering(question, [passage(f"{course} El taller lo da Irma Sosa.")]).reply()
    assert Answering(question, [passage(course)]).reply() == TEXTS["nothing"]["es"]


def test_one_row_is_not_another_of_a_longer_name() -> None:
    rows = "| Sur 8 Plus | 700 pesos |\n| Sur 8 | 500 pesos |\n| Sur 8 Mini | 400 pesos |"
    table = f"| Modelo | Vidrio |\n|---|---|\n{rows}"
    got = Answering("¿Cuánto cuesta el vidrio del Sur 8?", [passage(table)]).reply()
    assert "500 pesos" in got and "700" not in got and "400" not in got


def test_hours_of_one_day_do_not_disagree_with_those_of_all() -> None:
    texts = [passage("El molino cierra a las 13:00 el sábado y a las 18:00 los otros días.", "a", 0.7),
             passage("El sábado 24 de diciembre el molino cierra a las 11:00.", "b")]
    got = Answering("¿A qué hora cierra el molino el sábado?", texts).reply()
    assert "13:00" in got and TEXTS["differ"]["es"] not in got


@pytest.mark.parametrize("near", ["Sur 8 Plus", "Sur 8 Mini"])
@pytest.mark.parametrize("question", [
    "¿Cuánto cuesta cambiar el vidrio roto del Sur 8?", "¿Cuánto cuesta reponer el vidrio rajado del Sur 8?",
])
def test_vectors_choose_no_other_row_of_the_same_table(question: str, near: str) -> None:
    rows = "| VI-1 | Sur 8 | 500 pesos |\n| VI-2 | Sur 8 Plus | 700 pesos |\n| VI-3 | Sur 8 Mini | 400 pesos |"
    one = Answering(question, [passage(f"| Código | Modelo | Vidrio |\n|---|---|---|\n{rows}")])
    one.reply()
    assert one.wanted
    got = one.reply({pair: 0.9 if near in pair[1] else 0.1 for pair in one.wanted})
    assert got.startswith("VI-1 – Modelo: Sur 8; Vidrio: 500 pesos")


@pytest.mark.parametrize(("question", "text", "right"), [
    ("Quanto custa entregar uma árvore de 3 metros?",
     "Árvores com mais de dois metros são entregues com caminhão munck, por R$ 220,00.", "220"),
    ("Si cancelo tres días antes del taller, ¿pierdo la seña?",
     "Quien cancela hasta cinco días antes del taller recupera la seña; después se guarda para otro.", "se guarda"),
    ("Who founded the nursery?", "O viveiro foi fundado em 1996 por Lúcia Hoffmann.", "Lúcia"),
    ("Is there a rooftop with a barbecue?", "Temos um terraço com churrasqueira.", "churrasqueira"),
])
def test_amounts_of_the_asker_and_everyday_words_of_other_languages(question: str, text: str, right: str) -> None:
    assert right in Answering(question, [passage(text), passage("Fechamos às 18h.", "b")]).reply()


def test_a_stem_alone_is_no_idea() -> None:
    table = "| Planta | Preço | Luz |\n|---|---|---|\n| Samambaia | R$ 39,00 | sombra |\n| Aloe | R$ 20,00 | sol |"
    got = Answering("A samambaia precisa de luz?", [passage(table)], "pt").reply()
    assert "sombra" in got and "39" not in got
