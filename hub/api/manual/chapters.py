"""The manual's chapters: read once from the Markdown that people also read elsewhere, and made pages. Pure."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from hub.language.folding import fold

FOLDER = Path(__file__).resolve().parents[3] / "templates" / "manual"
LANGUAGES = ("en", "pt", "es")
HOME = "/manual"
_CHAPTER = re.compile(r"(?:/manual/([a-z]+)|([a-z]+)(?:\.[a-z]{2})?\.md)(#.*)?")
_PICTURE = re.compile(r"pictures/[\w-]+\.webp")


@dataclass(frozen=True, slots=True)
class Section:
    """What stands under one heading, as text."""

    slug: str
    title: str
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter as it is shown in one language; `language` is that of its text."""

    name: str
    title: str
    about: str
    language: str
    html: Markup
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Manual:
    """All chapters in order, by language, and the words around them."""

    chapters: Mapping[str, Mapping[str, Chapter]]
    words: Mapping[str, Mapping[str, str]]
    pictures: Mapping[str, Path]


@lru_cache(maxsize=2)
def read(folder: Path = FOLDER) -> Manual:
    """The whole manual. A chapter that is missing stops the start."""
    index = tomllib.loads((folder / "index.toml").read_text(encoding="utf-8"))
    by_language = {
        lang: MappingProxyType({one["name"]: _chapter(folder, one, lang) for one in index["chapter"]})
        for lang in LANGUAGES
    }
    pictures = {p.name: p for p in sorted((folder / "pictures").glob("*.webp"))}
    return Manual(MappingProxyType(by_language), MappingProxyType(index["words"]), MappingProxyType(pictures))


def _chapter(folder: Path, entry: Mapping[str, Mapping[str, str]], lang: str) -> Chapter:
    name = str(entry["name"])
    places = (f"{name}.{lang}.md", f"{name}.en.md", f"{name}.md")
    file = next((folder / place for place in places if (folder / place).is_file()), folder / places[-1])
    own = lang if file.name == places[0] else "en"
    html, sections = rendered(file.read_text(encoding="utf-8"), lang)
    return Chapter(name, entry["title"][lang], entry["about"][lang], own, html, sections)


def rendered(markdown: str, lang: str) -> tuple[Markup, tuple[Section, ...]]:
    """A chapter's text: its headings one level lower, with anchors; links to other chapters lead to their pages.
    HTML in the text is shown, not obeyed."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(markdown)
    slugs = list(_anchored(tokens))
    for token in tokens:
        for inner in token.children or ():
            _addressed(inner, lang)
    html = str(reader.renderer.render(tokens, reader.options, {}))
    # What may be wider than a phone is moved by keyboard too.
    html = html.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    html = html.replace("<pre>", '<pre tabindex="0">')
    return Markup(html), tuple(_sections(tokens, slugs))


def _anchored(tokens: Sequence[Token]) -> Iterator[str]:
    """Give every heading its anchor and lower it: the page has a heading of its own."""
    taken: set[str] = set()
    for place, token in enumerate(tokens):
        if token.type not in ("heading_open", "heading_close"):
            continue
        token.tag = f"h{min(int(token.tag[1:]) + 1, 6)}"
        if token.type == "heading_open":
            slug = slug_of(_plain(tokens[place + 1]), taken)
            taken.add(slug)
            token.attrSet("id", slug)
            yield slug


def slug_of(title: str, taken: set[str]) -> str:
    base = "-".join(re.findall(r"[a-z0-9]+", fold(title))) or "part"
    return next(s for n in range(len(taken) + 1) if (s := f"{base}-{n + 1}" if n else base) not in taken)


def _addressed(token: Token, lang: str) -> None:
    """Links as the hub serves them."""
    if token.type == "image":
        source = str(token.attrGet("src") or "")
        if _PICTURE.fullmatch(source):
            token.attrSet("src", f"{HOME}/{source}")
            token.attrSet("loading", "lazy")
    elif token.type == "link_open":
        target = str(token.attrGet("href") or "")
        if found := _CHAPTER.fullmatch(target):
            token.attrSet("href", address(found[1] or found[2], lang) + (found[3] or ""))


def address(name: str, lang: str) -> str:
    """The page of a chapter ("" for the index) in a language."""
    return f"{HOME}/{quote(name)}?lang={lang}" if name else f"{HOME}?lang={lang}"


def _plain(token: Token) -> str:
    """What an inline token says, without its marks; the words to a picture are those under it."""
    parts = (
        t.content if t.type in ("text", "code_inline") else " " if t.type in ("softbreak", "hardbreak") else ""
        for t in token.children or ()
    )
    return "".join(parts)


def _sections(tokens: Sequence[Token], slugs: Sequence[str]) -> Iterator[Section]:
    """What stands under each heading; what stands before the first has none."""
    remaining, slug, title, level = iter(slugs), "", "", 2
    text: list[str] = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            if title:
                yield Section(slug, title, level, " ".join(text))
            slug, title, level, text = next(remaining), _plain(tokens[place + 1]), int(token.tag[1:]), []
        elif token.type == "inline" and tokens[place - 1].type != "heading_open":
            text.append(_plain(token))
        elif token.type in ("fence", "code_block"):
            text.append(token.content)
    if title:
        yield Section(slug, title, level, " ".join(text))


def choose(asked: str, accepted: str) -> str:
    """The language of a page: the one that was asked for, else the best of Accept-Language, else English."""
    if asked in LANGUAGES:
        return asked
    ranked = sorted(_ranked(accepted), key=lambda pair: -pair[0])
    return next((lang for weight, lang in ranked if weight > 0 and lang in LANGUAGES), LANGUAGES[0])


def _ranked(accepted: str) -> Iterator[tuple[float, str]]:
    for part in accepted.lower().split(",")[:20]:
        code, _, weight = part.partition(";")
        found = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", weight)
        yield float(found[1]) if found else float(not weight), code.strip().partition("-")[0]
