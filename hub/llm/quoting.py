"""What is shown of a unit: a sentence with those it needs, the cells of a row, a list under its lead. Pure."""

import re
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from hub.domain import Passage
from hub.language import words
from hub.language.addressed import to_an_assistant
from hub.language.facts import FACTS
from hub.language.folding import fold
from hub.language.lexicon import COUNTS
from hub.llm.asked import Asked, Term
from hub.llm.units import Cell, Unit, counted
from hub.llm.weighing import Weighed, titled

LONG, LONGEST, SHORT = 420, 900, 160
MOSTLY = 0.5  # part of the cover that must stand in a sentence's own words, else its whole paragraph is shown
ALONE = 0.9  # part of it that must, for a sentence to be shown without the others of a short paragraph
COUNTED = frozenset(("duration", "price", "many"))  # kinds of facts that a column may name the measure of
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]\"']+[^\s<>()\[\]\"'.,;:!?]")
_STEP = re.compile(r"\d{1,2}[.)]\s")  # of what is to be done one after the other
_MAIL = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")


def quoted(found: Weighed, asked: Asked) -> str:
    unit = found.unit
    if unit.kind == "row":
        return _row(unit, asked)
    if unit.kind == "code":
        lead = unit.part.before
        return f"{lead.text}\n\n{unit.text}" if lead else unit.text
    text = _items(found, asked) if unit.kind == "item" else _sentences(found, asked)
    after = unit.part.after
    led = unit.part.block.leads and unit.part.block.text.endswith(text[-20:])
    if after and (led or after.kind == "code") and len(text) + len(after.text) <= LONGEST:
        text += f"\n\n{after.text}"
    return text


def _sentences(found: Weighed, asked: Asked) -> str:
    unit, block = found.unit, found.unit.part.block
    brief = len(block.text) <= SHORT and not _apart(found, asked)
    if brief or (found.own < MOSTLY * found.cover and len(block.text) <= LONG):
        return block.text
    first, last = unit.number, unit.number
    for n, sentence in enumerate(unit.siblings):
        stems = frozenset(words.stems(sentence))
        if found.apart & stems and abs(n - unit.number) <= 2:
            first, last = min(first, n), max(last, n)
    if first and _leans(unit.siblings[first]):
        first -= 1
    said = fold(" ".join(unit.siblings[first : last + 1]))
    wanting = [w for w in asked.wants if not FACTS[w].search(said)]
    following = fold(unit.siblings[last + 1]) if last + 1 < len(unit.siblings) else ""
    if wanting and all(FACTS[w].search(following) for w in wanting):
        last += 1
    return " ".join(unit.siblings[first : last + 1])


def _apart(found: Weighed, asked: Asked) -> bool:
    """Whether a sentence answers alone, and one beside it says as much of another thing."""
    kinds, unit = [FACTS[w] for w in asked.firm - {"contact"}], found.unit
    if not kinds or found.own < ALONE * found.cover or not all(k.search(unit.said) for k in kinds):
        return False
    others = (fold(s) for n, s in enumerate(unit.siblings) if n != unit.number)
    return any(k.search(s) for s in others for k in kinds)


def _leans(sentence: str) -> bool:
    """Whether a sentence begins with what the one before it is about."""
    return bool(re.match(
        r"(?:ele|ela|eles|elas|isso|isto|esse|essa|esses|essas|este|esta|depois|nesse|nessa|neste|it|they|this|that|these|those"
        r"|after that|then|he|she|eso|ese|esa|estos|ellos|despues|se |caso contrario|acima|abaixo)\b", fold(sentence)))


def _items(found: Weighed, asked: Asked) -> str:
    unit, part = found.unit, found.unit.part
    lead = f"{part.before.text}\n\n" if part.before else ""
    steps = bool(_STEP.match(unit.text) and titled(asked, unit))
    if (steps or found.own < MOSTLY * found.cover) and len(part.block.text) <= LONGEST:
        return lead + part.block.text
    return f"{lead}{unit.text}" if len(lead) <= LONG else unit.text


def _row(unit: Unit, asked: Asked) -> str:
    """Its label and the cells that were asked for; all of them where none was."""
    label, rest = unit.cells[0], list(unit.cells[1:])
    named = columns(asked, unit.cells)
    shown = [c for c in rest if c in named or any(_in(t, c) for t in asked.topics)] if named else rest
    if not shown or not named:
        shown = rest
    if not shown:
        return f"{label.name}: {label.value}" if label.name else label.value
    cells = "; ".join(f"{c.name}: {c.value}" if c.name else c.value for c in shown)
    head = f"{label.name}: {label.value}" if len(label.value) <= 3 and label.name else label.value
    return f"{head} – {cells}"


def _in(term: Term, cell: Cell) -> bool:
    return cell.valued.has(term.stem, term.meaning)


def columns(asked: Asked, cells: Sequence[Cell]) -> list[Cell]:
    """Columns whose names are asked for: each adds a word that those before it have not."""
    own = any(t.attribute for t in asked.terms)
    around = [t for t in asked.context if not (own and t.attribute)] if asked.refers and not asked.anew else []
    terms = (*asked.terms, *around)
    named = [
        (c, frozenset(t.stem for t in terms if c.named.has(t.stem, t.meaning) or c.named.means(t.meaning))
         | frozenset(w for w in asked.wants if w == "price" and FACTS[w].search(fold(c.value)) and _priced(c)))
        for c in cells[1:]
    ]
    if not any(has for _, has in named) or (own and not any(_holds(c, asked) for c, has in named if has)):
        named += [(c, frozenset({c.name})) for c in cells[1:] if _holds(c, asked)]
    taken: set[str] = set()
    found = []
    exact = frozenset(t.stem for t in terms)
    # Of two columns the one that is called as it was asked for: "cats" and "dogs" are both animals.
    for cell, has in sorted(
        named, key=lambda one: (-len(one[1]), bool(asked.wants) and not _holds(one[0], asked),
                                -len(exact & one[0].named.stems)),
    ):
        if has - taken:
            taken |= has
            found.append(cell)
    return found


def _holds(cell: Cell, asked: Asked) -> bool:
    """Whether it is of the kind that is asked for."""
    said = fold(cell.value)
    return any(FACTS[w].search(f"{said} {counted((cell,))}" if w in COUNTED else said) for w in asked.wants)


def _priced(cell: Cell) -> bool:
    return cell.named.means(words.meaning("preco"))


def amounts(text: str) -> frozenset[str]:
    """Numbers of a text, those among them that are written as words."""
    folded = fold(text)
    told = {COUNTS[w] for w in words.words(folded) if w in COUNTS}
    return frozenset({n.rstrip(".,:") for n in re.findall(r"\d[\d.,:h]*", folded)} | told)


def hosts(passages: Sequence[Passage], said: str) -> frozenset[str]:
    """Of the business: hosts its instructions name, its addresses and its documents' sources, and those that several
    documents have."""
    flat = [one for p in passages for one in (p, *p.references)]
    honest = [p for p in flat if not to_an_assistant(p.content)]
    sure = {*_hosts(said), *(h for p in flat for h in _hosts(f"{p.reference or ''} {_told(p)}"))}
    mails = {m.lower() for p in honest for m in _MAIL.findall(p.content)}
    per: dict[str, set[str]] = {}
    for p in honest:
        for host in _hosts(p.content):
            per.setdefault(_home(host), set()).add(p.name)
    several = {h for h, names in per.items() if len(names) > 1}
    alone = set(per) if len(per) == 1 and not sure and not mails else set()
    return frozenset(_home(h) for h in (*sure, *mails, *several, *alone))


def _told(p: Passage) -> str:
    return " ".join(v for v in p.metadata.values() if isinstance(v, str))


def _hosts(text: str) -> list[str]:
    return [h for m in _LINK.findall(text) if (h := _host(m))]


def _host(link: str) -> str:
    try:
        return (urlsplit(link if "//" in link else f"//{link}").hostname or "").lower()
    except ValueError:
        return ""


def _home(host: str) -> str:
    return host.removeprefix("www.")


def unlinked(text: str, known: Collection[str], word: str) -> str:
    """The text without links of hosts that are not known, `word` in their place."""
    def one(match: re.Match[str]) -> str:
        host = _home(_host(match[0]))
        return match[0] if any(host == k or host.endswith(f".{k}") for k in known) else word

    return _LINK.sub(one, text)
