"""A twin on a real port, and a receiver for its webhooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiohttp import ClientResponse, ClientSession, web
from aiohttp.test_utils import TestServer

from channels.twins.app import Options, build

Json = dict[str, Any]
PAYLOADS = Path(__file__).resolve().parents[1] / "channels" / "payloads"


@dataclass(slots=True)
class Got:
    """One webhook call as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        """The body."""
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """Answers what it is told to; 200 otherwise."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any call."""
        at = asyncio.get_running_loop().time()
        body = await request.read()
        self.got.append(Got(request.path, dict(request.headers), body, at))
        return self.answers.pop(0) if self.answers else web.Response()

    async def wait(self, count: int) -> list[Got]:
        """Until so many calls came."""
        end = asyncio.get_running_loop().time() + 60
        while len(self.got) < count:
            assert asyncio.get_running_loop().time() < end, f"{len(self.got)} webhook calls instead of {count}"
            await asyncio.sleep(0.01)
        return self.got


@dataclass
class Rig:
    """The twins, a client and a receiver."""

    http: ClientSession
    base: str
    hook: Receiver

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Status and JSON (or bytes) of any call."""
        if body is not None:
            more["json"] = body
        async with self.http.request(method, self.base + path, **more) as answer:
            return answer.status, await content(answer)

    async def control(self, path: str, body: Json | None = None) -> Json:
        """A control call that must succeed."""
        method = "GET" if body is None else "POST"
        status, found = await self.call(method, f"/control/{path}", body)
        assert status == 200, found
        assert isinstance(found, dict)
        return found

    async def say(self, network: str, **said: Any) -> str:
        """A person acts; the message's id."""
        found = await self.control(f"{network}/message", said)
        return str(found["messages"][-1]["id"])

    async def chat(self, network: str, chat: str) -> list[Json]:
        """The messages of a chat as the phone shows them."""
        messages: list[Json] = (await self.control(f"{network}/chats/{chat}"))["messages"]
        return messages

    async def idle(self) -> None:
        """Until nothing is delivered any more."""
        assert (await self.control("idle?timeout=60"))["idle"]


async def content(answer: ClientResponse) -> Any:
    """JSON where it is JSON."""
    raw = await answer.read()
    return orjson.loads(raw) if answer.content_type == "application/json" and raw else raw


@asynccontextmanager
async def rig(**options: Any) -> AsyncIterator[Rig]:
    """Everything started."""
    hook = Receiver()
    receiving = web.Application(client_max_size=64 * 1024 * 1024)
    receiving.router.add_route("*", "/{path:.*}", hook.handle)
    async with TestServer(receiving) as receiver:
        hook.url = f"http://127.0.0.1:{receiver.port}"
        app = build(Options(**{"speed": 0.01, **options}))
        async with TestServer(app) as twins, ClientSession() as http:
            yield Rig(http, f"http://127.0.0.1:{twins.port}", hook)
