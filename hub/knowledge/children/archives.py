"""Office files and books are ZIP archives of XML: opened within limits, without entities."""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from hub.knowledge.children.common import Asked, No

OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # how a protected or an old Office file begins
OLD = {"docx": ".doc", "xlsx": ".xls", "pptx": ".ppt"}
XML = (".xml", ".rels", ".opf", ".ncx")
PARTS = 20_000
PADDED = 100_000  # cells of the largest table in which each row is made as wide as the widest
# What is raised of a ZIP file, or a part of one, that is damaged.
BROKEN = (zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError, zlib.error)


class Damaged(No):
    """The file, or the part of it that is asked for, is damaged."""


class Archive:
    """A ZIP file that was looked through. Raise No for what is protected, swells or declares entities.

    note: told of parts that stand beside the text and are damaged; `unread` has their names.
    """

    def __init__(self, content: bytes, asked: Asked, kind: str, note: Callable[[str], object] = str) -> None:
        self.kind, self._note = kind, note
        self.unread: set[str] = set()
        if content.startswith(OLE):
            raise No(f"is protected by a password, or is an old {OLD.get(kind, 'file')}; save it as .{kind}")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            parts = self._zip.infolist()
            if sum(p.file_size for p in parts) > asked["unpacked"] or len(parts) > PARTS:
                raise No(f"unpacks to more than {asked['unpacked'] >> 20} MB")
            if any(p.flag_bits & 1 for p in parts):
                raise No("is protected by a password")
        except BROKEN:
            raise self.damaged() from None
        for part in parts:
            if part.filename.lower().endswith(XML) and b"<!ENTITY" in self._beginning(part):
                raise No("declares entities, which is not read")
        self.names = {p.filename for p in parts}
        self._folded = {posixpath.normpath(n.replace("\\", "/")).casefold(): n for n in sorted(self.names)}

    def _beginning(self, part: zipfile.ZipInfo) -> bytes:
        """What a part holds; nothing of one that is damaged, which is heard where it is read."""
        try:
            return self._zip.read(part)
        except BROKEN:
            return b""

    def side(self, name: str, told: str = "") -> Element:
        """A part that stands beside the text: one that is damaged holds nothing, which is told, in this sentence."""
        try:
            return self.xml(name)
        except Damaged:
            self.unread.add(name)
            self._note(told or f"The part {name} is damaged and was not read.")
            return Element("none")

    def sound(self, name: str) -> bool:
        """Whether a part can be read; one that cannot be is told."""
        self.side(name)
        return name not in self.unread

    def damaged(self) -> "Damaged":
        return Damaged(f"is damaged, or is no {self.kind.upper()}")

    def read(self, name: str) -> bytes:
        try:
            return self._zip.read(name)
        except (KeyError, *BROKEN):
            raise self.damaged() from None

    def xml(self, name: str) -> Element:
        raw = self.read(name)
        # What it declares elsewhere is not fetched; within itself it declares nothing that is needed.
        bare = raw.replace(b"\0", b"") if b"\0" in raw[:200] else raw
        declared = re.search(rb"<!DOCTYPE[^>\[]*(\[)?", bare)
        # Whatever the first of them seems to say: a comment may hold one, and a quoted name its end.
        if b"<!ENTITY" in bare or declared and declared[1]:
            raise No("declares entities, which is not read")
        try:
            return ElementTree.fromstring(raw)
        except ElementTree.ParseError:
            raise self.damaged() from None

    def called(self, path: str) -> str:
        """The name under which a part that another one names is in the archive: paths are written as addresses, with
        dots, from the top, with backslashes, or in other letters. Empty when there is none."""
        for one in (path, unquote(path)):
            name = posixpath.normpath(one.replace("\\", "/")).lstrip("/")
            for wanted in (one, name):
                if wanted in self.names:
                    return wanted
            if found := self._folded.get(name.casefold()):
                return found
        return ""

    def main(self, usual: str) -> str:
        """The part that an Office file begins with: some programs call it otherwise."""
        if usual in self.names:
            return usual
        start = usual.removesuffix(".xml")
        return next((n for n in self.targets("").values() if n.startswith(start) and n in self.names), usual)

    def targets(self, name: str) -> dict[str, str]:
        """What a part of an Office file refers to: names of other parts by their ids."""
        folder, base = posixpath.split(name)
        rels = f"{folder}/_rels/{base}.rels".lstrip("/")
        if rels not in self.names:
            return {}
        found = {}
        for one in self.side(rels):
            target = one.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            found[one.get("Id", "")] = path
        return found


def local(one: Element) -> str:
    """The name of an element without its namespace."""
    return one.tag.rpartition("}")[2] if isinstance(one.tag, str) else ""


def attribute(one: Element, name: str) -> str | None:
    """An attribute by its name without a namespace."""
    return next((value for key, value in one.attrib.items() if key.rpartition("}")[2] == name), None)


def within(table: Element) -> Iterator[Element]:
    """What stands in a table; tables within it are no part of it."""
    pending = list(reversed(table))
    while pending:
        one = pending.pop()
        yield one
        if local(one) != "table":
            pending += reversed(one)


def cells(rows: list[list[str]]) -> str:
    """A small table as Markdown; the first row is its header."""
    wide = max((len(row) for row in rows), default=0)
    even = wide if wide * len(rows) <= PADDED else 0  # rows of which few are wide stay as short as they are
    lines = ["| " + " | ".join(c.replace("|", "\\|") for c in row + [""] * (even - len(row))) + " |" for row in rows]
    if len(lines) > 1:
        lines.insert(1, "|" + " --- |" * wide)
    return "\n".join(lines)
