"""A provider that remembers what people can see, and fails as it is told."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.flows.net import Json, Net

PLACEHOLDER = "…"
TAGS = re.compile(r"</?[a-z][^>]*>")
FILES = ("sendPhoto", "sendMediaGroup")
SENDS = (
    "sendMessage", "sendRichMessage", "editMessageText", "send-text", "messages", "sendMessageDraft", *FILES,
    "editMessageReplyMarkup",
)


@dataclass
class Shown:
    """A message in somebody's chat; `texts` is what it said, newest last."""

    network: str
    chat: str
    id: str
    texts: list[str]
    at: float = field(default_factory=time.monotonic)  # of the newest text
    buttons: Any = None

    @property
    def marked(self) -> bool:
        """With a button that whoever reads it has put there."""
        return bool(self.buttons) and "copy_text" in self.buttons[0][0]

    @property
    def text(self) -> str:
        return self.texts[-1]


@dataclass
class Ledger(Net):
    """`plan` decides the fate of a send: ok, busy, broken, refused, hang, or lost and late after the effect.

    `closed` holds the phones to which Kapso sends templates only.
    """

    shown: list[Shown] = field(default_factory=list)
    drafts: list[Shown] = field(default_factory=list)
    plan: Callable[[str], str] | None = None
    closed: set[str] = field(default_factory=set)
    heard: Callable[[Shown], None] | None = None
    buttons: dict[str, str] = field(default_factory=dict)  # what the last button of each chat at Telegram sends
    patience: float = 20.0
    _by_id: dict[tuple[str, str], Shown] = field(default_factory=dict)

    def final(self, chat: str | None = None) -> list[str]:
        """What people read in the end, without placeholders, in order."""
        return [s.text for s in self.shown if s.text != PLACEHOLDER and chat in (None, s.chat)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        asks = request.method == "GET"
        sends = not asks and (request.path.rsplit("/", 1)[-1] in SENDS or "sendText" in request.path)
        fate = self.plan(request.path) if self.plan and sends else "ok"
        if fate in REFUSALS:
            return REFUSALS[fate](request.path)
        if self.closed and request.path.endswith("/messages"):
            body = await request.json()
            if body.get("type") == "text" and body.get("to") in self.closed:
                return web.json_response({"error": {"code": 131047, "message": "Re-engagement message"}}, status=400)
        if request.method == "GET" and request.path.endswith("/messages"):
            return web.json_response(self._listed())
        if fate == "hang":
            await asyncio.sleep(self.patience)
            return web.Response(status=504)
        response = await super().handle(request)
        if fate == "lost" and request.transport is not None:
            request.transport.abort()
        if fate == "late":
            await asyncio.sleep(self.patience)
        return response

    def answer(self, path: str, body: Json) -> Any:
        method = path.rsplit("/", 1)[-1]
        if method != "editMessageReplyMarkup":
            self._offered(body)
        if method in FILES:
            return self._pictured(str(body["chat_id"]), method, body)
        if method == "editMessageText":
            refused = self._edit(str(body["chat_id"]), str(body["message_id"]), said(body), offered(body))
            if refused:
                return {"ok": False, "error_code": 400, "description": f"Bad Request: {refused}"}
            return super().answer(path, body)
        if method == "sendMessageDraft":
            self.drafts.append(Shown("telegram", str(body["chat_id"]), str(body["draft_id"]), [body["text"]]))
            return {"ok": True, "result": True}
        return self._changed(path, body)

    def _offered(self, body: Json) -> None:
        if rows := offered(body):
            self.buttons[str(body["chat_id"])] = rows[-1][0]["callback_data"]

    def _pictured(self, chat: str, method: str, body: Json) -> Any:
        """A file, or an album of some: its words are the names, without their endings."""
        names = self.calls[-1].files
        places = [m["media"] for m in orjson.loads(body["media"])] if method == "sendMediaGroup" else [body["photo"]]
        listed = [names[p.removeprefix("attach://")].rpartition(".")[0] for p in places]
        sent = [{"message_id": next(self.numbers), "date": 1, "chat": {"id": int(chat)}} for _ in listed]
        self._show("telegram", chat, str(sent[0]["message_id"]), " ".join(listed))
        return {"ok": True, "result": sent if method == "sendMediaGroup" else sent[0]}

    def _changed(self, path: str, body: Json) -> Any:
        method = path.rsplit("/", 1)[-1]
        if "findMessages" in path:
            return self._remembered(str(body["where"]["key"]["remoteJid"]).split("@")[0], body)
        if method == "editMessageReplyMarkup":
            return self._marked(body)
        found = super().answer(path, body)
        if method == "deleteMessage":
            # In place: others hold the list.
            gone = self._by_id.pop((str(body["chat_id"]), str(body["message_id"])), None)
            self.shown[:] = [s for s in self.shown if s is not gone]
        elif method in ("sendMessage", "sendRichMessage"):
            self._show("telegram", str(body["chat_id"]), str(found["result"]["message_id"]), said(body))
            self.shown[-1].buttons = offered(body)
        elif method == "send-text":
            self._show("zapi", body["phone"], found["messageId"], body["message"])
        elif method == "messages" and "status" not in body:
            said_in = body.get("interactive", {}).get("body") or {"text": body.get("text", {}).get("body", "")}
            words = body["template"]["name"] if body.get("type") == "template" else said_in["text"]
            self._show("kapso", body["to"], found["messages"][0]["id"], words)
        elif "sendText" in path:
            self._show("evolution", body["number"], found["key"]["id"], body["text"])
        return found

    def _marked(self, body: Json) -> Any:
        """Telegram tells a message whose buttons change."""
        there = self._by_id.get((str(body["chat_id"]), str(body["message_id"])))
        if there is not None and there.buttons != (asked := offered(body)):
            there.buttons = asked
            told = {"message_id": int(there.id), "date": 1, "chat": {"id": int(there.chat)}}
            told["text"] = TAGS.sub("", there.text)
            return {"ok": True, "result": told}
        words = "message is not modified" if there else "message to edit not found"
        return {"ok": False, "error_code": 400, "description": f"Bad Request: {words}"}

    def _remembered(self, phone: str, asked: Json) -> Any:
        """What an Evolution server keeps of a chat, newest first, page by page; what the person wrote is there too."""
        ours = [s for s in self.shown if (s.network, s.chat) == ("evolution", phone)]
        known = [_record(phone, "IN", "hello", False, time.monotonic())]
        known += [_record(s.chat, s.id, s.text, True, s.at) for s in reversed(ours)]
        size, page = int(asked["offset"]), int(asked["page"])
        records = known[size * (page - 1) : size * page]
        pages = -(-len(known) // size)
        return {"messages": {"total": len(known), "pages": pages, "currentPage": page, "records": records}}

    def _listed(self) -> Any:
        """What Kapso keeps of a number."""
        data = [
            {"id": s.id, "type": "text", "to": s.chat, "timestamp": "1", "text": {"body": s.text},
             "kapso": {"direction": "outbound", "status": "sent"}}
            for s in self.shown if s.network == "kapso"
        ]
        return {"data": data, "paging": {"cursors": {"before": "a", "after": "b"}}}

    def _edit(self, chat: str, id: str, text: str, buttons: Any) -> str | None:
        one = self._by_id.get((chat, id))
        if one is None:
            return "message to edit not found"
        if one.text == text:
            return "message is not modified"
        one.texts.append(text)
        one.buttons = buttons
        one.at = time.monotonic()
        return None

    def _show(self, network: str, chat: str, id: str, text: str) -> None:
        one = Shown(network, chat, id, [text])
        self.shown.append(one)
        self._by_id[chat, id] = one
        if self.heard is not None:
            self.heard(one)


def offered(body: Json) -> Any:
    """The rows of buttons that a call to Telegram puts below a message."""
    return orjson.loads(body.get("reply_markup") or "{}").get("inline_keyboard")


def said(body: Json) -> str:
    """What a call to Telegram shows: its text, or the blocks as they came."""
    return str(body["text"] if "text" in body else body["rich_message"])


def _record(phone: str, id: str, text: str, own: bool, at: float) -> Json:
    key = {"remoteJid": f"{phone}@s.whatsapp.net", "fromMe": own, "id": id}
    return {"id": id, "key": key, "messageType": "conversation", "message": {"conversation": text},
            "messageTimestamp": int(time.time() - time.monotonic() + at)}


def busy(path: str, seconds: int = 1) -> web.Response:
    """Too many requests, in the words of the network."""
    if "/bot" in path:
        words = {
            "ok": False,
            "error_code": 429,
            "description": "Too Many Requests",
            "parameters": {"retry_after": seconds},
        }
        return web.json_response(words, status=429)
    return web.json_response({"error": "slow down"}, status=429, headers={"Retry-After": str(seconds)})


def broken(path: str) -> web.Response:
    return web.json_response({"ok": False, "error_code": 500, "description": "Internal"}, status=500)


def refused(path: str) -> web.Response:
    """Never, in the words of the network."""
    if "/bot" in path:
        words = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
        return web.json_response(words, status=403)
    return web.json_response({"error": "Phone number does not exist"}, status=400)


REFUSALS = {"busy": busy, "broken": broken, "refused": refused}


def fates(*planned: str) -> Callable[[str], str]:
    """One fate after the other, then all is well."""
    left: Iterable[str] = iter(planned)
    return lambda _: next(iter(left), "ok")


@asynccontextmanager
async def serve(one: Ledger, port: int | None = None) -> AsyncIterator[None]:
    """Answer calls, at a port of one's own choice."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", one.handle)
    server = TestServer(app, handler_cancellation=True, port=port)
    await server.start_server()
    one.url = str(server.make_url("")).rstrip("/")
    try:
        yield
    finally:
        await server.close()


@asynccontextmanager
async def ledger() -> AsyncIterator[Ledger]:
    one = Ledger()
    async with serve(one):
        yield one
