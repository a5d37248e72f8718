"""Markdown cut into blocks that may be quoted alone, each with the headings above it. Pure."""

import re
from dataclasses import dataclass

_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+")
_ASKED = re.compile(
    r"^(?:\*\*|__)?\s*(?:(?:q|p|pergunta|question|pregunta)\s*[:.)-]\s*)?(.+\?)\s*(?:\*\*|__)?\s*$", re.IGNORECASE
)
_ANSWERED = re.compile(r"^(?:\*\*|__)?\s*(?:a|r|resposta|answer|respuesta)\s*[:.)-]\s*(?:\*\*|__)?\s*", re.IGNORECASE)
# What ends with a point in the middle of a sentence.
_SHORT = re.compile(
    r"(?:^|[\s(])(?:av|r|dr|dra|sr|sra|srta|st|no|nº|n|art|p|ex|tel|prof|profa|mr|mrs|ms|vs|etc|e\.g|i\.e|min|max|máx|mín|apto|cap"
    r"|pág|fig|ref|cód|aprox|approx|inc|ltda)\.$",
    re.IGNORECASE,
)
_END = re.compile(r"(?<=[.!?…])[\"')\]*_]*\s+(?=[\"'(\[*_¿¡]?[A-ZÀ-ÝÑ0-9])")


_MAIL = re.compile(r"Subject: ([^\n]*)\nFrom: [^\n]*(?:\n(?:To|Cc|Date): [^\n]*)*\Z")


@dataclass(frozen=True, slots=True)
class Block:
    """kind: text, list or code. title: headings and the question it answers. leads: it announces
    the block after it. chapter: under which heading of the first level that has several it stands; 0 before them.
    heading: the last of the title."""

    text: str
    kind: str
    title: str
    chapter: int = 0
    heading: str = ""

    @property
    def leads(self) -> bool:
        return self.kind == "text" and self.text.rstrip().rstrip("*_").endswith(":")


def cut(markdown: str) -> list[Block]:
    """Blocks in order; fenced code is never cut."""
    blocks: list[Block] = []
    above: list[tuple[int, str]] = []
    asked, chapter, found = "", 0, _pieces(markdown)
    levels = [_level(text) for text, kind in found if kind == "heading"]
    chapters = min((n for n in levels if levels.count(n) > 1), default=0)
    for text, kind in found:
        mail = _MAIL.match(text) if kind == "text" else None
        if mail:  # who wrote to whom is no answer; what the mail is about stands over it
            above, asked = [(1, mail[1])], ""
            continue
        heading = _HEADING.match(text) if kind == "heading" else None
        if heading:
            # A title names all below it, a deeper one joins it, an equal one takes its place.
            level = _level(text)
            above = [*((n, said) for n, said in above if n < level), (level, heading[1])]
            asked, chapter = "", chapter + (level <= chapters)
            continue
        first, _, rest = text.partition("\n")
        question = _ASKED.match(first) if kind == "text" else None
        if question:
            asked = question[1]
            text = rest.strip("\n")
        text = _ANSWERED.sub("", text, count=1) if kind == "text" and asked else text
        if text.strip():
            pairs = _pairs(text) if kind == "text" else [("", text)]
            titles = [said for _, said in above]
            blocks += [Block(
                said, kind, " ".join((*titles, q or asked)).strip(), chapter, q or asked or " ".join(titles[-1:]),
            ) for q, said in pairs]
        elif not question:
            asked = ""
    return blocks


def _pairs(text: str) -> list[tuple[str, str]]:
    """A paragraph in which questions are asked and answered, cut into (question, what is said to it); a question alone
    is no answer. Without any it is one, of no question."""
    if "?" not in text or "|" in text:
        return [("", text)]
    found: list[tuple[str, str]] = []
    asked = ""
    for sentence in sentences(text):
        if sentence.rstrip("\"')*_]").endswith("?"):
            asked = sentence
        elif found and found[-1][0] == asked:
            found[-1] = (asked, f"{found[-1][1]} {sentence}")
        else:
            found.append((asked, sentence))
    return found if any(q for q, _ in found) else [("", text)]


def _level(heading: str) -> int:
    return len(heading.lstrip()) - len(heading.lstrip().lstrip("#"))


class _Reader:
    """Collects lines into (text, kind) pieces: paragraphs, lists, headings and fenced code."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, str]] = []
        self._lines: list[str] = []
        self._fence: str | None = None

    def line(self, line: str) -> None:
        mark = _FENCE.match(line)
        if self._fence is not None:
            self._lines.append(line)
            if mark and mark[1].startswith(self._fence) and line.strip() == mark[1]:
                self.close("code")
        elif mark:
            self.close()
            self._fence = mark[1]
            self._lines.append(line)
        else:
            self._plain(line)

    def _plain(self, line: str) -> None:
        item, heading = bool(_ITEM.match(line)), bool(_HEADING.match(line))
        begins_list = item and self._lines and not _ITEM.match(self._lines[0])
        if heading or not line.strip() or begins_list or (_ASKED.match(line) and not item):
            self.close()
        if line.strip():
            self._lines.append(line)
        if heading:
            self.close("heading")

    def close(self, kind: str | None = None) -> None:
        """The piece ends here."""
        text = "\n".join(self._lines).strip("\n")
        if text.strip():
            plain = "list" if _ITEM.match(text) else "text"
            self.pieces.append((text, "code" if self._fence else kind or plain))
        self._lines.clear()
        self._fence = None


def _pieces(markdown: str) -> list[tuple[str, str]]:
    reader = _Reader()
    for line in markdown.replace("\r\n", "\n").split("\n"):
        reader.line(line)
    reader.close()
    return reader.pieces


def sentences(text: str) -> list[str]:
    """Sentences of a paragraph; lines that end like one, or are short, are one too."""
    found: list[str] = []
    for line in _lines(text):
        for part in _END.split(line):
            if found and _SHORT.search(found[-1]):
                found[-1] += f" {part.strip()}"
            elif part.strip():
                found.append(part.strip())
    return found


def _lines(text: str) -> list[str]:
    """Lines of a paragraph, those joined that were only broken."""
    found: list[str] = []
    for line in text.split("\n"):
        broken = found and len(found[-1]) >= 60 and found[-1].rstrip()[-1:] not in ".!?:;…" and "|" not in line
        if broken:
            found[-1] = f"{found[-1].rstrip()} {line.strip()}"
        else:
            found.append(line)
    return found
