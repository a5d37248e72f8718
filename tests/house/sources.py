"""The sources, read once for the tests of their shape."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


@cache
def modules(*folders: str) -> tuple[tuple[str, ast.Module, str], ...]:
    """(path, tree, text) of every module below the folders; all of the product without any."""
    files = sorted(
        f for folder in folders or ("hub", "channels") for f in (ROOT / folder).rglob("*.py")
    )
    texts = [(str(f.relative_to(ROOT)), f.read_text(encoding="utf-8")) for f in files]
    return tuple((path, ast.parse(text), text) for path, text in texts)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(tree: ast.AST) -> Iterator[str]:
    """Top-level and inner imports alike, dotted."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield f"{node.module}"
