"""A visitor of a public chat: one access key over a running API and a fake model."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import FormData

from tests.api.conftest import Answer, Api
from tests.fakes.model import FakeModel, serve

Json = dict[str, Any]
# The smallest PNG, and what others begin with.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6300010000050001"
    "0d0a2db40000000049454e44ae426082"
)
OGG = b"OggS" + bytes(60)


@dataclass
class Visitor:
    """`client` is the chat client's id, `key` the session's access key."""

    api: Api
    model: FakeModel
    client: str
    key: str
    session: str
    gateway: str = ""

    @property
    def base(self) -> str:
        return f"/api/v1/public/chat-clients/{self.key}"

    async def call(self, method: str, path: str = "", sent: Any = None, **more: Any) -> Answer:
        return await self.api.call(method, self.base + path, sent, key="", **more)

    async def prompt(self, prompt: Any, **more: Any) -> Json:
        got = await self.call("POST", "/prompt", {"prompt": prompt, **more})
        assert got.status == 200, got.body
        found: Json = got.body
        return found

    @property
    def server(self) -> Json:
        """Headers of the business's own server."""
        return {"Authorization": f"Bearer {self.api.key}"}

    async def info(self, **more: Any) -> Json:
        found: Json = (await self.call("GET", **more)).body
        return found

    async def said(self) -> list[tuple[str, str]]:
        return [(m["role"], m["content"]) for m in (await self.info())["messages"]]

    async def stream(self, prompt: Any, **more: Any) -> list[Any]:
        """The events of an answer; the last one is the text [DONE]."""
        got = await self.call("POST", "/stream", {"prompt": prompt, **more})
        assert got.status == 200, got.body
        return events(str(got.body))

    async def set(self, **parameters: Any) -> None:
        """Change the gateway behind the chat."""
        await self.api.ok("PATCH", f"/api/v1/ai-gateways/{self.gateway}", {"parameters": parameters})

    async def upload(self, raw: bytes, mime: str, name: str = "a.bin") -> Answer:
        form = FormData()
        form.add_field("file", io.BytesIO(raw), filename=name, content_type=mime)
        return await self.call("POST", "/attachments", data=form)

    @property
    def asked(self) -> list[Json]:
        """Messages of the model's last request."""
        found: list[Json] = self.model.calls[-1].body["messages"]
        return found


def events(text: str) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    return [line if line == "[DONE]" else orjson.loads(line) for line in lines]


def text_of(chunks: list[Any]) -> str:
    return "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if isinstance(c, dict) and c["choices"])


@asynccontextmanager
async def visiting(
    api: Api, limits: Json | None = None, session: Json | None = None, **parameters: Any
) -> AsyncIterator[Visitor]:
    async with serve() as model:
        gateway = await api.gateway(baseAddress=f"{model.url}/v1", modelName="fake-1", apiKey="k-upstream")
        sent = {"aiGatewayId": gateway, "clientParameters": parameters, "limitingParameters": limits or {}}
        client = await api.client(**sent)
        opened = await api.ok("POST", f"/api/v1/web-chat-client/{client}/sessions", session or {})
        yield Visitor(api, model, client, opened["accessKey"], opened["sessionId"], gateway)
