"""How old a text says that somebody is: Portuguese, English, Spanish. Pure."""

import re
from collections.abc import Mapping

ADULT, OLDEST = 18, 150
# From nought to seventeen.
_ENGLISH = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_PORTUGUESE = "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis"
_SPANISH = "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis"
_SPELLED: Mapping[str, int] = {
    **{word: n for words in (_ENGLISH, _PORTUGUESE, _SPANISH) for n, word in enumerate(words.split())},
    "uma": 1, "duas": 2, "quatorze": 14, "dezasseis": 16, "un": 1, "una": 1, "dieciseis": 16, "seventeen": 17,
    "dezessete": 17, "dezassete": 17, "diecisiete": 17,
}  # fmt: skip
_WORD = "(?P<w>" + "|".join(sorted(_SPELLED, key=len, reverse=True)) + ")"
_COUNT = rf"(?<![\w.,-])(?:(?P<n>\d{{1,3}})|{_WORD})"
# "12 years old", "12-year-old", "12 anos (de idade)"; not "12 anos de experiência".
_PATTERNS = tuple(
    re.compile(p, re.IGNORECASE)
    for p in (
        rf"{_COUNT}[\s-]*(?:years?|yrs?)[\s-]*(?:old|of\s+age)\b",
        rf"{_COUNT}[\s-]*(?:y\.?o\.?|y/o)(?!\w)",
        rf"(?<!hace\s)(?<!há\s){_COUNT}\s*(?:anos?|años?)\b(?!\s+de\s+(?!idade|edad))(?!\s+(?:atrás|atras))",
        rf"{_COUNT}\s*(?:months?|weeks?)[\s-]*old\b",
        rf"\b(?:age|aged|idade|edad)\s*(?:is|of|:|=|de)?\s*(?:(?P<n>\d{{1,3}})|{_WORD})\b",
    )
)
_YOUNG = re.compile(
    r"\b(?:under\s?aged?|under\s+18|pre-?teens?|teens?|teenage[dr]?s?|toddlers?|infants?|child|children|kids?"
    r"|school-?(?:girl|boy)s?|little\s+(?:girl|boy)s?|young\s+(?:girl|boy)s?|kindergart[e\w]+"
    r"|menor(?:es)?\s+de\s+(?:idade|edad)|crianças?|crianca|adolescentes?|niñ[oa]s?|bebês?|bebés?|lolis?|shotas?)\b",
    re.IGNORECASE,
)
# What stands before an age that is of the one described, not of those they work with.
_OWN = re.compile(
    r"(?:^|[.!?]\s*|\b(?:are|is|am|you're|he's|she's|i'm|tem|tenho|têm|tiene|tengo|é|es|eres|sou|soy)\s+)"
    r"(?:an?\s+|only\s+|just\s+|uma?\s+|una?\s+|só\s+|solo\s+)?$",
    re.IGNORECASE,
)


def stated(text: str, own: bool = False) -> int | None:
    """The lowest age that the text states; own: of the one it describes alone."""
    found = []
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if own and not _OWN.search(text[: match.start()]):
                continue
            age = int(match["n"]) if match["n"] else _SPELLED[match["w"].lower()]
            found.append(0 if re.search("month|week", match[0], re.IGNORECASE) else age)
    return min(found, default=None)


def minor(looks: str) -> bool:
    """Whether the look that is described is of somebody under 18."""
    age = stated(looks)
    return (age is not None and age < ADULT) or _YOUNG.search(looks) is not None


def young(text: str) -> bool:
    """Whether a text about somebody says that they are under 18; those they work with may be."""
    age = stated(text, own=True)
    return age is not None and age < ADULT
