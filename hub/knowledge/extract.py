"""Files as text. Whatever strangers send is opened in a process of its own, never here."""

import asyncio
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import orjson

from hub.child_processes import Children, Stopped
from hub.domain import Json
from hub.errors import Unreadable, Unsupported
from hub.knowledge.children.encodings import decoded
from hub.language.marks import composed

FOLDER = Path(__file__).parent / "children"
READ = (
    "PDF, DOCX, ODT, PPTX, XLSX, ODS, CSV, HTML, XML, EPUB, RTF, mails (EML), subtitles (SRT), Markdown and plain text"
)

# By the end of the name, which says more than the type a browser guesses; then by that type.
ENDINGS: Mapping[str, str] = MappingProxyType(
    {f".{kind}": kind for kind in ("pdf", "docx", "pptx", "odt", "odp", "xlsx", "ods", "csv", "rtf", "eml", "xml",
                                   "srt", "epub")}
    | {".tsv": "csv", ".vtt": "srt", ".rss": "xml", ".atom": "xml", ".mht": "eml", ".mhtml": "eml", ".tab": "csv"}
    | dict.fromkeys((".docm", ".dotx"), "docx") | dict.fromkeys((".xlsm", ".xltx"), "xlsx")
    | dict.fromkeys((".pptm", ".ppsx", ".potx"), "pptx") | {".ott": "odt", ".ots": "ods", ".otp": "odp"}
    | dict.fromkeys((".html", ".htm", ".xhtml", ".aspx", ".asp", ".jsp", ".php"), "html")
    | dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif"), "picture")
    | dict.fromkeys(
        (".mp3", ".mpga", ".wav", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".flac", ".amr", ".weba"), "audio")
    | dict.fromkeys((".md", ".markdown", ".txt", ".text", ".log", ".json", ".jsonl", ".yaml", ".yml", ".rst"), "text")
)
OFFICE, OPEN = "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."
TYPES: Mapping[str, str] = MappingProxyType({
    "application/pdf": "pdf", "text/html": "html", "application/xhtml+xml": "html", "text/csv": "csv",
    "text/tab-separated-values": "csv", f"{OFFICE}wordprocessingml.document": "docx",
    f"{OFFICE}presentationml.presentation": "pptx", f"{OFFICE}spreadsheetml.sheet": "xlsx",
    f"{OPEN}text": "odt", f"{OPEN}spreadsheet": "ods", f"{OPEN}presentation": "odp", "application/json": "text",
    "application/rtf": "rtf", "text/rtf": "rtf", "message/rfc822": "eml", "application/xml": "xml", "text/xml": "xml",
    "application/rss+xml": "xml", "application/atom+xml": "xml", "application/x-subrip": "srt", "text/vtt": "srt",
    "application/epub+zip": "epub",
})
# Which program reads a kind.
PROGRAMS: Mapping[str, str] = MappingProxyType(
    {"pdf": "pdf.py", "html": "web.py", "csv": "tables.py"}
    | dict.fromkeys(("docx", "pptx", "odt", "odp"), "office.py") | dict.fromkeys(("xlsx", "ods"), "sheets.py")
    | dict.fromkeys(("rtf", "xml", "srt", "epub"), "texts.py") | {"eml": "mails.py"} | {"picture": "ocr.py"}
)
OLD: Mapping[str, str] = MappingProxyType({".xls": "xlsx", ".doc": "docx"})
JSON = (".json", ".jsonl")
ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)((?:\\u[0-9a-fA-F]{4})+)")
OCR, INSTALL = "rapidocr", "pip install 'chathub[ocr]'"
BESIDE = 4 << 20  # bytes that notes and places may take


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take. memory, unpacked: bytes; longest: characters of its text."""

    seconds: int = 30
    memory: int = 768 << 20
    pages: int = 2000
    rows: int = 50_000
    unpacked: int = 100 << 20
    longest: int = 1_000_000


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a file. notes: a sentence for each thing that was not; places: see `hub.knowledge.places`.

    links: where a page leads to; canonical: what it says its own address is; kept: false when it asks not to be
    indexed. scanned: pages that are pictures and were not read; the rest: of a step of `seen_in`.
    """

    text: str
    notes: tuple[str, ...] = ()
    places: Json | None = None
    links: tuple[str, ...] = ()
    canonical: str = ""
    kept: bool = True
    scanned: tuple[int, ...] = ()
    seen: tuple[int, ...] = ()
    hard: tuple[int, ...] = ()
    next: int | None = None
    count: int = 1


def sees() -> bool:
    """Whether pictures of text can be read here."""
    return importlib.util.find_spec(OCR) is not None


async def text_of(children: Children, name: str, mime: str, raw: bytes, limits: Limits = LIMITS) -> Read:
    """The text of a file, Markdown where it has structure; never empty.

    Raise Unsupported for a kind that is not read, pictures among them, and Unreadable for a file that
    cannot be: broken, protected, too large or empty. Both name the file and say why.
    """
    kind = kind_of(name, mime) or _within(name, raw)
    if kind is None or kind in ("picture", "audio"):
        raise Unsupported(f"{name} is of a kind that is not read; send {READ}.")
    if kind == "text":
        found = Read(await asyncio.to_thread(_plain, name, raw, limits))
    else:
        found = await converted(children, name, kind, raw, limits)
    if not found.text.strip():
        scans = f"; it may be made of scanned pictures, which OCR reads in files that are uploaded ({INSTALL})"
        more = scans if kind == "pdf" else ""
        raise Unreadable(f"{name} holds no text{more}.")
    return found


async def page_of(children: Children, name: str, mime: str, raw: bytes, declared: str) -> Read:
    """A page of a website, or a file that stands there; its server says what it is. Raise as `text_of`.

    A page that only leads to others has no text.
    """
    if TYPES.get(mime) != "html":
        return await text_of(children, name, mime, raw)
    charset = declared.partition("charset=")[2].strip(" \"'").partition(";")[0]
    if charset:
        # What the server declares goes before what the page says.
        raw = (await asyncio.to_thread(decoded, raw, charset)).encode("utf-8", "replace")
    return await converted(children, name, "html", raw, LIMITS, links=True)


def kind_of(name: str, mime: str) -> str | None:
    """The name of a reader, text or picture; None for what is not read."""
    found = ENDINGS.get(PurePosixPath(name.lower()).suffix)
    plain = mime.split(";")[0].strip().lower()
    if found or plain in TYPES:
        return found or TYPES[plain]
    return {"text": "text", "image": "picture", "audio": "audio"}.get(plain.partition("/")[0])


def _within(name: str, raw: bytes) -> str | None:
    """What other programs write into files that are called as those of old Word and Excel; None for real ones."""
    suffix = PurePosixPath(name.lower()).suffix
    if suffix not in OLD:
        return None
    if raw.startswith(b"PK\x03\x04"):
        return OLD[suffix]
    start = decoded(raw[:4000]).lstrip().lower()
    if start.startswith("{\\rtf"):
        return "rtf"
    if start.startswith(("<html", "<!doctype html", "<table", "<meta", "<head")) or "<html" in start:
        return "html"
    if start.startswith("<?xml") or "\0" in start:
        return "xml" if start.startswith("<?xml") else None
    return "csv" if suffix == ".xls" and ("\t" in start or ";" in start) else None


def _plain(name: str, raw: bytes, limits: Limits) -> str:
    if len(raw) > 4 * limits.longest:
        raise Unreadable(_long(name, limits))
    text = decoded(raw)
    if "\0" in text:
        raise Unreadable(f"{name} is no text.")
    if name.lower().endswith(JSON):
        text = ESCAPED.sub(_letters, text)
    if len(text) > limits.longest:
        raise Unreadable(_long(name, limits))
    return composed(text)


def _letters(found: re.Match[str]) -> str:
    """Letters that JSON wrote as numbers, as people look for them; what is no letter stays as it is."""
    try:
        text = str(orjson.loads(f'"{found[2]}"'))
    except ValueError:
        return found[0]
    return found[1] + text if text.isprintable() and not set(text) & set('"\\') else found[0]


async def converted(
    children: Children, name: str, kind: str, raw: bytes, limits: Limits, *, cut: bool = False, links: bool = False
) -> Read:
    """The text of a file of one of PROGRAMS. Raise Unreadable naming the file.

    cut: what is longer than the limit is left out instead of refused, and the pages of a PDF are numbered. links: a
    page that only leads to others is not refused.
    """
    return await _asked(children, name, kind, FOLDER / PROGRAMS[kind], raw, limits, {"cut": cut, "links": links})


async def seen_in(
    children: Children, name: str, kind: str, raw: bytes, start: int, limits: Limits, begin: float
) -> Read:
    """A step of reading a PDF or a picture page by page, what is a picture of text by OCR. begin: seconds in which
    pages are begun. Raise Unreadable naming the file."""
    more = {"cut": False, "links": False, "from": start, "begin": begin}
    return await _asked(children, name, kind, FOLDER / PROGRAMS["picture"], raw, limits, more)


async def _asked(
    children: Children, name: str, kind: str, program: Path, raw: bytes, limits: Limits, more: Json
) -> Read:
    given = orjson.dumps({"kind": kind, **asdict(limits), **more}) + b"\n" + raw
    most = 4 * limits.longest + BESIDE
    try:
        ended = await children.run(program, given, seconds=limits.seconds, longest=most)
    except Stopped as e:
        raise Unreadable(f"{name} {e} and was given up.") from None
    state, _, said = ended.output.decode(errors="replace").partition("\n")
    if state == "no":
        raise Unreadable(f"{name} {said}.")
    if state != "ok":
        raise Unreadable(
            f"{name} takes too much time or memory to read." if ended.code < 0
            else f"{name} is damaged, or is no {kind.upper()}."
        )
    found = await asyncio.to_thread(orjson.loads, said)
    return Read(
        found["text"], tuple(found["notes"]), found["places"], tuple(found["links"]), found["canonical"], found["kept"],
        tuple(found["scanned"]), tuple(found["seen"]), tuple(found["hard"]), found["next"], found["count"],
    )


def _long(name: str, limits: Limits) -> str:
    return f"{name} has more than {limits.longest:,} characters of text; split it."
