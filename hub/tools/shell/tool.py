"""The tool `shell`, and the workspace that the commands of a turn share."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from hub.config import Settings
from hub.domain import Json
from hub.errors import HubError
from hub.tools.base import Context, Result, Tool, ToolFailed, schema
from hub.tools.memory_owner import user_of
from hub.tools.shell import commands, folders, launch, places, sandbox, whose
from hub.tools.shell.bridge import Run, bridge
from hub.tools.shell.files import Quota
from hub.tools.shell.places import Place
from hub.tools.shell.sandbox import Outcome

NAME = "shell"
LONGEST = 32_000
OFF = "The shell is switched off on this server."
SCHEMA = schema(
    ["command"],
    command={"type": "string", "minLength": 1, "maxLength": LONGEST, "description": "One or more lines of bash."},
)


@dataclass(frozen=True, slots=True)
class Workspace:
    """The files of a turn's commands. stage: a folder of the turn for what the hub puts beside them.
    kept: whether the files are there the next time."""

    place: Place
    stage: Path
    kept: bool


def quota(settings: Settings) -> Quota:
    return Quota(settings.shell_workspace_mb << 20, settings.shell_workspace_files)


@asynccontextmanager
async def workspace(context: Context) -> AsyncIterator[Workspace]:
    """Enter it once a turn. The files are kept for the person when the gateway allows that
    (`allowDataPersistence`) and one is named; else they go with the turn."""
    home = context.hub.settings.home
    options = context.gateway.parameters.get("bashOptions") or {}
    user = user_of(context) if options.get("allowDataPersistence") else None
    with TemporaryDirectory(prefix="hub-shell-") as folder:
        kept = None
        if user is not None:
            kept = await whose.place(context.hub, context.account_id, user, person=context.person, make=True)
        place = await asyncio.to_thread(_made, home, kept)
        try:
            yield Workspace(place, Path(folder), user is not None)
        finally:
            if user is None:
                await asyncio.to_thread(places.discard, place.folder)


def shell_tool(space: Workspace, moved: Sequence[Tool], run: Run) -> Tool:
    """The tool. moved: tools that are commands inside; `run(name, arguments)` runs one for its output.

    Several commands may run at the same time.
    """

    async def call(context: Context, arguments: Json) -> Result:
        settings = context.hub.settings
        command = str(arguments["command"])
        _check(settings, command)
        async with AsyncExitStack() as stack:
            names, sockets = None, None
            if moved:
                names = await asyncio.to_thread(_written, space.stage, moved)
                sockets = Path(stack.enter_context(TemporaryDirectory(dir=space.stage)))
                # As root the hub runs commands as another user, who must get through.
                os.chmod(sockets, 0o711)
                await stack.enter_async_context(bridge(sockets, moved, run))
            box = launch.box(settings, space.place.files, names, sockets)
            made = await sandbox.run(
                box, command, seconds=max(0.1, min(settings.shell_seconds, context.left)), limit=settings.shell_output,
                full=await _fullness(space.place, quota(settings)),
            )
        return Result(report(made, settings.shell_output))

    return Tool(NAME, _description(space, moved), SCHEMA, call, reserved=True)


def report(made: Outcome, limit: int) -> str:
    """What the model reads of a command."""
    notes = [f"[the output is cut after {limit:,} characters]"] if made.cut else []
    if made.stopped is not None:
        notes.append(f"[the command was stopped: {made.stopped}]")
    elif made.code:
        notes.append(f"[exit code {made.code}]")
    text = made.output if made.output.endswith("\n") or not notes or not made.output else made.output + "\n"
    return text + "\n".join(notes) if text or notes else "[no output]"


def _description(space: Workspace, moved: Sequence[Tool]) -> str:
    lasting = "stay for this person's next conversations" if space.kept else "are gone after this answer"
    return (
        f"Run a command with bash in a sandbox without network. It starts in {launch.HOME}, the only place for files; "
        f"they {lasting}. Output and time are limited.{commands.told(moved)}"
    )


def _check(settings: Settings, command: str) -> None:
    if not settings.shell:
        raise ToolFailed(OFF)
    if not command.strip() or len(command) > LONGEST or "\0" in command:
        raise ToolFailed(f"command must have 1 to {LONGEST:,} characters, and none of them NUL.")
    try:
        command.encode()
    except UnicodeEncodeError:
        raise ToolFailed("command is not valid text.") from None


def _made(home: Path, kept: Place | None) -> Place:
    home.mkdir(parents=True, exist_ok=True)
    place = kept or places.passing(home)
    with folders.room():
        place.make()
    return place


def _written(stage: Path, moved: Sequence[Tool]) -> Path:
    folder = stage / "commands"
    if not folder.exists():
        # Whole or not at all: a call that was cut short may still be writing when the next one looks.
        made = Path(mkdtemp(dir=stage))
        made.chmod(0o755)
        commands.write(made, moved)
        try:
            made.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    return folder


async def _fullness(place: Place, most: Quota) -> sandbox.Full:
    """Says when a workspace has become too large. One that is too large already may only not grow."""

    def used() -> tuple[int, int]:
        try:
            with place.open() as root:
                return folders.usage(root, most.files)
        except (OSError, HubError):
            return 0, 0

    before = await asyncio.to_thread(used)
    size, files = max(most.size, before[0]), max(most.files, before[1])

    async def full() -> str | None:
        now = await asyncio.to_thread(used)
        if now[0] > size:
            return f"the workspace holds more than {most.size >> 20:,} MB; delete some files first"
        if now[1] > files:
            return f"the workspace holds more than {most.files:,} files and folders, or is nested too deep"
        return None

    return full
