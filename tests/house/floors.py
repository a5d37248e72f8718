"""The picture of the imports as text: `python -m tests.house.floors`; with `--write` it goes into hub/README.md.

The order of the floors is that of the import contracts in pyproject.toml; the arrows are the imports as they are.
"""

import ast
import re
import sys
import tomllib
from functools import cache
from typing import Any

from tests.house.sources import ROOT, modules, walked

PAGE = ROOT / "hub/README.md"
BEGIN, END = "<!-- floors: made by `python -m tests.house.floors --write` -->\n```text\n", "```\n<!-- /floors -->"
LOWEST = "the lowest floor"


def contracts() -> list[dict[str, Any]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(project["tool"]["importlinter"]["contracts"])


def floors(container: str = "") -> list[list[str]]:
    """Names that stand side by side, highest floor first, of the hub or of a container ("hub.chat")."""
    chosen = [c for c in contracts() if c["type"] == "layers" and c.get("containers", [""]) == [container]]
    return [_names(layer, container) for layer in chosen[0]["layers"]]


def _names(layer: str, container: str) -> list[str]:
    inside = f"{container}." if container else ""
    return [inside + part.strip(" ()") for part in layer.split("|")]


@cache
def imports(tree: ast.Module) -> frozenset[str]:
    """All that a module might name: `from hub import ids` is hub.ids."""
    found = set[str]()
    for node in walked(tree):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{a.name}" for a in node.names}
    return frozenset(found)


def arrows(known: list[str]) -> dict[str, set[str]]:
    """Which of the named packages each of them imports, taken from the sources."""
    found: dict[str, set[str]] = {name: set() for name in known}
    for path, tree, _ in modules():
        here = _of(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."), known)
        if here:
            found[here] |= {there for name in imports(tree) if (there := _of(name, known)) and there != here}
    return found


def _of(module: str, known: list[str]) -> str | None:
    return next((name for name in known if module == name or module.startswith(f"{name}.")), None)


def upward(levels: list[list[str]], found: dict[str, set[str]]) -> list[str]:
    """Arrows that do not lead down, except those that a contract names."""
    allowed = {line for c in contracts() for line in c.get("ignore_imports", ())}
    height = {name: n for n, level in enumerate(levels) for name in level}
    wrong = []
    for name, others in found.items():
        for other in sorted(others):
            named = any(re.match(rf"{re.escape(name)}\b.* -> {re.escape(other)}\b", line) for line in allowed)
            if height[other] <= height[name] and not named:
                wrong.append(f"{name} -> {other}")
    return wrong


def picture() -> str:
    """Floors of the hub, then the rooms of the chat; the lowest floor of the hub is named as one."""
    lines = []
    for container in ("", "hub.chat"):
        levels = floors(container)
        found = arrows([name for level in levels for name in level])
        lowest = set(levels[-1]) if not container else set()
        for level in levels:
            lines += [_line(name, found[name], lowest, levels) for name in level if name not in lowest]
            if not container and len(level) == len(levels[-1]) and set(level) == lowest:
                lines.append(f"{LOWEST}: {', '.join(_short(n) for n in sorted(lowest))}")
        lines.append("")
    return "\n".join(lines)


def _line(name: str, found: set[str], lowest: set[str], levels: list[list[str]]) -> str:
    order = [n for level in levels for n in level]
    below = [_short(n) for n in order if n in found - lowest]
    return f"{name:<22} -> {', '.join(below) or ('-' if not found & lowest else LOWEST)}"


def _short(name: str) -> str:
    return name.removeprefix("hub.").removeprefix("chat.")


def current(text: str) -> str:
    """The picture that a page shows."""
    return text.partition(BEGIN)[2].partition(END)[0]


def write() -> None:
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(head + BEGIN + picture() + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    write() if "--write" in sys.argv else print(picture())
