"""OpenAI's own client of Node.js against the API."""

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from hub.domain import Json
from tests.api.door import Door
from tests.clients.install import OPENAI, packages
from tests.fakes.model import says

FOLDER = Path(__file__).parents[1] / "node"
LOOK: Json = {"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


async def ran(*command: str, folder: Path) -> str:
    env = {**os.environ, "NO_UPDATE_NOTIFIER": "1"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()[-2000:]
    return out.decode()


async def speaks(request: web.Request, body: Json) -> web.StreamResponse:
    """A model that calls, writes JSON, or greets."""
    asked = body["messages"][-1]["content"]
    if asked == "call":
        return await says(tool_calls=[LOOK], finish="tool_calls")(request, body)
    return await says('{"city": "Rio"}' if asked == "json" else "Hello from the model.")(request, body)


@pytest.mark.timeout(180)
async def test_chat_stream_tools_json_and_errors(door: Door, tmp_path: Path) -> None:
    for file in FOLDER.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    packages(OPENAI, tmp_path)
    door.model.default = speaks
    id = await door.gateway()
    said = await ran("node", "check.mjs", f"{door.url}/v1", door.key, id, folder=tmp_path)
    found: dict[str, Any] = orjson.loads(said)
    assert found["models"] == ["@hub/extractive", id]
    assert found["whole"] == found["streamed"] == "Hello from the model."
    assert (found["finish"], found["usage"], found["call"], found["city"]) == ("stop", 17, "look", "Rio")
    assert found["error"] == {
        "status": 404, "code": "model_not_found", "type": "not_found_error", "param": "model", "kind": "NotFoundError"
    }  # fmt: skip
