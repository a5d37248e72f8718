"""Kinds of facts: how a question asks for them, and what an answer then holds. Pure."""

import re
from collections.abc import Iterator, Sequence

from hub.language.lexicon import (
    ADDRESS,
    ASKS,
    CONTACT,
    COUNTS,
    MANY,
    MUCH,
    NUMBERS,
    PALE,
    PAYING,
    PREMISES,
    PRICE,
    SALARY,
    STOPS,
    TIME,
    WHEN,
)

_STREET = (
    r"rua|avenida|av\.|travessa|praca|alameda|rodovia|estrada|street|road|avenue|square|lane|boulevard|calle|carrera"
    r"|plaza|largo|km \d|cep"
)
# What an answer to each kind of question holds.
SOFT = frozenset(("where", "street", "who"))  # kinds that an answer need not show
LINK = frozenset(("link", "links", "url", "enlace", "enlaces"))
FACTS = {
    "price": re.compile(
        r"(?:r\$|us\$|usd|eur|brl|€|£|\$)\s?\d|\d\s?(?:%|reais|real\b|euros?|dolar|pesos|usd|eur|dollars?)"
        r"|\b(?:gratis|gratuit\w*|free|de graca|sem custo|no charge|sin costo|cortesia|por nossa conta|por cento|percent|half|metade|mitad|um terco|one third|un tercio)\b"
    ),
    "duration": re.compile(
        r"(?:\d|\b(?:um|uma|dois|duas|tres|quatro|cinco|seis|sete|oito|nove|dez|doze|quinze|vinte|trinta|one|two|three|four"
        r"|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|un|una|dos|cuatro|siete|ocho|nueve|diez|catorce|meia"
        r"|half an?|quarenta|forty|cuarenta|cinquenta|fifty|cincuenta|sessenta|sixty|sesenta|noventa|ninety)\b)(?:(?!\b(?:a|per|por|ao|al|each|cada)\b)[^.;|]){0,18}(?:segundo|second|minut|hora|hour|h\b|dia|day|seman|week|mes|month|ano\b"
        r"|anos|year|ciclo|fatura)|\bna hora\b|\bimediat|\bimmediate|\binmediat|\bmesmo dia\b|\bsame day\b|\bvitalici|\blifetime"
    ),
    "when": re.compile(
        r"\d{1,2}\s?[h:]\s?\d{0,2}|\d\s?(?:am|pm)\b|\b(?:segunda|terca|quarta|quinta|sexta|sabado|domingo|monday|tuesday"
        r"|wednesday|thursday|friday|saturday|sunday|lunes|martes|miercoles|jueves|viernes|dias?|days?|mes|month|semana|week"
        r"|janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro|january|february|march"
        r"|april|june|july|august|september|october|november|december|enero|febrero|mayo|junio|julio|septiembre|octubre"
        r"|noviembre|diciembre|manha|tarde|noite|morning|evening|noche|fechad\w*|closed|cerrad\w*|24 horas|horas?|hours?)"
        r"|\d{1,2}/\d{1,2}"
    ),
    "time": re.compile(
        r"\d{1,2}\s?(?:h\b|h\d\d|:\d\d)|\d\s?(?:am|pm)\b|\b(?:24 horas|24 hours|das \d+ as \d+|(?:from )?\d+ to \d+|noon|midnight"
        r"|meio-dia|mediodia|meia-noite|fechad\w*|closed|cerrad\w*)"
    ),
    "contact": re.compile(r"@|\+\d|\(\d{2,3}\)\s?\d|\d{3,5}[-. ]\d{3,4}(?!\d)|\d{3} ?\d{4}|\b0800\b|\b\d{5,}\b"),
    "address": re.compile(rf"https?:|\b(?:{_STREET}|bairro|quadra)\b"),
    "link": re.compile(r"https?:|\bwww\.|(?<=[\w-])\.(?:com|net|org|app|io|br|example)\b"),
    "who": re.compile(
        r"\b(?:ramal|extension|extensao|anexo|responsave\w*|responsable\w*|in charge|fale com|falar com|speak (?:to|with)|talk to"
        r"|hable con|hablar con|(?:e|fica) com (?:a |o )?[a-z]+ [a-z]+|contato e|contact is|contacto es|drs?a?\.|coordenador\w*"
        r"|coordinador\w*|gerente|manager|encargad\w*|diretor\w*|director\w*)"
    ),
    "street": re.compile(rf"\b(?:{_STREET})\b"),
    "where": re.compile(
        r"\b(?:rua|avenida|av\.|travessa|praca|alameda|rodovia|street|road|avenue|calle|plaza|bairro|portal|site|website|app|aplicativo"
        r"|link|pagina|page|balcao|recepcao|reception|recepcion|desk|counter|andar|floor|piso|sala|room|terrace|terraco|atras|behind"
        r"|entrance|entrada|ao lado|next to|junto|in front|em frente|perto|near|cerca|loja|shop|store|tienda|estacao|station|menu"
        r"|settings|configuracoes|ajustes|deposito|parque|patio|protocolo|library|biblioteca)\b|https?:"
    ),
    "many": re.compile(
        r"(?<![a-z\d])\d|\b(?:dois|duas|tres|quatro|cinco|seis|sete|oito|nove|dez|doze|vinte|one|two|three|four|five|six|seven"
        r"|eight|nine|ten|twelve|twenty|dos|cuatro|siete|ocho|nueve|diez|nenhum|none|sem limite|unlimited|ilimitad\w*)\b"
    ),
}
WHAT = frozenset(("que", "qual", "what", "cual"))
BRIEF = 3  # words of a question that is too short to say what of paying is asked
# Numbers that count nothing: sums, times, years, shares, measures.
_WORDS = "|".join(sorted((w for w in {*NUMBERS, *COUNTS} if len(w) > 2 and w != "ate"), key=lambda w: (-len(w), w)))
MEASURED = re.compile(
    rf"(?:r\$|us\$|[$€£])\s?[\d.,]+|(?<![\d.,])(?:[\d.,]+|\b(?:{_WORDS}))\s?(?:%|(?:(?:a|by|por|x) \d+ )?(?:reais|euros?|pesos|usd|eur"
    r"|dollars?|cents?|minut\w*|horas?|hours?|h|dias?|days?|semanas?|weeks?|mes|meses|months?|anos?|years?|mm|cm|km|m|metros?|met(?:er|re)s?"
    r"|kg|kilos?|quilos?|litros?|lit(?:er|re)s?|am|pm)\b)|\d{1,2}[:/]\d\d\S*|\b(?:desde|since|in|em|en) (?:19|20)\d\d\b"
)
SETTING_UP = ("conect", "connect", "integr", "configur", "instal", "vincul")
DURATION = frozenset(("tempo", "demora", "demoram", "dura", "duram", "duracao", "prazo", "prazos", "long", "tarda", "tardan",
                      "tiempo", "plazo", "duration", "pronto", "pronta", "prontos", "prontas", "ready", "listo", "lista"))


LASTING = re.compile(r"\b(?:how (?:long|soon)|cuanto (?:dura|tarda)|quanto (?:dura|demora))\b")
AMOUNT = re.compile(r"\b(?:how much|quanto (?:e|fica|sai|esta|vale|pago|preciso|devo|tenho)|cuanto (?:es|vale|sale))\b")
SPAN = re.compile(
    r"\b(?:quantos|quantas|cuantos|cuantas|many) (?:minut|hor|hour|dia\b|dias|day|seman|week|mes|month|anos\b|years?\b)")
WHOM = re.compile(r"\b(?:com quem|con quien|whom|who (?:can|do|should|must) i|who is|quem e|quien es)\b")

# Who somebody is: an answer has a name. "Who may come?" asks for none.
WHOSE = re.compile(
    r"\b(?:quem|quien|who) (?:e|es|is|sera|da|dara|ensina|ensena|teaches|gives|dirige|runs|leads|owns|coordena|coordina"
    r"|faz|hace|assina|firma|signs)\b|\bcomo se (?:chama|llama)\b|\bwho(?:'s| 's)\b"
)
# A word that is written as a name and does not begin a sentence.
NAME = re.compile(r"(?<=[\wÀ-ÿ),;:–-] )[A-ZÀ-Ý][a-zà-ÿ]+|\bDra?\.")


def sets_up(every: Sequence[str]) -> bool:
    """Whether something is to be set up: "how do I connect WhatsApp?" asks for no number."""
    return any(w.startswith(SETTING_UP) for w in every)


def _of_premises(every: Sequence[str]) -> bool:
    """Whether it is asked where the business itself is, and nothing else of it."""
    telling = [w for w in every if w not in STOPS and w not in PALE and w not in ASKS]
    return all(w in PREMISES for w in telling) and bool(telling or {"voces", "you", "ustedes"} & set(every))


def wants(every: Sequence[str]) -> frozenset[str]:
    """The kinds of facts that the folded words of a question ask for."""
    joined = " ".join(every)
    return frozenset((*_quantities(every, joined), *_times(every, joined), *_places(every, joined)))


def _quantities(every: Sequence[str], joined: str) -> Iterator[str]:
    counts = any(w in MANY for w in every)
    lasts = any(w in DURATION for w in every) or bool(LASTING.search(joined))
    span = counts and bool(SPAN.search(joined))
    if lasts or span:
        yield "duration"
    if _priced(every) or (not lasts and AMOUNT.search(joined)):
        yield "price"
    if counts and not span:
        yield "many"


def _priced(every: Sequence[str]) -> bool:
    """Whether a price is asked for: a verb of paying asks for none where it is asked who pays, how or whether at all."""
    if any((w in PRICE and w not in PAYING) or w in SALARY for w in every):
        return True
    amount = any(w in MUCH for w in every) or bool(WHAT & set(every[:2])) or len(every) <= BRIEF
    return amount and any(w in PAYING for w in every)


def _times(every: Sequence[str], joined: str) -> Iterator[str]:
    if any(w in TIME and not _amount(every[n - 1] if n else "") for n, w in enumerate(every)) or re.search(r"\b(?:que horas?|what time|a que hora)\b", joined):
        yield "time"
    elif any(w in WHEN for w in every) or re.search(r"\b(?:que dias?|what days?|which days?|ate quando)\b", joined):
        yield "when"


def _amount(word: str) -> bool:
    """"One hour late" asks for no hour."""
    return word.isdigit() or word in NUMBERS


def _places(every: Sequence[str], joined: str) -> Iterator[str]:
    if any(w in CONTACT for w in every) and not sets_up(every):
        yield "contact"
    if any(w in ADDRESS for w in every):
        yield "address"
    if any(w in LINK for w in every):
        yield "link"
    if WHOM.search(joined):
        yield "who"
    if any(w in ("onde", "where", "donde", "aonde") for w in every):
        yield "where"
        if _of_premises(every):
            yield "street"
