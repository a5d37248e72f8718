"""The manual says the same in all of its languages: no chapter, heading, block of code or name lags behind in one."""

import gettext
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from hub.api.manual.chapters import FOLDER, LANGUAGES, read
from hub.translations import FOLDER as WORDS
from tests.api.conftest import Api
from tests.api.test_manual import heading, hits, page

TRANSLATED = sorted({f.name.split(".")[0] for f in FOLDER.glob("*.??.md")} - {"tools"})
OTHERS = [lang for lang in LANGUAGES if lang != "en"]
# What the console calls a thing, in chapters that name it.
NAMED = {
    "console": (
        "Second factor and passkeys", "Reset 2nd factor", "Take over", "Hand back", "Draft", "Not the same",
        "Call a person when one is needed", "Asked for a person", "People who answer", "I am here", "Set me away",
        "Who is called", "Give it to", "Teams and labels", "Snooze", "Mentions", "Priority", "Filter, sort, keep",
        "With the chosen ones", "Replies", "Send later", "Plan it", "Test connection", "Websites", "Read it now",
        "Embedder", "Deliveries", "Replay", "It arrived", "Drop it", "Transcript", "All", "Audit", "Insights",
        "Notices", "What to do", "Language",
    ),
    "connect": (
        "A message that may or may not have arrived", "While an answer is made, people see",
        "A question on a network gets", "react",
        "shown as they are written, then whole", "Templates", "Channels", "Change",
    ),
    "start": ("Do it in one step", "Samples"),
    "outreach": ("With a WhatsApp template", "Choose a template"),
    "events": ("Tell again",),
    "configure": ("Spend", "Knowledge", "Websites"),
}


def parts(name: str, lang: str) -> list[list[Token]]:
    """The tokens under each heading, its own among them."""
    found: list[list[Token]] = []
    for token in MarkdownIt("commonmark").enable("table").parse((FOLDER / f"{name}.{lang}.md").read_text("utf-8")):
        if token.type == "heading_open":
            found.append([])
        found[-1].append(token)
    return found


def shape(part: list[Token]) -> list[str]:
    """Headings by their level, paragraphs, tables with their rows, lists with their steps, code word for word."""
    return [
        f"{t.tag}{t.content if t.type == 'fence' else ''}" for t in part
        if t.nesting == 1 or t.type == "fence"
    ]


def names(part: list[Token]) -> set[str]:
    """Code within the text that is a name of something, and no example in words."""
    spans = [c.content for t in part for c in t.children or () if c.type == "code_inline"]
    return {s for s in spans if re.fullmatch(r"[A-Za-z0-9_./{}*?=&|:,@$#-]+", s)} - {"/human", "/humano"} - {
        s for s in spans if re.search(r"\|\w+\}\}|^hub\.(open|send|on)\(", s)
    }


@pytest.mark.parametrize("lang", OTHERS)
@pytest.mark.parametrize("name", TRANSLATED)
def test_a_chapter_has_the_same_parts_in_every_language(name: str, lang: str) -> None:
    ours, theirs = parts(name, "en"), parts(name, lang)
    assert [p[0].tag for p in theirs] == [p[0].tag for p in ours], "a heading is missing, or one too many"
    for mine, other in zip(ours, theirs, strict=True):
        assert shape(other) == shape(mine), other[1].content
        assert names(other) == names(mine), other[1].content


def test_every_chapter_that_is_translated_is_so_into_all_languages() -> None:
    assert len(TRANSLATED) == 6
    assert [f"{n}.{lang}" for n in TRANSLATED for lang in LANGUAGES if not (FOLDER / f"{n}.{lang}.md").is_file()] == []
    for lang in LANGUAGES:
        chapters = read().chapters[lang]
        assert [n for n in TRANSLATED if chapters[n].language != lang] == []
        assert read().words[lang].keys() == read().words["en"].keys()
        assert all(c.title and c.about for c in chapters.values())


@pytest.mark.parametrize("lang", OTHERS)
def test_chapters_call_things_what_the_console_calls_them(lang: str) -> None:
    file = Path(WORDS) / {"pt": "pt_BR.mo", "es": "es.mo"}[lang]
    with file.open("rb") as opened:
        said = gettext.GNUTranslations(opened).gettext
    for name, labels in NAMED.items():
        english = (FOLDER / f"{name}.en.md").read_text("utf-8")
        text = (FOLDER / f"{name}.{lang}.md").read_text("utf-8")
        assert [label for label in labels if label not in english] == []
        assert [(label, said(label)) for label in labels if said(label) not in text] == []


async def test_whoever_reads_spanish_is_met_in_spanish(api: Api) -> None:
    browser = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}
    html = await page(api, "/manual/connect", 200, **browser)
    assert '<html lang="es">' in html and heading(html) == "Canales" and "Este capítulo está en inglés." not in html
    ways = re.findall(r'href="([^"]+)" hreflang="\w\w" lang="([\w-]+)">([^<]+)<', html)
    assert ways == [
        ("/manual/connect?lang=en", "en", "English"), ("/manual/connect?lang=pt", "pt-BR", "Português"),
    ]
    assert 'href="/manual/aresgen?lang=es"' in (await page(api, "/manual/events", 200, **browser)).partition("<main")[2]
    assert "Este capítulo está en inglés." in await page(api, "/manual/tools?lang=es")
    assert "Esa página no está en el manual." in await page(api, "/manual/nada?lang=es", 404)
    assert "No se encontró nada." in await page(api, "/manual?lang=es&q=xyzzyplugh")


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("¿Cómo conecto Telegram?", "¿Cómo conecto Telegram?"), ("campana", "¿Cómo envío una campaña?"),
        ("copia de seguridad", "¿Cómo hago una copia de seguridad?"),
        ("recordatorios", "¿Cómo dejo que el bot envíe recordatorios?"),
        ("tomar una conversación", "¿Cómo tomo una conversación?"),
        ("plantilla", "¿Cómo envío una plantilla de WhatsApp?"),
        ("contraseña llave de acceso", "¿Cómo protejo la entrada a la consola?"),
    ],
)
async def test_the_search_finds_in_spanish(api: Api, query: str, first: str) -> None:
    assert first in hits(await page(api, f"/manual?lang=es&q={query}"))[:3]
