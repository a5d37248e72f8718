"""PDF as text: lines as they stand, rows of tables on one line, headings marked, the values of forms.

PDFium was chosen by measuring it against `pdftotext` on 200 files of Debian packages (tests/bench/reading.py).
"""

import ctypes
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pypdfium2
from pypdfium2 import raw as api

from hub.knowledge.children.common import LIGATURES, Asked, No, Text, listed, run

SOFT = "\x02\ufffe\u00ad"  # how a hyphen at the end of a line is marked
# Old fonts have no letters with accents: TeX sets the accent, then the letter.
ACCENTS = {"\u00b4": "\u0301", "\u02cb": "\u0300", "\u02c6": "\u0302", "\u02dc": "\u0303", "\u00a8": "\u0308",
           "\u02c7": "\u030c", "\u00b8": "\u0327", "\u02da": "\u030a"}
ACCENTED = re.compile(f"([{''.join(ACCENTS)}])([A-Za-z\u0131\u0237])")
CEDILLA = re.compile("([cCsS])\u00b8")
UNREADABLE = re.compile(r"[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]")
OBJECT = re.compile(rb"(?:^|[\r\n])\s*(\d{1,9})\s+(\d{1,5})\s+obj\b")
CATALOGUE = re.compile(rb"/Type\s*/Catalog\b")
WIDE = 1.5  # of a line's height: a gap between two cells
APART = 0.75  # of a line's height: what is between two paragraphs
LARGER = 1.15  # of the usual letters: a heading
TITLE = 120  # characters of the longest heading
FIELDS = 2000
ROWS, SENTENCE, ALIGNED = 6, 25, 6.0  # lines and their characters that make two columns of text; points they may stray
GAP = 1.5  # of a line's height: between two lines of columns, one of which has a paragraph's end there
STAMP, PICTURE = 80, 0.5  # characters that may be stamped on a scanned page; the part of it that its picture takes
COMPOUND = re.compile(
    r"(?<![^\W\d_])(?:(?:segunda|terça|quarta|quinta|sexta)-feiras?|e-mails?|"
    r"(?:pré|pós|recém|além|aquém|vice|guarda|bem|self|well)-[^\W\d_]+|[^\W\d_]+[áêôí]-l[oa]s?)$", re.IGNORECASE,
)


@dataclass(slots=True)
class Line:
    text: str
    top: float
    bottom: float
    least: float  # the height of the smaller of its first and last letters
    left: float = 0.0
    parted: tuple[tuple[int, float], ...] = ()  # where cells begin: in the text, and on the page
    right: float = 0.0

    @property
    def height(self) -> float:
        return self.top - self.bottom


@dataclass(frozen=True, slots=True)
class Which:
    """Numbers of pages: without text, scanned and stamped, with letters that cannot be read."""

    empty: list[int]
    stamped: list[int]
    unreadable: list[int]


def read(content: bytes, asked: Asked, text: Text) -> None:
    text.unit = "page"
    book = opened(content)
    count = len(book)
    if count > asked["pages"] and not asked["cut"]:
        raise No(f"has {count:,} pages; at most {asked['pages']:,} are read")
    book.init_forms()
    usual, which = 0.0, Which([], [], [])
    for number in range(min(count, asked["pages"])):
        try:
            page = book[number]
            said, usual = said_on(book, page, usual)
            _look(page, said, number + 1, which, text)
            page.close()
        except pypdfium2.PdfiumError:
            text.note(f"Page {number + 1} is damaged and was not read.")
            continue
        text.add(f"[page {number + 1}]\n{said}" if asked["cut"] and said else said, number + 1)
    _tell(book, count, which, text)


def _look(page: pypdfium2.PdfPage, said: str, number: int, which: Which, text: Text) -> None:
    if not said.strip():
        which.empty.append(number)
        if next(page.get_objects(max_depth=3), None) is not None:
            text.scanned.append(number)
    elif pictured(page, said):
        which.stamped.append(number)
        text.scanned.append(number)
    elif len(UNREADABLE.findall(said)) > max(2, len(said) // 50):
        which.unreadable.append(number)


def _tell(book: pypdfium2.PdfDocument, count: int, which: Which, text: Text) -> None:
    """What was not read, and why."""
    empty, stamped, unreadable = which.empty, which.stamped, which.unreadable
    if empty and len(empty) < count:
        one, pages = len(empty) == 1, listed(empty)
        text.note(f"Page {pages} of {count} holds no text; it may be scanned." if one
                  else f"Pages {pages} of {count} hold no text; it may be scanned.")
    if stamped:
        one, pages = len(stamped) == 1, listed(stamped)
        text.note(f"Page {pages} seems to be scanned; only what is written beside the picture was read." if one
                  else f"Pages {pages} seem to be scanned; only what is written beside the picture was read.")
    if (files := book.count_attachments()) > 0:
        text.note(f"{files} files attached to it were not read." if files > 1
                  else f"{files} file attached to it was not read.")
    if api.FPDF_GetFormType(book) == api.FORMTYPE_XFA_FULL:
        text.note("It is a form that only Adobe's programs draw (XFA); print it to a PDF, and send that.")
    if unreadable:
        pages = listed(unreadable)
        text.note(f"Letters on pages {pages} cannot be read: their font does not say which letters it has."
                  if len(unreadable) > 1 else
                  f"Letters on page {pages} cannot be read: their font does not say which letters it has.")


def said_on(book: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, usual: float) -> tuple[str, float]:
    """What is written on a page, and the usual height of its letters; `usual`: that of the page before."""
    lines = _lines(page.get_textpage())
    usual = _usual(lines) or usual
    return "\n\n".join(part for part in (_joined(lines, usual), _fields(book, page)) if part), usual


def pictured(page: pypdfium2.PdfPage, said: str) -> bool:
    """Whether a page with few words on it is a picture."""
    if len(said.strip()) > STAMP:
        return False
    width, height = page.get_size()
    for one in page.get_objects(filter=[api.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = one.get_bounds()
        if (right - left) * (top - bottom) > PICTURE * width * height:
            return True
    return False


def opened(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as e:
        if "password" in str(e).lower():
            raise No("is protected by a password") from None
    repaired = _repaired(content)
    try:
        book = pypdfium2.PdfDocument(repaired)
        if len(book):
            return book
    except pypdfium2.PdfiumError:
        pass
    raise No("is damaged, or is no PDF")


def _repaired(content: bytes) -> bytes:
    """The file with a new table of its objects: the old one stands at the end, which is what is lost when a file is
    cut off."""
    places = {int(m[1]): (m.start(1), int(m[2])) for m in OBJECT.finditer(content)}
    found = CATALOGUE.search(content)
    if not found or not places:
        return b""
    root = max((p for p in places.items() if p[1][0] < found.start()), key=lambda p: p[1][0], default=None)
    if root is None:
        return b""
    rows = b"".join(b"%d 1\n%010d %05d n \n" % (n, at, age) for n, (at, age) in sorted(places.items()))
    return content + b"\nxref\n0 1\n0000000000 65535 f \n" + rows + (
        b"trailer << /Size %d /Root %d %d R >>\nstartxref\n%d\n%%%%EOF\n"
        % (max(places) + 1, root[0], root[1][1], len(content) + 1))


def _lines(page: pypdfium2.PdfTextPage) -> list[Line]:
    """The lines of a page; wide gaps in a line part cells."""
    found: list[Line] = []
    parts: list[str] = []
    cells: list[tuple[int, float]] = []
    box, first = api.FS_RECTF(), None
    edge = 0.0  # where the last letter ends
    for n in range(page.count_chars() + 1):
        code = api.FPDFText_GetUnicode(page, n) if n < page.count_chars() else 10
        if code in (10, 13):
            if first is not None:
                least = min(first[0] - first[1], box.top - box.bottom)
                found.append(Line("".join(parts), first[0], first[1], least, first[2], tuple(cells), edge))
            parts, cells, first = [], [], None
            continue
        letter = LIGATURES.get(code) or chr(code)
        if letter.isspace():
            parts.append(" ")
            continue
        if (first is None or (parts and parts[-1] == " ")) and api.FPDFText_GetLooseCharBox(page, n, box):
            if first is None:
                first = (box.top, box.bottom, box.left)
            elif box.left - edge > WIDE * max(1.0, first[0] - first[1]):
                cells.append((sum(map(len, parts)), box.left))
                parts.append("| ")
        parts.append(letter)
        edge = box.right if _last(page, n) and api.FPDFText_GetLooseCharBox(page, n, box) else edge
    return _by_columns(found)


def _by_columns(lines: list[Line]) -> list[Line]:
    """Lines that go across two columns of text, as they are drawn by some programs, column by column."""
    found: list[Line] = []
    run: list[Line] = []
    for line in [*lines, Line("", 0, 0, 0)]:
        if _goes_on(run, line):
            run.append(line)
            continue
        found += _columns(run)
        run = [line] if len(line.parted) == 1 else []
        if not run:
            found.append(line)
    return found[:-1]


def _goes_on(run: list[Line], line: Line) -> bool:
    """Whether a line is the next of two columns: it has both, or one where the other has a gap or has ended."""
    if not run:
        return False
    first, last = run[0], run[-1]
    edge = first.parted[0][1]
    if len(line.parted) == 1:
        return abs(line.parted[0][1] - edge) <= ALIGNED
    if line.parted or not line.text.strip() or last.bottom - line.top > GAP * max(1.0, last.height):
        return False
    return abs(line.left - edge) <= ALIGNED or abs(line.left - first.left) <= ALIGNED and line.right < edge


def _columns(run: list[Line]) -> list[Line]:
    lefts: list[Line] = []
    rights: list[Line] = []
    for line in run:
        if line.parted:
            at, x = line.parted[0]
            lefts.append(Line(line.text[:at], line.top, line.bottom, line.least, line.left))
            rights.append(Line(line.text[at + 2 :], line.top, line.bottom, line.least, x))
        else:
            (rights if abs(line.left - run[0].parted[0][1]) <= ALIGNED else lefts).append(line)
    full = all(sum(len(p.text.strip()) for p in side) >= SENTENCE * len(side) for side in (lefts, rights))
    return [*lefts, *rights] if sum(bool(line.parted) for line in run) >= ROWS and full else run


def _last(page: pypdfium2.PdfTextPage, n: int) -> bool:
    """Whether a blank or the end of the line follows."""
    return api.FPDFText_GetUnicode(page, n + 1) in (0, 9, 10, 13, 32, 160)


def _usual(lines: list[Line]) -> float:
    heights: Counter[float] = Counter()
    for line in lines:
        heights[round(line.height, 1)] += len(line.text)
    return heights.most_common(1)[0][0] if heights else 0.0


def _joined(lines: list[Line], usual: float) -> str:
    """Lines as paragraphs; a hyphen at the end of one goes with the word that goes on in the next."""
    said, last = "", None
    for line in lines:
        words = line.text.strip()
        if not words:
            continue
        heading = usual > 0 and line.least > LARGER * usual and len(words) <= TITLE and any(c.isalpha() for c in words)
        if heading:
            level = "#" if line.least > 1.6 * usual else "##"
            said += f"\n\n{level} {words.rstrip(SOFT)}\n\n"
        elif said and said[-1] in SOFT:
            said = said[:-1] + _hyphen(said, words) + words
        else:
            said += _between(said, last, line) + words
        last = line
    said = re.sub(r"\n{3,}", "\n\n", said)
    said = re.sub(f"(?<=[^\\W\\d_])[{SOFT}](?=[^\\W\\d_])", "", said)
    return _composed(re.sub(f"[{SOFT}]", "-", said)).strip()


def _hyphen(said: str, words: str) -> str:
    """The one at the end of a line, where the word has one in the middle of a line too."""
    before, after = said[-40:-1].split()[-1:], words.split()[:1]
    if not before or not after:
        return ""
    end = re.sub(r"[^\w-]+$", "", after[0])
    whole = f"{before[0]}-{end}"
    return "-" if COMPOUND.search(whole) or end[:1].isdigit() or end[:1].isupper() and before[0][-1:].islower() else ""


def _composed(text: str) -> str:
    def put(accent: str, letter: str, all: str) -> str:
        whole = unicodedata.normalize("NFC", letter.translate({0x131: "i", 0x237: "j"}) + ACCENTS[accent])
        return whole if len(whole) == 1 else all

    text = ACCENTED.sub(lambda m: put(m[1], m[2], m[0]), text)
    return CEDILLA.sub(lambda m: put("\u00b8", m[1], m[0]), text)


def _between(said: str, last: Line | None, line: Line) -> str:
    if not said or last is None or said.endswith("\n"):
        return ""
    gap = last.bottom - line.top
    return "\n\n" if gap > APART * max(1.0, line.height) or gap < -8 * max(1.0, line.height) else "\n"


def _fields(book: pypdfium2.PdfDocument, page: pypdfium2.PdfPage) -> str:
    """What is filled in, a line for each field; and what was typed onto the page."""
    form = book.formenv
    found = []
    for n in range(min(FIELDS, api.FPDFPage_GetAnnotCount(page))):
        one = api.FPDFPage_GetAnnot(page, n)
        kind = api.FPDFAnnot_GetSubtype(one)
        if kind == api.FPDF_ANNOT_WIDGET and form is not None:
            name = _said(api.FPDFAnnot_GetFormFieldAlternateName, form, one)
            name = name or _said(api.FPDFAnnot_GetFormFieldName, form, one)
            value = _value(form, one)
            if value:
                found.append(f"{name}: {value}" if name else value)
        elif kind == api.FPDF_ANNOT_FREETEXT:
            found.append(_said(api.FPDFAnnot_GetStringValue, one, b"Contents"))
        api.FPDFPage_CloseAnnot(one)
    return "\n".join(filter(None, dict.fromkeys(found)))


def _value(form: pypdfium2.PdfFormEnv, one: object) -> str:
    kind = api.FPDFAnnot_GetFormFieldType(form, one)
    if kind == api.FPDF_FORMFIELD_PUSHBUTTON:
        return ""
    if kind in (api.FPDF_FORMFIELD_CHECKBOX, api.FPDF_FORMFIELD_RADIOBUTTON):
        return "yes" if api.FPDFAnnot_IsChecked(form, one) else ""
    return _said(api.FPDFAnnot_GetFormFieldValue, form, one)


def _said(ask: Callable[..., int], form: object, one: object) -> str:
    size = ask(form, one, None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    ask(form, one, ctypes.cast(buffer, ctypes.POINTER(api.FPDF_WCHAR)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace").strip()


if __name__ == "__main__":
    run({"pdf": read})
