"""Turn a file into text.

Input: a line of JSON {"kind": pdf | docx | html | csv, "seconds", "memory" (bytes), "pages", "rows", "unpacked"
(bytes), "longest" (characters), "cut"}, then the file. Output: "ok" and the text, or "no" and why, on the line after.
With `cut` what is longer is left out instead of refused, and the pages of a PDF are numbered.
"""

import csv
import io
import json
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from xml.parsers.expat import ExpatError

import mammoth
import pypdf
from bs4 import BeautifulSoup, Comment
from bs4.dammit import UnicodeDammit
from markdownify import MarkdownConverter
from pypdf.errors import PyPdfError

Asked = dict[str, Any]
OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # how a protected or an old Office file begins
# What a page has beside what it says.
NOISE = (
    "script, style, noscript, template, svg, canvas, iframe, object, embed, nav, aside, form, button, select, input, "
    "textarea, dialog, head, [hidden], [aria-hidden=true], [role=navigation], [role=banner], [role=contentinfo], "
    "[role=search], [role=dialog]"
)
DEPTH = 5000
DELIMITERS = ",;\t|"


class No(Exception):
    """Why the file is not read."""


def pdf(content: bytes, asked: Asked) -> str:
    try:
        book = pypdf.PdfReader(io.BytesIO(content))
        if book.is_encrypted and not book.decrypt(""):
            raise No("is protected by a password")
        count = len(book.pages)
        if count > asked["pages"] and not asked["cut"]:
            raise No(f"has {count:,} pages; at most {asked['pages']:,} are read")
        texts = enumerate((page.extract_text().strip() for page in islice(book.pages, asked["pages"])), 1)
        return _joined((f"[page {n}]\n{text}" if asked["cut"] else text for n, text in texts), asked)
    except (PyPdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, OSError):
        raise No("is damaged, or is no PDF") from None


def docx(content: bytes, asked: Asked) -> str:
    if content.startswith(OLE):
        raise No("is protected by a password, or is an old .doc; save it as .docx")
    try:
        _looked_through(content, asked)
        made = mammoth.convert_to_html(io.BytesIO(content), convert_image=lambda _: [])
    except (zipfile.BadZipFile, KeyError, ValueError, AttributeError, OSError, RuntimeError, ExpatError):
        raise No("is damaged, or is no DOCX") from None
    return _markdown(BeautifulSoup(made.value, "html.parser"))


def _looked_through(content: bytes, asked: Asked) -> None:
    """Refuse what unpacks into too much, and documents that declare entities."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        if sum(p.file_size for p in parts) > asked["unpacked"]:
            raise No(f"unpacks to more than {asked['unpacked'] >> 20} MB")
        if any(p.flag_bits & 1 for p in parts):
            raise No("is protected by a password")
        for part in parts:
            if part.filename.lower().endswith((".xml", ".rels")) and b"<!DOCTYPE" in archive.read(part):
                raise No("declares entities, which is not read")


def html(content: bytes, asked: Asked) -> str:
    """The main part of a page as Markdown, its title first."""
    page: Any = BeautifulSoup(content, "html.parser")
    title = page.title.get_text(" ", strip=True) if page.title else ""
    main = page.select_one("main, [role=main]") or page
    for comment in main.find_all(string=lambda s: isinstance(s, Comment)):
        comment.extract()
    for one in main.select(NOISE):
        one.decompose()
    if main is page:
        # Those of the page; an article has a header and a footer of its own.
        for one in [e for e in page.find_all(["header", "footer"]) if not e.find_parent(["article", "section"])]:
            one.decompose()
    body = _markdown(main)
    return f"# {title}\n\n{body}" if title and title not in body[:500] else body


def table(content: bytes, asked: Asked) -> str:
    """Each row with the names of its columns, so that it can be found and understood alone."""
    text = _decoded(content)
    first = text.lstrip().partition("\n")[0]
    mark = max(DELIMITERS, key=first.count)
    try:
        read = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
        rows = (row for row in read if any(cell.strip() for cell in row))
        names = [name.strip() or f"Column {n}" for n, name in enumerate(next(rows, []), 1)]
        return _joined(_rows(rows, names, asked["rows"]), asked)
    except csv.Error as e:
        raise No(f"is no CSV ({e})") from None


def _rows(rows: Iterator[list[str]], names: list[str], most: int) -> Iterator[str]:
    for count, row in enumerate(rows, 1):
        if count > most:
            raise No(f"has more than {most:,} rows; split it")
        wide = names + [f"Column {n}" for n in range(len(names) + 1, len(row) + 1)]
        yield "\n".join(f"{n}: {cell.strip()}" for n, cell in zip(wide, row, strict=False) if cell.strip())


def _decoded(content: bytes) -> str:
    found = UnicodeDammit(content, ["utf-8", "cp1252"]).unicode_markup
    if found is None or "\0" in found:
        raise No("is no text")
    return found


def _joined(parts: Iterator[str], asked: Asked) -> str:
    """The parts with empty lines between them. Stop as soon as it is too much."""
    kept, size = [], 0
    for part in parts:
        kept.append(part)
        size += len(part) + 2
        if size > asked["longest"] + 2:
            if asked["cut"]:
                break
            raise No(_long(asked))
    return "\n\n".join(p for p in kept if p)


def _long(asked: Asked) -> str:
    return f"has more than {asked['longest']:,} characters of text; split it"


def _markdown(soup: Any) -> str:
    try:
        made = MarkdownConverter(heading_style="ATX", bullets="-", strip=["img"], escape_misc=False).convert_soup(soup)
    except RecursionError:
        raise No("is nested too deeply") from None
    lines = [line.rstrip() for line in made.splitlines()]
    return "\n".join(line for n, line in enumerate(lines) if line or (n and lines[n - 1])).strip()


READERS: dict[str, Callable[[bytes, Asked], str]] = {"pdf": pdf, "docx": docx, "html": html, "csv": table}


def main() -> None:
    asked = json.loads(sys.stdin.buffer.readline())
    for limit, value in (
        (resource.RLIMIT_CPU, int(asked["seconds"]) + 1), (resource.RLIMIT_AS, asked["memory"]),
        (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(limit, (value, value))
    sys.setrecursionlimit(DEPTH)
    try:
        text = READERS[asked["kind"]](sys.stdin.buffer.read(), asked)
        if len(text) > asked["longest"] and not asked["cut"]:
            raise No(_long(asked))
    except No as e:
        said = f"no\n{e}"
    except MemoryError:
        said = "no\nneeds more memory than it may have"
    except RecursionError:
        said = "no\nis nested too deeply"
    else:
        said = f"ok\n{text[: asked['longest']]}"
    sys.stdout.buffer.write(said.encode(errors="replace"))


main()
