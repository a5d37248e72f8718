"""From when and until when a document holds, and whether another one has taken its place. Pure."""

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from hub.language.folding import fold

_MONTHS = (
    "jan(?:eiro|uary|\\.)?|enero", "fev(?:ereiro|\\.)?|feb(?:ruary|rero|\\.)?", "mar(?:co|ch|zo|\\.)?", "a[bp]r(?:il|\\.)?",
    "mai(?:o|\\.)?|may(?:o)?", "jun(?:ho|e|io|\\.)?", "jul(?:ho|y|io|\\.)?", "ago(?:sto|\\.)?|aug(?:ust|\\.)?",
    "set(?:embro|\\.)?|sep(?:t|tember|tiembre|\\.)?", "out(?:ubro|\\.)?|oct(?:ober|ubre|\\.)?", "nov(?:ember|embro|iembre|\\.)?",
    "dez(?:embro|\\.)?|dec(?:ember|\\.)?|dic(?:iembre|\\.)?",
)
_NAMED = "|".join(f"(?P<m{n}>{names})" for n, names in enumerate(_MONTHS, 1))
_DAY = (
    r"(?:(?P<iso>\d{4})-(?P<isom>\d{1,2})-(?P<isod>\d{1,2})|(?P<d>\d{1,2})[/.](?P<m>\d{1,2})[/.](?P<y>\d{4}|\d{2}(?!\d))"
    rf"|(?:(?P<nd>\d{{1,2}})[ºo]?\s?(?:de\s)?)?(?:{_NAMED})\s?(?:(?P<ed>\d{{1,2}})(?:st|nd|rd|th)?,\s?)?(?:de\s|del\s|/)?(?P<ny>\d{{4}})"
    r"|(?P<my>\d{1,2})/(?P<myy>\d{4})|(?P<only>20\d\d|19\d\d))"
)
_DATE = re.compile(_DAY)
_FROM = re.compile(
    r"(?:valid[oa]s?|vigentes?|em vigor|vigencia|vigora|effective|valid|in force|en vigor|validade|precos|atualizad[oa]s?|updated"
    r"|actualizad[oa]s?|vale|vigor)\s?:?\s?(?:as\s)?"
    r"(?:a partir d[eo]|desde|de|from|since|as of|em|on|el|a contar de|para|for|:)?\s?(?:o dia\s|dia\s|the\s)?$"
)
_UNTIL = re.compile(
    r"(?:ate|until|till|through|hasta|to|thru|vence em|venceu em|expired? on|expires on|expirou em|expirado em|expiro el|vencio el"
    r"|vencid[oa] (?:em|el|desde)|encerrad[oa] em)\s?(?:o dia\s|dia\s|el\s|the\s|:)?\s?$"
)
_REPLACED = re.compile(
    r"(?<!nao )\b(?:(?:foi|fue|was|is|been|esta|e|es)\s)?(?:substituid[oa]s?|replaced|superseded|reemplazad[oa]s?|sustituid[oa]s?|revogad[oa]s?"
    r"|revoked|derogad[oa]s?|obsolet[oae]s?|outdated|deprecated|desatualizad[oa]s?|desactualizad[oa]s?|descontinuad[oa])\b"
    r"(?:\s(?:por|by|pel[oa]s?|em|on|el|desde)\b|\s?[:.)\]]|\s?$|\sdocument|\sversion|\svers)"
)
_REPLACES = re.compile(r"\b(?:reemplaza|sustituye|substitui|replaces|supersedes)\b")
_SINCE = re.compile(r"(?:\A|[\n.#])\s*(?:a partir d[eo]|desde|from|as of|since|starting|starting on)\s(?:o dia\s|dia\s|el\s|the\s)?$")
_SELF = re.compile(r"\b(?:documento|document|tabela|tabla|table|politica|policy|versao|version|lista|list|pagina|page|regra|edicao|este|esta|this)\b")
_HEADING = re.compile(r"^ {0,3}(#{1,6})\s", re.MULTILINE)
HEAD = 1500  # characters of a text in which it tells of itself
_METADATA: Mapping[str, str] = {
    "valid_from": "start", "validfrom": "start", "valido_a_partir": "start", "vigencia": "start", "effective": "start",
    "effective_from": "start", "desde": "start", "valid_until": "end", "validuntil": "end", "valid_to": "end",
    "expires": "end", "expires_at": "end", "validade": "end", "valido_ate": "end", "hasta": "end", "replaced_by": "by",
    "replacedby": "by", "superseded_by": "by", "substituido_por": "by", "reemplazado_por": "by", "date": "start",
    "data": "start", "fecha": "start", "updated": "start", "published": "start",
}


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether it is said at all is `bool`; `replaced`: another one has taken its place."""

    start: date | None = None
    end: date | None = None
    replaced: bool = False

    def __bool__(self) -> bool:
        return bool(self.start or self.end or self.replaced)

    def old(self, today: date) -> bool:
        """Whether it holds no more, or not yet."""
        return self.replaced or (self.end is not None and self.end < today) or (
            self.start is not None and self.start > today)

    def told(self) -> str:
        """What is said of it, for a reader."""
        parts = [f"valid from {self.start}"] if self.start else []
        parts += [f"valid until {self.end}"] if self.end else []
        return ", ".join([*parts, "replaced by another document"] if self.replaced else parts)


def read(text: str, metadata: Mapping[str, Any] | None = None) -> Validity:
    """What a document says of itself: its metadata first, then the beginning of its text."""
    start, end, replaced = _told(fold(text[:HEAD]))
    given = {_METADATA[k]: v for name, v in (metadata or {}).items() if (k := fold(name).replace("-", "_")) in _METADATA}
    start = _first(given.get("start")) or start
    end = _first(given.get("end"), last=True) or end
    return Validity(start, end, replaced or bool(given.get("by")))


def of_document(text: str, metadata: Mapping[str, Any] | None = None) -> Validity:
    """The same of a document that may have chapters: what one of them says is not said of the others."""
    levels = [(len(m[1]), m.start()) for m in _HEADING.finditer(text)]
    several = [start for level, start in levels if sum(other == level for other, _ in levels) > 1]
    return read(text[: min(several)] if several else text, metadata)


def years(text: str) -> frozenset[int]:
    """Years that are named."""
    return frozenset(int(y) for y in re.findall(r"(?<![\w.,/-])(?:19|20)\d\d(?![\w]|[.,]\d)", text))


def _told(folded: str) -> tuple[date | None, date | None, bool]:
    start = end = None
    notice = bool(_REPLACES.search(folded))
    for match in _DATE.finditer(folded):
        before = folded[max(0, match.start() - 45) : match.start()]
        if start is None and (_FROM.search(before) or (notice and _SINCE.search(before))):
            start = _day(match, last=False)
        elif end is None and _UNTIL.search(before) and (start or re.search(r"vali|vigen|vigor|effective|expir|venc|encerr", before)):
            end = _day(match, last=True)
    return start, end, any(_SELF.search(folded[max(0, m.start() - 60) : m.start()]) or m.start() < 5
                           for m in _REPLACED.finditer(folded))


def _first(value: Any, last: bool = False) -> date | None:
    match = _DATE.search(fold(str(value))) if value else None
    return _day(match, last) if match else None


def _day(match: re.Match[str], last: bool) -> date | None:
    """The day that is written; of a month or a year alone its first or its last."""
    g = match.groupdict()
    named = next((n for n in range(1, 13) if g[f"m{n}"]), None)
    year = g["iso"] or g["y"] or g["ny"] or g["myy"] or g["only"]
    month = g["isom"] or g["m"] or named or g["my"]
    day = g["isod"] or g["d"] or g["nd"] or g["ed"]
    number = int(year) + (2000 if len(year) == 2 else 0)
    try:
        if month is None:
            return date(number, 12, 31) if last else date(number, 1, 1)
        if day is None:
            return date(number, int(month), monthrange(number, int(month))[1] if last else 1)
        return date(number, int(month), int(day))
    except ValueError:
        return None
