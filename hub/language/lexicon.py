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
            a o as os um uma uns umas de do da dos das no na nos nas em e ou que qual quais quem como quando onde
            porque por pra para com sem eu voce voces me meu minha meus minhas seu sua seus suas ele ela eles elas nao
            sim ja mais muito isso isto esse essa este esta ao aos se ser sao foi tem tenho ter posso pode poderia
            quero queria gostaria saber vou fazer faco preciso quanto quantos quantas tudo bem favor existe ha vcs vc
            tambem qualquer algum alguma ate pelo pela ola oi dizer informar estao so ainda aqui ai ta to estou lhe
            lhes num numa pelos pelas esses essas estes estas dele dela deles delas teu tua te ti mim desde depois
            antes durante entre apos outro outra outros outras cade qto qnt pro era eram seria hoje hj agora atualmente
            tiver tiverem tivesse houver houvesse for forem fosse estiver estiverem
            """
        ),
        "en": _set(
            """
            a an the of in on at to for from with without and or that which who whom what how when where why i you we
            they he she it me my your our their is are am was were be been do does did can could would should will
            shall may might have has had not no yes there this these those if any some much many please about as by so
            want need like know tell get let us im id hello hi them his him its must s t don isn aren doesn didn won
            re ve ll being also just until than then into while during after before up out between per only other
            another today now currently nowadays
            """
        ),
        "es": _set(
            """
            el la los las un una unos unas de del en y o que cual cuales quien como cuando donde porque por para con
            sin yo tu usted ustedes me mi mis su sus ella ellos ellas no si ya mas muy mucho eso esto ese esa este
            esta al se ser son es fue tiene tienen tengo tener puedo puede podria quiero quisiera saber voy hacer hago
            necesito cuanto cuanta cuantos cuantas todo bien favor existe hay tambien cualquier algun alguna hasta
            hola decir le les lo estan estoy soy eres somos era eran aqui ahi tus nos vosotros teneis ti te seria
            desde despues antes durante sobre entre hacia segun otro otra otros otras cada hoy ahora
            actualmente haya hubiera tuviera sea sean
            """
        ),
    }
)
# Of all languages.
STOPS = frozenset().union(*STOP.values())

# Endings that a stem loses, the longest first.
ENDINGS = tuple(
    sorted(
        _set(
            """
            amentos amento imentos imento amientos amiento imientos imiento acoes acao coes cao aciones acion ciones
            cion ations ation tions tion ings ing ments ment adores ador edores edor avel ivel ando endo indo iendo
            aram eram iram aron ieron avam aban ava aria eria iria amos emos imos aste iste aremos ado ada ados adas
            ido ida idos idas ed es ies er ar ir or am an em en as os ou is s a e o y i
            """
        ),
        key=lambda e: (-len(e), e),
    )
)

# Words that name no thing of their own: what is asked about it stands beside them.
PALE = _set(
    """
    tem ter tenho temos haver fazem faz feito feita aceita aceitam aceito trabalham oferecem oferece vendem vende
    venda vendo usam uso usar deixar mandar enviar acontece ocorre significa chama chamar nome tipo tipos coisa
    funciona possivel permitido permitida permite sobre preciso precisa conseguir consigo coloco achar encontro partir
    dia dias vez vezes pessoa pessoas comprar compra compram unidade unidades modelo informacao informacoes levar leva
    entra entrar ver vejo ve recebo receber fica ficam ficar atende atendem atendemos atender cabe cabem casa pegar
    pego pedir peco passa passar vir vem voltar chego vou ir estou consultar retirar retiro trazer trago colocar por
    poderia qualquer fazendo fazemos oferta trabalha existe existem usando quiser have has offer offers show shows see
    receive ask sent send put set go going arrive fit fits own veo volver vuelvo voy llegar llego pido poner pongo
    traer traigo caben sell sells accept accepts use used using provide give get take happens happen mean means day
    days time times person people allowed possible name kind kinds type thing work works need needs make long leave
    bring come persona personas tienen tiene hacen hace ofrecen venden acepta aceptan usan pasa llama nombre cosa
    posible hacer dejar llevar ponen dan da necesito recibir sirve trabajan version versao requer required require
    requires exige exigido exigida disponivel disponiveis available needed necessario necessaria obrigatorio
    obrigatoria ganha ganho ganham ganhar permitem deixam liberado liberada vao vai va compro usa faco fariam tenha
    tenham sei servem serve comeco acontecer rola mexer buy buys keep keeps look looking find found happened serves
    does doing done encuentro encontrar sirven hago tengo minimo minima minimos minimas maximo maxima maximos maximas
    minimum maximum back chega chegam chegou arrive arrives sai saem apareceu aparece apareceram aparecer appears
    appeared volta vuelta number numero
    """
)
# How a question for one kind of fact begins or what it holds, with what an answer must then hold.
PRICE = _set(
    """
    preco precos custa custam custar custava custo valor valores price prices cost costs precio precios cuesta cuestan
    costo coste tarifa pago pagar fee fees pay pays paid paga pagamos pagam
    """
)
# What is an amount of money by its name, asked for without "how much".
SHARE = _set("percentage percent porcentagem percentual porcentaje")
SALARY = SHARE | _set("salario salarios salary salaries wage wages sueldo sueldos remuneracao ordenado")
# Of these the verbs: they ask for a price only where an amount is asked for ("who can pay by card?" does not).
PAYING = _set("pago pagar pay pays paid paga pagamos pagam")
MUCH = _set("quanto quanta much cuanto cuanta qto qnt")
MANY = _set("quantos quantas many cuantos cuantas qtos")
WHEN = _set(
    """
    quando when cuando horario horarios hours horas hora comeca comecam comecar inicia inicio start starts begin
    begins empieza empiezan comienza termina terminam acaba
    """
)
TIME = _set("horario horarios hours horas hora")
CONTACT = _set(
    "contato contatos contact contacto telefone telefones phone telefono email mail correo whatsapp"
)
ADDRESS = _set("endereco enderecos address direccion ubicacion localizacao location")
# What a business calls the place where it is, and how one asks where that is.
PREMISES = _set(
    """
    escola loja lojinha clinica hotel pousada restaurante oficina academia empresa escritorio consultorio hospital
    farmacia salao estudio sede unidade filial matriz school shop store clinic inn restaurant office company business
    gym hostel studio headquarters branch tienda escuela negocio hostal localizada localizado localizados localizadas
    situada situado located based ubicada ubicado ubicados
    """
)
# Names of the first column of a table of things.
LABELS = _set(
    """
    nome name nombre produto product producto item servico service servicio codigo code titulo title modelo model peca
    part pieza curso course plano plan pergunta question pregunta especialidade sku descricao description artigo
    articulo material exame medico local cidade city loja
    """
)
# Behind these and one more word a verb stands in English: "can visitors stay".
AUXILIARY = _set("can could do does did may must should will would")
# Words that say that something is not so; "no" is another word in Portuguese.
NEGATIONS: Mapping[str, frozenset[str]] = MappingProxyType({
    "pt": _set("nao nunca nem exceto menos sem"), "en": _set("not no never except without isn don doesn aren cannot"),
    "es": _set("no nunca ni excepto salvo menos sin"),
})
# Who or what is let off: "exempt" says that something need not be.
EXEMPT = _set(
    """
    dispensado dispensada dispensados dispensadas isento isenta isentos isentas exempt exempted waived exento exenta
    exentos exentas libre
    """
)
# Words that say which of several, by comparing them.
RANKS = _set(
    """
    primeiro primeira ultimo ultima melhor pior barato barata baratos baratas caro cara first last best worst cheapest
    cheaper biggest largest smallest fastest longest shortest most primero primera mejor peor
    """
)
# How a question for something that is not named begins.
OPEN = _set("quando quais qual que o quem onde when what which who where cuando cuales cual quien quienes donde em")
# What a verb stands behind.
BEFORE_VERBS = _set(
    """
    posso podemos pode podem consigo quero queria preciso como quanto quando quem onde vou devo deve consegue can
    could i you we they puedo puede quiero cuanto cuando quien donde debo voces eu nao
    """
)
NUMBERS = _set(
    """
    um uma dois duas tres quatro cinco seis sete oito nove dez doze quinze vinte trinta one two three four five six
    seven eight nine ten twelve fifteen twenty thirty un una dos cuatro siete ocho nueve diez doce veinte treinta ate
    """
)
# Numbers that are written as words; one may be an article, which is none.
COUNTS: Mapping[str, str] = MappingProxyType({
    word: str(n)
    for n, said in (
        (2, "dois duas two"), (3, "tres three"), (4, "quatro four cuatro"), (5, "cinco five"), (6, "seis six"),
        (7, "sete seven siete"), (8, "oito eight ocho"), (9, "nove nine nueve"), (10, "dez ten diez"),
        (11, "onze eleven"), (12, "doze twelve doce"), (14, "quatorze catorze fourteen catorce"),
        (15, "quinze fifteen quince"), (20, "vinte twenty veinte"), (30, "trinta thirty treinta"),
        (40, "quarenta forty cuarenta"), (60, "sessenta sixty sesenta"), (90, "noventa ninety noventa"),
        (100, "cem hundred cien"),
    )
    for word in said.split()
})
JOINS = _set("e and y mas but pero entao then tambem also tambien ou or")
POINTS = _set(
    """
    ele ela eles elas isso isto esse essa esses essas dele dela nele nela it its they them that those this these eso
    ese esa esos esas ello ellos ellas
    """
)
ASKS = _set(
    """
    quanto quanta quantos quantas qual quais quando onde como quem what how when where which who is are do does can
    cuanto cuanta cuantos cuantas cual cuales donde cuando quien tem posso aceitam
    """
)

# Courtesies; a message of nothing else is no question.
COURTESY: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "thanks": _set(
            "obrigado obrigada obrigadao obg brigado brigada valeu vlw agradeco grato grata thanks thank thx ty cheers"
            " gracias agradezco tks thnx obrigadinha obrigadinho brigadao brigadinha obrigadissimo obrigadissima"
            " agradecido agradecida appreciate appreciated grazie"
        ),
        "bye": _set("tchau xau adeus falou flw bye goodbye adios chao chau"),
        "hello": _set("oi oie ola oii opa eai alo hello hi hey hola buenas buenos bom boa saludos greetings good"),
        "fine": _set(
            "ok okay okey oks blz beleza certo entendi perfeito otimo otima legal show maravilha combinado joia massa"
            " excelente great perfect nice cool alright awesome fine understood vale genial perfecto bueno dale listo"
            " entendido claro bien blza tranquilo fechou fechado certinho ciente noted top super compreendi"
            " compreendido sounds"
        ),
    }
)
# Of several words, those that are no courtesy one by one.
PARTING = ("ate logo", "ate mais", "ate breve", "hasta luego", "hasta pronto", "see you", "take care", "have a good",
           "have a nice", "have a great", "ate amanha", "hasta manana", "nos vemos")
# Words that may stand beside a courtesy.
BESIDE = _set(
    """
    dia tarde noite tudo bem bom boa como vai esta voce vc voces muito muita mesmo ate logo mais pela ajuda entao era
    isso por tu a o e um de so tenha tenham there all everyone morning afternoon evening day you are much very for the
    your help how doing see later ya buenos buenas dias tardes noches todo tal estas muchas la el que gente pronto
    amigo amiga pessoal have nice lot got it one take care good great that is was dale breve amanha nos vemos luego
    hasta esto eres sos demais atencao atencion otimo final semana fim weekend abraco abracos viu hein ne ta ai aqui
    mesmo querida querido moca moco senhor senhora sr sra dona seu minha meu amor cara mano man bro sir madam maam team
    folks guys really truly so well senor senora chicos amable gentileza simpatia paciencia patience paciencia
    rapidez resposta respuesta reply answer quick prompt rapida rapido deus abencoe vou i ill we sounds no
    worries tranquilo
    eso es all thats apenas nada mas manana
    helps helped ajudou ajudaram ayudo me mucho mucha
    """
)
SPANISH = _set(
    "hola buenas buenos gracias adios agradezco saludos chao chau genial perfecto bueno dale listo entendido vale hasta"
    " luego vemos muchas"
)
ENGLISH = _set(
    "hello hi hey thanks thank thx ty cheers bye goodbye good greetings okay great perfect nice cool alright awesome"
    " fine understood see have take"
)
PORTUGUESE = _set(
    "obrigado obrigada obrigadao obg brigado brigada valeu vlw agradeco grato grata tchau xau adeus falou flw oi oie"
    " ola oii opa eai bom boa blz beleza certo entendi perfeito otimo otima legal show maravilha combinado joia"
    " massa ate"
)
