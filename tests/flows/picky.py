"""A provider that takes files as well, and refuses what a test names; and a server of pictures."""

import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

from tests.flows.ledger import Ledger, Shown, serve
from tests.flows.net import Call, Json, as_form

INPUTS = Path(__file__).parent / "inputs"
PHOTOS = ("sendPhoto", "sendDocument", "sendVideo", "sendAudio", "sendVoice")


def given(name: str) -> Any:
    """An input that once failed, by the beginning of its name."""
    [found] = INPUTS.glob(f"{name}-*.json")
    return orjson.loads(found.read_bytes())


@dataclass
class Refusal:
    """What calls to a path get; `times` 0: for ever. `when` looks at the body."""

    path: str
    status: int
    body: Any
    times: int = 0
    when: Callable[[Json], bool] = lambda _: True
    struck: int = 0


@dataclass
class Picky(Ledger):
    """Files are shown as "file:" and their address, or "bytes:" and their type."""

    refusals: list[Refusal] = field(default_factory=list)
    uploads: dict[str, str] = field(default_factory=dict)

    def refuse(self, path: str, status: int, body: Any, times: int = 0, when: Any = None) -> Refusal:
        one = Refusal(path, status, body, times, when or (lambda _: True))
        self.refusals.append(one)
        return one

    def paths(self, ending: str) -> list[Json]:
        return [c.body for c in self.calls if ending in c.path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        for one in self.refusals:
            if one.path in request.path and (not one.times or one.struck < one.times) and one.when(body):
                one.struck += 1
                self.calls.append(Call(request.method, request.path, body))
                return web.json_response(one.body, status=one.status)
        return await super().handle(request)

    def answer(self, path: str, body: Json) -> Any:
        method = path.rsplit("/", 1)[-1]
        if "/bot" in path and method in PHOTOS:
            n = next(self.numbers)
            kind = method.removeprefix("send").lower()
            self.show("telegram", str(body["chat_id"]), str(n), f"{kind}:{_told(body[kind])}")
            chat = {"id": int(body["chat_id"]), "type": "private"}
            return {"ok": True, "result": {"message_id": n, "date": 1, "chat": chat}}
        if method in ("send-image", "send-video", "send-audio") or "send-document" in path:
            found = super().answer(path, body)
            kind = "document" if "send-document" in path else method.removeprefix("send-")
            self.show("zapi", body["phone"], found["messageId"], f"{kind}:{_told(body[kind])}")
            return found
        if "sendMedia" in path or "sendWhatsAppAudio" in path:
            n = f"EV{next(self.numbers)}"
            what = _told(body.get("media") or body["audio"])
            self.show("evolution", body["number"], n, f"{body.get('mediatype', 'audio')}:{what}")
            return {"key": {"remoteJid": "x", "fromMe": True, "id": n}, "status": "PENDING"}
        if path.endswith("/media"):
            id = f"up{next(self.numbers)}"
            self.uploads[id] = str(body.get("type"))
            return {"id": id}
        if method == "messages" and body.get("type") in ("image", "document", "audio", "video"):
            n = f"wamid.{next(self.numbers)}"
            kind = body["type"]
            what = body[kind].get("link") or f"bytes:{self.uploads[body[kind]['id']]}"
            self.show("kapso", body["to"], n, f"{kind}:{what}")
            return {"messages": [{"id": n}]}
        if path.endswith("getMe") or "connectionState" in path or path.endswith("/status"):
            me = {"id": 1, "is_bot": True, "first_name": "b", "username": "b_bot"}
            return {"ok": True, "result": me, "instance": {"state": "open"}, "connected": True}
        return super().answer(path, body)

    def show(self, network: str, chat: str, id: str, text: str) -> None:
        self.shown.append(Shown(network, chat, id, [text]))


def _told(source: str) -> str:
    return source if source.startswith("http") else "bytes"


async def _body(request: web.Request) -> Json:
    if request.content_type == "application/json":
        raw = await request.read()
        found: Json = orjson.loads(raw) if raw else {}
        return as_form(found) if "/bot" in request.path else found
    if request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return {k: v for k, v in (await request.post()).items() if isinstance(v, str)}
    return {}


@asynccontextmanager
async def picky() -> AsyncIterator[Picky]:
    one = Picky()
    async with serve(one):
        yield one


def picture(form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(out, form)
    return out.getvalue()


@asynccontextmanager
async def shelf(**files: tuple[bytes, str]) -> AsyncIterator[str]:
    """A server of files, "a_png" at /a.png: its address. Anything else is 404."""

    async def one(request: web.Request) -> web.Response:
        found = files.get(request.path.strip("/").replace(".", "_"))
        return web.Response(body=found[0], content_type=found[1]) if found else web.Response(status=404)

    app = web.Application()
    app.router.add_get("/{tail:.*}", one)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()
