"""What deploy/SECURITY.md promises is true: what is kept, where secrets are, and that each promise has its check."""

import ast
import re
from pathlib import Path

from hub.store.db import Db

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "deploy/SECURITY.md").read_text(encoding="utf-8")
CHECKS = sorted((ROOT / "tests/security").glob("test_*.py"))


def part(title: str) -> str:
    return PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


async def test_every_secret_is_named_and_where_it_lies(db: Db) -> None:
    rows = await db.fetch(
        "select c.relname || '.' || a.attname as name from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and a.attnum > 0 and not a.attisdropped"
        " and (a.atttypid = 'bytea'::regtype or a.attname = 'password')"
    )
    named = set(re.findall(r"`(\w+\.\w+)`", part("Where secrets are")))
    assert {r["name"] for r in rows} == named


async def test_every_table_is_named(db: Db) -> None:
    rows = await db.fetch(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
    )
    named = set(re.findall(r"`(\w+)`", part("What is kept").split("\nHow long")[0]))
    assert {r["relname"] for r in rows} == named


def test_every_promise_has_its_check_and_every_check_its_promise() -> None:
    named = set(re.findall(r"`(tests/security/test_\w+\.py)`", part("Promises")))
    there = {str(p.relative_to(ROOT)) for p in CHECKS} - {"tests/security/test_promises.py"}
    assert named == there


def test_there_are_a_hundred_checks() -> None:
    functions = [
        node.name for p in CHECKS for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    assert len(set(functions)) >= 99
