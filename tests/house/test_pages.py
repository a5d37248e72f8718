"""The pages for newcomers stay true: what they name exists, what they promise stands there, and they stay short."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from hub import __version__
from hub.config import Settings
from tests.house import floors
from tests.house.sources import ROOT, functions

FRONT = ROOT / "README.md"
LARGEST = 9_000
# Where a newcomer looks; each says where to begin a change.
FOLDERS = (
    "hub", "hub/accounts", "hub/api", "hub/chat", "hub/console", "hub/engine", "hub/jobs", "hub/knowledge",
    "hub/language", "hub/live", "hub/llm", "hub/outreach", "hub/processes", "hub/store", "hub/studio", "hub/tools",
    "channels", "channels/twins", "widget", "templates", "tests", "tests/bench", "deploy",
)
TOP = {
    "pyproject.toml", "README.md", "hub", "channels", "widget", "templates", "tests", "deploy", "docker-compose.yml",
    "Makefile", "LICENSE", "README.pt.md",
}
# What tools leave behind, kept out by .gitignore.
LEFT = re.compile(r"build|hub-home|node_modules|.*\.egg-info|.*\.log|__pycache__")
# A recipe a newcomer asks for, and a page that begins to answer it.
RECIPES = {
    "add a network": "channels", "add a row of an API": "hub/api", "add a built-in tool": "hub/tools",
    "add a console screen": "hub/console", "add a setting": "deploy", "add a migration": "hub/store",
    "add a bench row": "tests/bench", "add a language": "hub/language", "add a twin": "channels/twins",
    "add a page to the manual": "templates", "add a command": "hub/processes", "add a model": "hub/llm",
}
_SUFFIXES = r"py|md|sql|html|css|js|toml|yaml|yml|txt|example|lock"
_PATH = re.compile(rf"`((?:[\w.*-]+/)+[\w.*-]*|[\w*-]+\.(?:{_SUFFIXES}))`")
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_QUESTION = re.compile(r"^\| (.+\?) \| `([\w/.]+)` \| (?:`(\w+)`)? ?\|$", re.MULTILINE)


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def page_of(folder: str) -> Path:
    return ROOT / folder / "README.md"


def pages() -> list[Path]:
    return [FRONT, ROOT / "README.pt.md", *(page_of(f) for f in FOLDERS), ROOT / "deploy/CHANGELOG.md"]


def named(page: Path) -> Iterator[str]:
    """Paths that a page names; those of a running hub ("/console") begin with a slash and are none."""
    prose = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    yield from (m for m in _PATH.findall(prose) if not m.startswith(("v1/", "package/")))


def stands(page: Path, path: str) -> bool:
    """Whether there is such a file, from the repository's top or from the page's own folder."""
    return any(any(place.glob(path.rstrip("/"))) for place in (ROOT, page.parent))


def test_every_folder_has_its_page() -> None:
    assert [f for f in FOLDERS if not page_of(f).is_file()] == []
    packages = {p.parent.relative_to(ROOT).as_posix() for p in (ROOT / "hub").glob("*/__init__.py")}
    assert packages <= set(FOLDERS), "a new folder of the hub needs a README.md"


@pytest.mark.parametrize("page", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_what_a_page_names_exists(page: Path) -> None:
    assert [path for path in named(page) if not stands(page, path)] == []
    assert [link for link in _LINK.findall(text_of(page)) if not page.parent.joinpath(link).exists()] == []
    settings = {f"HUB_{n.upper()}" for n in Settings.model_fields}
    assert set(re.findall(r"\bHUB_[A-Z_]+[A-Z]\b", text_of(page))) <= settings | {"HUB_X_FILE"}


def test_a_path_that_does_not_exist_is_found_out() -> None:
    page = page_of("hub/store")
    assert not stands(page, "hub/store/nothing.py") and not stands(page, "nowhere/")
    assert stands(page, "hub/store/db.py") and stands(page, "channels/*/receive.py")
    assert _PATH.findall("`hub/a.py`, `/console`, `Makefile`, `b.toml`, `hub/x/`") == ["hub/a.py", "b.toml", "hub/x/"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_page_says_where_to_begin_and_can_be_read_in_a_minute(folder: str) -> None:
    text = text_of(page_of(folder))
    begin = "| to ... | begin in |" in text or "| to add ... | begin in |" in text
    assert begin, "a table of recipes"
    table = text.partition("begin in |")[2].partition("\n## ")[0]
    recipes = re.findall(r"^\| ([a-z].+) \| (.+) \|$", table, re.MULTILINE)
    assert [what for what, where in recipes if "`" not in where] == []
    if folder not in ("hub", "deploy", "tests/bench"):  # these hold decisions, operation and numbers as well
        assert len(text.split()) < 900


def test_the_recipes_that_are_asked_for_stand_where_they_belong() -> None:
    assert [r for r, folder in RECIPES.items() if f"| {r}" not in text_of(page_of(folder))] == []


def test_the_front_page_is_short_and_whole() -> None:
    assert FRONT.stat().st_size <= LARGEST and (ROOT / "README.pt.md").stat().st_size <= LARGEST
    heads = re.findall(r"^## (.+)$", text_of(FRONT), re.MULTILINE)
    assert heads == [
        "Run it", "Try it in a minute", "Connect a network", "The road of a message", "Measured", "Beside others",
        "Where to read on", "Honest limits", "Licence",
    ]
    translated = re.findall(r"^## (.+)$", text_of(ROOT / "README.pt.md"), re.MULTILINE)
    assert len(translated) == len(heads)
    assert not re.search(r"!\[[^\]]*\]\(https?:", text_of(FRONT)), "a badge of a foreign host"


def rows(text: str, head: str) -> list[list[str]]:
    """Cells of the first table under a heading."""
    part = text.partition(f"\n## {head}\n")[2].partition("\n## ")[0]
    found = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in found][2:]


def test_ten_measured_rows_stand_on_the_front_page_and_nowhere_else() -> None:
    measured = rows(text_of(FRONT), "Measured")
    assert len(measured) == 10 and all(re.search(r"\d", row[1]) for row in measured)
    assert sum("**missed**" in row[2] for row in measured) >= 1
    elsewhere = [*pages()[1:], *(ROOT / "templates/manual").glob("*.md")]
    figures = {f for row in measured for f in re.findall(r"\d[\d,.]*/s|[\d.]+(?: / [\d.]+)+ \w+|[\d,]+ bytes", row[1])}
    assert len(figures) >= 10
    again = {(p.name, f) for p in elsewhere for f in figures if re.search(rf"(?<![\d,.]){re.escape(f)}", text_of(p))}
    # The bare server and the model server, which other rows of the same run are measured against.
    assert {f for _, f in again} <= {"27,395/s"}


def test_questions_of_strangers_are_answered_by_files_and_functions_that_exist() -> None:
    asked = _QUESTION.findall(text_of(page_of("hub")))
    assert len(asked) >= 10 and len({q for q, _, _ in asked}) == len(asked)
    for question, file, function in asked:
        assert (ROOT / file).is_file(), question
        if function:
            tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
            assert function in {f.name for f in functions(tree)}, f"{question} {file}: {function}"
    for wanted in ("a Telegram album put together", "a group is ignored", "which line writes the answer"):
        assert any(wanted in q for q, _, _ in asked), wanted


def test_the_picture_of_the_floors_is_that_of_the_imports() -> None:
    assert floors.current(text_of(floors.PAGE)) == floors.picture(), "python -m tests.house.floors --write"


@pytest.mark.parametrize("container", ["", "hub.chat"])
def test_no_arrow_leads_up(container: str) -> None:
    levels = floors.floors(container)
    found = floors.arrows([name for level in levels for name in level])
    assert floors.upward(levels, found) == []
    lowest, highest = levels[-1][0], levels[0][0]
    assert floors.upward(levels, {lowest: {highest}}) == [f"{lowest} -> {highest}"]


def test_the_top_of_the_repository_is_what_it_is_said_to_be() -> None:
    there = {p.name for p in ROOT.iterdir() if not p.name.startswith(".") and not LEFT.fullmatch(p.name)}
    locks = {n for n in there if re.fullmatch(r"requirements[\w-]*\.lock", n)}
    assert locks and there - locks == TOP


def test_the_licence_is_named_everywhere_the_same() -> None:
    assert text_of(ROOT / "LICENSE").startswith("MIT License\n")
    assert re.search(r'^license = "MIT"$', text_of(ROOT / "pyproject.toml"), re.MULTILINE)
    assert "[MIT](LICENSE)" in text_of(FRONT)


def test_the_changes_begin_with_the_version_that_is_being_made() -> None:
    version = __version__
    heads = re.findall(r"^## (\S+)", text_of(ROOT / "deploy/CHANGELOG.md"), re.MULTILINE)
    assert heads[0].rstrip(",:") == version and len(set(heads)) == len(heads)
