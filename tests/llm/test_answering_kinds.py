"""Kinds of questions that the offline answerer once got wrong, each on texts of another trade."""


import pytest

from hub.language import words
from hub.language.nearness import nearest
from hub.llm.blocks import cut
from tests.llm.test_answering import said

GYM = "Rua do Forte, 90, Centro. Telefone (51) 5550-1000. WhatsApp (51) 5550-1001. E-mail: oi@ferro.example."
POLICY = "Em caso de acidente avise pelo telefone 0800 555 0777, com o laudo do médico."


@pytest.mark.parametrize(("question", "right"), [
    ("Qual é o WhatsApp de vocês?", "5550-1001"), ("qual o telefone?", "5550-1000"),
    ("Qual o endereço da academia?", "Rua do Forte, 90"), ("¿Cuál es el correo de ustedes?", "oi@ferro.example"),
])
def test_numbers_and_addresses_of_the_business_itself(question: str, right: str) -> None:
    got = said(question, POLICY, GYM)
    assert right in got and "0800" not in got


@pytest.mark.parametrize("question", [
    "Onde fica a academia e qual o telefone?", "Qual o telefone da academia e onde ela fica?",
    "Qual o endereço da academia e qual o telefone?",
])
def test_two_of_them_in_one_message(question: str) -> None:
    got = said(question, GYM, POLICY)
    assert "Rua do Forte, 90" in got and "5550-1000" in got and "Não encontrei" not in got


def test_a_number_of_something_that_is_not_known_is_not_given() -> None:
    assert "5550" not in said("Qual o telefone da creche?", GYM) and "5550" not in said("Qual a chave pix?", GYM)


def test_what_is_not_answered_of_two_questions_is_said() -> None:
    got = said("Quanto custa a diária e qual o nome do fundador?", "A diária custa R$ 80.")
    assert "R$ 80" in got and "Não encontrei nada sobre: qual o nome do fundador." in got


@pytest.mark.parametrize("text", ["Oi, tudo bem? Quanto custa a diária?", "Meu nome é Ana; quanto custa a diária?"])
def test_what_is_no_question_is_not_missed(text: str) -> None:
    got = said(text, "A diária custa R$ 80.")
    assert "R$ 80" in got and "Não encontrei" not in got


def test_questions_within_a_paragraph_are_no_answers() -> None:
    text = "Dúvidas dos hóspedes. Dá para lavar roupa? Sim, das 8h às 12h. Tem cofre? Sim, no quarto. É gratuito."
    assert said("tem cofre?", text).startswith("Sim, no quarto. É gratuito.")
    assert said("posso lavar roupa?", text).startswith("Sim, das 8h às 12h.")
    assert [(b.title, b.text) for b in cut("# A\n\nQuer mais? Ligue.")] == [("A Quer mais?", "Ligue.")]
    assert [b.text for b in cut("Um preço.\nDois preços.")] == ["Um preço.\nDois preços."]


@pytest.mark.parametrize(("question", "text", "right", "wrong"), [
    ("Quando não tem aula de ioga?", "A aula de ioga dura uma hora e é às 7h. É dada todo dia, menos às sextas.",
     "menos às sextas", ""),
    ("When is there no ferry?", "The ferry takes 40 minutes and leaves at 9 am. It sails every day except Tuesdays.",
     "except Tuesdays", ""),
    ("¿Qué días no hay mercado?", "El mercado abre a las 8:00. Se arma cada día en la plaza, salvo los martes.",
     "salvo los martes", ""),
])
def test_when_something_is_not(question: str, text: str, right: str, wrong: str) -> None:
    assert right in said(question, f"# {text.split()[1]}\n\n{text}")


def test_sentences_that_differ_in_their_amount_alone_disagree() -> None:
    one = "Depois de terminar a obra você tem 15 dias como prazo para pedir a vistoria da prefeitura."
    other = "O prazo para pedir a vistoria da prefeitura depois do término é de 30 dias."
    got = said("Qual o prazo para pedir a vistoria da prefeitura depois de terminar a obra?", one, other)
    assert "15 dias" in got and "30 dias" in got
    got = said("Quanto preciso deixar de sinal?", "O noivo deixa um sinal de R$ 500 no ato.",
               "Será cobrado sinal de R$ 800 por festa.")
    assert "R$ 500" in got and "R$ 800" in got


def test_a_link_that_is_asked_for_must_be_there() -> None:
    table = "# Preços\n\n| Prato | Meia | Inteira |\n|---|---|---|\n| Feijoada | grátis | R$ 40 |\n"
    assert "Feijoada" not in said("qual o link da feijoada grátis?", table)
    assert "x.example/f" in said("qual o link da feijoada?", "A feijoada é pedida em https://x.example/f.")


def test_with_whom_one_speaks() -> None:
    text = ("Escolas trazem turmas ao museu: a visita guiada custa R$ 9 por aluno. O atendimento a escolas é com "
            "Lia Torres, pelo ramal 31.")
    assert "Lia Torres" in said("Com quem falo sobre a turma da minha escola?", f"# Escolas\n\n{text}")


def test_how_many_days_is_a_time_and_cubic_metres_a_measure() -> None:
    table = ("# Entregas\n\n| Destino | Valor por m³ | Prazo |\n|---|---|---|\n| Natal | R$ 90 | 4 dias |\n"
             "| Recife | R$ 70 | 3 dias |\n")
    assert said("Em quantos dias chega em Natal?", table).startswith("Natal – Prazo: 4 dias")
    for question in ("Quanto sai o metro cúbico até Recife?", "How much is a cubic meter to Recife?",
                     "¿Cuánto cuesta el metro cúbico a Recife?"):
        assert said(question, table).startswith("Recife – Valor por m³: R$ 70"), question


@pytest.mark.parametrize(("one", "many"), [
    ("movel", "moveis"), ("caminhao", "caminhoes"), ("viagem", "viagens"), ("animal", "animais"), ("lencol", "lencois"),
])
def test_plurals_of_portuguese(one: str, many: str) -> None:
    assert words.stem(one) == words.stem(many)


def test_words_that_only_begin_alike_are_no_slips() -> None:
    assert nearest("chque", ["cade", "custo", "cost"]) is None and nearest("chque", ["cheque", "cost"]) == "cheque"
    assert "boleto" in said("aceitam chque?", "Não aceitamos cheque nem boleto.")
    assert "Pix" not in said("qual a chave pix?", "O resto é pago na entrega, por Pix ou dinheiro.")


def test_a_verb_behind_its_subject() -> None:
    got = said("Until when can guests stay?", "# House\n\nGuests of tenants must leave by 11 pm. Bikes stay outside.")
    assert "11 pm" in got


@pytest.mark.parametrize("text", ["thanks, that helps", "obrigado, ajudou muito", "gracias, me ayudó mucho"])
def test_thanks_that_say_why(text: str) -> None:
    assert not said(text, "A loja abre às 9h.").startswith(("Não", "I could", "No enc"))


def test_code_on_a_display() -> None:
    table = "# Visor\n\n| Código | Significado |\n|---|---|\n| F07 | Porta aberta |\n| F09 | Sem água |\n"
    assert "Sem água" in said("Apareceu F09 no visor, o que eu faço?", table)




def test_cats_are_no_dogs_and_both_are_animals() -> None:
    table = "# Diárias\n\n| Serviço | Cães | Gatos |\n|---|---|---|\n| Creche | R$ 60 | R$ 45 |\n"
    asked = ("quanto é a creche de gato?", "quanto é a creche para uma gata?", "How much is the creche for a cat?")
    for question in asked:
        assert "R$ 45" in (got := said(question, table)) and "R$ 60" not in got, question
    assert "R$ 60" in said("quanto custa a creche de cachorro?", table)
    assert "Dogs are welcome" in said("Are animals allowed in the garden?", "Dogs are welcome in the garden.")
    assert "small pets" in said("Can I bring my dog to the garden?", "Only small pets may come to the garden.")
    assert "Cats" not in said("Can I bring my dog?", "Cats may stay with us for free.")


def test_of_two_columns_of_one_idea_the_one_that_is_named() -> None:
    table = "# Planos\n\n| Plano | Fee | Price |\n|---|---|---|\n| Sol | USD 5 | USD 90 |\n"
    assert "USD 90" in said("What is the price of Sol?", table)
