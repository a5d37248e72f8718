"""What a message says about its author, by rules: Portuguese, English, Spanish. Pure.

What a pattern finds is only taken when it looks like a value of its kind (`hub.language.plausible`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from hub.language.marks import composed
from hub.language.plausible import NAME, dated, liked, proper, small

Kind = Literal["preference", "fact"]
SURE, LIKELY, UNSURE = 0.9, 0.7, 0.5
LONGEST = 120
# To the end of the clause.
_REST = r"(?P<v>[^.,;:!?()\n]+?)(?=\s+(?:and|but|because|e|mas|porque|y|pero)\s|[.,;:!?()\n]|$)"
_LANGUAGES = {
    "portuguese": "Portuguese", "português": "Portuguese", "portugués": "Portuguese", "portugues": "Portuguese",
    "english": "English", "inglês": "English", "inglés": "English", "ingles": "English",
    "spanish": "Spanish", "espanhol": "Spanish", "español": "Spanish", "espanol": "Spanish",
    "french": "French", "francês": "French", "francés": "French",
    "german": "German", "alemão": "German", "alemán": "German",
    "italian": "Italian", "italiano": "Italian",
}
_LANGUAGE = "(?P<v>" + "|".join(_LANGUAGES) + ")"


@dataclass(frozen=True, slots=True)
class Learned:
    """One thing about a user. confidence: 0 to 1."""

    kind: Kind
    category: str
    key: str
    value: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Rule:
    """value None: what the pattern's group `v` says, as far as `looks` takes it; what only `small` takes is unsure."""

    kind: Kind
    category: str
    key: str
    pattern: re.Pattern[str]
    confidence: float = SURE
    value: str | None = None
    looks: Callable[[str], str | None] | None = None


def _rule(
    kind: Kind, category: str, key: str, pattern: str, confidence: float = SURE, value: str | None = None,
    looks: Callable[[str], str | None] | None = None,
) -> Rule:
    return Rule(kind, category, key, re.compile(pattern, re.IGNORECASE), confidence, value, looks)


def _name(said: str) -> str | None:
    return proper(said, NAME)


RULES: Sequence[Rule] = (
    _rule("fact", "personal", "name",
          r"\b(?:my name is|me chamo|meu nome é|me llamo|mi nombre es)\s+" + _REST, looks=_name),
    _rule("fact", "personal", "location",
          r"\b(?:I live in|I am from|I'm from|moro (?:em|no|na)|sou d[aeo]|vivo en|soy de)\s+" + _REST, LIKELY,
          looks=proper),
    _rule("fact", "personal", "age", r"\b(?:I am|I'm)\s+(?P<v>\d{2,3}) years old\b"),
    _rule("fact", "personal", "age",
          r"\b(?:tenho|tengo)\s+(?P<v>\d{2,3}) a[nñ]os\b(?!\s+de\s+(?!idade|edad))(?!\s+\w+ndo\b)"),
    _rule("fact", "personal", "birthday",
          r"\b(?:my birthday is(?: on)?|meu aniversário é(?: em| no dia)?|mi cumpleaños es(?: el)?)\s+" + _REST,
          looks=dated),
    _rule("fact", "work", "company",
          r"\b(?:I work (?:at|for)|trabalho (?:na|no|para a|para o)|trabajo (?:en|para))\s+" + _REST, LIKELY,
          looks=proper),
    _rule("fact", "work", "company",
          r"\b(?:my company is(?: called)?|minha empresa (?:é|se chama)|mi empresa (?:es|se llama))\s+" + _REST,
          looks=proper),
    _rule("fact", "work", "role",
          r"\b(?:I work as|trabalho como|trabajo como|trabajo de)\s+(?:an?\s+|uma?\s+|una?\s+)?" + _REST,
          looks=liked),
    _rule("preference", "personal", "likes",
          r"(?<!no )(?<!não )(?<!nao )\b(?:I (?:really )?(?:like|love|prefer)|gosto de|adoro|prefiro|me gusta"
          r"|me encanta|prefiero)\s+" + _REST, LIKELY, looks=liked),
    _rule("preference", "personal", "dislikes",
          r"\b(?:I (?:don't|do not) like|I hate|não gosto de|nao gosto de|odeio|no me gusta|odio)\s+" + _REST, LIKELY,
          looks=liked),
    _rule("preference", "communication", "language",
          r"\b(?:answer|reply|write|speak|respond)\b[^.!?\n]{0,30}\bin " + _LANGUAGE),
    _rule("preference", "communication", "language",
          r"\b(?:responda|responde|escreva|fale)\b[^.!?\n]{0,30}\bem " + _LANGUAGE),
    _rule("preference", "communication", "language",
          r"\b(?:responde|respóndeme|responda|escribe|habla)\b[^.!?\n]{0,30}\ben " + _LANGUAGE),
    _rule("preference", "output", "length",
          r"\b(?:be (?:brief|concise)|short answers|keep it short|seja breve|respostas curtas|sea breve|sé breve"
          r"|respuestas cortas)\b", SURE, "short"),
    _rule("preference", "output", "length",
          r"\b(?:be detailed|in detail|detailed answers|respostas detalhadas|em detalhes|respuestas detalladas"
          r"|en detalle)\b", LIKELY, "detailed"),
    _rule("preference", "output", "format",
          r"\b(?:bullet points|use lists|em tópicos|em listas|en viñetas|en listas)\b", LIKELY, "lists"),
    _rule("preference", "communication", "tone",
          r"\b(?:be formal|formal tone|seja formal|tom formal|sea formal|tono formal)\b", SURE, "formal"),
    _rule("preference", "communication", "tone",
          r"\b(?:be informal|be casual|seja informal|tom informal|sea informal|tono informal)\b", SURE, "informal"),
)  # fmt: skip


# What is said under a condition, of others or in the negative says nothing of the author.
_HELD_BACK = re.compile(
    r"\b(?:if|whether|when|unless|suppose|imagine|se|si|caso|quando|cuando|que tal|don't|do not|not|never|no|não|nao"
    r"|nunca)"
    r"(?:\s+(?:that|que|please|por favor|eu|yo))?\s*$", re.IGNORECASE,
)


def learned(message: str) -> list[Learned]:
    """Each preference and fact once: what is said last holds, and what is sure before what is not."""
    # As people type it: the signs that rules are written with.
    message = message.translate({0x2019: "'", 0x2018: "'", 0xA0: " ", 0xAD: None})
    message = composed(message)
    found: dict[tuple[str, str, str], Learned] = {}
    for rule in RULES:
        for match in rule.pattern.finditer(message):
            if _HELD_BACK.search(message[: match.start()]):
                continue
            place, one = (rule.kind, rule.category, rule.key), _read(rule, match)
            if one is not None and (place not in found or one.confidence >= min(found[place].confidence, LIKELY)):
                found[place] = one
    return list(found.values())


def _read(rule: Rule, match: re.Match[str]) -> Learned | None:
    confidence, said = rule.confidence, " ".join((rule.value or match["v"]).split()).strip(" '\"*_")
    value: str | None = said
    if rule.key == "language":
        value = _LANGUAGES.get(said.lower(), said)
    elif rule.looks is not None and (value := rule.looks(said)) is None and rule.looks in (proper, _name):
        value, confidence = small(said), UNSURE
    if not value or len(value) > LONGEST:
        return None
    return Learned(rule.kind, rule.category, rule.key, value, confidence)
