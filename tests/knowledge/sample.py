"""Passages of several subjects, questions that belong to them, and some that belong to none."""

PASSAGES = (
    "Trocas e devoluções: o cliente pode devolver o produto em até 7 dias corridos após o recebimento, "
    "com nota fiscal e embalagem original.",
    "Horário de atendimento: segunda a sexta das 8h às 18h e aos sábados das 9h às 13h. Não abrimos aos "
    "domingos e feriados.",
    "Formas de pagamento: aceitamos cartão de crédito em até 10 vezes sem juros, boleto bancário e Pix "
    "com 5% de desconto.",
    "Frete grátis para compras acima de R$ 199 nas regiões Sul e Sudeste. O prazo de entrega é de 3 a 8 "
    "dias úteis.",
    "A garantia dos eletrodomésticos é de 12 meses contra defeitos de fabricação. Procure a assistência "
    "técnica autorizada.",
    "Para redefinir a senha, clique em 'Esqueci minha senha' na tela de login e siga o link enviado por e-mail.",
    "Nossa loja física fica na Avenida Paulista, 1500, São Paulo, próxima ao metrô Trianon-Masp. Há "
    "estacionamento conveniado.",
    "O plano Premium custa R$ 89,90 por mês e inclui suporte prioritário, relatórios avançados e até 10 usuários.",
    "Receita de bolo de cenoura: bata três cenouras, quatro ovos e uma xícara de óleo no liquidificador "
    "e misture com a farinha.",
    "O agendamento de consultas com o dentista pode ser feito pelo WhatsApp. Cancelamentos devem ser "
    "avisados com 24 horas de antecedência.",
    "The refund policy: customers may return any item within 30 days of delivery for a full refund, "
    "provided it is unused.",
    "Our office is open Monday through Friday from 9 am to 5 pm. We are closed on public holidays.",
    "To install the application, download the package, run `pip install app` and start the server with "
    "`app serve --port 8080`.",
    "The API rate limit is 600 requests per minute per key. Exceeding it returns status 429 with a "
    "Retry-After header.",
    "Photosynthesis is the process by which plants convert sunlight, water and carbon dioxide into "
    "glucose and oxygen.",
    "Paris is the capital of France and its largest city, with more than two million inhabitants.",
    "Pets are welcome in our hotel for a fee of 20 euros per night. Dogs must be kept on a leash in common areas.",
    "Employees get 25 days of paid vacation per year. Requests must be approved by the manager two weeks "
    "in advance.",
    "El restaurante ofrece menú del día de lunes a viernes por 15 euros, con primer plato, segundo "
    "plato, postre y bebida.",
    "Para cancelar la suscripción, entre en su perfil, elija Facturación y pulse Cancelar. No se cobrará "
    "el mes siguiente.",
)
QUESTIONS = (
    ("qual o prazo para devolver um produto?", 0),
    ("vocês abrem no domingo?", 1),
    ("posso pagar com pix?", 2),
    ("quanto custa o frete?", 3),
    ("minha geladeira quebrou, tem garantia?", 4),
    ("esqueci minha senha", 5),
    ("onde fica a loja?", 6),
    ("quanto é o plano premium", 7),
    ("como fazer bolo de cenoura", 8),
    ("quero marcar dentista", 9),
    ("can I get my money back?", 10),
    ("what time do you open?", 11),
    ("how do I install it", 12),
    ("how many requests per minute are allowed?", 13),
    ("how do plants make food?", 14),
    ("What is the capital of France?", 15),
    ("can I bring my dog?", 16),
    ("how many vacation days do I have", 17),
    ("cuánto cuesta el menú del día?", 18),
    ("quiero cancelar mi suscripción", 19),
)
UNRELATED = (
    "quem ganhou a copa do mundo de 1970?",
    "qual a distância da terra até a lua?",
    "quero comprar um carro usado",
    "o que é mecânica quântica?",
    "who wrote Hamlet?",
    "how to change a car tire",
    "best football player in history",
    "oi",
    "bom dia",
    "obrigado!",
    "asdfgh",
    "me conta uma piada",
)
