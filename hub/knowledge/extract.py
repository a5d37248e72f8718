"""Files as text. Whatever strangers send is opened in a process of its own, never here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import orjson

from hub.child_processes import Children, Ended, Stopped
from hub.errors import Unreadable, Unsupported

READER = Path(__file__).parent / "children" / "reader.py"
READ = "PDF, DOCX, HTML, Markdown, CSV and plain text"

# By the end of the name, which says more than the type a browser guesses; then by that type.
ENDINGS: Mapping[str, str] = MappingProxyType(
    {".pdf": "pdf", ".docx": "docx", ".csv": "csv", ".tsv": "csv"}
    | dict.fromkeys((".html", ".htm", ".xhtml"), "html")
    | dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp"), "picture")
    | dict.fromkeys((".md", ".markdown", ".txt", ".text", ".log", ".json", ".jsonl", ".yaml", ".yml", ".rst"), "text")
)
TYPES: Mapping[str, str] = MappingProxyType({
    "application/pdf": "pdf", "text/html": "html", "application/xhtml+xml": "html", "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx", "application/json": "text",
})


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


async def text_of(children: Children, name: str, mime: str, raw: bytes, limits: Limits = LIMITS) -> str:
    """The text of a file, Markdown where it has structure; never empty.

    Raise Unsupported for a kind that is not read, pictures among them, and Unreadable for a file that
    cannot be: broken, protected, too large or empty. Both name the file and say why.
    """
    kind = kind_of(name, mime)
    if kind is None or kind == "picture":
        raise Unsupported(f"{name} is of a kind that is not read; send {READ}.")
    text = _plain(name, raw, limits) if kind == "text" else await converted(children, name, kind, raw, limits)
    if not text.strip():
        more = "; it may be made of scanned pictures" if kind == "pdf" else ""
        raise Unreadable(f"{name} holds no text{more}.")
    return text


def kind_of(name: str, mime: str) -> str | None:
    """pdf, docx, html, csv, text or picture; None for what is not read."""
    found = ENDINGS.get(PurePosixPath(name.lower()).suffix)
    plain = mime.split(";")[0].strip().lower()
    if found or plain in TYPES:
        return found or TYPES[plain]
    return {"text": "text", "image": "picture"}.get(plain.partition("/")[0])


def _plain(name: str, raw: bytes, limits: Limits) -> str:
    if len(raw) > 4 * limits.longest:
        raise Unreadable(_long(name, limits))
    text = _decoded(raw)
    if "\0" in text:
        raise Unreadable(f"{name} is no text.")
    if len(text) > limits.longest:
        raise Unreadable(_long(name, limits))
    return text


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


async def converted(
    children: Children, name: str, kind: str, raw: bytes, limits: Limits, *, cut: bool = False
) -> str:
    """The text of a pdf, docx, html or csv. Raise Unreadable naming the file.

    cut: what is longer than the limit is left out instead of refused, and the pages of a PDF are numbered.
    """
    given = orjson.dumps({"kind": kind, "cut": cut, **asdict(limits)}) + b"\n" + raw
    try:
        ended = await children.run(READER, given, seconds=limits.seconds, longest=4 * limits.longest + 100)
    except Stopped as e:
        raise Unreadable(f"{name} {e} and was given up.") from None
    state, _, said = ended.output.decode(errors="replace").partition("\n")
    if state == "ok":
        return said
    raise Unreadable(f"{name} {said if state == 'no' else _why(ended, kind)}.")


def _why(ended: Ended, kind: str) -> str:
    """Why a reader said nothing."""
    if ended.code < 0:
        return "takes too much time or memory to read"
    return f"is damaged, or is no {kind.upper()}"


def _long(name: str, limits: Limits) -> str:
    return f"{name} has more than {limits.longest:,} characters of text; split it."
