"""Codes of products, parts and errors ("RL-1041", "rl 1041", "E05"): what may not be taken for another one. Pure."""

import re
from collections.abc import Iterable

from hub.language.folding import fold
from hub.language.lexicon import STOPS

# Letters first; with a blank between only where they are few and the number is long. "10x", "18h30" are amounts.
_CODE = re.compile(r"(?<![\w/.@-])([a-z]{1,6})([-_./]?|\s)(\d[a-z0-9]*(?:[-_./]\d[a-z0-9]*)*)(?!\w)")
_NUMBER = re.compile(r"(?<![\w.,/$-])\d{4,}(?:-\d+)?(?![\w.,]?\d|\s*(?:km|kg|reais|r\$|usd|eur|%|h\b))")
# Shorter ones where it is said what they are, or where nothing follows that they would count.
_CALLED = re.compile(
    r"\b(?:erros?|errors?|codigos?|codes?|cod|http|status|artigo|ramal|extension|modelo|model|ref|referencia|sku)"
    r"\.?\s?(?:n[o.]?\s?)?(\d{2,})(?![\w.,]?\d)"
)
_ALONE = re.compile(r"(?<![\w.,/$:-])(?<!r\$\s)(?<!usd\s)(\d{3})(?=\s*(?:[?!,;]|$))")
_BETWEEN = re.compile(r"[-_./]")
_STOPPED = STOPS | {"rs", "usd", "eur", "art", "km", "cep", "tel", "ano"}
_YEARS = range(1900, 2101)


def codes(text: str) -> list[str]:
    """Codes in a text, without what stands between letters and digits, each once."""
    folded = fold(text)
    found = [_plain(m) for m in _CODE.finditer(folded) if _is_code(m)]
    rest = _CODE.sub(lambda m: " " if _is_code(m) else m[0], folded)
    called = [m[1] for m in (*_CALLED.finditer(rest), *_ALONE.finditer(rest))]
    return list(dict.fromkeys([*found, *called, *(m[0] for m in _NUMBER.finditer(rest) if not _year(m[0]))]))


def _plain(m: re.Match[str]) -> str:
    return m[1] + _BETWEEN.sub("", m[3])


def _is_code(m: re.Match[str]) -> bool:
    return m[2] != " " or (len(m[1]) <= 3 and m[1] not in _STOPPED and len(m[3]) >= 3)


def _year(number: str) -> bool:
    return number.isdigit() and len(number) == 4 and int(number) in _YEARS


def squeezed(text: str) -> str:
    """A folded text whose codes have nothing between letters and digits."""
    return _CODE.sub(lambda m: _plain(m) if _is_code(m) else m[0], fold(text))


def holds(squeezed_text: str, wanted: Iterable[str]) -> frozenset[str]:
    """Those of the codes that stand in a squeezed text as a whole."""
    return frozenset(c for c in wanted if re.search(rf"(?<![a-z0-9]){re.escape(c)}(?![a-z0-9])", squeezed_text))
