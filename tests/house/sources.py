"""The sources, read once for the tests of their shape."""

import ast
import gc
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files(*folders: str) -> Iterator[tuple[str, str]]:
    """(path, text) of every module below the folders; all of the product without any."""
    for folder in folders or ("hub", "channels"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")


@cache
def modules(*folders: str) -> tuple[tuple[str, ast.Module, str], ...]:
    """(path, tree, text) of each."""
    found = tuple((path, ast.parse(text), text) for path, text in files(*folders))
    # Half a million nodes are no garbage: no later search for some looks through them.
    gc.freeze()
    return found


@cache
def walked(tree: ast.AST) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree))


@cache
def functions(tree: ast.AST) -> tuple[ast.FunctionDef | ast.AsyncFunctionDef, ...]:
    return tuple(n for n in walked(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


@cache
def imported(tree: ast.AST) -> tuple[str, ...]:
    """Top-level and inner imports alike, dotted."""
    found: list[str] = []
    for node in walked(tree):
        if isinstance(node, ast.Import):
            found += (a.name for a in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append(f"{node.module}")
    return tuple(found)
