"""Whether what a rule or a model took for a name, a place or a taste looks like one. Pure."""

import re

from hub.language.folding import fold
from hub.language.lexicon import STOPS

# What stands behind "my name is", "I live in", "sou de" and is no name of anything.
_NEVER = STOPS | frozenset(
    fold(
        "right wrong correct incorrect important missing misspelled spelled written called unknown confidential "
        "private secret long short common different changed new old also still just only really very too now here "
        "then nobody none nothing sorry fine good bad peace fear hope love doubt town general particular person fact "
        "charge touch trouble need free night day days home work school church usual always never sometimes "
        "everything something anything someone anyone certo errado correto incorreto importante diferente igual mesmo "
        "mesma ainda agora aqui entao ninguem nada tudo algo alguem opiniao area familia turma paz esquerda direita "
        "igreja tipo epoca casa equipe equipa empresa time noite dia manha tarde sempre nunca longe perto fora dentro "
        "acordo parte opinioes mal lado conta noticia correcto equivocado nadie alguien opinion izquierda derecha "
        "iglesia equipo noche manana siempre lejos cerca fuera acuerdo mucha muchas muchos poco poca bastante tanto "
        "tanta atencion mismo misma "
    ).split()
)
_PART = re.compile(r"(?:d[aeo]s?|del|de la|de los|von|van|der|of|la|las|los|el|upon|sur|y|e|and|&)$")
_CAPITAL = re.compile(r"[A-ZÀ-ÖØ-Þ0-9]|[^\W\d_a-zà-öø-ÿ]")
_ARTICLE = re.compile(r"(?:the|o|a|os|as|el|la|los|las|um|uma|un|una|an)$", re.IGNORECASE)
# Names that are spelled like a function word.
_SHORT = ("US", "São", "Sao")
NAME, THING = 4, 5  # words of a name; of anything else that is named
LIKED = 8


def proper(said: str, words: int = THING) -> str | None:
    """The name that a phrase begins with: capitalised words and what joins them, an article before them left in.
    None for a phrase that begins with none."""
    found: list[str] = []
    for n, word in enumerate(said.split()):
        plain = word.strip("'\"*_()")
        named = _CAPITAL.match(plain) and (fold(plain) not in _NEVER or plain in _SHORT)
        if not (named or (n == 0 and _ARTICLE.match(plain)) or (found and _PART.match(plain))):
            break
        found.append(word)
    while found and not _CAPITAL.match(found[-1].strip("'\"*_()")):
        found.pop()
    if not found or len(found) > words + 2 or (len(found) == 1 and len(found[0]) < 2):
        return None
    return " ".join(found).strip("'\"*_(), ")


def small(said: str, words: int = 3) -> str | None:
    """A short phrase in small letters that may be a name all the same, written by somebody in a hurry."""
    parts = said.split()
    if not 0 < len(parts) <= words or not all(re.fullmatch(r"[^\W\d_][\w'’-]+", p) for p in parts):
        return None
    if any(fold(p) in _NEVER and not _PART.match(p) for p in parts) or fold(parts[0]) in _NEVER:
        return None
    return " ".join(parts)


def liked(said: str) -> str | None:
    """What somebody likes: a thing or a doing in a few words, no word that only points."""
    parts = said.split()
    first = [p for p in parts if not _ARTICLE.match(p)]
    if not first or len(parts) > LIKED or fold(first[0].strip("'\"*")) in _NEVER:
        return None
    return " ".join(parts)


def dated(said: str) -> str | None:
    """A day: it has a figure, or the name of a month."""
    months = r"jan|feb|fev|mar|apr|abr|may|mai|jun|jul|aug|ago|sep|set|oct|out|nov|dec|dez|ene|dic"
    return said if re.search(rf"\d|\b(?:{months})", fold(said)) and len(said.split()) <= 8 else None


def plausible(category: str, key: str, value: str) -> bool:
    """Whether a value that a model names can be one: not function words alone, and a name's shape for a name."""
    words = [fold(w).strip("'\".,!?") for w in value.split()]
    if not any(w and w not in _NEVER for w in words):
        return False
    if (category, key) == ("personal", "name"):
        return len(words) <= 6 and words[0] not in _NEVER and not re.search(r"[?!:;@/\d]", value)
    return True
