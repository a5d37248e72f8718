"""The clients that people use, unchanged, against a served hub: each in its own environment, all of one at once."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.processes.embedded import Server
from tests.api.conftest import Provider, keys_of, serving
from tests.clients.install import NODE, PLACE, missing
from tests.conftest import cloned, small
from tests.fakes.model import FakeModel, says, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
HERE = Path(__file__).parent
HELLO, SUNNY, SHOWN = "Hello from the model.", "It is sunny in Rio.", "hub-was-here"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
# What agents' tools are asked to do.
RUN: Json = {
    "exec_command": {"cmd": f"echo {SHOWN}"}, "Bash": {"command": f"echo {SHOWN}", "description": "Say it"},
}


async def speaks(request: web.Request, body: Json) -> web.StreamResponse:
    """A model that asks for the weather, writes JSON, runs a command, or greets."""
    names = [t["function"]["name"] for t in body.get("tools") or ()]
    last = [m for m in body["messages"] if m["role"] != "system"][-1]
    text = last["content"] if isinstance(last["content"], str) else " ".join(
        p.get("text", "") for p in last["content"] or ())
    if last["role"] == "tool":
        return await says(SHOWN if SHOWN in text else SUNNY)(request, body)
    if "fight" in text:
        scores = {"violence": 9, "sexual": 0, "political": 0, "dangerous": 0, "jailbreak": 0}
        return await says(orjson.dumps(scores).decode())(request, body)
    if "latest user request" in str(body["messages"]):
        return await says('{"violence": 0, "sexual": 0, "political": 0, "dangerous": 0, "jailbreak": 0}')(request, body)
    run = next((n for n in names if n in RUN), None)
    if "run the tool" in text and run:
        return await _calls(request, body, run, RUN[run])
    if names and ("weather" in text or "json" in text):
        return await _calls(request, body, "weather" if "weather" in names else names[0], {"city": "Rio"})
    return await says('{"city": "Rio"}' if "json" in text else HELLO)(request, body)


async def _calls(request: web.Request, body: Json, name: str, arguments: Json) -> web.StreamResponse:
    function = {"name": name, "arguments": orjson.dumps(arguments).decode()}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    return await says(tool_calls=[call], finish="tool_calls")(request, body)


async def serves(request: web.Request) -> web.Response:
    """Services of speech, of hearing and of images."""
    if request.path.endswith("/speech"):
        return web.Response(body=b"ID3" + b"\0" * 100, content_type="audio/mpeg")
    if request.path.endswith("/transcriptions"):
        form = await request.post()
        assert "file" in form
        return web.json_response({"text": "Hello there."})
    return web.json_response({"data": [{"b64_json": PIXEL}]})


@dataclass
class Place:
    """A served hub with one gateway."""

    url: str
    key: str
    gateway: str
    slug: str
    model: FakeModel
    results: dict[str, Json]

    async def ran(self, name: str, *command: str, env: Json | None = None, folder: Path = HERE) -> str:
        """What a command of an environment printed. Skips where that is missing."""
        why = missing(name)
        if why and os.environ.get("CI") == "true":
            pytest.fail(f"the clients' environment {name} is missing: {why}")
        if why:
            pytest.skip(f"the clients' environment {name} is missing: {why}")
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env={**os.environ, "PYTHONWARNINGS": "ignore", **(env or {})},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, (out + err).decode()[-3000:]
        return out.decode()

    async def answered(self, name: str, client: str) -> Any:
        """What a client was answered; all clients of an environment run in one process, once."""
        if name not in self.results:
            asked = (self.url, self.key, self.gateway)
            if name == NODE:
                folder = PLACE / NODE
                (folder / "check.mjs").write_bytes((HERE / NODE / "check.mjs").read_bytes())
                said = await self.ran(NODE, "node", "check.mjs", *asked, folder=folder)
            else:
                python = str(PLACE / name / "bin" / "python")
                env = {"OPENAI_AGENTS_DISABLE_TRACING": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
                said = await self.ran(name, python, str(HERE / "run" / f"{name}.py"), *asked, env=env)
            self.results[name] = orjson.loads(said.strip().splitlines()[-1])
        found = self.results[name][client]
        assert "ok" in found, found["failed"]
        return found["ok"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(
    servers: tuple[Server, Server], sealing_key: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    services = web.Application()
    services.router.add_route("*", "/{path:.*}", serves)
    async with (
        cloned(servers[0]) as dsn, serve() as model, TestServer(services) as beside, aiohttp.ClientSession() as http
    ):
        address = str(beside.make_url("/v1"))
        settings = small(dsn, servers[1].url, sealing_key, tmp_path_factory.mktemp("hub")).changed(
            image_url=address, speech_url=address, transcription_url=address,
        )
        async with serving(settings, Provider()) as (hub, url):
            _, key, _, _ = await keys_of(hub)
            model.default = speaks
            parameters = {"baseAddress": f"{model.url}/v1", "modelName": "fake-1", "apiKey": "sk-upstream"}
            headers = {"Authorization": f"Bearer {key}"}
            sent = {"name": "Shop bot", "parameters": parameters}
            async with http.post(f"{url}/api/v1/ai-gateways", json=sent, headers=headers) as r:
                id = (await r.json())["aiGatewayId"]
            async with http.get(f"{url}/api/v1/ai-gateways/{id}", headers=headers) as r:
                slug = (await r.json())["slug"]
            yield Place(url, key, id, slug, model, {})


async def test_openai_python_responses(place: Place) -> None:
    got = await place.answered("new", "openai_responses")
    assert (got["whole"], got["streamed"], got["final"], got["told"]) == (HELLO, HELLO, HELLO, SUNNY)
    assert got["ordered"] and got["kinds"][:2] == ["response.created", "response.in_progress"]
    assert got["kinds"][-1] == "response.completed" and got["parsed"] == {"city": "Rio"}
    assert got["call"] == ["weather", '{"city":"Rio"}']
    assert got["error"] == {"code": "model_not_found", "param": "model"}


async def test_openai_python_chat(place: Place) -> None:
    assert (await place.answered("new", "openai_chat"))["told"] == SUNNY


async def test_openai_python_completions_and_models(place: Place) -> None:
    got = await place.answered("new", "openai_completions")
    assert (got["texts"], got["streamed"], got["usage"]) == (["Hi" + HELLO] * 2, HELLO, 34)
    assert (got["model"], got["name"]) == (place.gateway, "Shop bot")


async def test_openai_python_media(place: Place) -> None:
    got = await place.answered("new", "openai_media")
    assert got == {"speech": 103, "heard": "Hello there.", "image": len(PIXEL), "flagged": [False, True]}


async def test_anthropic_python(place: Place) -> None:
    got = await place.answered("new", "anthropic_messages")
    assert (got["whole"], got["streamed"], got["told"], got["stop"]) == (HELLO, HELLO, SUNNY, "end_turn")
    assert (got["input"], got["asked"], got["error"]) == ({"city": "Rio"}, "tool_use", "not_found_error")
    assert got["usage"] == [8, 5, 5] and got["counted"] > 0 and "Shop bot" in got["models"]
    assert {"message_start", "content_block_start", "text", "content_block_stop", "message_stop"} <= set(got["kinds"])


async def test_openai_agents(place: Place) -> None:
    got = await place.answered("new", "openai_agents")
    assert (got["whole"], got["again"], got["streamed"], got["chained"]) == (SUNNY, HELLO, SUNNY, SUNNY)
    assert got["parsed"] == {"city": "Rio"} and "raw_response_event" in got["kinds"]


async def test_langchain(place: Place) -> None:
    got = await place.answered("new", "langchain")
    for name in ("chat", "responses"):
        assert got[name] == {"told": SUNNY, "streamed": HELLO, "parsed": {"city": "Rio"}}, name
    assert got["embedded"] == 384


async def test_litellm(place: Place) -> None:
    got = await place.answered("new", "lite")
    assert got == {"chat": HELLO, "anthropic": HELLO, "responses": HELLO, "streamed": HELLO}


async def test_pydantic_ai(place: Place) -> None:
    got = await place.answered("new", "pydantic_ai")
    assert got == {n: {"told": SUNNY, "streamed": HELLO} for n in ("chat", "responses", "anthropic")}


async def test_instructor(place: Place) -> None:
    assert await place.answered("older", "instructed") == {"TOOLS": "Rio", "JSON": "Rio"}


async def test_llama_index(place: Place) -> None:
    got = await place.answered("older", "llama_index")
    assert got == {
        "whole": HELLO, "streamed": HELLO, "call": ["weather", {"city": "Rio"}], "completed": HELLO, "responses": HELLO
    }


@pytest.mark.parametrize("client", ["ai_sdk_openai", "ai_sdk_anthropic"])
async def test_ai_sdk(place: Place, client: str) -> None:
    got = await place.answered(NODE, client)
    assert (got["whole"], got["streamed"], got["told"], got["later"]) == (HELLO, HELLO, SUNNY, HELLO)
    assert (got["steps"], got["finish"]) == (2, "stop")
    if client == "ai_sdk_openai":
        assert (got["object"], got["chat"]) == ({"city": "Rio"}, SUNNY)


async def test_openai_node_responses(place: Place) -> None:
    got = await place.answered(NODE, "openai_node")
    assert got == {"whole": HELLO, "streamed": HELLO, "listed": ["message"], "gone": 404}


async def test_anthropic_node(place: Place) -> None:
    assert await place.answered(NODE, "anthropic_node") == {"whole": HELLO, "streamed": HELLO}
