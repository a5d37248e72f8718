"""The way out of the sandbox: a Unix socket on which commands ask the hub to run a tool."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson

from hub.domain import Json
from hub.errors import HubError
from hub.task_groups import end
from hub.tools.arguments import check
from hub.tools.base import Result, Tool, ToolFailed

NAME = "s"
LARGEST, MOST, AT_ONCE = 1 << 20, 100, 8
Run = Callable[[str, Json], Awaitable[Result]]


class _Desk:
    """Answers the calls of one command."""

    def __init__(self, tools: Mapping[str, Tool], run: Run) -> None:
        self._tools, self._run = tools, run
        self._room = asyncio.Semaphore(AT_ONCE)
        self._calls = 0
        self.tasks: set[asyncio.Task[Any]] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        try:
            async with self._room:
                ok, text = await self._answer(reader)
            writer.write(orjson.dumps({"ok": ok, "text": text}))
            await writer.drain()
        except (ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[bool, str]:
        self._calls += 1
        many = self._calls > MOST
        try:
            # Read in any case: who is still writing when it is closed would hear of that, and not why.
            line = await reader.readuntil(b"\n")
            if many:
                return False, f"One command may call at most {MOST} tools."
            asked = orjson.loads(line)
            tool, arguments = self._tools[asked["name"]], asked["arguments"]
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, KeyError, TypeError):
            return False, "The call cannot be understood."
        wrong = complaint(tool.schema, arguments)
        if wrong is not None:
            return False, wrong
        try:
            return True, (await self._run(tool.name, arguments)).text
        except HubError as e:
            return False, str(e)


def complaint(schema: Json, arguments: Any) -> str | None:
    """Why arguments do not fit a schema, in a sentence; None when they do."""
    if not isinstance(arguments, dict):
        return "The arguments must be an object."
    try:
        check(schema, arguments)
    except ToolFailed as e:
        return str(e)
    return None


@asynccontextmanager
async def bridge(folder: Path, tools: Sequence[Tool], run: Run) -> AsyncIterator[None]:
    """Answer on a socket in a folder; what still runs at the end is cancelled."""
    desk = _Desk({t.name: t for t in tools}, run)
    server = await asyncio.start_unix_server(desk.take, folder / NAME, limit=LARGEST)
    # Only the sandbox sees the folder; in it, another user than ours.
    os.chmod(folder / NAME, 0o666)
    try:
        yield
    finally:
        server.close()
        await end(list(desk.tasks))
