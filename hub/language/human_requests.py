"""Whether somebody asks for a human, judged clause by clause: Portuguese, English, Spanish. Pure.

A clause asks for one when it names people together with a wish to reach them ("put me through to", "quero falar com"),
wishes for them alone ("get me a human", "quiero un asesor"), or is nothing but their name ("Atendente, por favor"). Who
wants no bot wants a human; who says that no human is wanted does not.
"""

import re

from hub.language.folding import fold

# People of a business, by what they are; people at all; and the departments that one is put through to.
STRONG = (
    r"humans?(?: beings?)?|ser humano|humano|humana|agents?|agentes?|representatives?|representantes?|reps?|operators?|operador(?:a|es)?"
    r"|attendants?|atendentes?|asesor(?:a|es)?|consultor(?:a|es)?|supervisor(?:a|es)?|managers?|gerentes?|encargad[oa]"
    r"|responsavel|responsable|specialists?|especialistas?|ejecutiv[oa]|executiv[oa]|vendedor(?:a|es)?|funcionari[oa]s?"
    r"|colleagues?|advis[eo]rs?|salesperson|employees?|empleado|member of (?:your |the )?(?:staff|team)|boss|dono|duen[oa]"
)
WEAK = r"persons?|somebody|someone|anyone|anybody|pessoas?|alguem|ninguem|personas?|alguien|nadie|real people|actual people"
PLACES = (
    r"(?:customer|client|technical|tech|your|the|o|el|la|human)? ?(?:service|support|care|sales|staff|suporte|soporte|vendas"
    r"|ventas)|atendimento(?: humano)?|atencion al cliente|gente de verdade?|setor \w+"
)
DET = (
    r"a|an|the|my|your|some|any|another|one|um|uma|un|una|algum|alguma|algun|alguna|o|el|la|al|outr[oa]|otr[oa]|seu|sua|su"
    r"|real|live|actual|human|humano|humana|true|proper|competent|different|verdadeir[oa]|verdader[oa]|de"
)
QUALITY = r"(?: (?:real|humano|humana|reais|reales|de verdade?|de carne e osso|being|agent|instead|please))*"
# What makes another thing of the words: a human body, a travel agent, the manager's plan.
OTHER = re.compile(
    r"\b(?:(?:travel|cleaning|estate|insurance|chemical|secret|sports|user|booking|shipping|leasing) agents?"
    r"|human (?:resources|rights|body|bodies|error|nature|hair|history|being\b(?=\?))|recursos humanos|(?:corpo|cuerpo) humano"
    r"|agentes? (?:inmobiliari|imobiliari|turistic|de (?:limp|viaj|viag|segur|camb|mudan|vend))\w*|seres humanos"
    r"|operador\w* (?:de caixa|de caja|turistic|logistic|de telemarketing|de maquina)\w*|(?:pessoas?|personas?) (?:juridica|fisica|natural)\w*"
    r"|(?:agents?|managers?|representatives?|operators?|humans?) (?:s|plan|plans|fee|fees|code|license|account|manual|commission|of|role|job)"
    r"|plan\w* (?:do |de |del )?gerente|(?:gerentes?|representantes?|consultor\w*|asesor\w*|agentes?) (?:de|da|do|del) (?:vendas|ventas|marca|conta|cuenta))\b"
)
BOT = r"(?:chat)?bots?|robots?|robos?|maquinas?|machines?|automatic\w*|automated \w+|computers?|computador\w*|ia|ai"
_NP = rf"(?:(?:{DET}) )*(?:{STRONG}|{WEAK}){QUALITY}\b"
_NAMED = rf"(?:(?:{DET}) )*(?:{STRONG}){QUALITY}\b"
_ANY = rf"(?:{_NP}|(?:(?:{DET}) )*(?:{PLACES})\b)"
# To reach somebody: with an object that is oneself, or none.
REACH = re.compile(
    rf"\b(?:(?:speak|talk|chat|talking|speaking)(?: directly| now)? (?:to|with)|(?:reach|contact)|get (?:through )?to|through to"
    rf"|(?:connect|transfer|switch|put|hand|pass|route|forward|patch|escalate)(?: (?:me|us|this|it|over|through|on))* (?:to|with)"
    rf"|(?:falar|fala|fale|conversar|converse|tratar|contato)(?: \w+)? com|in touch with|(?:handled|helped|served|answered|assisted) by|(?:hablar|hablo|charlar|conversar|platicar|contactar|chatear) con"
    rf"|contactar a|(?:ajuda|atendimento|help|ayuda|atencion|asistencia) (?:de|from|of)|(?:atendid[oa]|ajudad[oa]|ayudad[oa]) por) {_ANY}"
)
HANDED = re.compile(
    rf"\b(?:(?:me|nos) (?:\w+ )?(?:transf[ei]\w*|pass\w*|encaminh\w*|conect\w*|direcion\w*|coloc\w*|coloqu\w*|bot[ae]|pon\w*"
    rf"|pas\w*|comuni\w*|deriv\w*)|(?:transfi\w*|pass[ae]|passar|encaminh\w*|conect\w*|direcion\w*|coloqu?e)(?: me| nos)"
    rf"|(?:pas[ae]|pasar|comuni(?:que|ca|car)|conect[ae]|conecte|conectar|transfier[ae]|transferir|deriv[ae]|pon|ponga|comunique)(?:me|nos))"
    rf" (?:para|pra|pro|com|con|a|ao|num|no) {_ANY}"
    rf"|\b(?:transferir|transfer|transfiere|passar|pasar|escalar|encaminhar|derivar) (?:para|pra|pro|to|a|ao|con|com) {_NAMED}"
)
# To want somebody, who comes right behind the wish.
_WANT = (
    r"(?:get|give|gimme|want|need|prefer|send|find|bring|require|request|demand|would like|d like|id like|rather have)(?: me| us)?|put"
    r"|(?:quero|queria|preciso|precisamos|necessito|gostaria|prefiro|exijo|cham[ae]|chamar|chame|manda|arruma|arranja)(?: de)?(?: me)?"
    r"|(?:quiero|queremos|quisiera|necesito|prefiero|exijo|dame|deme|denme|llam[ae]|gustaria)(?: a)?"
)
WANT = re.compile(rf"\b(?:{_WANT}) {_NAMED}")
_END = (
    r"(?: |$)(?:$|(?:from|at|here|now|please|instead|who|that|on|ai|aqui|agora|ahora|ya|por favor|urgente|real|humana|de verdade?|d[oa]s?"
    r"|de|del|to (?:talk|speak|help|assist|look|call|answer|solve)|que|para (?:falar|me|hablar|atender|ajudar|ayudar)|pra (?:falar|me))\b)"
)
WANT_ANYONE = re.compile(
    rf"\b(?!bring|send|find|require)(?:{_WANT}) (?:(?:(?:a|another|one|real|actual|live|uma|una|outra|otra) )+(?:person|pessoa|persona)|some(?:one|body)|alguem|alguien"
    rf"|gente de verdade?){_END}"
)
# Somebody is to come, call or help; or is looked for.
_WHO = rf"(?:some(?:one|body)|any(?:one|body)|alguem|alguien|(?:a|an|um|uma|un|una|algum|algun) (?:{STRONG}|person|pessoa|persona))"
_DO = (
    r"(?:call|contact|phone|ring|help|assist|answer|speak|talk|reply|come|take over|ligar|ligue|atender|atenda|ajudar|ajude|responder"
    r"|chamar|llame|llamar|atienda|atender|ayude|ayudar|contacte|contactar|responda|hable)"
)
COME = re.compile(
    rf"\b(?:can|could|will|would|have|let|get|ask|tell) {_WHO}(?: from [\w ]{{2,20}}?)?(?: please)? {_DO}\b(?! (?:you|the|my|people))"
    rf"|\b{_WHO}(?: [\w ]{{0,20}}?)? (?:pode(?:ria)?|pued[ae]|podria|possa)?(?: por favor)? ?(?:me|nos) (?:pode(?:ria)? |pued[ae] )?{_DO}\b"
    rf"|\b{_WHO} please {_DO}\b|\b(?:me|nos) (?:pode(?:ria)?|pued[ae]n?|podrian?|podem) {_DO} {_NP}"
    rf"|\b(?:can|could|may) (?:i|we) (?:have|get|see) {_NAMED}|\b(?:tem|tienen?|have) (?:DET )?(?:{STRONG})$".replace("DET ", "um |uma |un |una |an? |any ")
    + rf"|\b(?:que|pra|para) (?:me|nos) {_DO} {_NP}|\b(?:que|pra|para) {_WHO} (?:me|nos) {_DO}\b"
    rf"|\b(?:is|are) (?:there )?(?:a |an |any )?(?:real |live )?(?:humans?|person|agents?|anyone|anybody|someone|somebody)\b.*\b(?:there|talk|speak|chat|available|online)\b"
    rf"|\b(?:tem|existe|ha|hay) (?:um |uma |un |una |algum |alguma |algun |alguna )?(?:{STRONG}|alguem|alguien|pessoa|persona)\b"
    rf".*\b(?:ai|ahi|alla|disponiv\w+|disponibl\w+|online|atender|falar|hablar|ajudar|ayudar)\b"
)
_POLITE = (
    r"please|pls|plz|now|hi|hello|hey|ok|okay|yes|thanks|por favor|porfa|pfv|oi|ola|hola|bom dia|boa tarde|boa noite|buen[oa]s"
    r"(?: dias| tardes| noches)?|gracias|obrigad[oa]|urgente?|agora|ahora|ya|ja|only|so|solo|aqui|here|just"
)
_MADE = r"(?:human|customer service|customer support|live|support|sales|real|atendimento|atencion|agente|atendente|operador\w*|asesor\w*)"
_BY_NAME = r"(?:human|live) (?:support|help|chat|assistance)|atendimento humano|(?:atencion|ayuda|ajuda) humana"
BY_NAME = re.compile(rf"\b(?:{_BY_NAME})\b")
ALONE = re.compile(
    rf"(?:(?:{_POLITE}) )*(?:(?:to|with|com|con) )?(?:(?:(?:{DET}) )*(?:{_MADE} )*(?:{STRONG}){QUALITY}|(?:{DET}) (?:(?:{DET}) )*(?:person|pessoa|persona){QUALITY}"
    rf"|(?:pessoa|persona|person|gente) (?:real|humana|de verdade?)|{_BY_NAME})(?: (?:{_POLITE}))*"
)
ONLY = re.compile(rf"(?:(?:{_POLITE}) )*(?:{STRONG}|person|pessoa|persona)(?: (?:{_POLITE}))*")
# A wish that is turned down. "I can't reach an agent" turns nothing down.
REFUSED = re.compile(
    r"\b(?:(?:dont|do not|didnt|did not|wont|will not|never|not|not going to|rather not|no longer|doesnt)(?: \w+){0,2}? ?(?:want|need|have to|wish"
    r"|transfer|connect|escalate|call|put|talk|talking|speak|speaking|necessary|hand|get me)|no need|without|instead of"
    r"|nao (?:me |te |precisa |quero |vou )?(?:quero|queria|preciso|precisa\w*|desejo|gostaria|necessito|chame|chama|passe|passa|transf\w+|falar|falo|vou)"
    r"|sem (?:falar|precisar|ter|atendente|humano)|no (?:me |te |lo |hace )?(?:quiero|quisiera|necesito|deseo|falta|pas[ae]s?|transfier\w+|gustaria|llame\w*|voy|hablo)"
    r"|sin (?:hablar|necesidad|tener|agente|asesor)|em vez de|en vez de)\b"
)
REFUSED_BOT = re.compile(
    rf"\b(?:speak|talk|talking|speaking|chat|deal|dealing|falar|conversar|falando|hablar|hablando|charlar|want|quero|quiero|necesito|preciso|need|hablo|falo)\b"
    rf"(?: \w+){{0,3}}? ?\b(?:{BOT})\b"
)
_CLAUSE = re.compile(r"[.!?;:,\n¿¡()\"]+| - |\b(?:but|because|mas|pero|porque|sino|so that|and|e|y)\b(?! (?:meia|media)\b)")


# Characters of a text, at each end, and of a clause: the patterns take the longer, the longer it is.
# A word that a pattern can read in two ways doubles its time.
LOOKED, CLAUSE, ALONE_WORDS = 2000, 400, 16


def wants_human(text: str) -> bool:
    """Whether somebody asks for a person; of a long text, at its beginning or its end."""
    if len(text) > 2 * LOOKED:
        text = f"{text[:LOOKED]}\n{text[-LOOKED:]}"
    said = re.sub(r"'s\b", " s", fold(text)).replace("'", "")
    said = re.sub(r"\bp/", "para ", re.sub(r"\b(falar|fala|fale|conversar) c(?:/|\b) ?", r"\1 com ", said))
    clauses = [" ".join(re.sub(r"[^\w ]", " ", c).split()) for c in _CLAUSE.split(said)]
    # What nobody says in one breath is looked at where it begins and where it ends.
    clauses = [part for c in clauses if c for part in ((c,) if len(c) <= CLAUSE else (c[:CLAUSE], c[-CLAUSE:]))]
    if ONLY.fullmatch(" ".join(clauses)[: 2 * CLAUSE]):
        return True
    return any(_asks(c, n in (0, len(clauses) - 1)) for n, c in enumerate(clauses))


def _asks(clause: str, at_edge: bool) -> bool:
    if REFUSED.search(clause):
        return REFUSED_BOT.search(clause) is not None
    clause = OTHER.sub("x", clause)
    if at_edge and clause.count(" ") < ALONE_WORDS and ALONE.fullmatch(clause):
        return True
    return any(wish.search(clause) for wish in (REACH, HANDED, WANT, WANT_ANYONE, COME, BY_NAME))
