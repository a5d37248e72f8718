"""A Bot API at a real port that answers as told, and checks of what it was asked."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.base import ChannelError, Link
from channels.inbound import Media
from channels.outbound import File, Outbound
from channels.telegram import Telegram
from tests.channels.replay import load
from tests.later import imported

TOKEN = "110000001:AAFakeFakeFakeFakeFakeFakeFakeFakeX"
LINK = Link(
    "link",
    {"botToken": TOKEN},
    "fake-secret-token_0001",
    "https://hub.example.com/webhooks/telegram/t1",
)
CHAT = "700000001"
TEXT = Outbound(CHAT, "key", text="Olá Ana! Como posso ajudar?", plain="plain")
PREVIEW = {"is_disabled": True}
SENT = load("telegram", "out-send-text")["response"]
DONE = {"status": 200, "body": {"ok": True, "result": True}}
ME = {
    "status": 200,
    "body": {
        "ok": True,
        "result": {
            "id": 110000001,
            "is_bot": True,
            "first_name": "Hub Teste",
            "username": "hub_teste_bot",
        },
    },
}


def refused(text: str, status: int = 400, **more: Any) -> dict[str, Any]:
    body = {"ok": False, "error_code": status, "description": text} | more
    return {"status": status, "body": body}


def failed(name: str) -> dict[str, Any]:
    found: dict[str, Any] = load("telegram", f"out-error-{name}")["response"]
    return found


@dataclass
class Api:
    """Answers in turn; "reset" and "hang" are answers too."""

    bots: Telegram = field(init=False)
    answers: list[Any] = field(default_factory=list)
    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        fields = await request.json() if request.content_type == "application/json" else {}
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                content = value.file.read()
                fields[name] = {"filename": value.filename, "bytes": content}
            else:
                fields[name] = _parsed(value)
        self.seen.append((request.path, fields))
        self.kinds.append(request.content_type)
        answer = self.answers.pop(0)
        if answer == "reset":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if answer == "hang":
            await self.done.wait()
            return web.Response()
        body = answer["body"]
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        raw = text if isinstance(text, bytes) else text.encode()
        headers = {"Content-Type": "application/json"} | answer.get("headers", {})
        return web.Response(status=answer["status"], body=raw, headers=headers)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body in self.seen]

    @property
    def methods(self) -> list[str]:
        return [path.rpartition("/")[2] for path, _ in self.seen]


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


@asynccontextmanager
async def serving() -> AsyncIterator[Api]:
    found = Api()
    app = web.Application(client_max_size=2**27)
    app.router.add_route("*", "/{rest:.*}", found.handle)
    async with TestServer(app) as server:
        found.bots = Telegram(str(server.make_url("")))
        try:
            yield found
        finally:
            found.done.set()
            await found.bots.close()


async def fails(call: Any) -> ChannelError:
    """The error, which must not hold the token anywhere that is printed."""
    with pytest.raises(ChannelError) as caught:
        await call
    printed = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in printed
    assert LINK.secret not in printed
    return caught.value


@cache
def aiogram(part: str) -> Any:
    """A module of aiogram, which is imported only for who asks for one."""
    return imported(f"aiogram.{part}")


def matches(api: Api, name: str, **more: Any) -> None:
    """The last call is the one in the file plus `more`, and aiogram's own model accepts it."""
    request = load("telegram", name)["request"]
    path, body = api.seen[-1]
    assert path == request["path"]
    expected = request["body"]
    if "_multipart" in expected:
        files = {
            k: v["bytes_base64"] for k, v in expected["_multipart"].items() if isinstance(v, dict)
        }
        words = {k: _parsed(v) for k, v in expected["_multipart"].items() if k not in files}
        for key in files:
            assert body.pop(key).startswith("attach://")
        [attached] = [k for k, v in body.items() if isinstance(v, dict) and "bytes" in v]
        body.pop(attached)
        expected = words
    assert body == expected | more
    method = path.rpartition("/")[2]
    model = getattr(aiogram("methods"), method[0].upper() + method[1:])
    model.model_validate(body | {k: "x" for k in ("photo", "voice") if k in model.model_fields})


def picture(**source: Any) -> Outbound:
    return replace(TEXT, text="Produto", file=File(Media.IMAGE, "image/jpeg", "a.jpg", **source))


def given(media: Media, mime: str, **source: Any) -> Outbound:
    return replace(TEXT, text="", plain="", file=File(media, mime, "a", **source))
