"""The application on a thread of its own, so that tests without a loop can call it; one object of every kind."""

import asyncio
import re
import threading
import zlib
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

import aiohttp

from hub.accounts.tokens import Tokens
from hub.config import Settings
from hub.domain import User
from hub.ids import uuid7
from hub.runtime import Hub
from hub.sealing import digest
from hub.store import ares_users
from hub.studio.ares import learning
from tests.api.conftest import Api, keys_of, providing, serving

T = TypeVar("T")
Json = dict[str, Any]
BASE = "/api/v1"
TOKEN = {"integrationType": "Telegram", "integrations": {"telegramIntegration": {"botToken": "1:contract"}}}
HOOKS = "/hook-schedules"


@dataclass
class Town:
    hub: Hub
    url: str
    loop: asyncio.AbstractEventLoop
    http: aiohttp.ClientSession
    here: "Settlers | None" = None
    last: str = ""
    spent: bool = False

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def settlers(self, operation: str) -> "Settlers":
        """An account that has everything; a new one behind an operation that has deleted something (`spent`)."""
        if self.here is None or (self.last != operation and self.spent):
            self.here, self.spent = self.do(_settled(self)), False
        self.last = operation
        return self.here


@dataclass(frozen=True)
class Settlers:
    """An account and what it has: by the part of the path in front of the id, or by all of it. token: of a user
    of ARES. models: what a body may name."""

    key: str
    known: dict[str, str]
    token: str
    models: dict[str, str]

    def path(self, template: str, given: Json) -> Json:
        """Variables of a path: what is there, and one time in four what was given."""
        found = dict(given)
        for place in re.finditer(r"([\w.-]+)/\{(\w+)\}", template):
            short = f"/v1/{place[1]}" if template.startswith("/v1/") else place[1]
            known = self.known.get(template[: place.end(1)], self.known.get(short))
            if known is not None and zlib.crc32(repr(given).encode()) % 4:
                found[place[2]] = known
        return found

    def body(self, given: Json) -> Json:
        """A body that names what is there, and asks for no stream."""
        given = given | ({"stream": False} if "stream" in given else {})
        return given | {name: known for name, known in self.models.items() if given.get(name) is not None}


@contextmanager
def town(settings: Settings) -> Iterator[Town]:
    ready: list[Town] = []
    started, over = threading.Event(), asyncio.Event()

    async def live() -> None:
        async with AsyncExitStack() as stack:
            provider = await stack.enter_async_context(providing())
            hub, url = await stack.enter_async_context(serving(settings, provider))
            http = await stack.enter_async_context(aiohttp.ClientSession())
            ready.append(Town(hub, url, asyncio.get_running_loop(), http))
            started.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
    thread.start()
    assert started.wait(60), "the application did not start"
    try:
        yield ready[0]
    finally:
        ready[0].loop.call_soon_threadsafe(over.set)
        thread.join(30)


async def _settled(town: Town) -> Settlers:
    return await settled(Api(town.hub, town.url, *await keys_of(town.hub), town.http))


async def settled(api: Api) -> Settlers:
    """Give an account one object of every kind."""
    client = await _client(api)
    known = {"web-chat-client": client, "web-chat-clients": client, "integrations": "Telegram"}
    known |= await _talks(api, client) | await _knowledge(api) | await _rest(api)
    token, learned = await _ares(api)
    models, played = await _characters(api)
    known |= learned | played | await _studio(api)
    known["/v1/api-keys"] = known["api-key"]
    return Settlers(api.key, {place: quote(value, safe="") for place, value in known.items()}, token, models)


async def _ares(api: Api) -> tuple[str, dict[str, str]]:
    """The token of a user who has talked, and what there is to be named."""
    user = User(api.account, uuid7(), f"{uuid4()}@example.com", "Ana")
    await ares_users.add(api.hub.db, api.account, user.id, user.email, user.name, "none: hashing takes its time")
    signed_in = uuid7()
    token = Tokens(api.hub.sealer).access(user, signed_in)
    await ares_users.keep(api.hub.db, api.account, user.id, digest(token), signed_in, 3600)
    await api.ok("PUT", f"{BASE}/ares/agents/garden", {"gateway": await api.gateway(modelName="@hub/extractive")})
    said = await api.ok("POST", "/api/chat", {"message": "My name is Ana, be brief."}, key=token)
    await learning.run(api.hub)
    [fact] = (await api.ok("GET", "/api/memory", key=token))["facts"]
    return token, {
        "/api/conversations": said["context_id"], "/api/memory/facts": fact["id"], "/api/v1/ares/users": str(user.id),
        "/api/v1/ares/agents": "garden", "preferences": "output",
    }


async def _characters(api: Api) -> tuple[dict[str, str], dict[str, str]]:
    """What bodies may name, and what paths may."""
    models = {
        "llm_id": (await api.ok("GET", f"{BASE}/models?type=llm"))[-1]["id"],
        "sd_model_id": (await api.ok("GET", f"{BASE}/models?type=sd"))[-1]["id"],
    }
    agent = (await api.call("POST", f"{BASE}/agents", {"name": "Rosa", **models})).body["id"]
    talk = (await api.call("POST", f"{BASE}/conversations", {**models, "agent_id": agent})).body["id"]
    image = (await api.call("POST", f"{BASE}/images", {"prompt": "A tree", **models})).body["id"]
    return {**models, "agent_id": agent, "conversation_id": talk}, {
        "/api/v1/conversations": talk, "/api/v1/agents": agent, "/api/v1/images": image,
    }


async def _client(api: Api) -> str:
    gateway = await api.gateway(modelName="@hub/extractive")
    client = await api.client(aiGatewayId=gateway)
    await api.ok("PUT", f"{BASE}/web-chat-client/{client}/integrations", TOKEN)
    return client


async def _talks(api: Api, client: str) -> dict[str, str]:
    """A session with something said, and what was booked for its user."""
    base = f"{BASE}/web-chat-client/{client}"
    session = await api.ok("POST", f"{base}/sessions", {"tag": "ana", "expires": 7200})
    path = f"{BASE}/public/chat-clients/{session['accessKey']}"
    visitor = {"X-Forwarded-For": session["sessionId"]}
    await api.ok("POST", f"{path}/prompt", {"prompt": "Hello"}, key="", headers=visitor)
    message = (await api.ok("GET", path, key=""))["messages"][-1]["message_id"]
    to = {"externalUserId": "ana", "target": "Telegram", "targetIdentifier": "700"}
    at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    once = {**to, "scheduledTime": at, "reason": "Ask how it went."}
    again = {**to, "cronExpression": "0 9 * * 1", "jobDescription": "Say good morning."}
    return {
        "sessions": session["sessionId"], "chat-clients": session["accessKey"], "messages": message,
        "schedules": (await api.ok("POST", f"{base}{HOOKS}/schedules", once))["id"],
        "recurring": (await api.ok("POST", f"{base}{HOOKS}/recurring", again))["id"],
    }


async def _knowledge(api: Api) -> dict[str, str]:
    collection = (await api.ok("POST", f"{BASE}/collections", {"collectionName": "Shop"}))["collectionId"]
    sent = {"name": "faq", "contents": "We open at nine."}
    document = await api.ok("PUT", f"{BASE}/collections/{collection}/documents", sent)
    return {"collections": collection, "documents": document["documentId"]}


async def _rest(api: Api) -> dict[str, str]:
    skill = await api.ok("POST", f"{BASE}/skills", {"slug": "refunds", "instructions": "Ask for the order."})
    memory = await api.ok("POST", f"{BASE}/memories", {"externalUserId": "ana", "content": "Likes tea."})
    await api.ok("POST", f"{BASE}/accounts/api-key", {"label": "spare", "duration": 7})
    keys = (await api.ok("GET", f"{BASE}/accounts/api-key"))["apiKeys"]
    [spare] = [k["id"] for k in keys if k["label"] == "spare"]
    kept = await api.ok("POST", "/v1/responses", {"model": "@hub/extractive", "input": "Hi"})
    return {
        "skills": skill["data"]["id"], "memories": memory["id"], "api-key": spare, "ai-gateways": await api.gateway(),
        "/v1/responses": kept["id"], "/v1/models": "@hub/extractive",
    }


async def _studio(api: Api) -> dict[str, str]:
    """What AresGen calls by the same names lives under another path."""

    async def made(path: str, sent: Json) -> Json:
        got = await api.call("POST", path, sent)
        assert got.status in (200, 201, 202), got.body
        found: Json = got.body
        return found

    thread = await made("/v1/chat/completions", {"model": "@hub/extractive", "prompt": "Hi", "store": True})
    document = await made("/v1/documents", {"content": "We open at nine."})
    voice = await made("/v1/voices", {"name": "Bakery", "sample": "We bake bread with care. " * 70})
    bot = await made("/v1/chatbots", {"name": "Baker", "model": "@hub/extractive"})
    talk = await made(f"/v1/chatbots/{bot['id']}/messages", {"message": "Hello"})
    step = {"id": "a", "type": "transform", "with": {"value": 1}}
    workflow = await made("/v1/workflows", {"name": "w", "steps": [step]})
    run = await made(f"/v1/workflows/{workflow['id']}/runs", {})
    hook = await made("/v1/webhooks", {"url": "https://example.com/"})
    return {
        "/v1/threads": thread["thread_id"], "/v1/documents": document["id"], "/v1/voices": voice["id"],
        "/v1/versions": "1", "/v1/chatbots": bot["id"], "/v1/conversations": talk["conversation_id"],
        "/v1/workflows": workflow["id"], "/v1/runs": run["id"], "/v1/webhooks": hook["id"],
    }
