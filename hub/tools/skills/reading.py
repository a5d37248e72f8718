"""The list of skills, the tool that takes them up, and what a conversation has taken up. Pure but for the tool."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from hub.domain import Json, Skill
from hub.language.folding import fold
from hub.tools.base import Context, Result, Tool, schema
from hub.tools.untrusted_text import fenced

NAME = "read_skill"
LISTED = (
    "Skills are instructions for kinds of tasks. When a task fits one of these, call `read_skill` with its slug "
    "before you go on; the instructions then stand in <activated_skill>. A later call puts other skills in place."
)
SCHEMA = schema(
    ["slugs"],
    slugs={
        "type": "array",
        "items": {"type": "string"},
        "description": "Slugs of all skills that shall be active from now on; an empty list ends them all.",
    },
)


def listing(skills: Sequence[Skill]) -> str | None:
    """For the system instructions: slugs and descriptions; None without skills."""
    if not skills:
        return None
    lines = [f"- {s.slug}: {' '.join(s.description.split())}" if s.description else f"- {s.slug}" for s in skills]
    return f"{LISTED}\n{fenced('available_skills', chr(10).join(lines))}"


def read_skill(skills: Sequence[Skill]) -> Tool:
    """The tool. What it activates is read from the conversation afterwards, by `active`."""

    async def run(_: Context, arguments: Json) -> Result:
        found, unknown = _split(arguments["slugs"], skills)
        said = [f"Activated: {', '.join(found)}."] if found else []
        if unknown:
            said.append(f"Unknown: {', '.join(unknown)}; the skills are {', '.join(s.slug for s in skills)}.")
        if not found:
            said.append("Nothing was changed." if unknown else "No skill is active now.")
        return Result(" ".join(said))

    text = "Take up the instructions of one or more skills, in place of those that are active."
    return Tool(NAME, text, SCHEMA, run, reserved=True, effect=False)


def active(messages: Sequence[Json], skills: Sequence[Skill]) -> list[str]:
    """Slugs that the last call of `read_skill` in a conversation activated.

    messages: the chat format, oldest first. A call that names only unknown skills, or whose
    arguments cannot be read, changed nothing.
    """
    for message in reversed(messages):
        for call in reversed(_calls(message)):
            found, unknown = _split(call, skills)
            if found or not unknown:
                return found
    return []


def _calls(message: Json) -> list[list[str]]:
    """The slugs of each call of the tool in a message."""
    if message.get("role") != "assistant":
        return []
    found = []
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        slugs = _slugs(function.get("arguments")) if function.get("name") == NAME else None
        if slugs is not None:
            found.append(slugs)
    return found


def _slugs(arguments: Any) -> list[str] | None:
    try:
        read = orjson.loads(arguments) if isinstance(arguments, str) else arguments
    except orjson.JSONDecodeError:
        return None
    slugs = read.get("slugs") if isinstance(read, dict) else None
    if not isinstance(slugs, list) or not all(isinstance(s, str) for s in slugs):
        return None
    return slugs


def _split(slugs: Iterable[str], skills: Sequence[Skill]) -> tuple[list[str], list[str]]:
    """Slugs as the skills spell them, and those of no skill; each once."""
    known = {fold(s.slug): s.slug for s in skills}
    given = list(dict.fromkeys(fold(s).strip() for s in slugs))
    return [known[s] for s in given if s in known], [s[:64] for s in given if s not in known]
