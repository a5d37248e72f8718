"""Word lists of Portuguese, English and Spanish, folded (lower case, no accents)."""

from collections.abc import Mapping
from types import MappingProxyType


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that carry no topic.
STOP: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "pt": _set(
            """
            a o as os um uma uns umas de do da dos das no na nos nas em e ou que qual quais quem como quando
            onde porque por pra para com sem eu voce voces me meu minha meus minhas seu sua seus suas ele ela
            eles elas nao sim ja mais muito isso isto esse essa este esta ao aos se ser sao e foi tem tenho ter
            posso pode poderia quero queria gostaria saber vou fazer faco preciso quanto quantos quantas tudo
            bem favor existe ha vcs vc tambem qualquer algum alguma ate pelo pela ola oi dizer informar
            """
        ),
        "en": _set(
            """
            a an the of in on at to for from with without and or that which who whom what how when where why i
            you we they he she it me my your our their is are am was were be been do does did can could would
            should will shall may might have has had not no yes there this these those if any some much many
            please about as by so want need like know tell get let us im id hello hi there
            """
        ),
        "es": _set(
            """
            el la los las un una unos unas de del en y o que cual cuales quien como cuando donde porque por para
            con sin yo tu usted ustedes me mi mis su sus el ella ellos ellas no si ya mas muy mucho eso esto ese
            esa este esta al se ser son es fue tiene tienen tengo tener puedo puede podria quiero quisiera saber
            voy hacer hago necesito cuanto cuanta cuantos cuantas todo bien favor existe hay tambien cualquier
            algun alguna hasta hola decir le les lo
            """
        ),
    }
)

# Endings that a stem loses, the longest first.
ENDINGS = tuple(
    sorted(
        _set(
            """
            amentos amento imentos imento amientos amiento imientos imiento acoes acao coes cao aciones acion
            ciones cion ations ation tions tion ings ing ments ment adores ador edores edor avel ivel ando endo
            indo iendo aram eram iram aron ieron avam aban ava aria eria iria amos emos imos aste iste aremos
            ado ada ados adas ido ida idos idas ed es ies er ar ir or am an em en as os ou is s a e o y i
            """
        ),
        key=lambda e: (-len(e), e),
    )
)

# Words of one idea, a line each, so that a question finds a passage in other words.
IDEAS = tuple(
    _set(line)
    for line in (
        "preco precos valor valores custo custa custam custar cobram cobrar tarifa mensalidade price prices "
        "pricing cost costs fee fees charge precio precios cuesta cuestan costo coste",
        "horario horarios aberto aberta abre abrem abrir fecha fecham fechar funcionamento expediente "
        "atendimento hours open opening close closing schedule abierto abierta abren cierra cierran apertura",
        "endereco localizacao localizado localizada fica ficam address located location direccion ubicacion "
        "ubicado ubicada queda",
        "entrega entregas entregam entregar frete envio enviam enviar delivery deliver shipping ship shipment "
        "despacho envios",
        "pagamento pagamentos pagar paga pago pagos pix boleto cartao parcelar payment payments pay paying "
        "card tarjeta abonar",
        "troca trocar trocas devolucao devolver devolucoes reembolso estorno refund refunds return returns "
        "exchange cambio cambiar devoluciones reintegro",
        "cancelar cancelamento cancela cancel cancellation canceling cancelacion",
        "contato contatos telefone telefones ligar email whatsapp contact phone call contacto telefono llamar "
        "correo",
        "senha senhas password passwords passcode contrasena contrasenas clave",
        "instalar instalacao install installation installing instalacion setup configurar configuracao "
        "configuracion configure",
        "garantia garantias warranty guarantee",
        "conta cadastro cadastrar registrar account register registration signup cuenta registro",
        "prazo prazos demora demoram tempo long time days dias plazo plazos tarda tardan tiempo",
        "desconto descontos cupom promocao discount discounts coupon promotion descuento descuentos cupon",
        "agendar agendamento marcar consulta reservar reserva book booking appointment schedule reservation "
        "cita turno",
        "ajuda suporte help support ayuda soporte",
        "produto produtos product products producto productos",
        "loja lojas store shop stores tienda tiendas",
    )
)

# Courtesies; a message of nothing else is no question.
COURTESY: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "thanks": _set("obrigado obrigada obg valeu agradeco grato grata thanks thank thx gracias agradezco"),
        "bye": _set("tchau adeus bye goodbye adios chao"),
        "hello": _set("oi oie ola oii opa eai alo hello hi hey hola buenas buenos bom boa saludos greetings good"),
    }
)
# Words that may stand beside a courtesy.
BESIDE = _set(
    """
    dia tarde noite tudo bem bom boa como vai esta voce vc voces muito mesmo ate logo mais pela ajuda
    por tu a o e there all everyone morning afternoon evening day you are so much very for the your help
    how doing see later ya buenos buenas dias tardes noches todo tal estas muchas la el que un gente
    amigo amiga pessoal have nice
    """
)
SPANISH = _set("hola buenas buenos gracias adios agradezco saludos chao")
ENGLISH = _set("hello hi hey thanks thank thx bye goodbye good greetings")
