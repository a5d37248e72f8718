"""What a message says about its author, by rules: Portuguese, English, Spanish. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["preference", "fact"]
SURE, LIKELY = 0.9, 0.7
LONGEST = 120
_NAME = r"(?P<v>[^\W\d_][\w'’-]*(?:\s+(?:(?:d[aeo]s?|del?|von|van)\s+)?[A-ZÀ-Ý][\w'’-]*){0,3})"
_REST = r"(?P<v>[^.,;!?\n]+?)(?=\s+(?:and|but|because|e|mas|porque|y|pero)\s|[.,;!?\n]|$)"
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
    """value None: what the pattern's group `v` says."""

    kind: Kind
    category: str
    key: str
    pattern: re.Pattern[str]
    confidence: float = SURE
    value: str | None = None


def _rule(
    kind: Kind, category: str, key: str, pattern: str, confidence: float = SURE, value: str | None = None,
    exact: bool = False,
) -> Rule:
    return Rule(kind, category, key, re.compile(pattern, 0 if exact else re.IGNORECASE), confidence, value)


RULES: Sequence[Rule] = (
    _rule("fact", "personal", "name",
          r"\b(?:[Mm]y name is|[Mm]e chamo|[Mm]eu nome é|[Mm]e llamo|[Mm]i nombre es)\s+" + _NAME, exact=True),
    _rule("fact", "personal", "location",
          r"\b(?:I live in|I am from|I'm from|moro (?:em|no|na)|sou d[aeo]|vivo en|soy de)\s+" + _REST, LIKELY),
    _rule("fact", "personal", "age", r"\b(?:I am|I'm)\s+(?P<v>\d{2,3}) years old\b"),
    _rule("fact", "personal", "age", r"\b(?:tenho|tengo)\s+(?P<v>\d{2,3}) a[nñ]os\b"),
    _rule("fact", "personal", "birthday",
          r"\b(?:my birthday is(?: on)?|meu aniversário é(?: em| no dia)?|mi cumpleaños es(?: el)?)\s+" + _REST),
    _rule("fact", "work", "company",
          r"\b(?:I work (?:at|for)|trabalho (?:na|no|para a|para o)|trabajo (?:en|para))\s+" + _REST, LIKELY),
    _rule("fact", "work", "company",
          r"\b(?:my company is(?: called)?|minha empresa (?:é|se chama)|mi empresa (?:es|se llama))\s+" + _REST),
    _rule("fact", "work", "role",
          r"\b(?:I work as|trabalho como|trabajo como|trabajo de)\s+(?:an?\s+|uma?\s+|una?\s+)?" + _REST),
    _rule("preference", "personal", "likes",
          r"(?<!no )(?<!não )\b(?:I (?:really )?(?:like|love|prefer)|gosto de|adoro|prefiro|me gusta|me encanta"
          r"|prefiero)\s+" + _REST, LIKELY),
    _rule("preference", "personal", "dislikes",
          r"\b(?:I (?:don't|do not) like|I hate|não gosto de|odeio|no me gusta|odio)\s+" + _REST, LIKELY),
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


def learned(message: str) -> list[Learned]:
    """Each preference and fact once: what is said last holds."""
    found: dict[tuple[str, str, str], Learned] = {}
    for rule in RULES:
        matches = list(rule.pattern.finditer(message))
        if not matches:
            continue
        value = rule.value or " ".join(matches[-1]["v"].split()).strip(" '\"*")
        value = _LANGUAGES.get(value.lower(), value) if rule.key == "language" else value
        if value and len(value) <= LONGEST:
            found[rule.kind, rule.category, rule.key] = Learned(
                rule.kind, rule.category, rule.key, value, rule.confidence
            )
    return list(found.values())
