"""Every statement of the store: valid, static, and bound to its account."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg

import hub.store
from hub.store.db import Db

FOLDER = Path(hub.store.__file__).parent
MODULES = sorted(m.name for m in pkgutil.walk_packages(hub.store.__path__, "hub.store."))
FILES = sorted(p for p in FOLDER.rglob("*.py") if p.name != "__init__.py")
START = re.compile(
    r"\s*(select|insert|update|delete|with|create|alter|merge|truncate|listen|notify)\b", re.IGNORECASE
)


# Names of roles, and what is told to them once: rights take no parameters.
ROLES = {"TENANT", "SYSTEM", "NOBODY"}
WALL, ASKED = (".wall", ".scope"), {"ROLES", "RAISES", "RAISE", "MEMBER", "OWNS"}


def statements() -> list[tuple[str, str]]:
    """(module.NAME, text) of every text constant; one that is no SQL fails its test."""
    found = []
    for module in MODULES:
        for name, value in vars(importlib.import_module(module)).items():
            if not name.isupper() or not isinstance(value, str) or name in ROLES:
                continue
            if not (module.endswith(WALL) and name not in ASKED):
                found.append((f"{module.removeprefix('hub.store.')}.{name}", value))
    return found


STATEMENTS = statements()


def test_all_modules_and_their_statements_are_seen() -> None:
    assert len(MODULES) == len(FILES)
    written = sum(
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and all(isinstance(t, ast.Name) and t.id.isupper() for t in node.targets)
        for file in FILES
        for node in ast.parse(file.read_text()).body
    )
    assert len(STATEMENTS) >= written > 60


async def test_every_statement_prepares(db: Db) -> None:
    wrong = []
    async with db.pool.acquire() as con:
        for name, sql in STATEMENTS:
            assert START.match(sql), name
            try:
                await con.prepare(sql)
            except asyncpg.PostgresError as e:
                wrong.append(f"{name}: {e} {getattr(e, 'hint', None) or ''}")
    assert wrong == []


def _called(file: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            on = ast.unparse(node.func.value)
            if node.func.attr in ("fetch", "row", "value", "run") and on in (
                "db",
                "call",
                "tx",
                "con",
                "t",
            ):
                yield f"{file.name}:{node.lineno}", node


def test_statements_are_constants_of_their_module() -> None:
    calls = [c for file in FILES if file.name not in ("db.py", "wall.py") for c in _called(file)]
    wrong = [
        where
        for where, call in calls
        if not (isinstance(call.args[0], ast.Name) and call.args[0].id.isupper())
    ]
    assert len(calls) > 60
    assert wrong == []


def test_no_statement_is_put_together() -> None:
    """No f-string, `%`, `+` or `.format` around text that looks like SQL."""
    wrong = []
    for file in FILES:
        if file.name in ("wall.py", "snapshots.py", "owed_indexes.py"):
            continue  # names of roles, tables and indexes are no parameters
        for node in ast.walk(ast.parse(file.read_text())):
            left: ast.AST | None = None
            if isinstance(node, ast.JoinedStr):
                left = node.values[0] if node.values else None
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
                left = node.left
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("format", "join")
            ):
                left = node.func.value
            if (
                isinstance(left, ast.Constant)
                and isinstance(left.value, str)
                and START.match(left.value)
            ):
                wrong.append(f"{file.name}:{node.lineno}")  # type: ignore[attr-defined]  # only statements are asked
    assert wrong == []


def _accounts(file: Path) -> Iterator[tuple[str, str]]:
    """(place, constant) of statements used by functions that take an account."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
            continue
        arguments = {a.arg for a in [*node.args.args, *node.args.kwonlyargs]}
        if not arguments & {"account", "account_id", "who", "caller"}:
            continue
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id.isupper():
                yield f"{file.stem}.{node.name}", inner.id


# Functions of the database, which ask for what is the account's own themselves.
LEASED = {"files.take", "key_limits.reserve", "key_limits.set_limits", "key_limits.succeed"}


def test_who_takes_an_account_asks_for_that_account() -> None:
    texts = {name.split(".")[-2] + "." + name.split(".")[-1]: sql for name, sql in STATEMENTS}
    used = [(place, f"{file.stem}.{name}") for file in FILES for place, name in _accounts(file)]
    scoped = [(place, name) for place, name in used if name in texts]
    assert len(scoped) > 30
    of_accounts = re.compile(
        r"\baccounts?\b[^;]*\bid = \$\d", re.IGNORECASE
    )  # the account's own row
    scoped = [(place, name) for place, name in scoped if place not in LEASED]
    assert [
        p for p, n in scoped if "account_id" not in texts[n] and not of_accounts.search(texts[n])
    ] == []


def test_only_the_store_holds_sql() -> None:
    root = FOLDER.parent
    sql = re.compile(
        r"(?is)^\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\w+(\s+\w+)?\s+set\s|delete\s+from\s|create\s+table\s)"
    )
    wrong = []
    for file in [*root.rglob("*.py"), *root.parent.joinpath("channels").rglob("*.py")]:
        if FOLDER in file.parents or file.name == "embedded.py":  # which makes the database itself
            continue
        wrong += [
            f"{file.relative_to(root.parent)}:{node.lineno}"
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and sql.match(node.value)
        ]
    assert wrong == []
