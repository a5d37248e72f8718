"""The clients that people use, unchanged, against a served hub: each in its own environment, all of one at once."""

import asyncio
import os
import shutil
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
from tests.clients.install import NODE, PLACE, PYTHONS, missing, needed
from tests.conftest import cloned, small
from tests.fakes.model import FakeModel, says, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = dict[str, Any]
HERE = Path(__file__).parent
HELLO, SUNNY, SHOWN = "Hello from the model.", "It is sunny in Rio.", "hub-was-here"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
# Importing thousands of files makes no garbage: looking for some was a fifth of it.
RUNS = "import gc, runpy, sys; gc.disable(); del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
COMMANDS = {
    **{n: (str(PLACE / n / "bin" / "python"), "-c", RUNS, str(HERE / "run" / f"{n}.py")) for n in PYTHONS},
    NODE: ("node", str(PLACE / NODE / "check.mjs")),
}
QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "OPENAI_AGENTS_DISABLE_TRACING": "1", "ANONYMIZED_TELEMETRY": "False"}
# What a client's thousands of files are compiled to stays beside them, whoever is told to keep nothing.
ONCE = {"PYTHONDONTWRITEBYTECODE": ""}
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

    @property
    def asked(self) -> tuple[str, str, str]:
        return self.url, self.key, self.gateway

    async def ran(self, name: str, *command: str, env: Json | None = None, folder: Path = HERE) -> str:
        """What a command of an environment printed. Skips where that is missing."""
        needed(name)
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env={**os.environ, **ONCE, "PYTHONWARNINGS": "ignore", **(env or {})},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, (out + err).decode()[-3000:]
        return out.decode()

    async def answered(self, name: str, client: str) -> Any:
        """What a client was answered; all clients of an environment run in one process, all environments at once."""
        if not self.results:
            there = [n for n in COMMANDS if not missing(n)]
            if NODE in there:
                # Node.js looks for packages beside the file.
                shutil.copy(HERE / NODE / "check.mjs", PLACE / NODE)
            said = await asyncio.gather(*(self.ran(n, *COMMANDS[n], *self.asked, env=QUIET) for n in there))
            self.results |= {n: orjson.loads(s.strip().splitlines()[-1]) for n, s in zip(there, said, strict=True)}
        if name not in self.results:
            needed(name)
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


async def test_mcp(place: Place) -> None:
    assert (await place.answered("new", "mcp_client"))["tools"]


async def test_llm(place: Place, tmp_path: Path) -> None:
    """Simon Willison's command line, with its own file of models."""
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: shop\n  model_name: {place.gateway}\n  api_base: {place.url}/v1\n  api_key_name: shop\n"
    )
    env = {"LLM_USER_PATH": str(tmp_path), "HOME": str(tmp_path)}
    command = (str(PLACE / "new" / "bin" / "llm"), "-m", "shop", "--key", place.key, "Hi")
    assert (await place.ran("new", *command, env=env)).strip() == HELLO


async def test_codex(place: Place, tmp_path: Path) -> None:
    """OpenAI's agent, its wire the Responses API: it asks, runs a command, and hears the end."""
    home = tmp_path / ".codex"
    home.mkdir()
    (home / "config.toml").write_text(
        f'model = "{place.slug}"\nmodel_provider = "hub"\n[model_providers.hub]\nname = "Hub"\n'
        f'base_url = "{place.url}/v1"\nenv_key = "HUB_KEY"\nwire_api = "responses"\n'
    )
    env = {"HOME": str(tmp_path), "CODEX_HOME": str(home), "HUB_KEY": place.key}
    codex = ("node", str(PLACE / NODE / "node_modules/@openai/codex/bin/codex.js"), "exec", "--skip-git-repo-check")
    place.model.calls.clear()
    free = "--dangerously-bypass-approvals-and-sandbox"
    said = await place.ran(NODE, *codex, free, "run the tool", env=env, folder=tmp_path)
    assert said.strip().endswith(SHOWN)
    assert SHOWN in str(place.model.calls[-1].body["messages"][-1])


async def test_claude_code(place: Place, tmp_path: Path) -> None:
    """Anthropic's agent over the Messages API, with a gateway's slug for its models."""
    env = {
        "HOME": str(tmp_path), "ANTHROPIC_BASE_URL": place.url, "ANTHROPIC_AUTH_TOKEN": place.key,
        "ANTHROPIC_MODEL": place.slug, "ANTHROPIC_DEFAULT_HAIKU_MODEL": place.slug, "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    claude = ("node", str(PLACE / NODE / "node_modules/@anthropic-ai/claude-code/cli-wrapper.cjs"), "-p")
    place.model.calls.clear()
    said = await place.ran(
        NODE, *claude, "run the tool", "--allowedTools", "Bash(echo:*)", env=env, folder=tmp_path
    )
    assert said.strip() == SHOWN
    assert SHOWN in str(place.model.calls[-1].body["messages"])
