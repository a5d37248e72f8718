"""What is decided by words alone: what to remember, whom to ask, who is under age."""

import pytest

from hub.language.ages import minor, stated, young
from hub.studio.ares import orchestra, routing
from hub.studio.ares.learning import parsed
from hub.studio.ares.rules import learned
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
        # A value must look like one.
        ("My name is on the invoice, right?", {}), ("Me llamo mucho la atención tu producto", {}), ("MY NAME IS ON THE INVOICE", {}),
        ("Sou da opinião de que é caro", {}), ("my name is wrong in your system", {}), ("Meu nome é diferente no cadastro", {}),
        ("mi nombre es importante para ustedes", {}), ("My name is not Ana", {}), ("no me llamo Ana", {}), ("If my name is Ana, what then?", {}),
        ("I live in a small house", {}), ("moro na casa da minha mãe", {}), ("soy de la opinión de que es caro", {}), ("I am from the sales team", {}),
        ("I work for free", {}), ("trabajo en casa", {}), ("trabalho no turno da noite", {}), ("my birthday is coming soon", {}),
        ("Tenho 30 anos de experiência", {}), ("me gusta mucho", {}), ("I like it", {}), ("I like how you explain this", {}),
        ("my name is spelled with an h", {}), ("gosto de você", {}), ("I work as usual", {}), ("Sou do time de vocês", {}),
        ("My name is " + "ana ".strip() + " and I live in Lisbon", {"name": "ana", "location": "Lisbon"}),
        ("me chamo joão", {"name": "joão"}), ("My name is Ana, can you help me?", {"name": "Ana"}), ("Me chamo Maria das Dores", {"name": "Maria das Dores"}),
        ("I\u2019m from the Netherlands originally", {"location": "the Netherlands"}), ("moro no Rio de Janeiro", {"location": "Rio de Janeiro"}),
        ("I live in São Paulo now", {"location": "São Paulo"}), ("my birthday is on 3 May", {"birthday": "3 May"}),
        ("Trabalho na Petrobras como engenheira", {"company": "Petrobras"}), ("I'm from the US", {"location": "the US"}),
        ("My name is Ludwig van Beethoven", {"name": "Ludwig van Beethoven"}), ("Soy de Buenos Aires", {"location": "Buenos Aires"}),
        # What is sure stays before what is not.
        ("My name is Ana. By the way, my name is beautiful they say", {"name": "Ana"}),
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


MINORS = [
    'girl of fifteen',
    'looks 15',
    'a high school student',
    '12歳の少女',
    '17 years old',
    'a teenager',
    'schoolgirl',
    'uma criança',
    'niña',
    'underage',
    'A girl, 14, with red hair',
    'boy (12)',
    'she is 16',
    'barely sixteen',
    'menina de doze anos',
    'garota de 15',
    'chica de quince años',
    'looks like 16',
    'appears to be 13',
    'seems about fourteen',
    'turning 17',
    'in her early teens',
    'middle schooler',
    'highschool girl',
    'high-school student',
    'high schooler',
    '７歳',
    '十五歳',
    '１２ years old',
    '12\xadyears old',
    'fifteen‑year‑old girl',
    'a 9th grader',
    'sixth grader',
    'estudante do ensino médio',
    'colegiala',
    'aparenta 14',
    'parece ter 15 anos',
    '15 ans',
    'elementary school boy',
    'a minor is shown: she is a minor',
    'little girl',
    'preteen',
    'a woman beside a 10 year old girl',
    '小学生',
    '中学生の女の子',
    '女子高生',
    '한 소녀',
    'son of 9',
    "She's 17.",
    'kid',
    'aged fifteen',
    'a girl of about 15',
    'a boy aged 11',
    '16 y.o.',
    'a young girl',
    'nino de 8',
    'edad: 15',
]
ADULTS = [
    '18 years old',
    'Professional',
    'childish smile',
    '10 years of experience',
    "Children's Nurse",
    'a man, 45, beside his 10 year old car',
    'Children’s nurse, 40 years old',
    'a woman of thirty',
    'looks 35',
    'high school teacher, 40',
    'a man of 50 with his 12-year-old dog',
    '25歳の女性',
    'mulher de 30 anos',
    'hombre de 45 años',
    'child psychologist',
    'kids book author',
    'teacher of children',
    'professora de crianças, 35 anos',
    'carro de 10 anos',
    '10 anos de experiência',
    'hace 12 años',
    '12 anos atrás',
    'size 12, aged wood',
    'woman, 45, size 12',
    'looks 15 years younger',
    'five feet tall, 30 years old',
    'wears 3 rings',
    'elegant with 2 earrings',
    'a man with a 15 year old whisky',
    'a lady holding 5 roses',
    '1990s style',
    'a school nurse',
    'enfermera de niños',
    'boyish charm, 28 years old',
    'girlfriend, 27',
    'she is 6 feet tall',
    'minor scars on the cheek',
    'a woman of few words',
    'a man of 1000 faces',
    'woman with one eye',
    'a romance author',
    'high school diploma',
    'man and a dog, 5 cats',
    'girl next door, 25',
]


@pytest.mark.parametrize("text", MINORS)
def test_who_looks_under_age(text: str) -> None:
    assert minor(text)


@pytest.mark.parametrize("text", ADULTS)
def test_who_does_not(text: str) -> None:
    assert not minor(text)


def test_who_is_under_age() -> None:
    assert all(young(t) for t in (
        "15 years old.", "She is 15 years old", "Nice. Tem 14 anos.", "Mia is a high school student", "He's a teenager",
        "A schoolgirl who loves cats", "Es una niña",
    ))
    assert not any(young(t) for t in (
        "Teaches children aged 6 to 10", "Works with 12 year olds", "Is 30 years old", "Kids love her", "Children's Nurse",
        "Teaches high school students", "A high school teacher", "She is great with kids", "Is a mother of two children",
        "Sou professora de crianças",
    ))


def test_a_placeholder_is_the_same_for_the_same_prompt() -> None:
    long = "A very detailed picture of everything there is " * 20
    for prompt in ("Tree", long, "W" * 300, "日本 \ud800", ""):
        made = placeholder(prompt)
        assert made.startswith(b"\x89PNG") and made == placeholder(prompt)
    assert placeholder("Tree") != placeholder("Sea")
