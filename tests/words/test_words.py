"""Everything that people at the console read is in the catalogues, and these are whole."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from uuid import UUID

import jinja2
import pytest
from babel.messages.catalog import Catalog
from jinja2 import nodes

from hub.api.http import docs
from hub.console.filters import FILTERS
from hub.console.script_words import SAID
from hub.translations import (
    ENGLISH,
    FOLDER,
    LANGUAGES,
    LONGEST,
    UNKNOWN,
    Catalogue,
    Catalogues,
    Shapes,
    _between,
    _Read,
    chosen,
    counted,
    dated,
    told,
)
from tests.house.sources import ROOT
from tests.words import catalogue
from tests.words.catalogue import CODES

# Texts that nobody has translated yet, by catalogue: to become 0.
OPEN = {"pt_BR": 0, "es": 0}
# Names, examples of what a program takes, and marks: the same in every language.
NAMES = {
    "Hub", "· Hub", "API", "CSV", "JSONL", "B", "kB", "MB", "GB", "Ctrl K", "Ctrl Enter", "Enter", "Telegram",
    "OpenAI, Groq, Mistral, OpenRouter, Ollama, vLLM …", "WhatsApp_ZApi", "WhatsApp_Evolution", "WhatsApp_Kapso",
    "WebChat", "My business", "Image", "Document", "Audio",
    "America/Sao_Paulo", "bot, team.role …", "chatbot.* document.*", "customer-17", "gpt-5-mini", "mon-fri 09:00-18:00",
    "phone,name\n5511999990000,Ana", "team-a, shop", "text-embedding-3-small", "j, k", "x, w", "t, b",
    "@hub/extractive answers from your documents, without any key",
}
READ = {"title", "placeholder", "aria-label", "alt", "label", "data-th", "hx-confirm"}
# What a template calls with words that are no words: names of classes, of filters' shapes, of what may be done.
SILENT = {
    "form", "icon", "may", "static", "dated", "get", "csv", "action", "partition", "startswith", "strftime", "map",
    "replace", "talks",
}
SAYING = {"_", "gettext", "ngettext", "pgettext"}
HOLE = "\0"
_PATH = re.compile(r"M\d")


def environment() -> jinja2.Environment:
    found = docs.environment(Catalogues().of(ENGLISH))
    found.filters.update(FILTERS)
    return found


def pages() -> list[str]:
    folder = ROOT / "templates"
    return sorted(p.relative_to(folder).as_posix() for glob in catalogue.PAGES for p in folder.glob(glob))


class Reader(HTMLParser):
    """What a page says beside its values: texts, and attributes that are read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.said: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.said += [value for name, value in attrs if name in READ and value]
        if tag in ("script", "style", "pre", "code", "kbd"):
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.said.append(data)


def outside(name: str, source: str) -> list[str]:
    """Words of a template that are in no catalogue."""
    tree = environment().parse(source)
    reader = Reader()
    # A value may be the name of an element.
    reader.feed(re.sub(r"<(/?)\0", r"<\1i", "".join(_drawn(tree))))
    texts = [part.strip() for said in reader.said for part in said.split(HOLE)]
    return [t for t in [*texts, *_spoken(tree, False)] if re.search(r"[^\W\d_]", t) and not _known(t)]


def _known(text: str) -> bool:
    """Addresses and what icons are drawn of are no words either."""
    return text in NAMES or text.startswith(("http://", "https://")) or bool(_PATH.match(text))


def _drawn(node: nodes.Node) -> Iterator[str]:
    """The source of a page in its order, with a hole for each value."""
    if isinstance(node, nodes.Block) and node.name in ("kind", "style", "script"):
        return
    if isinstance(node, nodes.TemplateData):
        yield node.data
    elif isinstance(node, nodes.Expr):
        yield HOLE
    else:
        for child in node.iter_child_nodes():
            if isinstance(node, nodes.Output | nodes.Stmt | nodes.Template) and not (
                isinstance(child, nodes.Expr) and not isinstance(node, nodes.Output)
            ):
                yield from _drawn(child)


def _spoken(node: nodes.Node, said: bool) -> Iterator[str]:
    """Constants of expressions that look like words. said: inside of a call that looks them up."""
    if isinstance(node, nodes.Extends | nodes.Include | nodes.Import | nodes.FromImport | nodes.Compare):
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str) and not said and _wordy(node.value):
        yield node.value.strip()
    if isinstance(node, nodes.Call):
        name = getattr(node.node, "attr", getattr(node.node, "name", ""))
        said = name in SAYING or name in SILENT
    if isinstance(node, nodes.Filter) and node.name in ("dated", "format", "join"):
        said = True
    if isinstance(node, nodes.Pair):
        yield from _spoken(node.value, said)
        return
    for child in node.iter_child_nodes():
        yield from _spoken(child, said)


def _wordy(text: str) -> bool:
    """A sentence, or what begins like one; names of classes, keys and addresses do not."""
    text = text.strip()
    words = text.split()
    return bool(re.match(r"[^\W\d_]", text)) and "=" not in text and (
        text[0].isupper() and len(text) > 1 or len(words) > 2 or len(words) == 2 and words != ["cols", "wide"]
    )


def test_no_text_of_a_page_is_outside_of_the_catalogue() -> None:
    found = {name: left for name in pages() if (left := outside(name, (ROOT / "templates" / name).read_text()))}
    assert not found


def test_what_scripts_say_is_told_to_them() -> None:
    said = re.compile(r'\bsay\((?:[^"()]+\? )?"([^"]+)"(?: : "([^"]+)")?')
    scripts = [path.read_text() for path in (ROOT / "widget").glob("*.js")]
    texts = {text for script in scripts for found in said.findall(script) for text in found if text}
    assert {"Copied", "late", "in a moment", "Somebody waits"} <= texts and not texts - set(SAID)


@pytest.mark.parametrize("source", [
    "<p>Left out</p>", '<input placeholder="Your name">', "<p>{{ 'Left out' if x else _('Saved') }}</p>",
    "<td data-th='Who'>{{ x }}</td>", "{{ m.button('/x', csrf, 'Delete') }}", "{% set names = {'a': 'A clinic'} %}",
    "<p>{{ x }} and more</p>", "{% for k, w in [('a', 'whole again')] %}{{ w }}{% endfor %}",
])
def test_what_is_left_out_is_found(source: str) -> None:
    assert outside("x", source)


def test_what_was_done_is_told_in_words_that_can_be_looked_up() -> None:
    """No text of the console's is put together where nobody could translate it."""
    found = []
    for path in sorted((ROOT / "hub/console").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", "")
            if isinstance(node, ast.Call) and name == "to" and len(node.args) == 2 and _mixed(node.args[1]):
                found.append(f"{path.name}:{node.lineno}")
    assert not found


def _mixed(node: ast.expr) -> bool:
    """A formatted text with words of its own in it."""
    parts = [n for n in ast.walk(node) if isinstance(n, ast.JoinedStr)]
    constants = [str(c.value) for one in parts for c in one.values if isinstance(c, ast.Constant)]
    return any(re.search(r"[^\W\d_]{2}", text) for text in constants)


@pytest.fixture(scope="module")
def made() -> Catalog:
    return catalogue.template()


def test_the_catalogues_are_those_of_the_sources(made: Catalog) -> None:
    """Otherwise: `make words`."""
    ours = {(m.context, m.id) for m in made if m.id}
    for name in ("console.pot", *(f"{code}.po" for code in CODES)):
        kept = catalogue.parsed((FOLDER / name).read_bytes())
        assert {(m.context, m.id) for m in kept if m.id} == ours, name


@pytest.mark.parametrize("code", CODES)
def test_what_is_compiled_is_what_is_written(code: str) -> None:
    assert (FOLDER / f"{code}.mo").read_bytes() == catalogue.compiled(catalogue.read(code))


@pytest.mark.parametrize("code", CODES)
def test_a_translation_has_the_same_places_and_marks(code: str) -> None:
    wrong, left = [], 0
    for one in catalogue.read(code):
        if not one.id:
            continue
        if not catalogue.done(one):
            left += 1
            continue
        assert not one.fuzzy, one.id
        ids = one.id if isinstance(one.id, tuple | list) else (one.id,)
        strings = one.string if isinstance(one.string, tuple | list) else (one.string,)
        wrong += [s for s in map(str, strings) if marks(s) not in [marks(i) for i in ids]]
    assert not wrong
    assert left <= OPEN[code], "write the smaller number down"


def marks(text: str) -> tuple[Counter[str], Counter[str], list[str]]:
    """Places for values, signs that HTML reads, and the blanks and points around it that stand beside other texts."""
    places = Counter(re.findall(r"%\(\w+\)s|%%|\{\w*\}", text))
    signs = Counter(re.findall(r"</?[a-z]+[^>]*>|&[a-z#0-9]+;|\"", text))
    return places, signs, [text[:1] if text[:1] in ",;·" else "", text[-1:] if text[-1:] == ":" else ""]


def test_whose_language() -> None:
    assert chosen("es", "pt-BR") == "es"
    assert chosen(None, "pt-BR,pt;q=0.9,en;q=0.8") == "pt-BR"
    assert chosen(None, "pt-PT, es;q=0.9") == "pt-BR"
    assert chosen(None, "fr, es-AR;q=0.5, en;q=0.4") == "es"
    assert chosen(None, "en;q=0, de") == chosen("xx", "") == chosen(None, "*") == ENGLISH
    assert chosen(None, ";;;q=,pt;q=x," * 400) == ENGLISH


class Backwards(Catalogue):
    """Every text read from its end: another language, for tests."""

    def __init__(self) -> None:
        super().__init__("es", Catalogues().of(ENGLISH)._found)

    def gettext(self, text: str) -> str:
        return f"<{text}>"

    def pgettext(self, of: str, text: str) -> str:
        return f"<{of}: {text}>"

    def ngettext(self, one: str, many: str, count: int) -> str:
        return f"<{one if count == 1 else many}>"


def test_what_was_told_is_said() -> None:
    words = Backwards()
    assert told("%(name)s is made.", name="Ana") == "Ana is made."
    assert words.say(told("%(name)s is made.", name="Saved.")) == "<Saved. is made.>"
    assert words.say(told("%(name)s is made.", name=told("A bot"))) == "<<A bot> is made.>"
    assert counted("%(count)s file", "%(count)s files", 1) == "1 file"
    assert words.say(counted("%(count)s file", "%(count)s files", 3)) == "<3 files>"
    assert Catalogues().of(ENGLISH).say("") == "" and Catalogues().of("es").say("") == ""


@pytest.mark.parametrize("code", CODES)
def test_sentences_with_values_are_known_by_their_shape(code: str) -> None:
    """Each of the catalogue, as whoever tries them all would find it."""
    words = Catalogues().of(code.replace("_", "-"))
    assert isinstance(words._found, _Read)
    shapes = words._found.shapes()
    found = Shapes(shapes)
    for pieces, one in shapes:
        text = "Zoé".join(pieces)
        first = next(s for s in shapes if _between(s[0], text) is not None)
        assert next(s for s in found.like(text) if _between(s[0], text) is not None) == first, one
        assert words.say(text) != text or words.gettext(first[1]) == first[1], one
    assert len(list(found.like("Bom dia, Zoé"))) * 5 < len(shapes)


def test_notes_of_files_are_said_with_their_figures() -> None:
    pt, es = Catalogues().of("pt-BR"), Catalogues().of("es")
    for note, portuguese, spanish in (
        ("12 frames within the page were not read.", "12 quadros dentro da página não foram lidos.",
         "12 marcos dentro de la página no se leyeron."),
        ("Pages 2-4, 9 of 1,200 hold no text; it may be scanned.",
         "As páginas 2-4, 9 de 1.200 não têm texto; talvez sejam digitalizadas.",
         "Las páginas 2-4, 9 de 1.200 no tienen texto; quizás estén escaneadas."),
        ('Comments were left out: "Hidden rows were left out."',
         'Os comentários ficaram de fora: "Hidden rows were left out."',
         'Los comentarios quedaron fuera: "Hidden rows were left out."'),
        ("The sheet Sales is damaged and was not read.", "A planilha Sales está danificada e não foi lida.",
         "La hoja Sales está dañada y no se leyó."),
        ("The part xl/styles.xml is damaged and was not read.",
         "A parte xl/styles.xml está danificada e não foi lida.",
         "La parte xl/styles.xml está dañada y no se leyó."),
        ("a.pdf has 3,000 pages; at most 2,000 are read.", "a.pdf tem 3.000 páginas; no máximo 2.000 são lidas.",
         "a.pdf tiene 3.000 páginas; se leen como máximo 2.000."),
        ("a.pdf took longer than 20 seconds and was given up.", "a.pdf levou mais de 20 segundos e foi abandonado.",
         "a.pdf: tardó más de 20 segundos; se abandonó."),
        ("It was read by OCR; words may be wrong. Pages 3-5 were hard to read.",
         "Foi lido por OCR; pode haver palavras erradas. As páginas 3-5 foram difíceis de ler.",
         "Se leyó por OCR; puede haber palabras erróneas. Las páginas 3-5 fueron difíciles de leer."),
    ):
        assert (pt.say(note), es.say(note)) == (portuguese, spanish)


def test_whatever_is_given_is_said() -> None:
    """And what is no word of ours is kept in mind, though not for ever."""
    for words in map(Catalogues().of, LANGUAGES):
        assert (words.say(None), words.say(7), words.say(UUID(int=1))) == ("", "7", str(UUID(int=1)))
    es = Catalogues().of("es")
    for n in range(UNKNOWN + 10):
        assert es.say(f"Zoé wrote {n}") == f"Zoé wrote {n}" == es.say(f"Zoé wrote {n}")
        assert es.say("x" * LONGEST + str(n)).startswith("x")
    assert 0 < len(es._unknown) <= UNKNOWN


def test_days_by_their_short_names_differ() -> None:
    """Short names are the first three letters of the long ones."""
    for code in LANGUAGES:
        words = Catalogues().of(code)
        first = [dated(catalogue.MADE.date().replace(month=n), "stamp", words) for n in range(1, 13)]
        assert len(set(first)) == 12 and all(a != b for a, b in pairwise(first))
