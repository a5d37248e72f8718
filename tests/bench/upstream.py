"""Everything outside the hub at no delay, in one lean process: Telegram's API, a model, a bare webhook."""

import asyncio
import sys
import time
from collections import defaultdict
from typing import Any

import orjson
import uvloop
from aiohttp import web

SAID = "Aurora Home opens at nine and closes at six."
USAGE = {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}
WHOLE = orjson.dumps({
    "id": "c", "object": "chat.completion", "created": 1, "model": "fake-1", "usage": USAGE,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}],
})
HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "fake-1"}


def _event(**more: Any) -> bytes:
    return b"data: " + orjson.dumps({**HEAD, **more}) + b"\n\n"


STREAM = b"".join((
    _event(choices=[{"index": 0, "delta": {"role": "assistant", "content": SAID}, "finish_reason": None}]),
    _event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage=USAGE),
    b"data: [DONE]\n\n",
))


# Asked for by its length: an answer of as many events.
CHUNKS = 200
LONG = b"".join((
    _event(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]),
    *(_event(choices=[{"index": 0, "delta": {"content": f"word{n} "}, "finish_reason": None}]) for n in range(CHUNKS)),
    _event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], usage=USAGE),
    b"data: [DONE]\n\n",
))


# Chats from this number on: what is sent to them is not answered for so many seconds.
HANGING, HANGS = 90_000_000, 30.0


class Upstream:
    """`shown`: by chat, what people saw: [method, text, when]. `held`: calls that are not answered yet."""

    def __init__(self) -> None:
        self.held = 0
        self.shown: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
        self.numbers = 0

    async def hook(self, request: web.Request) -> web.Response:
        orjson.loads(await request.read())
        return web.Response()

    async def model(self, request: web.Request) -> web.Response:
        asked = orjson.loads(await request.read())
        if asked.get("stream"):
            body = LONG if asked.get("max_completion_tokens") == CHUNKS or asked.get("max_tokens") == CHUNKS else STREAM
            return web.Response(body=body, content_type="text/event-stream")
        return web.Response(body=WHOLE, content_type="application/json")

    async def telegram(self, request: web.Request) -> web.Response:
        now, method = time.monotonic(), request.match_info["method"]
        body = await self._fields(request)
        if method == "sendChatAction":
            return web.Response(body=b'{"ok":true,"result":true}', content_type="application/json")
        self.numbers += 1
        chat = str(body["chat_id"])
        if int(chat) >= HANGING:
            self.held += 1
            try:
                await asyncio.sleep(HANGS)
            finally:
                self.held -= 1
            return web.Response(status=504)
        self.shown[chat].append((method, body.get("text", ""), now))
        message = {"message_id": int(body.get("message_id") or self.numbers), "date": 1,
                   "chat": {"id": int(chat), "type": "private"}, "text": body.get("text", "")}
        return web.Response(body=orjson.dumps({"ok": True, "result": message}), content_type="application/json")

    @staticmethod
    async def _fields(request: web.Request) -> dict[str, Any]:
        if request.content_type == "application/json":
            found: dict[str, Any] = orjson.loads(await request.read())
            return found
        return {k: v for k, v in (await request.post()).items() if isinstance(v, str)}

    async def seen(self, request: web.Request) -> web.Response:
        """What was shown since the last call."""
        body, self.shown = orjson.dumps(self.shown), defaultdict(list)
        return web.Response(body=body, content_type="application/json")

    async def holding(self, request: web.Request) -> web.Response:
        return web.Response(text=str(self.held))

    async def counted(self, request: web.Request) -> web.Response:
        """How many chats have an answer."""
        answered = sum(any(text == SAID for _, text, _ in said) for said in self.shown.values())
        return web.Response(text=str(answered))


async def serve(port: int) -> None:
    upstream = Upstream()
    app = web.Application()
    app.router.add_post("/bot{token}/{method}", upstream.telegram)
    app.router.add_post("/v1/chat/completions", upstream.model)
    app.router.add_post("/hook", upstream.hook)
    app.router.add_get("/seen", upstream.seen)
    app.router.add_get("/counted", upstream.counted)
    app.router.add_get("/holding", upstream.holding)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as main:
        main.run(serve(int(sys.argv[1])))
