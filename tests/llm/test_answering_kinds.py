"""Kinds of questions that the offline answerer once got wrong, each on texts of another trade."""


from uuid import UUID

import pytest

from hub.domain import Passage
from hub.language import words
from hub.language.facts import FACTS
from hub.language.nearness import nearest
from hub.llm.blocks import cut
from hub.llm.extractive import TEXTS, reply
from tests.llm.test_answering import TODAY, said

REFUSED = tuple(TEXTS["nothing"].values())
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


def test_links_are_found_in_a_long_row_of_words() -> None:
    assert FACTS["link"].search("see my-shop.com now") and FACTS["link"].search("www.shop.example")
    assert not FACTS["link"].search("-".join("a" * 200_000)) and not FACTS["link"].search("so. command")


def test_a_long_question_is_not_said_again_as_a_whole() -> None:
    got = said(f"Qual o preço da mesa? Onde fica {'o robô xadrez ' * 700}?", "A mesa custa R$ 450.")
    assert "R$ 450" in got and "Onde fica o robô" in got and "…" in got and len(got) < 300


@pytest.mark.parametrize(("question", "text", "right", "wrong"), [
    ("Até que horas a quadra fica aberta na quarta-feira?",
     "# Quadra\n\n- Segunda a sexta: das 6h às 23h\n- Sábado: das 7h às 15h", "23h", "15h"),
    ("Until what time is the pool open on Tuesday?",
     "# Pool hours\n\n- Monday to Thursday: 7 am to 9 pm\n- Friday: 7 am to 5 pm", "9 pm", "?"),
    ("¿A qué hora abre el museo el jueves?",
     "# Horario del museo\n\n- Martes a viernes: 10:00\n- Sábado: 12:00", "10:00", "?"),
])
def test_a_day_within_a_span_of_days(question: str, text: str, right: str, wrong: str) -> None:
    got = said(question, text)
    assert right in got and wrong not in got


@pytest.mark.parametrize(("question", "right"), [
    ("Quem não precisa pagar entrada?", "isentos"), ("quem pode pagar com vale?", "só para funcionários"),
    ("Quanto custa a entrada?", "R$ 90"),
])
def test_who_pays_is_no_question_for_a_price(question: str, right: str) -> None:
    club = "# Clube\n\nA entrada custa R$ 90. Militares ficam isentos da entrada."
    assert right in said(question, club, "# Cantina\n\nO pagamento com vale é aceito só para funcionários.")


def test_two_facts_of_one_thing_that_is_named_last() -> None:
    rows = "| Ilha | 3 horas | R$ 70 |\n| Farol | 5 horas | R$ 95 |\n"
    table = f"# Passeios\n\n| Passeio | Duração | Preço |\n|---|---|---|\n{rows}"
    got = said("Quanto custa e quanto dura o passeio do Farol?", table)
    assert "R$ 95" in got and "5 horas" in got and "R$ 70" not in got


def test_a_year_is_no_number_to_call() -> None:
    news = "A loja de Itu fica fechada de 3 a 9 de maio de 2031."
    got = said("telefone da loja de Itu", news, "# Loja de Itu\n\nTelefone (11) 5550-7070.")
    assert "5550-7070" in got and "2031" not in got
    assert "2031" not in said("telefone da loja de Itu", news)


def test_a_question_that_asks_something_else_of_the_same_thing() -> None:
    rows = "| Beach | towel, umbrella | USD 30 |\n| Snow | gloves | USD 45 |\n"
    kits = f"# Kits\n\n| Kit | What is in it | Price |\n|---|---|---|\n{rows}"
    got = said("what's in it?", kits, before=("How much is the beach kit?",))
    assert "umbrella" in got
    assert "USD 45" in said("and the snow kit?", kits, before=("How much is the beach kit?",))


@pytest.mark.parametrize(("question", "text"), [
    ("Qual é o barco mais barato?", "# Barcos\n\n| Barco | Preço |\n|---|---|\n| Garça | R$ 70 |\n| Boto | R$ 50 |\n"),
    ("O barco é a vela ou a remo?", "O barco leva cinco pessoas."),
    ("How much did the tour cost in 2019?", "# Prices\n\nThe tour costs USD 40."),
    ("how do I stay some days longer with the scooter?", "We have rented bicycles, tandems and scooters since 1990."),
    ("How many kites can I borrow?", "A kite that comes back late costs 12 pesos a day."),
])
def test_what_only_names_the_thing_is_no_answer(question: str, text: str) -> None:
    passages = [Passage(UUID(int=1), UUID(int=99), "d", text, 0.3)]
    assert reply(question, passages, None, (), "", TODAY).startswith(REFUSED)


def test_a_year_that_a_document_is_of() -> None:
    assert "USD 35" in said("How much did the tour cost in 2019?", "# Prices of 2019\n\nThe tour costs USD 35.")


def test_bounds_answer_for_a_place_that_is_not_named() -> None:
    text = "Montamos palcos de terça a domingo. Não montamos fora do estado do Paraná."
    assert "fora do estado" in said("Vocês montam em Santos?", text)
    assert said("Vocês montam em Santos?", "Montamos palcos de terça a domingo.").startswith(REFUSED)


def test_a_number_has_the_measure_of_its_column() -> None:
    table = "# Loans\n\n| Thing | How many | Days |\n|---|---|---|\n| Kites | 2 | 9 |\n| Tents | 1 | 30 |\n"
    got = said("For how many days can I borrow a tent?", table, "Gift cards are good for 60 days.")
    assert "Days: 30" in got and "60" not in got


def test_a_notice_takes_the_place_of_what_it_names() -> None:
    notice = "From 3 May 2025 the sauna is open on Saturdays from 11 am to 3 pm. This replaces the Saturday hours."
    hours = "# Hours\n\nOn Saturdays the sauna is open from 9 am to 1 pm."
    got = said("When is the sauna open on Saturdays?", f"# Notice\n\n{notice}", hours)
    assert "3 pm" in got and "1 pm" not in got


def test_who_wrote_a_mail_is_no_answer() -> None:
    mail = ("Subject: Ferry closed for painting\nFrom: Port <port@port.example>\nTo: all@port.example\n"
            "Date: Mon, 4 May 2026 08:00:00 -0300\n\nthe ferry is closed from 7 to 9 June.\n\nAna Luz")
    got = said("When is the ferry closed for painting?", mail)
    assert "7 to 9 June" in got and "port@port.example" not in got


def test_questions_of_a_page_stand_over_their_own_answers_alone() -> None:
    page = "# Questions\n\n#### Is there a locker?\n\nYes.\n\n#### Can I bring a dog?\n\nNot on the lawn.\n"
    assert [b.title for b in cut(page)] == ["Questions Is there a locker?", "Questions Can I bring a dog?"]


@pytest.mark.parametrize("question", ["Como envio uma carta?", "como mando uma carta"])
def test_a_chapter_that_is_the_question_answers_it(question: str) -> None:
    chapter = "# Como envio uma carta?\n\nEscreva o destino na frente.\n\nCole um selo."
    other = "# Como envio um pacote?\n\nUma carta dentro do pacote paga outra vez."
    assert "Escreva o destino" in said(question.replace("mando", "envio"), other, chapter)
