"""Tools as commands of the shell: which are moved there, and the files that stand for them."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from hub.tools.base import Tool
from hub.tools.shell.launch import COMMANDS, interpreter

CLIENT = Path(__file__).with_name("client.py")
# What can be the name of a command. Others stay tools.
_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def arrange(tools: Sequence[Tool], parameters: Mapping[str, Any]) -> tuple[list[Tool], list[Tool]]:
    """The tools that a gateway's model sees, and those that are commands of its shell instead. Pure.

    WhiteList: the listed ones are commands. BlackList: all but the listed ones. Reserved tools never
    are, and without `enableBash` none is.
    """
    if not parameters.get("enableBash"):
        return list(tools), []
    options = parameters.get("bashOptions") or {}
    listed = set(options.get("toolList") or ())
    listed_move = options.get("toolExclusionMode") != "BlackList"
    moved = [t for t in tools if (t.name in listed) == listed_move and not t.reserved and _COMMAND.fullmatch(t.name)]
    names = {t.name for t in moved}
    return [t for t in tools if t.name not in names], moved


def write(folder: Path, moved: Sequence[Tool]) -> None:
    """Put the commands and what they need to know into a folder."""
    program = f"#!{interpreter()[0]} -IS\n{CLIENT.read_text(encoding='utf-8')}"
    binaries = folder / "bin"
    binaries.mkdir(mode=0o755)
    for tool in moved:
        place = binaries / tool.name
        place.write_text(program, encoding="utf-8")
        place.chmod(0o755)
    known = {t.name: {"description": t.description, "schema": t.schema} for t in moved}
    (folder / "tools.json").write_bytes(orjson.dumps(known))
    (folder / "tools.json").chmod(0o644)


def told(moved: Sequence[Tool]) -> str:
    """About the commands, for the description of the shell."""
    if not moved:
        return ""
    lines = [f"- {t.name}: {' '.join(t.description.split())[:200]}" for t in moved]
    head = f" These commands (in {COMMANDS}/bin) reach outside; each explains its options with --help:"
    return "\n".join((head, *lines))
