"""The house stays small and its floors stay apart."""

import ast
import logging
import re
from functools import cache

import pytest
from click.testing import CliRunner
from importlinter.cli import lint_imports_command

from hub.config import Settings
from tests.house.sources import ROOT, files, functions, imported, modules, walked

LINES, LENGTH = 400, 60
# Where anything may be caught, because what follows must go on whatever happened.
CATCHES_ALL = {
    "hub/api/mcp/server.py": "an agent is answered whatever happens, and told nothing of it",
    "hub/api/http/middleware.py": "a request is answered whatever happens",
    "hub/chat/inbound/intake.py": "every caller of a failed commit must hear of it",
    "hub/chat/inbound/journal.py": "every caller of a failed commit must hear of it",
    "hub/chat/inbound/webhooks.py": "a call that a fault of ours keeps out is sent again, or kept on disk",
    "hub/chat/inbound/folding.py": "a call that cannot be folded must not end the folding of others",
    "hub/chat/operators/planned.py": "a planned message that breaks must not keep those of others waiting",
    "hub/engine/tool_calls.py": "a tool that breaks must not lose the answer",
    "hub/store/usage.py": "everyone who waits must hear of it",
    "hub/store/together.py": "each of a group goes alone, and all others of this process go on",
    "hub/chat/inbound/spool.py": "one kept call must not hold up the others",
    "hub/processes/short_calls.py": "a call goes the usual way, and all others of its commit are told",
    "hub/studio/session_events.py": "an account whose events cannot be told must not keep the others waiting",
    "hub/jobs/indexing.py": "a document that breaks must not keep the others out",
    "hub/jobs/embedding.py": "an embedder that breaks must not keep the others out",
    "hub/jobs/reading.py": "a file that cannot be read must not keep the others out",
    "channels/registry.py": "a network of another package must not stop the others",
    "hub/jobs/runner.py": "the worker goes on; the lease runs out",
    "hub/jobs/sweeps.py": "a repair is tried again",
    "hub/processes/scheduler.py": "the clock ticks on",
}
MUTABLE = {
    "dict",
    "list",
    "set",
    "defaultdict",
    "deque",
    "Counter",
    "OrderedDict",
    "bytearray",
    "WeakSet",
    "WeakKeyDictionary",
}


def test_sizes() -> None:
    long_files = [
        f"{p}: {n}"
        for p, _, text in modules()
        if (n := sum(1 for line in text.splitlines() if line.strip())) > LINES
    ]
    long_functions = [
        f"{p}:{f.lineno} {f.name}: {n}"
        for p, tree, _ in modules()
        for f in functions(tree)
        if (n := (f.end_lineno or 0) - f.lineno + 1) > LENGTH
    ]
    assert len(modules()) > 100
    assert long_files == []
    assert long_functions == []


def test_import_contracts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    ran = CliRunner().invoke(lint_imports_command, ["--no-cache"])
    # It switches off every logger there is, and later tests read what is logged.
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False
    assert ran.exit_code == 0, ran.output


def test_every_module_says_what_it_is_for() -> None:
    assert [p for p, tree, text in modules() if text.strip() and not ast.get_docstring(tree)] == []


def _assigned(node: ast.stmt) -> ast.expr | None:
    return node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None


def _changes(value: ast.expr) -> bool:
    """Whether the value is one that can be changed in place."""
    if isinstance(value, ast.Call):
        name = (
            value.func.attr
            if isinstance(value.func, ast.Attribute)
            else getattr(value.func, "id", "")
        )
        return name in MUTABLE
    return isinstance(
        value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    )


def _touched(tree: ast.Module, name: str) -> bool:
    """Whether the module changes that name anywhere: a table that is only read is no state."""
    changing = {
        "append",
        "add",
        "update",
        "pop",
        "clear",
        "setdefault",
        "extend",
        "remove",
        "discard",
        "insert",
        "popitem",
        "appendleft",
    }
    return any(
        _holder(node) == name
        for node in walked(tree)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in changing
        )
        or (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del))
    )


def _holder(node: ast.AST) -> str:
    """What a method is called on, or an item is set in."""
    held = node.func if isinstance(node, ast.Call) else node
    return ast.unparse(held.value) if isinstance(held, ast.Attribute | ast.Subscript) else ""


def _empty(value: ast.expr) -> bool:
    """Made empty, so made to be filled."""
    if isinstance(value, ast.Call):
        return not value.args
    return isinstance(value, ast.List | ast.Set | ast.Dict) and not (
        value.keys if isinstance(value, ast.Dict) else value.elts
    )


def test_modules_hold_no_state() -> None:
    found = []
    for path, tree, _ in modules():
        found += [f"{path}:{n.lineno} global" for n in walked(tree) if isinstance(n, ast.Global)]
        for node in tree.body:
            value = _assigned(node)
            if value is None or not _changes(value):
                continue
            # mypy keeps a Mapping or Sequence as it is.
            fixed = isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation).startswith(
                ("Mapping", "Sequence")
            )
            targets = getattr(node, "targets", None) or [getattr(node, "target", node)]
            names = [ast.unparse(target) for target in targets]
            found += [
                f"{path}:{node.lineno} {n}"
                for n in names
                if (_empty(value) and not fixed) or _touched(tree, n)
            ]
    assert found == []


def test_only_named_places_catch_everything() -> None:
    found = {}
    for path, tree, _ in modules():
        for node in walked(tree):
            if isinstance(node, ast.ExceptHandler) and not _reraises(node):
                caught = (
                    {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
                    if node.type
                    else {"BaseException"}
                )
                if caught & {"Exception", "BaseException"}:
                    found[path] = node.lineno
    assert set(found) <= set(CATCHES_ALL), found


def _reraises(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_nothing_is_left_to_do() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError|pragma: no cover)\b")
    assert [
        f"{p}:{n}"
        for p, _, text in modules()
        for n, line in enumerate(text.splitlines(), 1)
        if words.search(line)
    ] == []


def test_no_pattern_keeps_a_group_for_good() -> None:
    """Python before 3.11.5, as Debian 12 has it, forgets a part of what such a group has matched (gh-106052)."""
    kept = re.compile(r"(?<![\\(])\)(?:[*+?]|\{\d*,?\d*\})\+|\(\?>")
    assert kept.search('"(?:a|b)*+"') and kept.search('"(?>a|b)"') and not kept.search('"(?:a++|[b)]*+)+"')
    texts = [t for _, _, text in modules() for t in ast.walk(ast.parse(text)) if isinstance(t, ast.Constant)]
    written = (t.value.decode("latin-1") if isinstance(t.value, bytes) else t.value for t in texts)
    assert [w for w in written if isinstance(w, str) and kept.search(w)] == []


def test_a_type_is_ignored_only_with_a_reason() -> None:
    ignored = re.compile(r"#\s*type:\s*ignore(?!\[[\w, -]+\]  # \w)")
    assert [
        f"{p}:{n}"
        for p, text in files("hub", "channels", "tests")
        for n, line in enumerate(text.splitlines(), 1)
        if ignored.search(line) and "re.compile" not in line
    ] == []


def test_production_code_holds_no_switch_for_tests() -> None:
    told = {n: f.description or "" for n, f in Settings.model_fields.items()}
    assert [n for n, words in told.items() if re.search(r"\btests?\b|\bcrash", f"{n} {words}", re.IGNORECASE)] == []
    # The contract tests are themselves a product: other packages run them.
    there = [(p, text) for p, _, text in modules() if not p.startswith("channels/contract/")]
    assert [p for p, text in there if re.search(r"\bpytest\b|PYTEST|\b_exit\(9\)", text)] == []


def test_no_import_inside_a_function() -> None:
    found = [
        f"{p}:{n.lineno}"
        for p, tree, _ in modules()
        for f in functions(tree)
        for n in ast.walk(f)
        if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    assert found == []


# (package, where alone it may be imported)
ONLY = [
    ("openai", ("hub/llm/openai.py",)),
    ("aiogram", ()),
    ("asyncpg", ("hub/store/", "hub/chat/inbound/webhooks.py")),
    ("redis", ("hub/live/",)),
    ("arq", ("hub/live/", "hub/jobs/", "hub/processes/worker.py", "hub/runtime.py")),
    ("aiohttp.web", ("hub/api/", "hub/console/", "hub/processes/", "channels/twins/", "channels/contract/")),
    ("apscheduler", ("hub/processes/scheduler.py",)),
    ("mcp", ("hub/tools/mcp/", "hub/api/mcp/")),
    ("mcp_types", ("hub/tools/mcp/", "hub/api/mcp/")),
    ("httpx2", ("hub/tools/mcp/",)),
    ("jsonschema", ("hub/schemas.py", "hub/accounts/functions.py")),
    ("py_mini_racer", ("hub/tools/children/",)),
    ("plutoprint", ("hub/tools/children/",)),
    ("requests", ()),
    ("obstore", ("hub/objects.py",)),
    ("pickle", ()),
    ("subprocess", ("hub/processes/",)),
]


@pytest.mark.parametrize(("package", "places"), ONLY, ids=[p for p, _ in ONLY])
def test_a_package_is_used_where_it_belongs(package: str, places: tuple[str, ...]) -> None:
    users = {
        p
        for p, tree, _ in modules()
        for name in _names(tree)
        if name == package or name.startswith(f"{package}.")
    }
    assert {u for u in users if not u.startswith(places or ("-",))} == set()


@cache
def _names(tree: ast.AST) -> list[str]:
    found = list(imported(tree))
    for node in walked(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{a.name}" for a in node.names]
    return found


def test_scripts_of_pages_import_downwards() -> None:
    """What would import itself, by way of others, is given a callback from above."""
    takes = {
        p.name: set(re.findall(r'^import .*"\./([\w.-]+)";$', p.read_text(encoding="utf-8"), re.MULTILINE))
        for p in (ROOT / "widget").glob("*.js")
    }
    assert sum(map(len, takes.values())) > 20, "they are read as they are written"
    while low := {name for name, below in takes.items() if not below & takes.keys()}:
        for name in low:
            del takes[name]
    assert takes == {}, "these import each other in a circle"


def test_the_environment_is_read_in_one_place() -> None:
    """`hub up` hands its children an environment, the program for pictures tells its libraries to be quiet: they make
    one, they ask nothing of it."""
    found = set()
    for path, tree, _ in modules():
        for node in walked(tree):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in ("environ", "getenv", "environb")
                and ast.unparse(node.value) == "os"
            ):
                found.add(path)
    assert found <= {"hub/config.py", "hub/processes/up.py", "hub/knowledge/children/ocr.py"}


def test_channels_and_doors_stay_apart() -> None:
    inner = [
        p
        for p, tree, _ in modules("channels")
        if any(n == "hub" or n.startswith("hub.") for n in imported(tree))
    ]
    assert inner == []
    below = ("hub/store/", "hub/live/", "hub/llm/", "hub/knowledge/", "hub/accounts/", "hub/chat/", "hub/engine/")
    doors = [
        p
        for p, tree, _ in modules()
        if p.startswith(below)
        and any(n.startswith(("hub.api", "hub.jobs", "hub.processes")) for n in imported(tree))
    ]
    assert doors == []
