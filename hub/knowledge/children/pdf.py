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

from hub.knowledge.children.common import Asked, No, Text, listed, run

LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
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


@dataclass(slots=True)
class Line:
    text: str
    top: float
    bottom: float
    least: float  # the height of the smaller of its first and last letters

    @property
    def height(self) -> float:
        return self.top - self.bottom


def read(content: bytes, asked: Asked, text: Text) -> None:
    text.unit = "page"
    book = opened(content)
    count = len(book)
    if count > asked["pages"] and not asked["cut"]:
        raise No(f"has {count:,} pages; at most {asked['pages']:,} are read")
    book.init_forms()
    usual, empty, unreadable = 0.0, [], []
    for number in range(min(count, asked["pages"])):
        try:
            page = book[number]
            said, usual = said_on(book, page, usual)
        except pypdfium2.PdfiumError:
            text.note(f"Page {number + 1} is damaged and was not read.")
            continue
        if not said.strip():
            empty.append(number + 1)
            if next(page.get_objects(max_depth=3), None) is not None:
                text.scanned.append(number + 1)
        elif len(UNREADABLE.findall(said)) > max(2, len(said) // 50):
            unreadable.append(number + 1)
        text.add(f"[page {number + 1}]\n{said}" if asked["cut"] and said else said, number + 1)
        page.close()
    if empty and len(empty) < count:
        which = f"Page {empty[0]} of {count} holds" if len(empty) == 1 else f"Pages {listed(empty)} of {count} hold"
        text.note(f"{which} no text; it may be scanned.")
    if unreadable:
        text.note(f"Letters on page{'s' * (len(unreadable) > 1)} {listed(unreadable)} cannot be read: "
                  "their font does not say which letters it has.")


def said_on(book: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, usual: float) -> tuple[str, float]:
    """What is written on a page, and the usual height of its letters; `usual`: that of the page before."""
    lines = _lines(page.get_textpage())
    usual = _usual(lines) or usual
    return "\n\n".join(part for part in (_joined(lines, usual), _fields(book, page)) if part), usual


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
    box, first = api.FS_RECTF(), None
    edge = 0.0  # where the last letter ends
    for n in range(page.count_chars()):
        code = api.FPDFText_GetUnicode(page, n)
        if code in (10, 13):
            if first is not None:
                found.append(Line("".join(parts), *first, min(first[0] - first[1], box.top - box.bottom)))
            parts, first = [], None
            continue
        letter = LIGATURES.get(code) or chr(code)
        if letter.isspace():
            parts.append(" ")
            continue
        if (first is None or (parts and parts[-1] == " ")) and api.FPDFText_GetLooseCharBox(page, n, box):
            if first is None:
                first = (box.top, box.bottom)
            elif box.left - edge > WIDE * max(1.0, first[0] - first[1]):
                parts.append("| ")
        parts.append(letter)
        edge = box.right if _last(page, n) and api.FPDFText_GetLooseCharBox(page, n, box) else edge
    if first is not None:
        found.append(Line("".join(parts), *first, min(first[0] - first[1], box.top - box.bottom)))
    return found


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
            said = said[:-1] + words
        else:
            said += _between(said, last, line) + words
        last = line
    said = re.sub(r"\n{3,}", "\n\n", said)
    said = re.sub(f"(?<=[^\\W\\d_])[{SOFT}](?=[^\\W\\d_])", "", said)
    return _composed(re.sub(f"[{SOFT}]", "-", said)).strip()


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
    """What is filled in, a line for each field."""
    form = book.formenv
    if form is None:
        return ""
    found = []
    for n in range(min(FIELDS, api.FPDFPage_GetAnnotCount(page))):
        one = api.FPDFPage_GetAnnot(page, n)
        if api.FPDFAnnot_GetSubtype(one) == api.FPDF_ANNOT_WIDGET:
            name = _said(api.FPDFAnnot_GetFormFieldAlternateName, form, one)
            name = name or _said(api.FPDFAnnot_GetFormFieldName, form, one)
            value = _value(form, one)
            if value:
                found.append(f"{name}: {value}" if name else value)
        api.FPDFPage_CloseAnnot(one)
    return "\n".join(dict.fromkeys(found))


def _value(form: pypdfium2.PdfFormEnv, one: object) -> str:
    kind = api.FPDFAnnot_GetFormFieldType(form, one)
    if kind == api.FPDF_FORMFIELD_PUSHBUTTON:
        return ""
    if kind in (api.FPDF_FORMFIELD_CHECKBOX, api.FPDF_FORMFIELD_RADIOBUTTON):
        return "yes" if api.FPDFAnnot_IsChecked(form, one) else ""
    return _said(api.FPDFAnnot_GetFormFieldValue, form, one)


def _said(ask: Callable[..., int], form: pypdfium2.PdfFormEnv, one: object) -> str:
    size = ask(form, one, None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    ask(form, one, ctypes.cast(buffer, ctypes.POINTER(api.FPDF_WCHAR)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace").strip()


if __name__ == "__main__":
    run({"pdf": read})
