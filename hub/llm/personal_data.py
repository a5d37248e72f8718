"""Personal data in texts: e-mail addresses, phones, Brazilian CPF and CNPJ, payment cards. Pure.

What a shape alone cannot tell is checked: digits by their check digits, phones by the numbering plans.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from hub.later import later
from hub.llm.patterns import OURS, grows

if TYPE_CHECKING:
    import phonenumbers
    import regex
else:
    phonenumbers = later("phonenumbers")
    regex = later("regex")

Kind = Literal["Email", "Phone", "Cpf", "Cnpj", "Card"]
KINDS: tuple[Kind, ...] = ("Email", "Cpf", "Cnpj", "Card", "Phone")
# What people and models write between digits.
_SEP = r"[ \u00a0\u2009\u202f.\-\u2010-\u2013]?"
_LEFT, _RIGHT = r"(?<![\w])", r"(?![\w])"
_PATTERNS: Mapping[Kind, str] = {
    "Email": r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",
    "Cpf": rf"{_LEFT}\d{{3}}{_SEP}\d{{3}}{_SEP}\d{{3}}{_SEP}\d{{2}}{_RIGHT}",
    "Cnpj": (
        rf"{_LEFT}[\dA-Z]{{2}}{_SEP}[\dA-Z]{{3}}{_SEP}[\dA-Z]{{3}}(?:/|{_SEP})[\dA-Z]{{4}}{_SEP}\d{{2}}{_RIGHT}"
    ),
    "Card": rf"{_LEFT}\d(?:{_SEP}\d){{12,18}}{_RIGHT}",
    "Phone": r"(?<![\w+])\+?\(?\d(?:[ \u00a0\u202f().\-/\u2010-\u2013]{0,2}\d){7,14}(?![\w])",
}
REGIONS = ("BR", "US", "GB", "PT", "ES", "DE", "FR", "AR", "MX")


class Found(NamedTuple):
    """Where in the text, and of which kind. open: what follows may change it."""

    start: int
    end: int
    kind: Kind
    open: bool


def find(text: str, kinds: tuple[Kind, ...], start: int = 0, final: bool = True) -> Iterator[Found]:
    """Every piece of these kinds from `start` on; unless final also the end that may still become one."""
    for kind in kinds:
        for m in _pattern(kind).finditer(text, start, overlapped=True, partial=not final):
            if m.end() <= m.start():
                continue
            if m.partial or (not final and grows(_pattern(kind), text, m.start(), OURS)):
                yield Found(m.start(), m.end(), kind, True)
            elif CHECKS[kind](m.group()):
                yield Found(m.start(), m.end(), kind, False)


@cache
def _pattern(kind: Kind) -> "regex.Pattern[str]":
    return regex.compile(_PATTERNS[kind])


def same(kind: Kind, text: str) -> str:
    """What different ways to write one value have in common."""
    if kind == "Email":
        return text.lower()
    return "".join(c for c in text.upper() if c.isalnum())


def _digits(text: str) -> list[int]:
    return [int(c) for c in text if c.isdecimal()]


def _cpf(text: str) -> bool:
    d = _digits(text)
    if len(set(d)) == 1:
        return False
    return all(sum(d[i] * (n + 1 - i) for i in range(n)) * 10 % 11 % 10 == d[n] for n in (9, 10))


def _cnpj(text: str) -> bool:
    """Letters too, as they are given out since 2026: each counts by its place in ASCII."""
    values = [int(c) if c.isdecimal() else ord(c) - 48 for c in text if c.isalnum()]
    if len(set(values)) == 1 or not any(c.isdecimal() for c in text[:-2]):
        return False
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    for n in (12, 13):
        rest = sum(v * w for v, w in zip(values[:n], weights[13 - n :], strict=True)) % 11
        if values[n] != (0 if rest < 2 else 11 - rest):
            return False
    return True


def _card(text: str) -> bool:
    d = _digits(text)
    if len(set(d)) == 1:
        return False
    doubled = (x if n % 2 == 0 else (x * 2 - 9 if x > 4 else x * 2) for n, x in enumerate(reversed(d)))
    return sum(doubled) % 10 == 0


def _phone(text: str) -> bool:
    """A number of a numbering plan; one without + must be that of a country that we know, whole with its area."""
    plain = "".join(str(int(c)) if c.isdecimal() else c for c in text)
    for region in (None,) if plain.startswith("+") else REGIONS:
        try:
            number = phonenumbers.parse(plain, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return True
    return False


def _email(text: str) -> bool:
    host = text.rpartition("@")[2]
    return len(host.rpartition(".")[2]) >= 2 and not host.rpartition(".")[2].isdecimal()


CHECKS: Mapping[Kind, Callable[[str], bool]] = {
    "Email": _email, "Cpf": _cpf, "Cnpj": _cnpj, "Card": _card, "Phone": _phone,
}
