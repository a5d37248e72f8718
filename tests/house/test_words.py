"""What newcomers read agrees with what there is."""

import re
import subprocess
import sys

import pytest

from hub.api.app import ROUTES
from tests.house.commands import commands, hub
from tests.house.sources import ROOT

COMMANDS = (ROOT / "deploy/README.md").read_text()
PAGES = {"/apidocs", "/console", "/manual"}
EXPECTED = {
    "audit", "up", "web", "worker", "scheduler", "migrate", "init", "catalogue", "doctor", "login", "openapi", "twin",
    "backup", "restore", "rehearse",
}


def test_the_commands() -> None:
    assert commands() == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_command_is_described_and_explains_itself(name: str) -> None:
    assert re.search(rf"`hub {name}\b", COMMANDS), name
    said = hub(name, "--help")
    assert said.code == 0 and len(said.out.split("\n\n")) >= 2, said.err
    offered = set(re.findall(r"(--[a-z-]+)", said.out)) - {"--help"}
    [line] = [row for row in COMMANDS.splitlines() if row.startswith(f"| `hub {name}")] or [""]
    named = set(re.findall(r"(--[a-z-]+)", line))
    assert named <= offered, "a page promises an option that is not there"


def test_the_list_of_commands_has_words_for_each() -> None:
    said = hub("--help").out
    assert [n for n in EXPECTED if not re.search(rf"^\s+{n}\s+\S+", said, re.MULTILINE)] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["web"], "Set HUB_DATABASE_URL and HUB_REDIS_URL, or run `hub up`"),
        (["migrate"], "Set HUB_DATABASE_URL"),
        (["up", "--port", "99999", "--home", "/nowhere/at/all"], "HUB_PORT is not valid"),
        (
            ["up", "--port", "0", "--home", "/proc/nowhere"],
            "home folder /proc/nowhere cannot be written",
        ),
    ],
)
def test_what_cannot_start_says_so_in_one_line(arguments: list[str], words: str) -> None:
    said = hub(*arguments)
    assert said.code == 1
    assert said.err.startswith("hub: ") and words in said.err and said.err.count("\n") == 1


def test_make_targets_named_in_the_words_exist() -> None:
    for page in ("README.md", "README.pt.md", "deploy/README.md", "tests/README.md", "tests/bench/README.md"):
        for target in re.findall(r"(?:^\s+|`)make ([a-z]+)", (ROOT / page).read_text(), re.MULTILINE):
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target


def test_the_module_runs_as_a_program() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "hub"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2 and "usage: hub" in ran.stderr


def test_endpoints_named_in_the_words_exist() -> None:
    """With any name for a variable; those of networks are behind one path of their own."""
    methods = "(?:GET|POST|PUT|PATCH|DELETE)"
    named = re.compile(rf"({methods}(?:(?:/|`?, `?){methods})*)`? `?(/(?:api|v1)/[^\s`?,;)]*)")
    there = {(r.method, _any_variable(r.path)) for r in ROUTES}
    paths = {path for _, path in there}
    count = 0
    for page in (ROOT / "README.md", ROOT / "README.pt.md", *(ROOT / "templates/manual").glob("*.md")):
        text = page.read_text()
        for several, path in named.findall(text):
            if not path.startswith("/api/v1/webhooks/"):
                count += 1
                # "POST, PATCH `/v1/webhooks`" stands for the collection and for one of it.
                wanted = {(m, p) for m, p in there if p in (_any_variable(path), _any_variable(path) + "/*")}
                assert set(re.findall("[A-Z]+", several)) <= {m for m, _ in wanted}, f"{page.name}: {several} {path}"
        for path in re.findall(r"(?:127\.0\.0\.1:8080|\$HUB)(/[^\s\"'?`)]*)", text):
            assert _any_variable(path) in paths or path in PAGES, f"{page.name}: {path}"
    assert count > 40


def _any_variable(path: str) -> str:
    return re.sub(r"\{[^}]*\}|\$\w+", "*", path)
