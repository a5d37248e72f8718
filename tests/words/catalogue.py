"""The catalogues of templates/words, made of what the pages and the code say: `make words`.

New texts come into the .pot and every .po with nothing beside them, those that are gone go; what is translated is kept,
and compiled. References name files without lines, so that two people's changes meet without a conflict.
"""

import ast
import inspect
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from hub import errors, pydantic_base
from hub.api import problems
from hub.errors import HubError
from hub.translations import ENGLISH, FOLDER, LANGUAGES, LEAST
from tests.house.sources import ROOT

# Pages of people at the console; what visitors read is in hub/chat/website/culture.yaml.
PAGES = ("console/*.html", "problem.html")
# Where what is refused is read on a screen.
PLACES = (
    "console/", "accounts/", "chat/operators/", "chat/clients/", "chat/outbound/", "outreach/", "knowledge/",
    "tools/schedule/", "api/http/uploads.py", "api/http/bounded.py",
)
SCREENS = ("console/", "chat/operators/")
# Whose whole sentences are read on a screen, as networks, files and rules give them; kept in the database in English.
SENTENCES = (
    "channels/cloud/", "channels/evolution/", "channels/kapso/", "channels/meta/codes.py", "channels/meta/outgoing.py",
    "channels/telegram/send.py", "channels/telegram/session.py", "channels/telegram/files.py",
    "channels/telegram/place.py", "channels/zapi/", "channels/http.py", "channels/media.py", "channels/plug.py",
    "channels/templates.py", "channels/webhook.py", "hub/chat/clients/templates.py", "hub/chat/outbound/",
    "hub/outreach/admission.py", "hub/outreach/campaigns.py", "hub/outreach/catchup.py", "hub/outreach/results.py",
    "hub/outreach/rules.py", "hub/knowledge/children/", "hub/knowledge/files.py", "hub/knowledge/index.py",
    "hub/knowledge/readings.py", "hub/knowledge/sources.py", "hub/knowledge/website.py", "hub/child_processes.py",
)
# Instructions to models, and what is not all there is of a sentence.
LEFT_OUT = ("Describe this picture", "EngineConfig")
_ENDING = re.compile(r"[a-z]%\(value\)s")
_FATE = re.compile(
    r"[A-Z][\w-]+ refused: |(Cancelled|Discarded|Failed|Missed|Refused|Template sent|Unknown|Waiting):\s+\w"
)
MADE = datetime(2026, 1, 1, tzinfo=UTC)
CODES = [code.replace("-", "_") for code in LANGUAGES if code != ENGLISH]
KEYWORDS = ("gettext", "_", "ngettext", "pgettext")
OPTIONS = {"extensions": "jinja2.ext.i18n", "trimmed": "true", "newstyle_gettext": "true", "silent": "false",
           "trim_blocks": "true", "lstrip_blocks": "true"}
ERRORS = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, HubError)}
PLACE = re.compile(r"%\(\w+\)s")


@dataclass(frozen=True)
class Said:
    """A word with what it is said of."""

    of: str
    text: str


Text = str | tuple[str, str] | Said


def template() -> Catalog:
    """All that is said, with where it is."""
    found = defaultdict[Text, set[str]](set)
    for place, text in said():
        found[text].add(place)
    made = Catalog(project="hub", version="1", creation_date=MADE, revision_date=MADE, fuzzy=False, charset="utf-8")
    for text, places in found.items():
        where = [(place, 0) for place in sorted(places)]
        if isinstance(text, Said):
            made.add(text.text, locations=where, context=text.of)
        else:
            made.add(text, locations=where)
    return made


def said() -> Iterator[tuple[str, Text]]:
    for pattern in PAGES:
        for path in sorted((ROOT / "templates").glob(pattern)):
            for text in of_page(path.read_bytes()):
                yield str(path.relative_to(ROOT)), text
    for path in sorted((ROOT / "hub").rglob("*.py")):
        where = path.relative_to(ROOT / "hub").as_posix()
        for text in of_code(path.read_text(encoding="utf-8"), where.startswith(PLACES), where.startswith(SCREENS)):
            yield str(path.relative_to(ROOT)), text
    yield from _told_elsewhere()
    for text in of_errors():
        yield "hub/errors.py", text
    for text in of_complaints():
        yield "hub/pydantic_base.py", text


def _told_elsewhere() -> Iterator[tuple[str, str]]:
    for path in sorted(path for folder in ("channels", "hub") for path in (ROOT / folder).rglob("*.py")):
        if (where := path.relative_to(ROOT).as_posix()).startswith(SENTENCES):
            for text in of_sentences(path.read_text(encoding="utf-8")):
                yield where, text


def of_page(source: bytes) -> Iterator[Text]:
    for _, name, text, _ in babel_extract(io.BytesIO(source), KEYWORDS, (), OPTIONS):
        if name == "ngettext" and isinstance(text, tuple):
            yield str(text[0]), str(text[1])
        elif name == "pgettext" and isinstance(text, tuple):
            yield Said(str(text[0]), str(text[1]))
        elif found := text[0] if isinstance(text, tuple) else text:
            yield str(found)


def of_code(source: str, refusals: bool = True, screens: bool = True) -> Iterator[Text]:
    """refusals: also what errors say; screens: also what pages say of what was done."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name, args = _called(node), node.args
        if name == "counted" and len(args) == 3:
            yield next(constants(args[0])), next(constants(args[1]))
        elif (name == "told" or screens and name in ("say", "gettext")) and args:
            yield from constants(args[0])
        elif screens and name == "to" and len(args) == 2:
            yield from constants(args[1])
        elif name in ERRORS and args and refusals:
            # Of what is nearly all value nothing could be known again.
            yield from (text for text in constants(args[0]) if len("".join(PLACE.split(text))) >= LEAST)


def of_sentences(source: str) -> Iterator[str]:
    """Whole sentences that are no docstrings, and what a network asks a business for."""
    tree = ast.parse(source)
    docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    parts = {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in n.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "Setting":
            yield from (text for arg in node.args[1:3] for text in constants(arg))
        elif isinstance(node, ast.Call) and _called(node) == "note" and node.args:
            yield from (text for text in constants(node.args[0]) if len(PLACE.sub("", text)) >= LEAST)
        elif isinstance(node, ast.Call) and _called(node) == "No" and node.args:
            yield from (f"%(name)s {text}." for text in constants(node.args[0]))
        elif isinstance(node, ast.Call) and _called(node) == "Stopped" and node.args:
            yield from constants(node.args[0])
        elif isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in docs | parts:
            yield from (text for text in constants(node) if is_sentence(text))


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_sentence(text: str) -> bool:
    """It begins like one, has words, and ends, or begins with what became of it; by its own words it is known again."""
    own = PLACE.sub("", text)
    words = len(re.findall(r"[A-Za-z]+", own))
    begins = bool(re.match(r"[A-Z%@]", text)) and not text.startswith(LEFT_OUT)
    fate = bool(_FATE.match(own))
    if _ENDING.search(text):  # one or several: the number of another language is not known from it
        return False
    return begins and len(own) >= LEAST and words > 1 and (text.endswith(".") and words > 2 or fate)


def constants(node: ast.expr) -> Iterator[str]:
    """The text of an argument, of either branch of a choice; of a formatted one with places for its values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        yield shape(node)


def shape(node: ast.JoinedStr) -> str:
    """%(name)s for each value, by its own name where it has one."""
    taken: list[str] = []
    text = ""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            own = part.value.attr if isinstance(part.value, ast.Attribute) else getattr(part.value, "id", "value")
            own = own.lower()
            taken.append(next(n for n in (own, *(f"{own}{k}" for k in range(2, 20))) if n not in taken))
            text += f"%({taken[-1]})s"
        else:
            text += str(ast.literal_eval(part)).replace("%", "%%")
    return text


def of_errors() -> Iterator[str]:
    """What an error says that is given no text, and the page about its code."""
    yield from dict.fromkeys(problems.known().values())
    yield inspect.getdoc(HubError) or ""
    yield problems.OTHER


def of_complaints() -> Iterator[str]:
    """What is said of a field that does not fit its schema."""
    limits = (pattern.format("%(limit)s") for _, pattern in pydantic_base._LIMITS.values())
    for words in dict.fromkeys((*pydantic_base._WORDS.values(), *limits)):
        yield f"%(field)s {words}."


def read(code: str) -> Catalog:
    """The head of a new one: one form for one, one for all others."""
    path = FOLDER / f"{code}.po"
    head = ("Content-Type: text/plain; charset=utf-8", "Plural-Forms: nplurals=2; plural=(n != 1);")
    new = 'msgid ""\nmsgstr ""\n' + "".join(f'"{line}\\n"\n' for line in head)
    return parsed(path.read_bytes() if path.exists() else new.encode(), code)


def parsed(content: bytes, code: str | None = None) -> Catalog:
    return read_po(io.BytesIO(content), locale=code)


def compiled(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def text(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalogue, width=118, sort_output=True, ignore_obsolete=True, include_lineno=False)
    return re.sub(rb"(?m)^\"Generated-By: .*\n", b"", out.getvalue())


def updated(code: str, made: Catalog) -> Catalog:
    found = read(code)
    found.update(made, no_fuzzy_matching=True)
    found.header_comment = f"# The hub's console, {code}."
    found.project, found.version, found.msgid_bugs_address = "hub", "1", ""
    found.last_translator = found.language_team = ""
    found.creation_date = found.revision_date = MADE
    return found


def write(folder: Path = FOLDER) -> None:
    made = template()
    made.header_comment = "# The hub's console."
    (folder / "console.pot").write_bytes(text(made))
    for code in CODES:
        found = updated(code, made)
        (folder / f"{code}.po").write_bytes(text(found))
        (folder / f"{code}.mo").write_bytes(compiled(found))
        print(f"{code}: {len(found)} texts, {sum(1 for m in found if m.id and not done(m))} not translated")


def done(message: Message) -> bool:
    """Whether somebody has translated it, all its forms."""
    found = message.string
    return all(found) if isinstance(found, tuple | list) else bool(found)


if __name__ == "__main__":
    write()
