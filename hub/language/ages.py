"""How old a text says that somebody is: Portuguese, English, Spanish, and what other languages write with figures. Pure."""

import re
from collections.abc import Mapping

from hub.language.folding import fold

ADULT, OLDEST = 18, 150
# From nought to seventeen; ages above are read from figures.
_ENGLISH = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
_PORTUGUESE = "zero um dois tres quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete"
_SPANISH = "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete"
_SPELLED: Mapping[str, int] = {
    **{word: n for words in (_ENGLISH, _PORTUGUESE, _SPANISH) for n, word in enumerate(words.split())},
    "uma": 1, "duas": 2, "quatorze": 14, "dezasseis": 16, "dezassete": 17, "un": 1, "una": 1,
}  # fmt: skip
_WORD = "(?P<w>" + "|".join(sorted(_SPELLED, key=len, reverse=True)) + ")"
_N = rf"(?:(?P<n>\d{{1,3}})(?![\d%]|[.,]\d)|{_WORD}\b)"
_COUNT = rf"(?<![\w.,-]){_N}"
_SOMEBODY = (
    r"girls?|boys?|kids?|child|lad|lass|teen\w*|youth|woman|man|lady|guy|female|male|person|student|daughter|son|sister|brother"
    r"|menin[oa]s?|garot[oa]s?|rapaz|moc[ao]|jovem|mulher|homem|alun[oa]|filh[oa]|irma|irmao|crianca"
    r"|nin[oa]s?|chic[oa]s?|muchach[oa]s?|joven|mujer|hombre|alumn[oa]|hij[oa]|herman[oa]|estudiante|estudante"
)
_THING = (
    r"car|truck|van|bike|bicycle|motorcycle|motorbike|house|home|building|castle|tree|oak|dog|cat|horse|puppy|pet|whisk\w+|wine|rum"
    r"|scotch|cheese|jacket|coat|sweater|boots?|watch|guitar|piano|violin|laptop|computer|phone|camera|sofa|boat|ship|company|business"
    r"|firm|tradition|marriage|scar|tattoo|photo\w*|painting|book|church|bridge|sword|sports car|pickup|engine|bottle|shop|restaurant"
)
_COSA = (
    r"carros?|carrinha|coches?|autos?|motos?|bicicletas?|casas?|predios?|edificios?|cachorr[oa]s?|cao|perr[oa]s?|gat[oa]s?|cavalos?|caballos?"
    r"|vinhos?|vinos?|uisque|whisky|arvores?|arbol(?:es)?|empresas?|barcos?|navios?|relogios?|relojes|computador\w*|celular\w*|livros?|libros?"
    r"|casamento|matrimonio|tradicao|experiencia|mercado|carreira|carrera|garantia"
)
# Ages of what is no person, and those who work with the young.
_ASIDE = re.compile(
    rf"\b\d{{1,3}}[\s-]*(?:years?|yrs?|months?)[\s-]*old[\s-]+(?:\w+[\s-]+){{0,2}}?(?:{_THING})\b"
    rf"|\b(?:{_COSA})\s+(?:\w+\s+){{0,2}}?(?:de|com|con)\s+\d{{1,3}}\s*(?:anos?|meses)\b"
    r"|\b(?:child(?:ren)?|kids?|teen(?:age)?r?s?|infants?|toddlers?|bab(?:y|ies)|youth|adolescents?|kindergarten|preschool|pre-school"
    r"|(?:high|middle|primary|elementary|secondary)[\s-]school|high-?school|school)(?:'s|s'|')?[\s-]+(?:\w+[\s-]+)?(?:nurses?|doctors?|teachers?"
    r"|authors?|writers?|books?|illustrators?|psycholog\w+|therapists?|hospitals?|wards?|chari\w+|entertainers?|librarians?|psychiatrists?"
    r"|care\w*|workers?|educators?|counsel\w+|coach\w*|principals?|headmasters?|tutors?|choir|television|fashion|designers?|advocates?|lawyers?"
    r"|protection|development|minders?|photographers?|specialists?|dentists?|sitters?|seat|room|toys?|clothes|drawings?|stories|songs?|rhymes?)\b"
    r"|\b(?:teach\w*|tutor\w*|coach\w*|nurse|doctor|author|writer|mother|father|parent|mom|mum|dad|work\w*|volunteer\w*|babysitter|nanny|reads?|care\w*)"
    r"\s+(?:\w+\s+)?(?:of|for|to|with|at)?\s*(?:\w+\s+)?(?:children|kids|teen(?:ager)?s|toddlers|infants|adolescents|high school|middle school)(?:\s+(?:students|pupils|kids))?\b"
    r"|\b(?:professor\w*|enfermeir\w*|medic[oa]s?|maestr\w*|autor\w*|escritor\w*|psicolog\w*|bab[ae]|niner\w*|mae|pai|madre|padre|educador\w*"
    r"|trabalha|trabaja|ensina|ensena|cuida|livros?|libros?|pediatra|enfermer\w*|hospital)\s+(?:\w+\s+){0,2}?(?:de|para|com|con|a)\s+(?:\w+\s+)?"
    r"(?:criancas?|ninos?|ninas?|adolescentes?|bebes?)\b"
)
_UNTIL = r"(?!\s*(?:(?:years?\s+)?(?:younger|older|ago|of\s+exp)|%|percent|out\b|of\b|times?|cm|kg|lbs?|inch\w*|feet|ft|minutes?|hours?|dollars|o'?clock|pm|am)\b)"
_AGE = r"(?:\s*(?:years?|yrs?|anos?)\b(?:[\s-]+(?:old|of\s+age|de\s+(?:idade|edad)))?)?"
# "12 years old", "12-year-old", "12 anos (de idade)"; not "12 anos de experiência".
_PATTERNS = tuple(
    re.compile(p)
    for p in (
        rf"{_COUNT}[\s-]*(?:years?|yrs?)[\s-]*(?:old|of\s+age)\b",
        rf"{_COUNT}[\s-]*(?:y\.?o\.?|y/o)(?!\w)",
        rf"(?<!hace\s)(?<!ha\s){_COUNT}\s*anos?\b(?!\s+de\s+(?!idade|edad))(?!\s+atras)(?!\s+(?:mais|mas|menos)\b)",
        rf"{_COUNT}\s*(?:months?|weeks?)[\s-]*old\b",
        rf"\b(?:age|aged|ages|idade|edad)\s*(?:is|of|:|=|de|about|around|only)?\s*{_N}",
        # "girl of fifteen", "a man, 45", "menina com 12"
        rf"\b(?:{_SOMEBODY})\s*(?:of|de|com|con|,|\(|-|who\s+is|que\s+tem|que\s+tiene|aged|about|around|only|just)\s*(?:only\s+|just\s+|about\s+)?{_N}{_AGE}{_UNTIL}(?!\s*[\w'])",
        # "looks 15", "barely sixteen", "aparenta 14"
        rf"\b(?:looks?|looking|appears?|appearing|seems?|turn(?:s|ed|ing)|barely|parece(?:ndo)?|aparenta(?:ndo)?|mal\s+tem|apenas\s+tiene|acaba\s+de\s+cumplir)"
        rf"(?:\s+(?:to\s+be|like|about|around|only|just|maybe|barely|at\s+most|no\s+(?:older|more)\s+than|under|ter|tener|uns|unos|umas|apenas|solo|so))*\s+{_N}{_AGE}{_UNTIL}",
        # "She is 15", "tem 14"
        rf"\b(?:she|he|who|they|i|ela|ele|ella|el)\s*(?:'s|'m|\s(?:is|am|are|tem|tiene))\s+(?:only\s+|just\s+|so\s+|solo\s+)?{_N}(?=\s*(?:[.,;!?)]|$|and\b|e\b|y\b))",
        r"(?P<n>\d{1,3})\s*(?:[歳岁才살세]|лет|года|ans\b|jahre\b|anni\b|jaar\b)(?P<w>)",
    )
)
_KANJI: Mapping[str, int] = {c: n for n, c in enumerate("零一二三四五六七八九十")}
_KANJI_AGE = re.compile(r"(?<![零一二三四五六七八九十])(十?[一二三四五六七八九]?)[歳岁才](?!以上)")
_YOUNG = re.compile(
    r"\b(?:under-?\s?aged?|under\s+(?:18|eighteen)|pre-?teens?|tweens?|teens?|teenage[dr]?s?|(?:early|mid|late)\s+teens|toddlers?|infants?|child"
    r"|children|kids?|(?:is|be|still)\s+a\s+minor\b(?!\s+\w)|school-?(?:girl|boy|kid|child)\w*|little\s+(?:girl|boy)s?|young\s+(?:girl|boy)s?"
    r"|kindergart[e\w]+|(?:high|middle|primary|elementary|grade|secondary|junior\s+high)[\s-]?school(?:er|ers|[\s-]+(?:student|pupil|girl|boy|kid|freshman|sophomore|junior"
    r"|senior|cheerleader|uniform)s?)?(?=\b)(?!\s+(?:diploma|education|degree|reunion|sweetheart))|(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|[1-9]th|1[01]th|1st|2nd|3rd)"
    r"[\s-]grader?s?|menor(?:es)?\s+de\s+(?:idade|edad)|criancas?|adolescentes?|nin[oa]s|nin[oa](?=\W|$)|bebes?|menininh[oa]s?|garotinh[oa]s?|colegia(?:l|is)"
    r"|(?:alun|estudant|estudiant)\w*\s+(?:do|da|de|del)\s+(?:ensino\s+(?:medio|fundamental)|colegio|secundari\w*|primari\w*|bachillerato|preparatoria|instituto)"
    r"|colegiala?s?|lolis?|shotas?|lolita)\b"
)
_YOUNG_ELSEWHERE = re.compile(r"少女|少年|幼女|幼児|幼児|ロリ|小学生|中学生|高校生|女子高生|女の子|男の子|小女孩|小男孩|女孩|男孩|儿童|兒童|未成年|초등학생|중학생|고등학생|어린이|소녀|소년|девочк|мальчик|школьниц|подросток")
# What stands before an age that is of the one described, not of those they work with.
_OWN = re.compile(
    r"(?:^|[.!?]\s*|\b(?:are|is|am|you're|he's|she's|i'm|tem|tenho|tiene|tengo|e|es|eres|sou|soy)\s+)"
    r"(?:an?\s+|only\s+|just\s+|uma?\s+|una?\s+|so\s+|solo\s+)?$"
)
_BEING = re.compile(
    r"(?:(?:^|[.!?]\s*)(?:an?|uma?|una?)|\b(?:is|am|you're|he's|she's|i'm|sou|soy|es|e)(?:\s+(?:an?|still\s+an?|uma?|una?))?)\s+(?:\w+\s+)?$"
)


def _read(text: str) -> str:
    """The folded text without what is not about a person's own age."""
    return _ASIDE.sub(" ", fold(text))


def stated(text: str, own: bool = False) -> int | None:
    """The lowest age that the text states; own: of the one it describes alone."""
    said, found = _read(text), []
    for pattern in _PATTERNS:
        for match in pattern.finditer(said):
            if own and not _OWN.search(said[: match.start()]):
                continue
            age = int(match["n"]) if match["n"] else _SPELLED[match["w"]]
            found.append(0 if re.search("month|week", match[0]) else age)
    spelled = [] if own else [m[1] for m in _KANJI_AGE.finditer(said) if m[1]]
    return min([*found, *(sum(_KANJI[c] for c in one) for one in spelled)], default=None)


def minor(looks: str) -> bool:
    """Whether the look that is described is of somebody under 18."""
    age, said = stated(looks), _read(looks)
    young = _YOUNG.search(said) or _YOUNG_ELSEWHERE.search(looks) or _YOUNG_ELSEWHERE.search(said)
    return (age is not None and age < ADULT) or young is not None


def young(text: str) -> bool:
    """Whether a text about somebody says that they are under 18; those they work with may be."""
    age, said = stated(text, own=True), _read(text)
    return (age is not None and age < ADULT) or any(_BEING.search(said[: m.start()]) for m in _YOUNG.finditer(said))
