"""An answer in Markdown as words and files, in order. Pure."""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from markdown_it.token import Token

from channels.inbound import Media
from channels.markup import SIGNS, signs
from channels.markup.read import PARSER

Json = dict[str, Any]
# A line that is nothing but pictures or files: sent as real media.
_FILE = re.compile(r"!?\[(?P<alt>[^\[\]\n]*)\]\((?P<url>https?://[^\s)]+)\)")
# Models put a whole answer into one fence when they are asked for Markdown.
_FENCED = re.compile(
    r"\s*(?P<fence>`{3,}|~{3,})[ \t]*(?:markdown|md)[ \t]*\n(?P<inside>.*?)\n?(?P=fence)\s*", re.S | re.I
)
_KINDS: Mapping[str, tuple[Media, str]] = {
    "jpg": (Media.IMAGE, "image/jpeg"),
    "jpeg": (Media.IMAGE, "image/jpeg"),
    "png": (Media.IMAGE, "image/png"),
    "webp": (Media.IMAGE, "image/webp"),
    "gif": (Media.IMAGE, "image/gif"),
    "mp3": (Media.AUDIO, "audio/mpeg"),
    "ogg": (Media.VOICE, "audio/ogg"),
    "oga": (Media.VOICE, "audio/ogg"),
    "mp4": (Media.VIDEO, "video/mp4"),
    "pdf": (Media.DOCUMENT, "application/pdf"),
    "svg": (Media.DOCUMENT, "image/svg+xml"),
}


def blocks(text: str, takes: Callable[[str], bool] = lambda _: True) -> list[str | Json]:
    """The text cut where a line of a paragraph is only files: images, or links to files by their ending. `takes` says
    which addresses are sent as files; with any other, a line is text."""
    if signs(text) > SIGNS:
        return [text]
    whole = unfenced(re.sub(r"\r\n?", "\n", text))
    if "](" not in whole:
        return [whole] if whole.strip() else []
    lines = whole.split("\n")
    found: list[str | Json] = []
    done = 0
    for paragraph, inside in pairwise(_tokens("\n".join(lines))):
        if paragraph.type != "paragraph_open" or paragraph.level or not paragraph.map:
            continue
        first, last = paragraph.map
        # Where code may run over lines only the whole says what is what.
        spans = [(first, last)] if "`" in inside.content else [(n, n + 1) for n in range(first, last)]
        for start, end in spans:
            files = _files_of("\n".join(lines[start:end]))
            if files and all(takes(f["url"]) for f in files):
                found += ["\n".join(lines[done:start]), *files]
                done = end
    found.append("\n".join(lines[done:]))
    return [f for f in found if not isinstance(f, str) or f.strip()]


def unfenced(text: str) -> str:
    """What is in the one fence of Markdown that is the whole answer; else the text itself."""
    match = _FENCED.fullmatch(text)
    if match is None:
        return text
    inside = match["inside"]
    fences = sum(line.lstrip().startswith(match["fence"]) for line in inside.split("\n"))
    return text if fences % 2 else inside


def _tokens(text: str) -> list[Token]:
    try:
        return PARSER.parse(text)
    except RecursionError:
        return []


def _files_of(line: str) -> list[Json]:
    """The files of a line; none when it holds anything else."""
    found = [_file_of(m) for m in _FILE.finditer(line)]
    files = [f for f in found if f is not None]
    return files if len(files) == len(found) and not _FILE.sub("", line).strip() else []


def _file_of(match: re.Match[str]) -> Json | None:
    address = match["url"].split("?")[0]
    ending = address.rsplit(".", 1)[-1].lower()
    if ending not in _KINDS and not match[0].startswith("!"):
        return None
    media, mime = _KINDS.get(ending, (Media.IMAGE, "image/png"))
    return {
        "url": match["url"],
        "media": str(media),
        "mime": mime,
        "alt": match["alt"],
        "name": match["alt"] or address.rsplit("/", 1)[-1],
    }
