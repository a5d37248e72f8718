"""Text with marks of its own: RTF, XML, subtitles, books."""

import posixpath
import re
from collections.abc import Iterator
from html import unescape
from itertools import pairwise
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from hub.knowledge.children.archives import Archive, local
from hub.knowledge.children.common import Asked, No, Text, quoted, run
from hub.knowledge.children.encodings import decoded
from hub.knowledge.children.questions import plain
from hub.knowledge.children.tables import put
from hub.knowledge.children.web import page

TOKEN = re.compile(r"\\([a-zA-Z]+)(-?\d+)? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)")
# Parts of an RTF file that are not its text.
BESIDE = frozenset((
    "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "themedata", "datastore", "listtable",
    "listoverridetable", "generator", "fldinst",
    "xmlnstbl", "rsidtbl", "latentstyles", "shprslt", "nonshppict", "filetbl", "revtbl", "pgdsctbl", "pntxta", "pntxtb",
))
MARGINS = ("header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf")
# What it says that is no part of its text.
LEFT = ("margin", "hidden", "deleted")
# How letters are written, by what a font says of itself, and by what a file says.
FONTS = {0: "", 77: "mac-roman", 128: "cp932", 129: "cp949", 134: "cp936", 136: "cp950", 161: "cp1253", 162: "cp1254",
         163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
         254: "cp437", 255: "cp850"}
FONT = re.compile(r"\\f(\d+)(?=[^;{}]*\\fcharset(\d+))")
OLD = {"mac": "mac-roman", "pc": "cp437", "pca": "cp850"}
SIGNS = {
    "par": "\n\n", "line": "\n", "tab": " ", "cell": " | ", "row": "\n", "nestcell": " | ", "nestrow": "\n",
    "sect": "\n\n", "page": "\n\n", "emdash": "—",
    "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•", "emspace": " ",
}
MEANT = {"~": "\u00a0", "_": "-", "{": "{", "}": "}", "\\": "\\", "\n": "\n", "\r": "\n"}
TIME = re.compile(r"^\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->.*$")
PLAIN = ("p", "span", "div", "a", "b", "i", "em", "strong", "text", "para", "title", "li", "td")
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
QUOTED = 120
PICTURES = (".svg", ".jpg", ".jpeg", ".png", ".gif")
SENTENCE = 400  # characters after which what is said goes on in a new paragraph, whether its sentence has ended or not


def rtf(content: bytes, asked: Asked, text: Text) -> None:
    if not content.lstrip().startswith(b"{\\rtf"):
        raise No("is damaged, or is no RTF")
    reading = _rtf(content.decode("latin-1"))
    for where in LEFT:
        if (told := reading.joined(where)).strip():
            said = quoted(told, QUOTED)
            text.note(f"The headers and footers of the pages were left out: {said}" if where == "margin" else
                      f"Hidden text was left out: {said}" if where == "hidden" else
                      f"What was deleted with tracked changes was left out: {said}")
    if reading.pictures:
        text.note("Pictures in it were not read.")
    made = re.sub(r" ?\( +(?=\S)", " (", reading.joined("")) if reading.noted else reading.joined("")
    text.add(re.sub(r"(?<![ \t])[ \t]+\n", "\n", re.sub(r"\n{3,}", "\n\n", made)).strip())


def _rtf(source: str) -> "_Rtf":
    page = re.search(r"\\ansicpg(\d+)", source[:400])
    old = re.match(r"\s*\{\\rtf\d*\s*\\(mac|pca?)\b", source)
    codes = f"cp{page[1]}" if page and _known(f"cp{page[1]}") else OLD[old[1]] if old else "cp1252"
    reading = _Rtf(codes, {m[1]: FONTS.get(int(m[2]), "") for m in FONT.finditer(source[:200_000])})
    for match in TOKEN.finditer(source):
        reading.take(*match.groups())
    reading.flush()
    return reading


class _Rtf:
    """One reading of an RTF file. beside: in a part that is no text; where: the part of LEFT that it belongs to, empty
    for what it says; behind: letters that stand in for one of \\u; closing: what ends the group."""

    def __init__(self, codes: str, fonts: dict[str, str]) -> None:
        self._usual, self._codes, self._fonts = codes, codes, fonts
        self._said: dict[str, list[str]] = {where: [] for where in ("", *LEFT)}
        self._above: list[tuple[bool, str, int, str, str]] = []
        self._beside, self._where, self._behind, self._skip, self._closing = False, "", 1, 0, ""
        self.pictures = self.noted = False
        self._held = bytearray()

    def take(
        self, word: str | None, number: str | None, byte: str | None, sign: str | None, brace: str | None,
        plain: str | None,
    ) -> None:
        if byte:
            self._byte(int(byte, 16))
            return
        self.flush()
        if brace:
            self._group(brace)
        elif sign:
            self._beside = self._beside or sign == "*"
            self._put(MEANT.get(sign, ""))
        elif plain:
            self._put(plain[self._skip :])
            self._skip = max(0, self._skip - len(plain))
        elif word:
            self._word(word, number)

    def flush(self) -> None:
        """Bytes are letters together: some have two."""
        if self._held:
            self._put(self._held.decode(self._codes, "replace"))
            self._held.clear()

    def joined(self, where: str) -> str:
        """Letters beyond the first 65,536 come as two halves."""
        return "".join(self._said[where]).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _byte(self, value: int) -> None:
        if self._skip:
            self._skip -= 1
        else:
            self._held.append(value)

    def _group(self, brace: str) -> None:
        self._skip = 0
        if brace == "{":
            self._above.append((self._beside, self._where, self._behind, self._codes, self._closing))
            self._closing = ""
        else:
            self._put(self._closing)
            self._beside, self._where, self._behind, self._codes, self._closing = (
                self._above.pop() if self._above else (False, "", 1, self._usual, ""))

    def _word(self, word: str, number: str | None) -> None:
        if word == "u":
            self._put(chr(int(number or 63) % 65536))
            self._skip = self._behind
        elif word == "uc":
            self._behind = int(number or 1)
        elif word in ("v", "plain", "deleted"):
            self._leave(word, number != "0")
        elif word == "f":
            self._codes = self._fonts.get(number or "") or self._usual
        elif word == "shptxt":
            self._beside = False  # the words of a text box stand within what is none
        elif word == "footnote":
            self._put(" (")
            self._closing, self.noted = ")", True
        else:
            self._where = "margin" if word in MARGINS else self._where
            self.pictures = self.pictures or word == "pict"
            self._beside = self._beside or word in BESIDE
            self._put(SIGNS.get(word, ""))

    def _leave(self, word: str, on: bool) -> None:
        """What is hidden is not shown because it is no longer deleted, nor the other way round."""
        meant = "hidden" if word == "v" else word
        if self._where == "margin":
            return
        if word == "plain":
            self._where = ""
        elif on:
            self._where = self._where or meant
        elif self._where == meant:
            self._where = ""

    def _put(self, words: str) -> None:
        if not self._beside and words:
            self._said[self._where].append(words)


def _known(name: str) -> bool:
    try:
        "".encode(name)
    except LookupError:
        return False
    return True


# Attributes that say how an element is shown or found, not what it says.
FORM = frozenset(("id", "class", "style", "lang", "role", "type", "href", "src", "rel", "isPermaLink", "version"))


SHEET = "urn:schemas-microsoft-com:office:spreadsheet"
WIDEST = 1000  # cells of a row


def xml(content: bytes, asked: Asked, text: Text) -> None:
    said = decoded(content)
    if "<!ENTITY" in said:
        raise No("declares entities, which is not read")
    try:
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", said))
    except ElementTree.ParseError:
        raise No("is damaged, or is no XML") from None
    if root.tag == f"{{{SHEET}}}Workbook":
        _workbook(root, asked, text)
    else:
        _branch(root, text)


def _workbook(root: Element, asked: Asked, text: Text) -> None:
    """Excel's sheets as it wrote them into XML."""
    for sheet in root.iterfind(f"{{{SHEET}}}Worksheet"):
        text.add(f"## {sheet.get(f'{{{SHEET}}}Name') or 'Sheet'}")
        rows: list[tuple[int, list[str]]] = []
        for one in sheet.iterfind(f"{{{SHEET}}}Table/{{{SHEET}}}Row"):
            number = _at(one, rows[-1][0] + 1 if rows else 1)
            cells: list[str] = []
            for cell in one.iterfind(f"{{{SHEET}}}Cell"):
                cells += [""] * (min(_at(cell, len(cells) + 1), WIDEST) - len(cells) - 1)
                cells.append("".join(cell.itertext()).strip())
            rows.append((number, cells))
        put(text, rows, asked)


def _at(one: Element, usual: int) -> int:
    """The number of a row or cell, where some before it are left out."""
    said = one.get(f"{{{SHEET}}}Index") or ""
    return max(int(said), usual) if said.isdecimal() and len(said) < 8 else usual


def _branch(one: Element, text: Text) -> None:
    """Elements that hold only words are lines of the one they stand in."""
    lines = [one.text.strip()] if one.text and one.text.strip() else []
    for part in one:
        name, said = local(part), " ".join("".join(part.itertext()).split())
        values = [f"{k.rpartition('}')[2]}: {v}" for k, v in part.attrib.items()]
        if len(part) and any(len(p) for p in part):
            if lines:
                text.add("\n".join(lines))
            lines = []
            _branch(part, text)
        elif len(part) and (name not in PLAIN or _record(part)):
            # A record: its fields are lines.
            fields = [_field(p) for p in part]
            text.add("\n".join(filter(None, [*values, *fields])))
        elif len(values) > 1 and not said:
            if lines:
                text.add("\n".join(lines))
            lines = []
            text.add("\n".join(values))
        elif said or values:
            lines += [*values] if not said else [_field(part)]
        if part.tail and part.tail.strip():
            lines.append(part.tail.strip())
    if lines:
        text.add("\n".join(lines))


def _record(one: Element) -> bool:
    """Whether what has a name of running text holds fields alone: "p" is a product here."""
    return not (one.text or "").strip() and len(one) > 1 and not any(local(p) in PLAIN or not p.text for p in one)


def _field(one: Element) -> str:
    name, said = local(one), " ".join("".join(one.itertext()).split())
    if TAG.search(said):
        said = plain(said)  # a page within it
    if name in PLAIN or not said:
        return said
    beside = ", ".join(f"{k}: {v}" for k, v in one.attrib.items() if k not in FORM and not k.startswith("{") and v)
    return f"{name}: {said} ({beside})" if beside else f"{name}: {said}"


def srt(content: bytes, asked: Asked, text: Text) -> None:
    """What is said, without the times; a sentence that goes on stays together."""
    held, last = "", ""
    for lines in _cues(decoded(content).replace("\r\n", "\n").replace("\r", "\n").split("\n")):
        # Captions that roll say each line twice.
        said = " ".join(line for n, line in enumerate(lines) if n or line != last).strip()
        last = lines[-1] if lines else last
        held = f"{held} {said}".strip()
        if held and (re.search(r"[.!?…:\"”)]$", held) or len(held) > SENTENCE):
            text.add(held)
            held = ""
    text.add(held)
    if text.empty:
        raise No("is damaged, or holds no subtitles")


def _cues(lines: list[str]) -> Iterator[list[str]]:
    """The lines of each time, without their number: it stands before the time, as do remarks of the file."""
    times = [n for n, line in enumerate(lines) if TIME.match(line)]
    for at, end in pairwise([*times, len(lines)]):
        block = lines[at + 1 : end]
        if "" in (found := [line.strip() for line in block]):
            found = found[: found.index("")]
        elif end < len(lines) and found and found[-1].isdigit():
            found.pop()
        yield [said for line in found if (said := _spoken(line))]


def _spoken(line: str) -> str:
    voice = re.sub(r"<v(?:\.[\w.]*)?\s+([^>]+)>", r"\1: ", line)
    return " ".join(unescape(re.sub(r"<[^>]+>|\{\\[^}]*\}", "", voice)).split())


def epub(content: bytes, asked: Asked, text: Text) -> None:
    text.unit = "chapter"
    archive = Archive(content, asked, "epub")
    root = _root(archive)
    book = archive.xml(root)
    files = {one.get("id"): one.get("href", "") for one in book.iter() if local(one) == "item"}
    order = [files.get(one.get("idref"), "") for one in book.iter() if local(one) == "itemref"]
    locked, seen = _locked(archive), set[str]()
    for number, name in enumerate(order, 1):
        path = archive.called(posixpath.join(posixpath.dirname(root), name.partition("#")[0]))
        if path in locked:
            raise No("is protected against copying")
        if not path:
            text.note(f"Chapter {number} is not in the file.")
        elif path not in seen and not path.lower().endswith(PICTURES):
            seen.add(path)
            source = decoded(archive.read(path))
            made = page(source, text, book=True)
            text.add(made, number)
            if not made and re.search(r"<(?:img|image|svg)\b", source):
                text.note(f"Chapter {number} holds no text; it may be a picture.")


def _root(archive: Archive) -> str:
    """The part that says what a book is made of; makers of books call it as they like."""
    container = archive.called("META-INF/container.xml")
    said = [one.get("full-path", "") for one in archive.xml(container).iter() if local(one) == "rootfile"
            ] if container else []
    named = next((found for path in said if (found := archive.called(path))), "")
    root = named or next((n for n in sorted(archive.names) if n.lower().endswith(".opf")), "")
    if not root:
        raise archive.damaged()
    return root


def _locked(archive: Archive) -> set[str]:
    """What of a book is encrypted."""
    name = archive.called("META-INF/encryption.xml")
    if not name:
        return set()
    said = [one.get("URI", "") for one in archive.xml(name).iter() if local(one) == "CipherReference"]
    return {found for uri in said if (found := archive.called(uri) or unquote(uri))}


if __name__ == "__main__":
    run({"rtf": rtf, "xml": xml, "srt": srt, "epub": epub})
