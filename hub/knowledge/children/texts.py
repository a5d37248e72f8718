"""Text with marks of its own: RTF, mails, XML, subtitles, books."""

import email
import email.policy
import posixpath
import re
from email.message import EmailMessage, MIMEPart
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from hub.knowledge.children.archives import Archive, local
from hub.knowledge.children.common import Asked, No, Text, run
from hub.knowledge.children.encodings import decoded
from hub.knowledge.children.web import page

TOKEN = re.compile(r"\\([a-zA-Z]+)(-?\d+)? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)")
# Parts of an RTF file that are not its text.
BESIDE = frozenset((
    "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "headerl", "headerr", "headerf", "footer",
    "footerl", "footerr", "footerf", "themedata", "datastore", "listtable", "listoverridetable", "generator", "fldinst",
    "xmlnstbl", "rsidtbl", "latentstyles",
))
SIGNS = {
    "par": "\n\n", "line": "\n", "tab": " ", "cell": " | ", "row": "\n", "sect": "\n\n", "page": "\n\n", "emdash": "—",
    "endash": "–", "lquote": "‘", "rquote": "’", "ldblquote": "“", "rdblquote": "”", "bullet": "•", "emspace": " ",
}
TIME = re.compile(r"^\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->.*$")
PLAIN = ("p", "span", "div", "a", "b", "i", "em", "strong", "text", "para", "title", "li", "td")
QUOTED = 120


def rtf(content: bytes, asked: Asked, text: Text) -> None:
    if not content.lstrip().startswith(b"{\\rtf"):
        raise No("is damaged, or is no RTF")
    made, hidden = _rtf(content.decode("latin-1"))
    if hidden.strip():
        text.note(f'Hidden text was left out: "{" ".join(hidden.split())[:QUOTED]}"')
    text.add(re.sub(r"[ \t]+\n", "\n", re.sub(r"\n{3,}", "\n\n", made)).strip())


def _rtf(source: str) -> tuple[str, str]:
    """What it says, and what it hides."""
    page = re.search(r"\\ansicpg(\d+)", source[:400])
    reading = _Rtf(f"cp{page[1]}" if page and _known(f"cp{page[1]}") else "cp1252")
    for match in TOKEN.finditer(source):
        reading.take(*match.groups())
    reading.flush()
    return reading.joined(False), reading.joined(True)


class _Rtf:
    """One reading of an RTF file. beside: in a part that is no text; behind: letters that stand in for one of \\u."""

    def __init__(self, codes: str) -> None:
        self._codes = codes
        self._said: dict[bool, list[str]] = {False: [], True: []}
        self._above: list[tuple[bool, bool, int]] = []
        self._beside, self._hides, self._behind, self._skip = False, False, 1, 0
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
            self._put({"~": "\u00a0", "_": "-", "{": "{", "}": "}", "\\": "\\"}.get(sign, ""))
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

    def joined(self, hidden: bool) -> str:
        """Letters beyond the first 65,536 come as two halves."""
        return "".join(self._said[hidden]).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def _byte(self, value: int) -> None:
        if self._skip:
            self._skip -= 1
        else:
            self._held.append(value)

    def _group(self, brace: str) -> None:
        if brace == "{":
            self._above.append((self._beside, self._hides, self._behind))
        else:
            self._beside, self._hides, self._behind = self._above.pop() if self._above else (False, False, 1)

    def _word(self, word: str, number: str | None) -> None:
        if word == "u":
            self._put(chr(int(number or 63) % 65536))
            self._skip = self._behind
        elif word == "uc":
            self._behind = int(number or 1)
        elif word == "v":
            self._hides = number != "0"
        else:
            self._beside = self._beside or word in BESIDE
            self._put(SIGNS.get(word, ""))

    def _put(self, words: str) -> None:
        if not self._beside and words:
            self._said[self._hides].append(words)


def _known(name: str) -> bool:
    try:
        "".encode(name)
    except LookupError:
        return False
    return True


def eml(content: bytes, asked: Asked, text: Text) -> None:
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    heads = [f"{name}: {mail[name]}" for name in ("Subject", "From", "To", "Date") if mail[name]]
    body = mail.get_body(("plain", "html"))
    said = _mail(body, text) if body is not None else ""
    for part in mail.iter_attachments():
        text.note(f"The attachment {part.get_filename() or part.get_content_type()} was not read; send it by itself.")
    if not said.strip():
        raise No("holds no text of its own")
    text.add("\n".join(heads))
    text.add(said)


def _mail(part: MIMEPart, text: Text) -> str:
    raw = part.get_payload(decode=True)
    said = decoded(raw if isinstance(raw, bytes) else b"", part.get_content_charset())
    return page(said, text) if part.get_content_type() == "text/html" else said.strip()


def xml(content: bytes, asked: Asked, text: Text) -> None:
    said = decoded(content)
    if "<!ENTITY" in said:
        raise No("declares entities, which is not read")
    try:
        root = ElementTree.fromstring(re.sub(r"^\s*<\?xml[^>]*\?>", "", said))
    except ElementTree.ParseError:
        raise No("is damaged, or is no XML") from None
    _branch(root, text)


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
        elif len(part) and name not in PLAIN:
            # A record: its fields are lines.
            fields = [_field(p) for p in part]
            text.add("\n".join(filter(None, [*values, *fields])))
        elif said or values:
            lines += [*values] if not said else [_field(part)]
        if part.tail and part.tail.strip():
            lines.append(part.tail.strip())
    if lines:
        text.add("\n".join(lines))


def _field(one: Element) -> str:
    name, said = local(one), " ".join("".join(one.itertext()).split())
    return said if name in PLAIN or not said else f"{name}: {said}"


def srt(content: bytes, asked: Asked, text: Text) -> None:
    """What is said, without the times; a pause of the file is a new paragraph."""
    for block in re.split(r"\n\s*\n", decoded(content).replace("\r\n", "\n").replace("\r", "\n")):
        lines = [line.strip() for line in block.split("\n")]
        time = next((n for n, line in enumerate(lines) if TIME.match(line)), None)
        if time is None:
            continue
        said = " ".join(re.sub(r"<[^>]+>|\{\\[^}]*\}", "", line) for line in lines[time + 1 :]).strip()
        text.add(said)
    if text.empty:
        raise No("is damaged, or holds no subtitles")


def epub(content: bytes, asked: Asked, text: Text) -> None:
    text.unit = "chapter"
    archive = Archive(content, asked, "epub")
    root = next((one.get("full-path", "") for one in archive.xml("META-INF/container.xml").iter()
                 if local(one) == "rootfile"), "")
    book = archive.xml(root)
    files = {one.get("id"): one.get("href", "") for one in book.iter() if local(one) == "item"}
    order = [files.get(one.get("idref"), "") for one in book.iter() if local(one) == "itemref"]
    for number, name in enumerate(order, 1):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(root), unquote(name)))
        if path in archive.names:
            text.add(page(decoded(archive.read(path)), text), number)


if __name__ == "__main__":
    run({"rtf": rtf, "eml": eml, "xml": xml, "srt": srt, "epub": epub})
