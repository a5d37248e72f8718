"""A tiny provider: answers every call of the four networks with success and remembers it."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

Json = dict[str, Any]


def as_form(body: Json) -> Json:
    """A JSON body of the Bot API as the same arguments stand in a form, in which files have to go."""
    return {k: v if isinstance(v, str) else orjson.dumps(v).decode() for k, v in body.items()}


@dataclass
class Call:
    method: str
    path: str
    body: Json
    files: dict[str, str] = field(default_factory=dict)  # names of what was uploaded


@dataclass
class Net:
    """`replies` holds what the next calls get instead: (path ending, answer)."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    replies: list[tuple[str, Callable[[web.Request], Any]]] = field(default_factory=list)
    # Behind those of questions (tests.flows.test_answers), as ids of a chat are one row.
    numbers: Any = field(default_factory=lambda: itertools.count(1_000_000))

    def sent(self, *endings: str) -> list[Json]:
        """Bodies of sends, in order (Telegram's edits count as what they make visible, marks of reading do not)."""
        wanted = endings or ("sendMessage", "sendRichMessage", "editMessageText", "send-text", "messages")
        sends = (c.body for c in self.calls if c.path.rsplit("/", 1)[-1] in wanted or "sendText" in c.path)
        return [b for b in sends if b.get("status") != "read"]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = b"" if request.content_type == "multipart/form-data" else await request.read()
        body: Json = {}
        files: dict[str, str] = {}
        if request.content_type == "application/json" and raw:
            body = await request.json()
            body = as_form(body) if "/bot" in request.path else body
        elif request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
            form = await request.post()
            body = {k: v for k, v in form.items() if isinstance(v, str)}
            files = {k: v.filename for k, v in form.items() if isinstance(v, web.FileField)}
        self.calls.append(Call(request.method, request.path, body, files))
        for n, (ending, reply) in enumerate(self.replies):
            if request.path.endswith(ending):
                del self.replies[n]
                answer = reply(request)
                found: web.StreamResponse = await answer if hasattr(answer, "__await__") else answer
                return found
        return web.json_response(self.answer(request.path, body), status=201 if "sendText" in request.path else 200)

    def answer(self, path: str, body: Json) -> Any:
        n = next(self.numbers)
        if "/bot" in path:
            method = path.rsplit("/", 1)[-1]
            if method in ("sendMessage", "editMessageText", "sendRichMessage"):
                chat = int(str(body["chat_id"]).split(":")[0])
                number = int(body.get("message_id") or n)
                return {
                    "ok": True,
                    "result": {
                        "message_id": number,
                        "date": 1,
                        "chat": {"id": chat, "type": "private"},
                        **({"text": body["text"]} if "text" in body else {"rich_message": body["rich_message"]}),
                    },
                }
            if method == "getMe":
                return {"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "b", "username": "b_bot"}}
            return {"ok": True, "result": True}
        if path.endswith("/messages"):
            return {"messaging_product": "whatsapp", "contacts": [], "messages": [{"id": f"wamid.{n}"}]}
        if "sendText" in path:
            return {"key": {"remoteJid": "x", "fromMe": True, "id": f"EV{n}"}, "status": "PENDING"}
        if "/webhooks" in path:
            return {"data": {"id": f"wh-{n}"}}
        return {
            "zaapId": f"z{n}",
            "messageId": f"ZM{n}",
            "id": f"ZM{n}",
            "value": True,
            "success": True,
            "presence": "composing",
        }


@asynccontextmanager
async def net() -> AsyncIterator[Net]:
    one = Net()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", one.handle)
    server = TestServer(app)
    await server.start_server()
    one.url = str(server.make_url("")).rstrip("/")
    try:
        yield one
    finally:
        await server.close()
